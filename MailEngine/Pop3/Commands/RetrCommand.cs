namespace MailEngine.Pop3.Commands;

/// <summary>RETR: a whole message.</summary>
/// <remarks>RFC 1939 §5</remarks>
internal sealed record RetrCommand(int Number) : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new RetrCommand(r.Number());

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct) =>
        session.Drop.Refusal(Number) is { } refusal ? new(refusal) : new MessageSender(session, session.Drop, Number).SendAsync(lines: null, ct);
}
