using MailEngine.Flow;
using MailEngine.Lmtp.Commands;

namespace MailEngine.Lmtp;

/// <summary>A command line that was understood. One subclass, one file, one command.</summary>
abstract record LmtpCommand
{
    /// <summary>Does it and sends the replies.</summary>
    public abstract ValueTask RunAsync(LmtpSession session);
}

/// <summary>A command whose arguments are wrong.</summary>
sealed record RefusedCommand(Reply Reply) : LmtpCommand
{
    public override ValueTask RunAsync(LmtpSession session)
    {
        session.SendError(Reply);
        return ValueTask.CompletedTask;
    }
}

/// <summary>When a command is allowed.</summary>
[Flags]
enum LmtpState
{
    Any = 0,
    /// <summary>After LHLO.</summary>
    Greeted = 1,
    /// <summary>Outside a mail transaction.</summary>
    Idle = 2,
    /// <summary>After MAIL.</summary>
    Transaction = 4,
}

/// <summary>One command: its name, when it is allowed, how its arguments are read.</summary>
sealed record LmtpCommandRow(string Name, LmtpState State, Func<string, LmtpCommand> Parse);

/// <summary>All commands. RFC 2033 §4: those of SMTP, with LHLO in place of HELO and EHLO.</summary>
static class LmtpCommandTable
{
    static readonly Dictionary<string, LmtpCommandRow> s_rows = new LmtpCommandRow[]
    {
        new("LHLO", LmtpState.Any, LhloCommand.Parse),
        new("MAIL", LmtpState.Greeted | LmtpState.Idle, MailCommand.Parse),
        new("RCPT", LmtpState.Greeted | LmtpState.Transaction, RcptCommand.Parse),
        new("DATA", LmtpState.Greeted | LmtpState.Transaction, DataCommand.Parse),
        new("RSET", LmtpState.Any, RsetCommand.Parse),
        new("NOOP", LmtpState.Any, _ => new NoopCommand()),
        new("QUIT", LmtpState.Any, _ => new QuitCommand()),
    }.ToDictionary(r => r.Name, StringComparer.OrdinalIgnoreCase);

    static readonly Dictionary<string, LmtpCommandRow>.AlternateLookup<ReadOnlySpan<char>> s_find = s_rows.GetAlternateLookup<ReadOnlySpan<char>>();

    public static LmtpCommandRow? Find(ReadOnlySpan<char> verb) => s_find.TryGetValue(verb, out LmtpCommandRow? row) ? row : null;
}
