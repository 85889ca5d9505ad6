namespace MailEngine.Pop3.Commands;

/// <summary>LIST: numbers and octets of all messages, or of one.</summary>
/// <remarks>RFC 1939 §5</remarks>
internal sealed record ListCommand(int? Number) : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new ListCommand(r.OptionalNumber());

    public override async ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct)
    {
        Maildrop drop = session.Drop;
        if (Number is { } one)
        {
            if (drop.Refusal(one) is { } refusal)
                return refusal;
            session.Writer.Write("+OK "u8);
            Write(session, one);
            return Pop3Reply.Nothing;
        }
        session.Say(Pop3Reply.Ok(Pop3Texts.Left, drop.Left, drop.LeftOctets));
        for (int number = 1; number <= drop.Count; number++)
        {
            if (drop.IsDeleted(number))
                continue;
            Write(session, number);
            await session.FlushIfFullAsync(ct);
        }
        session.Writer.Write(".\r\n"u8);
        return Pop3Reply.Nothing;
    }

    static void Write(Pop3Session session, int number)
    {
        session.Writer.WriteNumber(number);
        session.Writer.Write((byte)' ');
        session.Writer.WriteNumber(session.Drop.SizeOf(number));
        session.Writer.Write("\r\n"u8);
    }
}
