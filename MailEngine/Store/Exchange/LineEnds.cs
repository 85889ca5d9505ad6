namespace MailEngine.Store.Exchange;

/// <summary>Mail has CRLF (RFC 5322 §2.3); files of mail have LF by custom. Both ways without losing an octet.</summary>
/// <remarks>A message can go as LF and come back the same exactly when each of its LFs follows a CR: then removing that CR and putting one before
/// each LF undo one another, lone CRs and all. Any other message is written as it stands, and said to be.</remarks>
internal static class LineEnds
{
    public const int BlockBytes = 64 << 10;

    /// <summary>Looks through a message.</summary>
    /// <returns>Lines: how many CRLFs; IsText: no LF stands alone, so it can go as LF.</returns>
    public static (bool IsText, long Lines) Look(MessageReader message, byte[] block)
    {
        long lines = 0;
        bool afterCr = false;
        for (long at = 0; at < message.Length;)
        {
            int count = message.Read(at, block.AsSpan(0, (int)Math.Min(block.Length, message.Length - at)));
            ReadOnlySpan<byte> rest = block.AsSpan(0, count);
            at += count;
            for (int lf; (lf = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(lf + 1)..])
            {
                if (lf == 0 ? !afterCr : rest[lf - 1] != (byte)'\r')
                    return (false, 0);
                afterCr = false;
                lines++;
            }
            if (!rest.IsEmpty)
                afterCr = rest[^1] == (byte)'\r';
        }
        return (true, lines);
    }

    /// <summary>Hands a message out block by block, its CRLFs as LF when <paramref name="asText"/>.</summary>
    public static void Copy(MessageReader message, bool asText, byte[] block, Action<ReadOnlySpan<byte>> to)
    {
        bool heldCr = false;
        for (long at = 0; at < message.Length;)
        {
            int count = message.Read(at, block.AsSpan(0, (int)Math.Min(block.Length, message.Length - at)));
            at += count;
            ReadOnlySpan<byte> rest = block.AsSpan(0, count);
            if (!asText)
            {
                to(rest);
                continue;
            }
            if (heldCr && rest[0] != (byte)'\n')
                to("\r"u8);
            heldCr = rest[^1] == (byte)'\r';
            if (heldCr)
                rest = rest[..^1];
            for (int cr; (cr = rest.IndexOf("\r\n"u8)) >= 0; rest = rest[(cr + 1)..])
                to(rest[..cr]);
            to(rest);
        }
        if (heldCr)
            to("\r"u8);
    }

    /// <summary>Puts a CR before each LF.</summary>
    public static void ToMail(ReadOnlySpan<byte> text, Action<ReadOnlySpan<byte>> to)
    {
        for (int lf; (lf = text.IndexOf((byte)'\n')) >= 0; text = text[(lf + 1)..])
        {
            to(text[..lf]);
            to("\r\n"u8);
        }
        to(text);
    }
}
