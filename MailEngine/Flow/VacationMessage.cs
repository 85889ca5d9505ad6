using System.Text;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>Writes the answer of somebody who is away. RFC 5230 §5, RFC 3834 §3</summary>
static class VacationMessage
{
    /// <summary>RFC 5322 §2.1.1: no line of text is longer, CRLF excluded.</summary>
    const int LongestLine = 998;

    public static void Write(BodyWriter to, string key, AccountEntry from, EmailAddress address, EmailAddress sender, VacationEntry vacation, AnsweredMessage about, DateTimeOffset now)
    {
        using var header = new HeaderWriter();
        header.Mailbox("From", from.DisplayName, address.ToString())
            .Field("To", $"<{sender}>")
            .Text("Subject", SubjectOf(vacation, about))
            .Date("Date", now)
            .Field("Message-ID", $"<{key}@{address.Domain}>");
        if (about.MessageId.Length > 0)
        {
            header.Field("In-Reply-To", about.MessageId);   // RFC 5230 §5.8
            header.Field("References", about.References.Length > 0 ? $"{about.References} {about.MessageId}" : about.MessageId);
        }
        // What keeps two machines from answering one another: RFC 3834 §5, and the field that Exchange looks at.
        header.Field("Auto-Submitted", "auto-replied").Field("X-Auto-Response-Suppress", "All").Field("MIME-Version", "1.0");
        string[] lines = vacation.Text.ReplaceLineEnds().Split('\n');
        bool plain = Array.TrueForAll(lines, line => line.Length <= LongestLine && Ascii.IsValid(line));
        header.Field("Content-Type", $"text/plain; charset={(plain ? "us-ascii" : "utf-8")}")
            .Field("Content-Transfer-Encoding", plain ? "7bit" : "base64")
            .End();
        to.Write(header.Written);
        string text = string.Join("\r\n", lines) + "\r\n";
        to.Write(Encoding.ASCII.GetBytes(plain ? text : InBase64(text)));
    }

    // RFC 5230 §5.3
    static string SubjectOf(VacationEntry vacation, AnsweredMessage about)
    {
        string subject = vacation.Subject.Length > 0 ? vacation.Subject : about.Subject.Length > 0 ? $"Auto: {about.Subject}" : "Automated reply";
        return subject.Length <= Vacation.MaxSubject ? subject : subject[..(char.IsHighSurrogate(subject[Vacation.MaxSubject - 1]) ? Vacation.MaxSubject - 1 : Vacation.MaxSubject)];
    }

    static string ReplaceLineEnds(this string text) => text.ReplaceLineEndings("\n").TrimEnd('\n');

    // RFC 2045 §6.8: lines of 76
    static string InBase64(string text)
    {
        string all = Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
        var lines = new StringBuilder(all.Length + (all.Length / 38) + 2);
        for (int at = 0; at < all.Length; at += 76)
            lines.Append(all, at, Math.Min(76, all.Length - at)).Append("\r\n");
        return lines.ToString();
    }
}
