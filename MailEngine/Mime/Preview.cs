using System.Text;

namespace MailEngine.Mime;

/// <summary>The first words of a message for people. RFC 8970 §3</summary>
internal static class Preview
{
    /// <summary>Characters: RFC 8970 §3.1 has 200 as the most, and Unicode characters are counted.</summary>
    public const int MaxLength = 200;

    /// <summary>Octets of the part that are looked at: enough for 200 characters after quotes, markup and encoding.</summary>
    const int Examined = 3072;

    public static string Of(ReadOnlySpan<byte> message, IReadOnlyList<MimePart> parts)
    {
        int html = -1;
        for (int i = 0; i < parts.Count; i++)
        {
            MimePart part = parts[i];
            if (!part.IsText || part.BodyLength == 0)
                continue;
            ReadOnlySpan<byte> type = HeaderFieldReader.Find(message[part.HeaderStart..part.BodyStart], "Content-Type"u8).Value;
            if (type.IsEmpty || type.Length >= 10 && Ascii.EqualsIgnoreCase(type[..10], "text/plain"u8))
                return Words(Text(message, part, type), isHtml: false);
            if (html < 0 && type.Length >= 9 && Ascii.EqualsIgnoreCase(type[..9], "text/html"u8))
                html = i;
        }
        if (html < 0)
            return "";
        MimePart found = parts[html];
        return Words(Text(message, found, HeaderFieldReader.Find(message[found.HeaderStart..found.BodyStart], "Content-Type"u8).Value), isHtml: true);
    }

    static string Text(ReadOnlySpan<byte> message, in MimePart part, ReadOnlySpan<byte> type)
    {
        ReadOnlySpan<byte> body = message.Slice(part.BodyStart, Math.Min(part.BodyLength, Examined));
        Span<byte> decoded = stackalloc byte[TransferDecoder.MaxDecoded(Examined)];
        var decoder = new TransferDecoder(part.Encoding);
        int length = decoder.Decode(body, decoded);
        using var scratch = new ByteBuffer(128);
        ReadOnlySpan<byte> charset = ParameterReader.Find(type, "charset"u8, scratch);
        if (charset.IsEmpty)
            return Charsets.Guess(decoded[..length]);
        return Charsets.Find(charset).GetString(decoded[..length]);
    }

    static string Words(string text, bool isHtml)
    {
        Span<char> to = stackalloc char[MaxLength];
        int length = 0;
        bool space = false;
        for (int i = 0; i < text.Length && length < MaxLength; i++)
        {
            char c = text[i];
            if (isHtml && c == '<')
            {
                i = SkipTag(text, i);
                space = true;
                continue;
            }
            if (char.IsWhiteSpace(c) || char.IsControl(c) || c is '\uFFFD' or '\uFEFF' or '\u200B' or '\u200C' or '\u034F' or '\u00AD')
            {
                space |= char.IsWhiteSpace(c);
                continue;
            }
            if (isHtml && c == '&' && Entity(text, ref i, out c) && char.IsWhiteSpace(c))
            {
                space = true;
                continue;
            }
            if (space && length > 0)
            {
                to[length++] = ' ';
                if (length == MaxLength)
                    break;
            }
            space = false;
            to[length++] = c;
        }
        if (length > 0 && char.IsHighSurrogate(to[length - 1]))
            length--;
        return new string(to[..length].TrimEnd(' '));
    }

    /// <summary>Index of the last character of the tag at <paramref name="at"/>; of the end tag for style, script, head and comments.</summary>
    static int SkipTag(string text, int at)
    {
        ReadOnlySpan<char> rest = text.AsSpan(at);
        ReadOnlySpan<char> end = rest.StartsWith("<!--") ? "-->"
            : rest.StartsWith("<style", StringComparison.OrdinalIgnoreCase) ? "</style>"
            : rest.StartsWith("<script", StringComparison.OrdinalIgnoreCase) ? "</script>"
            : rest.StartsWith("<title", StringComparison.OrdinalIgnoreCase) ? "</title>"
            : ">";
        int found = rest.IndexOf(end, StringComparison.OrdinalIgnoreCase);
        return found < 0 ? text.Length : at + found + end.Length - 1;
    }

    static bool Entity(string text, ref int at, out char c)
    {
        c = '&';
        int end = text.AsSpan(at, Math.Min(10, text.Length - at)).IndexOf(';');
        if (end is < 2 or > 8)
            return false;
        ReadOnlySpan<char> name = text.AsSpan(at + 1, end - 1);
        c = name switch
        {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" or "#39" => '\'',
            "nbsp" or "#160" or "zwnj" or "#8204" => ' ',
            _ => '\0',
        };
        if (c == '\0' && name[0] == '#' && ushort.TryParse(name[1..], out ushort code) && code > 31 && !char.IsSurrogate((char)code))
            c = (char)code;
        if (c == '\0')
        {
            c = '&';
            return false;
        }
        at += end;
        return true;
    }
}
