namespace MailEngine.Pop3.Commands;

/// <summary>UIDL: unique-ids of all messages, or of one.</summary>
/// <remarks>RFC 1939 §7</remarks>
internal sealed record UidlCommand(int? Number) : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new UidlCommand(r.OptionalNumber());

    public override async ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct)
    {
        Maildrop drop = session.Drop;
        if (Number is { } named && drop.Refusal(named) is { } refusal)
            return refusal;
        drop.ReadUniqueIds();   // what can fail is done before the answer begins
        if (Number is { } one)
        {
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
        Span<byte> to = session.Writer.Reserve(UidlForm.MaxLength);
        session.Writer.Advance(session.Drop.WriteUniqueId(number, session.Services.Uidl, to));
        session.Writer.Write("\r\n"u8);
    }
}
