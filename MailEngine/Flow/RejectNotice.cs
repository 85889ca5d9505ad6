using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>Tells a sender that a script refused his message, in the words of the script: a disposition notification. RFC 5429 §2.2.1, RFC 8098 §3</summary>
/// <remarks>It carries the null reverse path, so nobody is ever told about it.</remarks>
static class RejectNotice
{
    /// <summary>How long the same message is not answered again: as long as a client may try again that did not hear our answer.</summary>
    static readonly TimeSpan s_remembered = TimeSpan.FromDays(1);

    const int MostHeaderBytes = 64 << 10;

    /// <param name="recipient">Who refuses it.</param>
    /// <exception cref="IOException">The message cannot be read, or the notice not be written.</exception>
    public static AutomaticAnswer Write(MailStore store, EmailAddress recipient, long accountId, EmailAddress sender, string reason, Body body, byte[] fingerprint, DateTimeOffset now)
    {
        string key = MessageKey.Next(now), boundary = $"=_{key}_notice";
        string messageId = body.Summary.MessageId is { Length: > 0 } id && Ascii.IsValid(id) && !id.Any(char.IsControl) ? $"<{id}>" : "";
        using var header = new HeaderWriter();
        header.Mailbox("From", "", recipient.ToString()).Field("To", $"<{sender}>").Text("Subject", "Message refused").Date("Date", now).Field("Message-ID", $"<{key}@{recipient.Domain}>");
        if (messageId.Length > 0)
            header.Field("In-Reply-To", messageId).Field("References", messageId);
        header.Field("Auto-Submitted", "auto-replied").Field("MIME-Version", "1.0")
            .Field("Content-Type", $"multipart/report; report-type=disposition-notification; boundary=\"{boundary}\"").End();
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        string words = $"Your message was refused by the mail filter of its recipient, <{recipient}>.\r\nThe reason given is:\r\n\r\n{reason.ReplaceLineEndings("\r\n").Trim()}\r\n";
        text.Append(Convert.ToBase64String(Encoding.UTF8.GetBytes(words), Base64FormattingOptions.InsertLineBreaks).ReplaceLineEndings("\r\n")).Append("\r\n");
        text.Append(CultureInfo.InvariantCulture, $"\r\n--{boundary}\r\nContent-Type: message/disposition-notification\r\n\r\nReporting-UA: {recipient.Domain}; MailAdmin (Sieve)\r\n");
        text.Append(CultureInfo.InvariantCulture, $"Final-Recipient: {(recipient.NeedsUtf8 ? "utf-8" : "rfc822")}; {recipient}\r\n");
        if (messageId.Length > 0)
            text.Append(CultureInfo.InvariantCulture, $"Original-Message-ID: {messageId}\r\n");
        text.Append(CultureInfo.InvariantCulture, $"Disposition: automatic-action/MDN-sent-automatically; deleted\r\n\r\n--{boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\n");
        using BodyWriter writer = store.NewBody();
        writer.Write(header.Written);
        writer.Write(Encoding.UTF8.GetBytes(text.ToString()));
        CopyHeader(body, writer);
        writer.Write(Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n"));
        string handle = "reject " + Convert.ToHexString(SHA256.HashData([.. fingerprint, .. Encoding.UTF8.GetBytes($"{body.Summary.MessageId}\n{recipient.Canonical}")]));
        return new AutomaticAnswer(AutomaticAnswer.Made, new AnswerKey(accountId, sender.Canonical, handle), now + s_remembered, writer.Complete(), new QueueEntry
        {
            MessageKey = key,
            ReversePath = "",   // RFC 8098 §3
            Recipient = sender,
            Parameters = QueueParameters.Write(SenderParameters.None with { Utf8 = recipient.NeedsUtf8 || sender.NeedsUtf8, EightBit = true }, new RecipientParameters(DsnNotify.Never, "")),
            QueuedAt = now,
            NextAttempt = now,
        });
    }

    static void CopyHeader(Body body, BodyWriter to)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(MostHeaderBytes);
        try
        {
            ReadOnlySpan<byte> header = block.AsSpan(0, body.Read(0, block.AsSpan(0, MostHeaderBytes)));
            int end = header.IndexOf("\r\n\r\n"u8);
            to.Write(end < 0 ? header[..(header.LastIndexOf((byte)'\n') + 1)] : header[..(end + 2)]);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
