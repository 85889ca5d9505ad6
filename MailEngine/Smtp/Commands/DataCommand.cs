using MailEngine.Flow;

namespace MailEngine.Smtp.Commands;

/// <summary>DATA: takes the message over, or not; there is nothing in between.</summary>
/// <remarks>RFC 5321 §4.1.1.4. After the 250 the message is ours: it is on disk, in mailboxes and queue (§6.1).</remarks>
sealed record DataCommand : SmtpCommand
{
    static readonly Reply s_noRecipients = new(554, "5.5.1", "No valid recipients");

    public static SmtpCommand Parse(string argument) =>
        argument.Length == 0 ? new DataCommand() : new RefusedCommand(Reply.SyntaxError);

    public override async ValueTask RunAsync(SmtpSession session)
    {
        Transaction transaction = session.Transaction!;
        if (transaction.Recipients.Count == 0)
        {
            session.SendError(s_noRecipients);
            return;
        }
        // Switched off between MAIL and here: what is not taken yet is not taken.
        if (session.Account is { } who && await MailCommand.MayGoOnAsync(session, who) is { } ended)
        {
            session.Close(ended);
            return;
        }
        session.Transaction = null;
        Envelope envelope = EnvelopeOf(session, transaction);
        if (await session.Conversation.ReceiveAsync(session.Services.Reception, envelope, session.Account, queueFaults: true) is { } replies)
            session.Send(ReplyFor(replies, envelope.MessageKey));
    }

    static Envelope EnvelopeOf(SmtpSession session, Transaction transaction)
    {
        DateTimeOffset now = session.Services.Clock.GetUtcNow();
        var envelope = new Envelope
        {
            MessageKey = MessageKey.Next(now),
            ReversePath = transaction.ReversePath,
            Parameters = transaction.Parameters,
            AccountId = session.Account?.AccountId ?? 0,
            With = session.With,
            ClientName = session.ClientName ?? "",
            ClientAddress = session.Connection.Remote?.Address,
            Tls = session.Connection.Tls,
            ReceivedAt = now,
        };
        envelope.Recipients.AddRange(transaction.Recipients);
        return envelope;
    }

    // One reply for all: as soon as one recipient is served the message is ours. Else the refusal that passes soonest.
    static Reply ReplyFor(Reply[] replies, string messageKey)
    {
        Reply? worst = null;
        foreach (Reply reply in replies)
        {
            if (reply.IsPositive)
                return new Reply(250, "2.0.0", $"Ok: queued as {messageKey}");
            if (worst is null || (worst.IsPermanent && reply.IsTransient))
                worst = reply;
        }
        return worst!;
    }
}
