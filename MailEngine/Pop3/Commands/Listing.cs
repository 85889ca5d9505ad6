namespace MailEngine.Pop3.Commands;

/// <summary>What LIST and UIDL say: a line for each message that is not marked as deleted, or for one. RFC 1939 §5</summary>
internal static class Listing
{
    /// <param name="number">Null: all.</param>
    /// <param name="write">Writes what is said of a message, behind its number.</param>
    public static async ValueTask<Pop3Reply> AnswerAsync(Pop3Session session, int? number, Action<Pop3Session, int> write, CancellationToken ct)
    {
        Maildrop drop = session.Drop;
        if (number is { } one)
        {
            if (drop.Refusal(one) is { } refusal)
                return refusal;
            session.Writer.Write("+OK "u8);
            Write(session, one, write);
            return Pop3Reply.Nothing;
        }
        session.Say(Pop3Reply.Ok(Pop3Texts.Left, drop.Left, drop.LeftOctets));
        for (int each = 1; each <= drop.Count; each++)
        {
            if (drop.IsDeleted(each))
                continue;
            Write(session, each, write);
            await session.FlushIfFullAsync(ct);
        }
        session.Writer.Write(".\r\n"u8);
        return Pop3Reply.Nothing;
    }

    static void Write(Pop3Session session, int number, Action<Pop3Session, int> write)
    {
        session.Writer.WriteNumber(number);
        session.Writer.Write((byte)' ');
        write(session, number);
        session.Writer.Write("\r\n"u8);
    }
}
