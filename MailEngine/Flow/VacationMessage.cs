using System.Text;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Sieve;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>Writes the answer of somebody who is away. RFC 5230 §5, RFC 3834 §3</summary>
static class VacationMessage
{
    /// <param name="from">One at least, all addresses of the account.</param>
    public static void Write(BodyWriter to, string key, AccountEntry account, NamedAddress[] from, EmailAddress sender, AwayAnswer vacation, AnsweredMessage about, DateTimeOffset now)
    {
        using var header = new HeaderWriter();
        header.Mailboxes("From", [.. from.Select(one => (one.Name.Length > 0 ? one.Name : account.DisplayName, one.Address.ToString()))]);
        if (from.Length > 1)
            header.Mailbox("Sender", account.DisplayName, from[0].Address.ToString());   // RFC 5322 §3.6.2
        header.Field("To", $"<{sender}>")
            .Text("Subject", SubjectOf(vacation, about))
            .Date("Date", now)
            .Field("Message-ID", $"<{key}@{from[0].Address.Domain}>");
        if (about.MessageId.Length > 0)
        {
            header.Field("In-Reply-To", about.MessageId);   // RFC 5230 §5.8
            header.Field("References", about.References.Length > 0 ? $"{about.References} {about.MessageId}" : about.MessageId);
        }
        // What keeps two machines from answering one another: RFC 3834 §5, and the field that Exchange looks at.
        header.Field("Auto-Submitted", "auto-replied").Field("X-Auto-Response-Suppress", "All").Field("MIME-Version", "1.0");
        if (!vacation.IsMime)
        {
            PlainText.Write(to, header, vacation.Text);
            return;
        }
        to.Write(header.Written);   // what the text is, the script says. RFC 5230 §4.4
        string entity = vacation.Text.ReplaceLineEndings("\r\n");
        to.Write(Encoding.UTF8.GetBytes(entity.EndsWith("\r\n", StringComparison.Ordinal) ? entity : entity + "\r\n"));
    }

    // RFC 5230 §5.3
    static string SubjectOf(AwayAnswer vacation, AnsweredMessage about)
    {
        string subject = vacation.Subject.Length > 0 ? vacation.Subject : about.Subject.Length > 0 ? $"Auto: {about.Subject}" : "Automated reply";
        return subject.Length <= Vacation.MaxSubject ? subject : subject[..(char.IsHighSurrogate(subject[Vacation.MaxSubject - 1]) ? Vacation.MaxSubject - 1 : Vacation.MaxSubject)];
    }
}
