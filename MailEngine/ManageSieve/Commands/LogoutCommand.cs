namespace MailEngine.ManageSieve.Commands;

/// <summary>LOGOUT.</summary>
/// <remarks>RFC 5804 §2.3</remarks>
internal sealed record LogoutCommand : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new LogoutCommand();

    public override ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct)
    {
        session.End();
        return ValueTask.FromResult(ManageSieveReply.Done);
    }
}
