using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace MailEngine.Checks;

/// <summary>A list of tags, as signatures and key records are written: <c>name=value; name=value</c>. RFC 6376 §3.2</summary>
/// <remarks>
/// Strict, as RFC 6376 §6.1.1 asks: one thing that the grammar does not know spoils the list. One look at each octet, no recursion.
/// Folding white space is SP, HTAB, CR and LF here: whoever gives a header field has seen to it that CR and LF are folds in it.
/// Octets above 127 may stand in values: RFC 8616 §4 writes names as they are in UTF-8.
/// </remarks>
sealed class DkimTags
{
    /// <summary>Octets of a list. A signature with the largest key we take needs two thousand, and a long h= or z= some more.</summary>
    public const int MostBytes = 65_536;
    /// <summary>The RFCs know a dozen names; the others are ignored.</summary>
    const int MostTags = 64;
    /// <summary>SP, HTAB and the two of a fold. RFC 6376 §2.8</summary>
    static readonly SearchValues<byte> s_white = SearchValues.Create(" \t\r\n"u8);
    static readonly SearchValues<byte> s_base64 = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n"u8);
    readonly ReadOnlyMemory<byte> _text;
    readonly Dictionary<string, Tag> _tags = new(StringComparer.Ordinal);

    DkimTags(ReadOnlyMemory<byte> text) => _text = text;

    /// <param name="Raw">From behind the equals sign up to the semicolon or the end, white space included.</param>
    readonly record struct Tag(int Number, Range Raw);

    /// <returns>Null: no such list; <paramref name="fault"/> says why.</returns>
    public static DkimTags? Read(ReadOnlyMemory<byte> text, out string fault)
    {
        fault = "";
        if (text.Length > MostBytes)
        {
            fault = "the tag list is longer than 64 KiB";
            return null;
        }
        var tags = new DkimTags(text);
        ReadOnlySpan<byte> all = text.Span;
        for (int at = 0; at < all.Length;)
        {
            int length = all[at..].IndexOf((byte)';');
            int end = length < 0 ? all.Length : at + length;
            if (length < 0 && at > 0 && Trim(all[at..]).IsEmpty)
                break;   // the semicolon behind the last tag
            fault = tags.Add(at, end);
            if (fault.Length > 0)
                return null;
            at = end + 1;
        }
        if (tags._tags.Count == 0)
            fault = "the tag list is empty";
        return tags._tags.Count == 0 ? null : tags;
    }

    public bool Has(string name) => _tags.ContainsKey(name);

    /// <summary>True when the list begins with this tag.</summary>
    public bool BeginsWith(string name) => _tags.TryGetValue(name, out Tag tag) && tag.Number == 0;

    /// <summary>The value without white space around it; empty also when there is no such tag.</summary>
    public ReadOnlySpan<byte> Value(string name) => Trim(_text.Span[RawValue(name)]);

    /// <summary>Where the value stands, with all white space around it; an empty range when there is no such tag.</summary>
    public Range RawValue(string name) => _tags.TryGetValue(name, out Tag tag) ? tag.Raw : default;

    /// <summary>The value in UTF-8; null: it is not.</summary>
    public string? Text(string name) => Utf8(Value(name));

    /// <summary>The value out of base64, white space in it ignored; null: it is not base64. RFC 6376 §2.10</summary>
    public byte[]? Binary(string name)
    {
        ReadOnlySpan<byte> value = Value(name);
        if (value.ContainsAnyExcept(s_base64))
            return null;
        byte[] bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(value.Length)];
        OperationStatus status = Base64.DecodeFromUtf8(value, bytes, out int consumed, out int written);
        return status == OperationStatus.Done && Trim(value[consumed..]).IsEmpty ? bytes[..written] : null;
    }

    /// <summary>Words between colons, white space around each removed; a list with an empty word gives one.</summary>
    public IEnumerable<string> Words(string name)
    {
        ReadOnlyMemory<byte> rest = _text[RawValue(name)];
        while (true)
        {
            int colon = rest.Span.IndexOf((byte)':');
            yield return Encoding.Latin1.GetString(Trim(colon < 0 ? rest.Span : rest.Span[..colon]));
            if (colon < 0)
                yield break;
            rest = rest[(colon + 1)..];
        }
    }

    /// <summary>An unsigned number; what is too large for us is as large as can be. RFC 6376 §3.5</summary>
    /// <returns>False: no digits, more than 76 of them, or something else.</returns>
    public bool TryNumber(string name, out long number)
    {
        ReadOnlySpan<byte> value = Value(name);
        number = 0;
        if (value.Length is 0 or > 76 || value.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            return false;
        foreach (byte digit in value)
            number = number > (long.MaxValue - 9) / 10 ? long.MaxValue : number * 10 + (digit - '0');
        return true;
    }

    /// <summary>Undoes dkim-quoted-printable; null: it is none. RFC 6376 §2.11</summary>
    public string? Unquoted(string name)
    {
        ReadOnlySpan<byte> value = Value(name);
        byte[] bytes = new byte[value.Length];
        int length = 0;
        for (int i = 0; i < value.Length; i++)
        {
            byte b = value[i];
            if (s_white.Contains(b))
                continue;
            if (b == (byte)'=')
            {
                if (i + 2 >= value.Length || Hex(value[i + 1]) is not { } high || Hex(value[i + 2]) is not { } low)
                    return null;
                b = (byte)(high << 4 | low);
                i += 2;
            }
            bytes[length++] = b;
        }
        return Utf8(bytes.AsSpan(0, length));

        static int? Hex(byte b) => b switch
        {
            >= (byte)'0' and <= (byte)'9' => b - '0',
            >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,   // RFC 6376 §2.11: "no lowercase characters permitted"
            _ => null,
        };
    }

    // tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]; tag-name = ALPHA *ALNUMPUNC. RFC 6376 §3.2
    string Add(int start, int end)
    {
        ReadOnlySpan<byte> spec = _text.Span[start..end];
        int equals = spec.IndexOf((byte)'=');
        if (equals < 0)
            return "a tag has no value";
        ReadOnlySpan<byte> name = Trim(spec[..equals]);
        if (name.IsEmpty || !char.IsAsciiLetter((char)name[0]))
            return "a tag has no name";
        foreach (byte b in name)
        {
            if (!(char.IsAsciiLetterOrDigit((char)b) || b == (byte)'_'))
                return "a tag's name has a character that names have not";
        }
        foreach (byte b in spec[(equals + 1)..])
        {
            if (b is 0x7F or < 0x20 && !s_white.Contains(b))
                return "a tag's value has a control character";
        }
        if (_tags.Count == MostTags)
            return $"there are more than {MostTags} tags";
        return _tags.TryAdd(Encoding.ASCII.GetString(name), new Tag(_tags.Count, new Range(start + equals + 1, end)))
            ? ""
            : "a tag is there twice";
    }

    static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> value)
    {
        int start = value.IndexOfAnyExcept(s_white);
        return start < 0 ? default : value[start..(value.LastIndexOfAnyExcept(s_white) + 1)];
    }

    static string? Utf8(ReadOnlySpan<byte> value) =>
        System.Text.Unicode.Utf8.IsValid(value) ? Encoding.UTF8.GetString(value) : null;
}
