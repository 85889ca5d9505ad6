using MailEngine.Pop3.Commands;

namespace MailEngine.Pop3;

/// <summary>A command that was read whole.</summary>
internal abstract record Pop3Command
{
    public abstract ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct);
}

/// <summary>When a command may be given. RFC 1939 §3</summary>
[Flags]
internal enum Pop3State
{
    Authorization = 1,
    Transaction = 2,
    Both = Authorization | Transaction,
}

/// <summary>Reads the arguments of a command.</summary>
internal delegate Pop3Command Pop3Parser(ref Pop3Reader reader);

internal sealed record Pop3Row(string Name, Pop3State States, Pop3Parser Parse);

/// <summary>All commands. RFC 1939 §9, RFC 2449 §5, RFC 2595 §4, RFC 5034 §4, RFC 6856 §2</summary>
internal static class Pop3CommandTable
{
    static readonly Dictionary<uint, Pop3Row> s_rows = new Pop3Row[]
    {
        new("USER", Pop3State.Authorization, UserCommand.Parse),
        new("PASS", Pop3State.Authorization, PassCommand.Parse),
        new("APOP", Pop3State.Authorization, ApopCommand.Parse),
        new("AUTH", Pop3State.Authorization, AuthCommand.Parse),
        new("STLS", Pop3State.Authorization, StlsCommand.Parse),
        new("UTF8", Pop3State.Authorization, Utf8Command.Parse),
        new("CAPA", Pop3State.Both, CapaCommand.Parse),
        new("LANG", Pop3State.Both, LangCommand.Parse),
        new("NOOP", Pop3State.Transaction, NoopCommand.Parse),
        new("STAT", Pop3State.Transaction, StatCommand.Parse),
        new("LIST", Pop3State.Transaction, ListCommand.Parse),
        new("UIDL", Pop3State.Transaction, UidlCommand.Parse),
        new("RETR", Pop3State.Transaction, RetrCommand.Parse),
        new("TOP", Pop3State.Transaction, TopCommand.Parse),
        new("DELE", Pop3State.Transaction, DeleCommand.Parse),
        new("RSET", Pop3State.Transaction, RsetCommand.Parse),
        new("QUIT", Pop3State.Both, QuitCommand.Parse),
    }.ToDictionary(row => Pop3Reader.VerbOf(row.Name));

    public static Pop3Row? Find(uint verb) => s_rows.GetValueOrDefault(verb);
}
