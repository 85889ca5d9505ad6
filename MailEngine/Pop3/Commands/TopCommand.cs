namespace MailEngine.Pop3.Commands;

/// <summary>TOP: the header of a message and some lines of its body.</summary>
/// <remarks>RFC 1939 §7</remarks>
internal sealed record TopCommand(int Number, int Lines) : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new TopCommand(r.Number(), r.Number());

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct) =>
        session.Drop.Refusal(Number) is { } refusal ? new(refusal) : new MessageSender(session, session.Drop, Number).SendAsync(Lines, ct);
}
