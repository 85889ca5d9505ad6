namespace MailEngine.ManageSieve.Commands;

/// <summary>SETACTIVE: makes a script the one that counts; with an empty name none does.</summary>
/// <remarks>RFC 5804 §2.8</remarks>
internal sealed record SetActiveCommand(string Name) : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new SetActiveCommand(r.SpText());

    public override async ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct) =>
        ManageSieveReply.Of(await session.Scripts.ActivateAsync(session.Who, session.AccountId, Name, ct), 0);
}
