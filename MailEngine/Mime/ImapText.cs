namespace MailEngine.Mime;

/// <summary>Writes IMAP strings into ready-made ENVELOPE and BODYSTRUCTURE text.</summary>
internal static class ImapText
{
    /// <summary>Longest string taken over from a header, octets. Longer ones are cut: attack case A8.</summary>
    public const int MaxString = 16 << 10;

    public static void WriteNil(ByteBuffer to) => to.Write("NIL"u8);

    /// <summary>A quoted string, or a literal where an 8-bit character needs one. RFC 9051 §4.3</summary>
    /// <param name="value">On one line already: no CR, LF or NUL.</param>
    public static void WriteString(ReadOnlySpan<byte> value, ByteBuffer to)
    {
        if (value.Length > MaxString)
            value = value[..MaxString];
        if (value.IndexOfAnyInRange((byte)0x80, (byte)0xFF) >= 0)
        {
            to.Write((byte)'{');
            to.WriteNumber(value.Length);
            to.Write("}\r\n"u8);
            to.Write(value);
            return;
        }
        to.Write((byte)'"');
        while (true)
        {
            int at = value.IndexOfAny((byte)'"', (byte)'\\');
            if (at < 0)
                break;
            to.Write(value[..at]);
            to.Write((byte)'\\');
            to.Write(value[at]);
            value = value[(at + 1)..];
        }
        to.Write(value);
        to.Write((byte)'"');
    }

    /// <summary>A header value: unfolded, trimmed, as a string.</summary>
    public static void WriteUnfolded(ReadOnlySpan<byte> value, ByteBuffer scratch, ByteBuffer to)
    {
        if (value.IndexOfAny((byte)'\r', (byte)'\n', (byte)0) < 0)
        {
            WriteString(value, to);
            return;
        }
        int start = scratch.Length;
        Folding.Unfold(value, scratch, MaxString);
        WriteString(scratch.From(start), to);
        scratch.Truncate(start);
    }
}
