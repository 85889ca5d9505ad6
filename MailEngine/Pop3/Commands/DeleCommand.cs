namespace MailEngine.Pop3.Commands;

/// <summary>DELE: marks a message; QUIT takes it out.</summary>
/// <remarks>RFC 1939 §5</remarks>
internal sealed record DeleCommand(int Number) : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new DeleCommand(r.Number());

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct)
    {
        if (session.Drop.Refusal(Number) is { } refusal)
            return new(refusal);
        session.Drop.Delete(Number);
        return new(Pop3Reply.Ok(Pop3Texts.Deleted));
    }
}
