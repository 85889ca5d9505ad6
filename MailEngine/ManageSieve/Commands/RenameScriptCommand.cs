namespace MailEngine.ManageSieve.Commands;

/// <summary>RENAMESCRIPT: another name; the active script stays active.</summary>
/// <remarks>RFC 5804 §2.11</remarks>
internal sealed record RenameScriptCommand(string From, string To) : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new RenameScriptCommand(r.SpText(), r.SpText());

    public override async ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct) =>
        ManageSieveReply.Of(await session.Scripts.RenameAsync(session.Who, session.AccountId, From, To, ct), 0);
}
