namespace MailEngine.Pop3.Commands;

/// <summary>RSET: takes all marks back.</summary>
/// <remarks>RFC 1939 §5</remarks>
internal sealed record RsetCommand : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new RsetCommand();

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct)
    {
        session.Drop.Undelete();
        return new(Pop3Reply.Ok(Pop3Texts.Left, session.Drop.Left, session.Drop.LeftOctets));
    }
}
