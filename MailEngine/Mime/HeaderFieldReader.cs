using System.Text;

namespace MailEngine.Mime;

/// <summary>One header field as it stands in the message.</summary>
internal readonly ref struct HeaderField(ReadOnlySpan<byte> raw, int nameLength, int valueStart)
{
    /// <summary>The whole field with its folding and its last line end.</summary>
    public ReadOnlySpan<byte> Raw { get; } = raw;

    /// <summary>Field name; empty for a line that is no field (RFC 7103 §7.2).</summary>
    public ReadOnlySpan<byte> Name => Raw[..nameLength];

    /// <summary>What follows the colon, still folded, without the last line end and without white space around it.</summary>
    public ReadOnlySpan<byte> Value => Raw[valueStart..].Trim(" \t\r\n"u8);

    public bool Is(ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(Name, name);
}

/// <summary>Goes through the fields of a header block; ends at an empty line or at the end of the bytes.</summary>
/// <remarks>RFC 5322 §2.2. A line without a colon is handed out with an empty name and the search goes on: RFC 7103 §7.2 prefers
/// that while an empty line is still to come, and the block given here was cut at one. A bare LF ends a line too.</remarks>
internal ref struct HeaderFieldReader(ReadOnlySpan<byte> header)
{
    readonly ReadOnlySpan<byte> _header = header;
    int _next;

    /// <summary>The field found last.</summary>
    public HeaderField Current { get; private set; }

    public bool MoveNext()
    {
        if (_next >= _header.Length)
            return false;
        ReadOnlySpan<byte> rest = _header[_next..];
        if (rest[0] == (byte)'\n' || (rest[0] == (byte)'\r' && (rest.Length == 1 || rest[1] == (byte)'\n')))
            return false;
        int end = LineEnd(rest, 0);
        while (end < rest.Length && rest[end] is (byte)' ' or (byte)'\t')
            end = LineEnd(rest, end);
        ReadOnlySpan<byte> raw = rest[..end];
        _next += end;

        int colon = raw.IndexOf((byte)':');
        int name = colon < 0 ? 0 : raw[..colon].TrimEnd(" \t"u8).Length;   // "Subject : x" is obsolete but meant: RFC 5322 §4.5
        Current = IsName(raw[..name]) ? new HeaderField(raw, name, colon + 1) : new HeaderField(raw, 0, 0);
        return true;
    }

    /// <summary>First field of this name, or one with an empty <see cref="HeaderField.Raw"/>.</summary>
    public static HeaderField Find(ReadOnlySpan<byte> header, ReadOnlySpan<byte> name)
    {
        var fields = new HeaderFieldReader(header);
        while (fields.MoveNext())
        {
            if (fields.Current.Is(name))
                return fields.Current;
        }
        return default;
    }

    /// <summary>True for 1-998 printable characters other than the colon. RFC 5322 §3.6.8</summary>
    internal static bool IsName(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= 998 && name.IndexOfAnyExceptInRange((byte)0x21, (byte)0x7E) < 0;

    static int LineEnd(ReadOnlySpan<byte> bytes, int from)
    {
        int at = bytes[from..].IndexOf((byte)'\n');
        return at < 0 ? bytes.Length : from + at + 1;
    }
}

/// <summary>Removes folding. RFC 5322 §2.2.3</summary>
internal static class Folding
{
    /// <summary>Appends <paramref name="value"/> on one line: line ends go (the white space after them stays), a lone CR becomes
    /// a space, NUL goes: RFC 9051 §9 has no place for either in a string.</summary>
    /// <param name="limit">Most octets appended; what is longer is cut (attack case A8).</param>
    public static void Unfold(ReadOnlySpan<byte> value, ByteBuffer to, int limit = int.MaxValue)
    {
        if (value.Length > limit)
            value = value[..limit];
        while (true)
        {
            int at = value.IndexOfAny((byte)'\r', (byte)'\n', (byte)0);
            if (at < 0)
            {
                to.Write(value);
                return;
            }
            to.Write(value[..at]);
            if (value[at] == (byte)'\r' && !(at + 1 < value.Length && value[at + 1] == (byte)'\n'))
                to.Write((byte)' ');
            value = value[(at + 1)..];
        }
    }
}
