using MailEngine.Addresses;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>report [":headers_only"] feedback-type message recipient. The extension vnd.dovecot.report of the Pigeonhole project.</summary>
internal sealed class ReportCommand(bool headerOnly, ScriptString type, ScriptString message, ScriptString recipient) : SieveCommand
{
    /// <summary>Octets of the text for people.</summary>
    const int LongestMessage = 16 << 10;

    public static SieveCommand Parse(Arguments arguments)
    {
        bool headerOnly = arguments.Flag("headers_only");
        ScriptString type = arguments.String("the kind of the report"), message = arguments.String("the message"), recipient = arguments.String("the address");
        if (type.Constant is { } constant && !IsToken(constant))
            arguments.Script.Error(type.Offset, "The kind of a report is one word, such as \"abuse\" or \"not-spam\".");
        if (recipient.Constant is { } address && SieveAddress.Parse(address) is null)
            arguments.Script.Error(recipient.Offset, "This is no mail address such as jo@example.org.");
        return new ReportCommand(headerOnly, type, message, recipient);
    }

    public override void Run(SieveRun run)
    {
        run.Charge(20);
        string kind = type.Get(run);
        if (!IsToken(kind))
            throw new SieveFaultException("report has a kind that is not one word");
        EmailAddress to = SieveAddress.Parse(recipient.Get(run)) ?? throw new SieveFaultException("report has an address that is none");
        if (!run.IsAutomatic)
            run.Report(new SieveAction.Report(kind, Octets.ToText(Octets.Cut(message.Get(run), LongestMessage)), to, headerOnly));
    }

    // token (RFC 2045 §5.1)
    static bool IsToken(string text) => text.Length is > 0 and <= 100 && text.All(c => c is > ' ' and < '\x7F' && !"()<>@,;:\\\"/[]?=".Contains(c, StringComparison.Ordinal));
}
