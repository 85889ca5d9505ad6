using System.Buffers;
using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Sieve;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>Reports a message to somebody who deals with abuse, as a script wants: text for people, fields for programs, the message. RFC 5965 §2, RFC 6522 §3</summary>
/// <remarks>Auto-Submitted ends loops, and nobody reports to himself. Failures are told to nobody.</remarks>
static class ReportMessage
{
    const int MostHeaderBytes = 64 << 10;

    /// <summary>How long the same message is not reported again: as long as a client may try again that did not hear our answer.</summary>
    static readonly TimeSpan s_remembered = TimeSpan.FromDays(1);

    static readonly string s_program = $"MailAdmin/{Assembly.GetExecutingAssembly().GetName().Version?.ToString(2)}";

    /// <returns>Null: it is addressed to him whose script it is. Else the caller disposes its body.</returns>
    /// <exception cref="IOException">The message cannot be read, or the report not be written.</exception>
    public static AutomaticAnswer? Write(
        MailStore store, Envelope envelope, EnvelopeRecipient recipient, AccountEntry account, Body body, byte[] fingerprint, SieveAction.Report report, DateTimeOffset now)
    {
        if (account.Addresses.Any(own => own.Canonical == report.To.Canonical))
            return null;
        EmailAddress owner = account.Primary ?? recipient.Address;
        string key = MessageKey.Next(now), boundary = $"=_{key}_report";
        byte[] header = report.Header ?? HeaderOf(body);
        using var fields = new HeaderWriter();
        fields.Mailbox("From", "", owner.ToString()).Field("To", $"<{report.To}>").Text("Subject", $"Report: {SubjectIn(header)}").Date("Date", now)
            .Field("Message-ID", $"<{key}@{owner.Domain}>").Field("Auto-Submitted", "auto-generated").Field("MIME-Version", "1.0")
            .Field("Content-Type", $"multipart/report; report-type=feedback-report; boundary=\"{boundary}\"").End();
        using BodyWriter writer = store.NewBody();
        writer.Write(fields.Written);
        writer.Write(Encoding.UTF8.GetBytes($"--{boundary}\r\n"));
        using var first = new HeaderWriter();
        PlainText.Write(writer, first, report.Message);
        writer.Write(Encoding.UTF8.GetBytes($"\r\n--{boundary}\r\nContent-Type: message/feedback-report\r\n\r\n"));
        using var told = new HeaderWriter();
        told.Field("Feedback-Type", report.Type).Field("User-Agent", s_program).Field("Version", "1");   // RFC 5965 §3.1
        if (envelope.ReversePath is not null)
            told.Field("Original-Mail-From", $"<{envelope.ReversePathText}>");
        told.Field("Original-Rcpt-To", $"<{recipient.Address}>").Date("Arrival-Date", envelope.ReceivedAt);
        if (envelope.ClientAddress is { } client)
            told.Field("Source-IP", client.ToString());
        writer.Write(told.Written);
        writer.Write(Encoding.UTF8.GetBytes($"\r\n--{boundary}\r\nContent-Type: {(report.HeaderOnly ? "text/rfc822-headers" : "message/rfc822")}\r\nContent-Disposition: attachment\r\n\r\n"));
        if (report.HeaderOnly)
            writer.Write(header);
        else
            EditedMessage.CopyTo(writer, body, report);
        writer.Write(Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n"));
        string handle = "report " + Convert.ToHexString(SHA256.HashData([.. fingerprint, .. Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{body.Summary.MessageId}\n{envelope.ReversePathText}\n{report.Type.ToLowerInvariant()}"))]));
        return new AutomaticAnswer(AutomaticAnswer.Made, new AnswerKey(account.AccountId, report.To.Canonical, handle), now + s_remembered, writer.Complete(), new QueueEntry
        {
            MessageKey = key,
            ReversePath = envelope.ReversePath is null ? "" : owner.ToString(),
            Recipient = report.To,
            Parameters = QueueParameters.Write(SenderParameters.None with { Utf8 = owner.NeedsUtf8 || report.To.NeedsUtf8, EightBit = true }, new RecipientParameters(DsnNotify.Never, "")),
            QueuedAt = now,
            NextAttempt = now,
        });
    }

    static string SubjectIn(byte[] header)
    {
        string subject = EncodedWord.Decode(HeaderFieldReader.Find(header, "Subject"u8).Value).Trim();
        return subject.Length == 0 ? "a message" : subject.Length > 200 ? subject[..200] : subject;
    }

    /// <summary>Whole lines of it, without the empty one.</summary>
    static byte[] HeaderOf(Body body)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(MostHeaderBytes);
        try
        {
            ReadOnlySpan<byte> header = block.AsSpan(0, body.Read(0, block.AsSpan(0, MostHeaderBytes)));
            int end = header.StartsWith("\r\n"u8) ? -2 : header.IndexOf("\r\n\r\n"u8);
            return [.. end == -1 ? header[..(header.LastIndexOf((byte)'\n') + 1)] : header[..(end + 2)]];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
