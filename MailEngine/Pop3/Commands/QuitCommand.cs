namespace MailEngine.Pop3.Commands;

/// <summary>QUIT: after log-in the UPDATE state, in which marked messages are taken out; and the end.</summary>
/// <remarks>RFC 1939 §6</remarks>
internal sealed record QuitCommand : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new QuitCommand();

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct) => session.FinishAsync();
}
