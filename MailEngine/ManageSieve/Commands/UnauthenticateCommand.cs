namespace MailEngine.ManageSieve.Commands;

/// <summary>UNAUTHENTICATE: back to before log-in; TLS stays.</summary>
/// <remarks>RFC 5804 §2.14.1</remarks>
internal sealed record UnauthenticateCommand : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new UnauthenticateCommand();

    public override ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct)
    {
        session.LogOut();
        return ValueTask.FromResult(ManageSieveReply.Done);
    }
}
