using System.Security.Cryptography;
using System.Text;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Sieve;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>Tells somebody by mail that a message has come, as a script wants. RFC 5436 §2.7</summary>
/// <remarks>Auto-Submitted ends loops: notify passes over messages that have it. Failures are told to nobody (RFC 5435 §3.8).</remarks>
static class NotifyMessage
{
    /// <summary>How long the same message is not told to the same address again: as long as a client may try again that did not hear our answer.</summary>
    static readonly TimeSpan s_remembered = TimeSpan.FromDays(1);

    /// <returns>One for each address; the caller disposes their bodies.</returns>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static IEnumerable<AutomaticAnswer> Write(
        MailStore store, Envelope envelope, EnvelopeRecipient recipient, AccountEntry account, Body body, byte[] fingerprint, SieveAction.Notify notify, DateTimeOffset now)
    {
        EmailAddress owner = account.Primary ?? recipient.Address;
        // Nobody writes in the name of somebody else: another address than his own is passed over. RFC 5435 §3.3
        EmailAddress from = notify.From is { } wanted && account.Addresses.Any(own => own.Canonical == wanted.Canonical) ? wanted : owner;
        string key = MessageKey.Next(now);
        using var header = new HeaderWriter();
        header.Field("Auto-Submitted", $"auto-notified; owner-email=\"{owner}\"").Date("Date", now).Field("Message-ID", $"<{key}@{owner.Domain}>").Mailbox("From", "", from.ToString());
        if (notify.Target.To.Count > 0)
            header.Field("To", string.Join(", ", notify.Target.To.Select(to => $"<{to}>")));
        if (notify.Target.Copies.Count > 0)
            header.Field("Cc", string.Join(", ", notify.Target.Copies.Select(to => $"<{to}>")));
        header.Text("Subject", notify.Subject ?? SubjectOf(body, notify.Header));
        if (body.Summary.MessageId is { Length: > 0 } id && Ascii.IsValid(id) && !id.Any(c => char.IsControl(c) || c == ' '))
            header.Field("References", $"<{id}>");
        if (notify.Importance != 2)
            header.Field("Importance", notify.Importance == 1 ? "high" : "low");
        foreach ((string name, string value) in notify.Target.Fields)
            header.Text(name, value);
        header.Field("MIME-Version", "1.0");
        string words = string.Join('\n', notify.Subject, notify.Target.Text, from.Canonical);
        string handle = "notify " + Convert.ToHexString(SHA256.HashData([.. fingerprint, .. Encoding.UTF8.GetBytes($"{body.Summary.MessageId}\n{envelope.ReversePathText}\n{words}")]));
        byte[] fields = header.Written.ToArray();
        Deposit? copy = FiledCopy.Of(notify.Fcc, account, store, now);
        foreach (EmailAddress to in notify.Target.To.Concat(notify.Target.Copies).Distinct())
        {
            using BodyWriter writer = store.NewBody();
            writer.Write(fields);
            using var rest = new HeaderWriter();
            PlainText.Write(writer, rest, notify.Target.Text);
            yield return new AutomaticAnswer(AutomaticAnswer.Made, new AnswerKey(account.AccountId, to.Canonical, handle), now + s_remembered, writer.Complete(), new QueueEntry
            {
                MessageKey = key,
                ReversePath = envelope.ReversePath is null ? "" : from.ToString(),   // RFC 5436 §2.7
                Recipient = to,
                Parameters = QueueParameters.Write(SenderParameters.None with { Utf8 = from.NeedsUtf8 || to.NeedsUtf8 || owner.NeedsUtf8 }, new RecipientParameters(DsnNotify.Never, "")),
                QueuedAt = now,
                NextAttempt = now,
            })
            {
                Filed = copy,
            };
            copy = null;   // one for all of them
        }
    }

    static string SubjectOf(Body body, byte[]? edited)
    {
        ReadOnlySpan<byte> header = edited;
        if (edited is null)
        {
            var block = new byte[64 << 10];
            header = block.AsSpan(0, body.Read(0, block));
        }
        string subject = EncodedWord.Decode(HeaderFieldReader.Find(header, "Subject"u8).Value).Trim();
        return subject.Length is > 0 and <= 900 ? subject : subject.Length > 900 ? subject[..900] : "New message";
    }
}
