using MailEngine.Accounts;

namespace MailEngine.ManageSieve.Commands;

/// <summary>LISTSCRIPTS: names of all scripts, the active one marked.</summary>
/// <remarks>RFC 5804 §2.7</remarks>
internal sealed record ListScriptsCommand : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new ListScriptsCommand();

    public override async ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct)
    {
        foreach (ScriptInfo script in await session.Scripts.ListAsync(session.AccountId, ct))
            session.Write($"{ManageSieveReply.String(script.Name)}{(script.IsActive ? " ACTIVE" : "")}\r\n");
        return ManageSieveReply.Done;
    }
}
