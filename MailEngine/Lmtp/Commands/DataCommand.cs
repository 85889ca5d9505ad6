using MailEngine.Flow;

namespace MailEngine.Lmtp.Commands;

/// <summary>DATA: takes the message in and answers for each recipient, in the order of the RCPT commands.</summary>
/// <remarks>RFC 2033 §4.2: one reply for each recipient that RCPT took; without any, 503 to DATA itself.</remarks>
sealed record DataCommand : LmtpCommand
{
    static readonly Reply s_noRecipients = new(503, "5.5.1", "No valid recipients");

    public static LmtpCommand Parse(string argument) =>
        argument.Length == 0 ? new DataCommand() : new RefusedCommand(Reply.SyntaxError);

    public override async ValueTask RunAsync(LmtpSession session)
    {
        Transaction transaction = session.Transaction!;
        if (transaction.Recipients.Count == 0)
        {
            session.SendError(s_noRecipients);
            return;
        }
        session.Transaction = null;
        DateTimeOffset now = session.Services.Clock.GetUtcNow();
        var envelope = new Envelope
        {
            MessageKey = MessageKey.Next(now),
            ReversePath = transaction.ReversePath,
            Parameters = transaction.Parameters,
            With = session.Connection.IsTls ? TransmissionType.Lmtps : TransmissionType.Lmtp,
            ClientName = session.ClientName ?? "",
            ClientAddress = session.Connection.Remote?.Address,
            Tls = session.Connection.Tls,
            ReceivedAt = now,
        };
        envelope.Recipients.AddRange(transaction.Recipients);
        if (await session.Conversation.ReceiveAsync(session.Services.Reception, envelope, sender: null, queueFaults: false) is not { } replies)
            return;
        Reply? delivered = null;
        foreach (Reply reply in replies)
            session.Send(reply.IsPositive ? delivered ??= new Reply(250, "2.0.0", $"Ok: delivered as {envelope.MessageKey}") : reply);
    }
}
