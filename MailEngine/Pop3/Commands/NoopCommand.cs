namespace MailEngine.Pop3.Commands;

/// <summary>NOOP</summary>
/// <remarks>RFC 1939 §5</remarks>
internal sealed record NoopCommand : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new NoopCommand();

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct) => new(Pop3Reply.Ok(Pop3Texts.Done));
}
