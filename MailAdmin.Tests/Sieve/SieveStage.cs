using System.Text;
using MailEngine;
using MailEngine.Sieve;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailAdmin.Tests.Sieve;

/// <summary>Compiles and runs scripts, and tells in words what they do: "keep", "fileinto lists \Seen", "redirect a@example.org", "nothing", "fault: …".</summary>
static class SieveStage
{
    public static readonly SieveOptions Limits = new();

    public static readonly DateTimeOffset Now = new(2026, 7, 14, 15, 9, 26, TimeSpan.Zero);   // a Tuesday

    /// <summary>What an earlier run remembered: the unique id "seen" without a handle.</summary>
    static readonly string s_known = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData("0 seen"u8));

    public static readonly SieveSurroundings Usual = new()
    {
        WasSeen = key => key == s_known, MailboxExists = name => name == "Partners",
        Mailboxes = () => [new("INBOX", "F1-1", ""), new("Spam", "F1-2", "\\Junk"), new("Lists/New", "F1-3", "")],
        Annotation = (mailbox, entry) => (mailbox, entry) is ("INBOX", "/private/vendor/vendor.isode/auto-replies") ? "on" : (mailbox, entry) is (null, "/private/vendor/x") ? "ünï" : null,
        Verdicts = new("X-Spam-Score", 10, "X-Virus"), Wishes = new Dictionary<string, string> { ["notify"] = "FAILURE,DELAY", ["ret"] = "HDRS", ["envid"] = "QQ314159", ["orcpt"] = "rfc822;tim@example.com" }, EnvelopeFrom = "tim@example.com", EnvelopeTo = "me+lists@example.net", SubaddressSeparator = "+", Now = Now, Zone = TimeZoneInfo.Utc,
        Environment = new SieveEnvironment("example.net", "mail.example.net", "192.0.2.7") { User = "me@example.net", Configured = new Dictionary<string, string> { ["Tier_One"] = "gold" } },
    };

    public const string Hello = """
        Received: from a.example (a.example [192.0.2.1]) by b.example; Mon, 13 Jul 2026 09:30:00 +0200
        Received: from c.example by a.example; Sun, 12 Jul 2026 23:59:59 -0500
        Date: Tue, 14 Jul 2026 16:00:00 +0200
        From: "Coyote, W." <coyote@desert.example.org>
        To: Roadrunner <roadrunner@acme.example.com>, birds: a@x.example, b@y.example;
        Cc: me+lists@example.net
        Subject: =?utf-8?Q?I_have_a_pr=C3=A9sent?= for you
        X-Caffeine: C8H10N4O2
        Message-ID: <1@desert.example.org>

        Look, I'm sorry about the whole anvil
        thing.
        """;

    public static byte[] Bytes(string message) => Encoding.UTF8.GetBytes(message.ReplaceLineEndings("\r\n"));

    public static SieveCompilation Compile(string script, SieveOptions? limits = null) => SieveCompiler.Compile(Encoding.UTF8.GetBytes(script), limits ?? Limits);

    public static SieveProgram Program(string script, SieveOptions? limits = null)
    {
        SieveCompilation compilation = Compile(script, limits);
        Assert.True(compilation.Program is not null, string.Join('\n', compilation.Errors));
        return compilation.Program;
    }

    public static SieveOutcome Run(string script, string message = Hello, SieveSurroundings? surroundings = null, SieveOptions? limits = null) =>
        Interpreter.Run(Program(script, limits), MessageView.Of(Bytes(message)), surroundings ?? Usual, limits ?? Limits);

    /// <summary>What the script does, in words.</summary>
    public static string Does(string script, string message = Hello, SieveSurroundings? surroundings = null, SieveOptions? limits = null) =>
        Words(Run(script, message, surroundings, limits));

    public static string Words(SieveOutcome outcome)
    {
        if (outcome.Fault is not null)
        {
            Assert.Equal(SieveAction.Store.Inbox, Assert.IsType<SieveAction.Store>(Assert.Single(outcome.Actions)).Mailbox);
            return $"fault: {outcome.Fault}";
        }
        return outcome.Actions.Count == 0 ? "nothing" : string.Join("; ", outcome.Actions.Select(Word));
    }

    static string Word(SieveAction action) => action switch
    {
        SieveAction.Store { Mailbox: SieveAction.Store.Inbox } keep => With("keep", keep.Flags),
        SieveAction.Store store => With($"fileinto {store.Mailbox}", store.Flags),
        SieveAction.Redirect redirect => $"redirect {redirect.To}{(redirect.Reports is { } reports ? $" {reports}" : "")}{(redirect.Return is { } back ? $" {back}" : "")}",
        SieveAction.Reject reject => $"{(reject.InTheseWords ? "" : "e")}reject {reject.Reason}",
        SieveAction.Vacation vacation => $"vacation {vacation.Interval} {vacation.Subject}: {vacation.Reason}",
        SieveAction.Notify notify => $"notify {string.Join(',', notify.Target.To.Concat(notify.Target.Copies))} {notify.Importance}: {notify.Subject}",
        SieveAction.Report report => $"report {report.Type} {report.To}: {report.Message}{(report.HeaderOnly ? " (header)" : "")}",
        _ => action.ToString(),
    };

    static string With(string word, IReadOnlyList<string> flags) => flags.Count == 0 ? word : $"{word} {string.Join(' ', flags)}";

    /// <summary>Is a test true of <see cref="Hello"/>?</summary>
    public static bool Holds(string test, string require = "", string message = Hello)
    {
        string done = Does($"{require} if {test} {{ discard; }}", message);
        Assert.True(done is "nothing" or "keep", done);
        return done == "nothing";
    }
}
