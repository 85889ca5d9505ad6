namespace MailEngine.ManageSieve.Commands;

/// <summary>DELETESCRIPT.</summary>
/// <remarks>RFC 5804 §2.10</remarks>
internal sealed record DeleteScriptCommand(string Name) : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new DeleteScriptCommand(r.SpText());

    public override async ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct) =>
        ManageSieveReply.Of(await session.Scripts.DeleteAsync(session.Who, session.AccountId, Name, ct), 0);
}
