using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Sieve;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>A copy of a message that a script sends on, with a field that names whose script it was. RFC 5228 §4.2</summary>
/// <remarks>The field ends loops: a script does not send on what it sent on before. The copy keeps the reverse path, or has one of ours (<see cref="SenderRewriting"/>), and goes by the queue, to
/// people here too, so that their scripts see it like any other mail.</remarks>
static class RedirectMessage
{
    /// <summary>Also the field of other servers, whose redirects end here as well.</summary>
    const string Field = "X-Sieve-Redirected-From";

    /// <summary>How long the same message is not sent on to the same address again: as long as a client may try again that did not hear our answer.</summary>
    static readonly TimeSpan s_remembered = TimeSpan.FromDays(1);

    const int PieceBytes = 64 << 10;

    /// <summary>True: the account's script sent this message on before, here it is again.</summary>
    public static bool IsLoop(Body body, EmailAddress account)
    {
        byte[] header = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            var fields = new HeaderFieldReader(header.AsSpan(0, body.Read(0, header.AsSpan(0, PieceBytes))));
            while (fields.MoveNext())
            {
                if (fields.Current.Is("X-Sieve-Redirected-From"u8) && Ascii.EqualsIgnoreCase(fields.Current.Value, Encoding.UTF8.GetBytes(account.Canonical)))
                    return true;
            }
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(header);
        }
    }

    /// <param name="senders">Null: the reverse path stays as it is.</param>
    /// <exception cref="IOException">The message cannot be read, or the copy not be written.</exception>
    public static AutomaticAnswer Write(MailStore store, SenderRewriting? senders, Envelope envelope, EnvelopeRecipient recipient, AccountEntry account, Body body, byte[] fingerprint, SieveAction.Redirect redirect,
        DateTimeOffset now)
    {
        string own = (account.Primary ?? recipient.Address).Canonical;
        using BodyWriter writer = store.NewBody();
        writer.Write(Encoding.UTF8.GetBytes($"{Field}: {own}\r\n"));
        EditedMessage.CopyTo(writer, body, redirect);
        SenderParameters wishes = redirect.Return is null ? envelope.Parameters : envelope.Parameters with { Return = redirect.Return };
        DsnNotify reports = redirect.Reports is null ? recipient.Parameters.Notify : RecipientParameters.NotifyOf(redirect.Reports);   // RFC 6009 §4
        string key = MessageKey.Next(now);
        // The fingerprint names the bytes, so that a second try of the client leads to no second copy.
        string handle = "redirect " + Convert.ToHexString(SHA256.HashData([.. fingerprint, .. Encoding.UTF8.GetBytes($"{body.Summary.MessageId}\n{envelope.ReversePathText}\n{own}")]));
        string reversePath = senders?.Rewrite(envelope.ReversePath, account.Primary ?? recipient.Address, redirect.To) ?? envelope.ReversePathText;
        // An address of ours is no business of the client's. What the script has changed proves nothing any more: signatures do not hold.
        Origin? origin = reversePath != envelope.ReversePathText ? null : redirect.Header is null ? envelope.Origin : envelope.Origin is null ? null : new Origin(null, "");
        return new AutomaticAnswer(AutomaticAnswer.Made, new AnswerKey(account.AccountId, redirect.To.Canonical, handle), now + s_remembered, writer.Complete(), new QueueEntry
        {
            MessageKey = key,
            ReversePath = reversePath,
            Recipient = redirect.To,
            Parameters = QueueParameters.Write(wishes, new RecipientParameters(reports, ""), origin),
            QueuedAt = now,
            NextAttempt = now,
        });
    }
}
