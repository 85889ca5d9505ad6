namespace MailEngine.Mime;

/// <summary>The lexical pieces that structured header fields share. RFC 5322 §3.2</summary>
/// <remarks>Lenient: a piece that never ends is taken up to the end of the text (RFC 7103 §7.1.6). Never fails, no recursion.</remarks>
internal static class FieldLexer
{
    /// <summary>At the opening quote: appends the content of a quoted-string, without quotes, backslashes and line ends.</summary>
    public static void QuotedString(ReadOnlySpan<byte> text, ref int at, ByteBuffer to)
    {
        at++;
        while (at < text.Length)
        {
            ReadOnlySpan<byte> rest = text[at..];
            int run = rest.IndexOfAny("\"\\\r\n\0"u8);
            if (run < 0)
            {
                to.Write(rest);
                at = text.Length;
                return;
            }
            to.Write(rest[..run]);
            at += run + 1;
            if (rest[run] == (byte)'"')
                return;
            if (rest[run] == (byte)'\\' && at < text.Length)
            {
                if (text[at] is not ((byte)'\r' or (byte)'\n' or 0))
                    to.Write(text[at]);
                at++;
            }
        }
    }

    /// <summary>At "(": moves behind the comment, nested ones counted.</summary>
    /// <returns>Where its content stands.</returns>
    public static (int Start, int Length) Comment(ReadOnlySpan<byte> text, ref int at)
    {
        int start = ++at;
        int depth = 1;
        while (at < text.Length)
        {
            byte c = text[at++];
            if (c == (byte)'\\' && at < text.Length)
                at++;
            else if (c == (byte)'(')
                depth++;
            else if (c == (byte)')' && --depth == 0)
                break;
        }
        return (start, at - start - (depth == 0 ? 1 : 0));
    }
}
