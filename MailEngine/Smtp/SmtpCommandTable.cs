using MailEngine.Smtp.Commands;

namespace MailEngine.Smtp;

/// <summary>When a command is allowed.</summary>
[Flags]
enum SmtpState
{
    Any = 0,
    /// <summary>After HELO or EHLO. RFC 5321 §4.1.4</summary>
    Greeted = 1,
    /// <summary>On a submission port only after AUTH. RFC 6409 §4.3</summary>
    LoggedIn = 2,
    /// <summary>Outside a mail transaction.</summary>
    Idle = 4,
    /// <summary>After MAIL.</summary>
    Transaction = 8,
}

/// <summary>One command: its name, when it is allowed, how its arguments are read.</summary>
sealed record SmtpCommandRow(string Name, SmtpState State, Func<string, SmtpCommand> Parse);

/// <summary>All commands. RFC 5321 §4.1.1</summary>
static class SmtpCommandTable
{
    static readonly Dictionary<string, SmtpCommandRow> s_rows = new SmtpCommandRow[]
    {
        new("HELO", SmtpState.Any, a => HelloCommand.Parse(a, extended: false)),
        new("EHLO", SmtpState.Any, a => HelloCommand.Parse(a, extended: true)),
        new("STARTTLS", SmtpState.Greeted | SmtpState.Idle, StartTlsCommand.Parse),
        new("AUTH", SmtpState.Greeted | SmtpState.Idle, AuthCommand.Parse),
        new("MAIL", SmtpState.Greeted | SmtpState.LoggedIn | SmtpState.Idle, MailCommand.Parse),
        new("RCPT", SmtpState.Greeted | SmtpState.LoggedIn | SmtpState.Transaction, RcptCommand.Parse),
        new("DATA", SmtpState.Greeted | SmtpState.LoggedIn | SmtpState.Transaction, DataCommand.Parse),
        new("RSET", SmtpState.Any, RsetCommand.Parse),
        new("NOOP", SmtpState.Any, _ => new NoopCommand()),
        new("VRFY", SmtpState.Greeted, VrfyCommand.Parse),
        new("HELP", SmtpState.Any, _ => new HelpCommand()),
        new("QUIT", SmtpState.Any, QuitCommand.Parse),
    }.ToDictionary(r => r.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>What a web browser, or somebody who uses one, says on our port: attack case A5.</summary>
    static readonly HashSet<string> s_forbidden = new(StringComparer.OrdinalIgnoreCase)
    {
        "GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH", "TRACE", "PRI", "HOST:",
    };

    static readonly Dictionary<string, SmtpCommandRow>.AlternateLookup<ReadOnlySpan<char>> s_find = s_rows.GetAlternateLookup<ReadOnlySpan<char>>();
    static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> s_findForbidden = s_forbidden.GetAlternateLookup<ReadOnlySpan<char>>();

    public static SmtpCommandRow? Find(ReadOnlySpan<char> verb) => s_find.TryGetValue(verb, out SmtpCommandRow? row) ? row : null;

    public static bool IsForbidden(ReadOnlySpan<char> verb) => s_findForbidden.Contains(verb);
}
