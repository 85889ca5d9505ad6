namespace MailEngine.Pop3.Commands;

/// <summary>STAT: how many messages there are, and their octets; those marked as deleted are not counted.</summary>
/// <remarks>RFC 1939 §5</remarks>
internal sealed record StatCommand : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new StatCommand();

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct)
    {
        session.Writer.Write("+OK "u8);
        session.Writer.WriteNumber(session.Drop.Left);
        session.Writer.Write((byte)' ');
        session.Writer.WriteNumber(session.Drop.LeftOctets);
        session.Writer.Write("\r\n"u8);
        return new(Pop3Reply.Nothing);
    }
}
