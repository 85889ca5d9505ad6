using MailEngine.ManageSieve.Commands;

namespace MailEngine.ManageSieve;

/// <summary>A command that was read whole.</summary>
internal abstract record ManageSieveCommand
{
    public abstract ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct);
}

/// <summary>Reads the arguments of a command.</summary>
internal delegate ManageSieveCommand CommandParser(ref CommandReader reader);

/// <param name="NeedsLogIn">Only after log-in.</param>
/// <param name="BeforeLogIn">Only before it.</param>
internal sealed record ManageSieveRow(string Name, bool NeedsLogIn, bool BeforeLogIn, CommandParser Parse);

/// <summary>All commands. RFC 5804 §2</summary>
internal static class ManageSieveCommandTable
{
    static readonly Dictionary<string, ManageSieveRow> s_rows = new ManageSieveRow[]
    {
        new("AUTHENTICATE", false, true, AuthenticateCommand.Parse),
        new("STARTTLS", false, true, StartTlsCommand.Parse),
        new("LOGOUT", false, false, LogoutCommand.Parse),
        new("CAPABILITY", false, false, CapabilityCommand.Parse),
        new("HAVESPACE", true, false, HaveSpaceCommand.Parse),
        new("PUTSCRIPT", true, false, PutScriptCommand.Parse),
        new("LISTSCRIPTS", true, false, ListScriptsCommand.Parse),
        new("SETACTIVE", true, false, SetActiveCommand.Parse),
        new("GETSCRIPT", true, false, GetScriptCommand.Parse),
        new("DELETESCRIPT", true, false, DeleteScriptCommand.Parse),
        new("RENAMESCRIPT", true, false, RenameScriptCommand.Parse),
        new("CHECKSCRIPT", true, false, CheckScriptCommand.Parse),
        new("NOOP", false, false, NoopCommand.Parse),
        new("UNAUTHENTICATE", true, false, UnauthenticateCommand.Parse),
    }.ToDictionary(row => row.Name, StringComparer.Ordinal);

    public static ManageSieveRow? Find(string name) => s_rows.GetValueOrDefault(name);
}
