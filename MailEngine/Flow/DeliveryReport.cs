using System.Buffers;
using System.Globalization;
using System.Text;
using MailEngine.Addresses;
using MailEngine.Checks;
using MailEngine.Net;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>What is told of a recipient. RFC 3464 §2.3.3</summary>
enum ReportAction { Failed, Delayed, Delivered, Relayed, Expanded }

/// <summary>One recipient of a report.</summary>
/// <param name="RemoteHost">Who said so; empty: we.</param>
/// <param name="RetryUntil">For delayed ones: when we give up.</param>
sealed record ReportedRecipient(
    EmailAddress Address, RecipientParameters Parameters, ReportAction Action, Reply Reply, string RemoteHost, DateTimeOffset? RetryUntil);

/// <summary>The message that a report is about.</summary>
/// <param name="ReversePath">Who is told; empty: nobody.</param>
/// <param name="Read">Reads its octets from an offset on.</param>
sealed record ReportSubject(
    string MessageKey, string ReversePath, SenderParameters Sender, DateTimeOffset ArrivedAt, long Length, MessageOctets Read)
{
    /// <summary>Null: the sender is known.</summary>
    public Origin? Origin { get; init; }

    public static ReportSubject Of(QueueEntry row, MessageReader message) => new(
        row.MessageKey, row.ReversePath, QueueParameters.Read(row.Parameters).Sender, row.QueuedAt, message.Length, message.Read)
    {
        Origin = QueueParameters.ReadOrigin(row),
    };

    public static ReportSubject Of(Envelope envelope, Body body) => new(
        envelope.MessageKey, envelope.ReversePathText, envelope.Parameters, envelope.ReceivedAt, body.Length, body.Read)
    {
        Origin = envelope.Origin,
    };
}

/// <summary>Writes delivery status notifications: text for people, fields for programs, the header of the message.</summary>
/// <remarks>RFC 3464 (the fields), RFC 6522 §3 (multipart/report), RFC 3461 §6 (what a sender may ask for). A report goes to the reverse
/// path and carries the null one, so no report is ever made about it: RFC 5321 §4.5.5.</remarks>
sealed class DeliveryReport(ServerName hostname)
{
    const int MostHeaderBytes = 64 << 10;

    /// <summary>Writes the whole report.</summary>
    /// <param name="to">The sender of the message it is about.</param>
    public void Write(
        BodyWriter body, string reportKey, EmailAddress to, ReportSubject about, IReadOnlyList<ReportedRecipient> recipients, DateTimeOffset now)
    {
        string boundary = $"=_{reportKey}_report";
        ReportAction action = recipients[0].Action;
        var text = new StringBuilder();
        text.Append("From: Mail Delivery System <mailer-daemon@").Append(hostname).Append(">\r\n");
        text.Append("To: <").Append(to).Append(">\r\n");
        text.Append("Subject: ").Append(SubjectOf(action)).Append("\r\n");
        text.Append("Date: ").Append(MailDate.Format(now)).Append("\r\n");
        text.Append("Message-ID: <").Append(reportKey).Append('@').Append(hostname).Append(">\r\n");
        text.Append("Auto-Submitted: auto-replied\r\n");   // RFC 3834 §5
        text.Append("MIME-Version: 1.0\r\n");
        text.Append("Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"").Append(boundary).Append("\"\r\n");
        text.Append("\r\nThis is a report in MIME format.\r\n\r\n--").Append(boundary).Append("\r\n");
        WriteForPeople(text, action, about.MessageKey, recipients);
        text.Append("\r\n--").Append(boundary).Append("\r\n");
        WriteForPrograms(text, about.Sender, about.ArrivedAt, recipients);
        text.Append("\r\n--").Append(boundary).Append("\r\n");
        bool whole = action == ReportAction.Failed && about.Sender.Return == "FULL";   // RFC 3461 §6.2: RET is about failures only
        text.Append(whole ? "Content-Type: message/rfc822\r\n\r\n" : "Content-Type: text/rfc822-headers\r\n\r\n");
        body.Write(Encoding.UTF8.GetBytes(text.ToString()));
        CopyOriginal(about, whole, body);
        body.Write(Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n"));
    }

    static string SubjectOf(ReportAction action) => action switch
    {
        ReportAction.Failed => "Undelivered mail returned to sender",
        ReportAction.Delayed => "Delayed mail (still being tried)",
        _ => "Successful mail delivery report",
    };

    void WriteForPeople(StringBuilder text, ReportAction action, string messageKey, IReadOnlyList<ReportedRecipient> recipients)
    {
        text.Append("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
        text.Append("This is the mail system at ").Append(hostname).Append(".\r\n\r\n");
        text.Append(action switch
        {
            ReportAction.Failed => "Your message could not be delivered to:\r\n",
            ReportAction.Delayed => "Your message has not been delivered yet. You need not send it again;\r\nthe mail system goes on trying. It is for:\r\n",
            _ => "Your message was delivered, as you asked to be told, to:\r\n",
        });
        foreach (ReportedRecipient recipient in recipients)
        {
            text.Append("\r\n  <").Append(recipient.Address).Append(">\r\n");
            if (recipient.Action == ReportAction.Relayed)
                text.Append("    handed to a server that gives no further reports\r\n");
            if (recipient.Reply.Words is { } words)
            {
                text.Append("    The mail filter of the recipient refused your message. The reason given is:\r\n");   // RFC 5429 §2.1.2
                foreach (string line in words.Split('\n'))
                    text.Append("    ").Append(line).Append("\r\n");
            }
            else if (recipient.Reply.Text.Length > 0)
            {
                text.Append("    ").Append(recipient.RemoteHost.Length > 0 ? $"{recipient.RemoteHost} said: " : "")
                    .Append(recipient.Reply).Append("\r\n");
            }
            if (recipient.RetryUntil is { } until)
                text.Append("    tried until ").Append(MailDate.Format(until)).Append("\r\n");
        }
        text.Append("\r\nThe id of your message here is ").Append(messageKey).Append(".\r\n");
    }

    void WriteForPrograms(StringBuilder text, SenderParameters sender, DateTimeOffset queuedAt, IReadOnlyList<ReportedRecipient> recipients)
    {
        text.Append("Content-Type: message/delivery-status\r\n\r\n");
        if (sender.EnvelopeId.Length > 0)
            text.Append("Original-Envelope-Id: ").Append(Field(EsmtpWords.FromXtext(sender.EnvelopeId))).Append("\r\n");
        text.Append("Reporting-MTA: dns; ").Append(hostname).Append("\r\n");
        text.Append("Arrival-Date: ").Append(MailDate.Format(queuedAt)).Append("\r\n");
        foreach (ReportedRecipient recipient in recipients)
        {
            text.Append("\r\n");
            if (recipient.Parameters.OriginalRecipient is { Length: > 0 } orcpt)
            {
                int semicolon = orcpt.IndexOf(';', StringComparison.Ordinal);
                text.Append("Original-Recipient: ").Append(orcpt[..semicolon]).Append("; ")
                    .Append(Field(EsmtpWords.FromXtext(orcpt[(semicolon + 1)..]))).Append("\r\n");
            }
            text.Append("Final-Recipient: ").Append(AddressField(recipient.Address)).Append("\r\n");
            text.Append("Action: ").Append(recipient.Action.ToString().ToLowerInvariant()).Append("\r\n");
            text.Append("Status: ").Append(StatusOf(recipient)).Append("\r\n");
            if (recipient.RemoteHost.Length > 0)
            {
                text.Append("Remote-MTA: dns; ").Append(recipient.RemoteHost).Append("\r\n");
                text.Append("Diagnostic-Code: smtp; ").Append(Field(recipient.Reply.ToString())).Append("\r\n");
            }
            else if (recipient.Reply.Text.Length > 0)
            {
                text.Append("Diagnostic-Code: x-mailadmin; ").Append(Field(recipient.Reply.Text)).Append("\r\n");
            }
            if (recipient.RetryUntil is { } until)
                text.Append("Will-Retry-Until: ").Append(MailDate.Format(until)).Append("\r\n");
        }
    }

    // RFC 3464 §2.3.4: always there; made from the reply code when the server gave none.
    static string StatusOf(ReportedRecipient recipient)
    {
        char wanted = recipient.Action switch { ReportAction.Failed => '5', ReportAction.Delayed => '4', _ => '2' };
        string status = recipient.Reply.Status;
        return status.Length > 0 && status[0] == wanted ? status : status.Length > 2 ? $"{wanted}{status[1..]}" : $"{wanted}.0.0";
    }

    // RFC 6533 §3: an address that ASCII cannot write goes as utf-8-addr-xtext.
    static string AddressField(EmailAddress address)
    {
        if (!address.NeedsUtf8)
            return $"rfc822; {address}";
        var text = new StringBuilder("utf-8; ");
        foreach (Rune rune in address.ToString().EnumerateRunes())
        {
            if (rune.Value is > ' ' and < 0x7F and not ('\\' or '+' or '='))
                text.Append((char)rune.Value);
            else
                text.Append(CultureInfo.InvariantCulture, $"\\x{{{rune.Value:X2}}}");
        }
        return text.ToString();
    }

    static string Field(string text) => Reply.Clean(text);

    // The sender hears of a message also when its octets are lost (S5); the report then goes without them.
    static int ReadOrNothing(ReportSubject original, long offset, Span<byte> to)
    {
        try
        {
            return original.Read(offset, to);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    static void CopyOriginal(ReportSubject original, bool whole, BodyWriter body)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(MostHeaderBytes);
        try
        {
            if (!whole)
            {
                int read = ReadOrNothing(original, 0, block.AsSpan(0, (int)Math.Min(MostHeaderBytes, original.Length)));
                int end = block.AsSpan(0, read).IndexOf("\r\n\r\n"u8);
                body.Write(block.AsSpan(0, end < 0 ? read : end + 2));
                return;
            }
            for (long at = 0; at < original.Length;)
            {
                int read = ReadOrNothing(original, at, block.AsSpan(0, (int)Math.Min(block.Length, original.Length - at)));
                if (read == 0)
                    return;
                body.Write(block.AsSpan(0, read));
                at += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
