using System.Buffers;
using System.Text;
using MailEngine.Mime;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;

namespace MailEngine.Sieve.Messages;

/// <summary>The body of a message as the body test looks at it: raw, parts of some types, or all text. RFC 5173 §5</summary>
/// <remarks>Decoded when first asked for and kept for the next test. One test looks at no more than <see cref="SieveOptions.BodyBytes"/> of decoded text.</remarks>
internal sealed class BodyText(MessageView message, OctetReader read)
{
    const int Piece = 32 << 10;

    /// <summary>What is decoded is kept as long as it is no more than so many times what one test looks at.</summary>
    const long MostKept = 4;

    readonly Dictionary<(int Part, bool Markup), MatchValue[]> _decoded = [];
    MatchValue? _raw;
    string?[]? _types;
    long _kept;
    long _again;

    /// <summary>Octets read since it was asked last of what could not be kept, and will be read again.</summary>
    public long TakeWork()
    {
        long work = _again;
        _again = 0;
        return work;
    }

    /// <summary>RFC 5173 §4: without an empty line behind the header there is no body, and nothing matches.</summary>
    public bool Exists => message.BodyStart < message.Size || EndsWithEmptyLine();

    bool EndsWithEmptyLine()
    {
        Span<byte> end = stackalloc byte[4];
        int length = (int)Math.Min(4, message.Size);
        int have = read(message.Size - length, end[..length]);
        return end[..have].EndsWith("\r\n\r\n"u8) || end[..have].EndsWith("\n\n"u8) || (message.Size == 2 && end[..have].SequenceEqual("\r\n"u8));
    }

    /// <summary>All behind the header as it stands. RFC 5173 §5.1</summary>
    public MatchValue Raw(int most)
    {
        if (_raw is not null)
            return _raw;
        int length = (int)Math.Clamp(message.Size - message.BodyStart, 0, most);
        byte[] octets = ArrayPool<byte>.Shared.Rent(Math.Max(length, 1));
        try
        {
            int have = 0;
            while (have < length && read(message.BodyStart + have, octets.AsSpan(have, length - have)) is var count and > 0)
                have += count;
            return _raw = new MatchValue(Octets.Of(octets.AsSpan(0, have)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(octets);
        }
    }

    /// <summary>Parts of the given types, each by itself. RFC 5173 §5.2</summary>
    /// <param name="most">Octets of all of them together; the rest is not looked at.</param>
    public IEnumerable<MatchValue> Content(IReadOnlyList<string> types, int most) => Beginning(PartsOf(types, most), most);

    IEnumerable<MatchValue> PartsOf(IReadOnlyList<string> types, int most)
    {
        for (int i = 0; i < message.Parts.Count; i++)
        {
            string type = TypeOf(i);
            if (!types.Any(wanted => IsType(type, wanted)))
                continue;
            foreach (MatchValue value in Part(i, withMarkup: true, most))
                yield return value;
        }
    }

    /// <summary>What a reader sees: text parts, markup taken out. RFC 5173 §5.3</summary>
    /// <param name="most">As above.</param>
    public IEnumerable<MatchValue> Text(int most) => Beginning(TextParts(most), most);

    /// <summary>Of all values together so many octets.</summary>
    static IEnumerable<MatchValue> Beginning(IEnumerable<MatchValue> values, int most)
    {
        int left = most;
        foreach (MatchValue value in values)
        {
            yield return value.Octets.Length <= left ? value : new MatchValue(value.Octets[..left]);
            left -= Math.Min(left, value.Octets.Length);
            if (left == 0)
                yield break;
        }
    }

    IEnumerable<MatchValue> TextParts(int most)
    {
        for (int i = 0; i < message.Parts.Count; i++)
        {
            if (message.Parts[i].IsText || message.Parts[i].Opaque)
            {
                foreach (MatchValue value in Part(i, withMarkup: false, most))
                    yield return value;
            }
        }
    }

    /// <summary>Of one part, without markup; of what is no text nothing. RFC 5703 §7</summary>
    public string TextOf(int part, int most) =>
        (message.Parts[part].IsText || message.Parts[part].Opaque) && message.Parts[part].Kind is not (MimePartKind.Multipart or MimePartKind.Message)
            ? Part(part, withMarkup: false, most)[0].Octets : "";

    static bool IsType(string type, string wanted)
    {
        if (wanted.Length == 0)
            return true;
        int slash = wanted.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
            return type.Length > wanted.Length && type[wanted.Length] == '/' && type.StartsWith(wanted, StringComparison.OrdinalIgnoreCase);
        return slash > 0 && slash < wanted.Length - 1 && type.Equals(wanted, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>"text/plain" where nothing else is said. RFC 2045 §5.2</summary>
    string TypeOf(int part) => (_types ??= new string?[message.Parts.Count])[part] ??= ReadType(part);

    string ReadType(int part)
    {
        using var scratch = new ByteBuffer(256);
        var type = new ParameterReader(HeaderFieldReader.Find(Header(part), "Content-Type"u8).Value, scratch);
        if (type.Type.IsEmpty || type.Subtype.IsEmpty)
            return message.Parts[part].InDigest || message.Parts[part].Kind == MimePartKind.Message ? "message/rfc822" : "text/plain";
        return $"{Octets.ToLower(Octets.Of(type.Type))}/{Octets.ToLower(Octets.Of(type.Subtype))}";
    }

    byte[] Header(int part)
    {
        MimePart range = message.Parts[part];
        return Read(range.HeaderStart, Math.Min(range.BodyStart - range.HeaderStart, 64 << 10));
    }

    byte[] Read(long from, int length)
    {
        var octets = new byte[Math.Max(length, 0)];
        int have = 0;
        while (have < octets.Length && read(from + have, octets.AsSpan(have)) is var count and > 0)
            have += count;
        return have == octets.Length ? octets : octets[..have];
    }

    MatchValue[] Part(int number, bool withMarkup, int most)
    {
        if (_decoded.TryGetValue((number, withMarkup), out MatchValue[]? known))
            return known;
        MimePart part = message.Parts[number];
        MatchValue[] values = part.Kind switch
        {
            MimePartKind.Multipart => Around(number, most),
            // Of a message inside only the header counts here: RFC 5173 §5.2
            MimePartKind.Message => number + 1 < message.Parts.Count
                ? [new MatchValue(Octets.Of(Read(message.Parts[number + 1].HeaderStart,
                    Math.Min(message.Parts[number + 1].BodyStart - message.Parts[number + 1].HeaderStart, most))))]
                : [],
            _ => [new MatchValue(Decode(number, part, withMarkup, most))],
        };
        _kept += values.Sum(value => value.Octets.Length);
        if (_decoded.Count < 2000 && _kept <= MostKept * most)
            _decoded.Add((number, withMarkup), values);
        else
            _again += part.BodyLength;
        return values;
    }

    /// <summary>What stands before the first part and behind the last one. RFC 5173 §5.2</summary>
    MatchValue[] Around(int number, int most)
    {
        MimePart part = message.Parts[number];
        int first = -1, end = part.BodyStart;
        for (int i = number + 1; i < message.Parts.Count && message.Parts[i].Parent >= number; i++)
        {
            if (message.Parts[i].Parent != number)
                continue;
            first = first < 0 ? i : first;
            end = message.Parts[i].BodyEnd;
        }
        if (first < 0)
            return [new MatchValue(Octets.Of(Read(part.BodyStart, Math.Min(part.BodyLength, most))))];
        string prologue = WithoutBoundary(Octets.Of(Read(part.BodyStart, Math.Min(message.Parts[first].HeaderStart - part.BodyStart, most))), atEnd: true);
        string epilogue = WithoutBoundary(Octets.Of(Read(end, Math.Min(part.BodyEnd - end, most))), atEnd: false);
        return [new MatchValue(prologue), new MatchValue(epilogue)];
    }

    /// <summary>The line of the boundary is no part of it.</summary>
    static string WithoutBoundary(string text, bool atEnd)
    {
        if (atEnd)
        {
            string lines = text.TrimEnd('\n').TrimEnd('\r');
            int start = lines.LastIndexOf('\n') + 1;
            return lines.AsSpan(start).StartsWith("--") ? text[..start] : text;
        }
        int at = text.IndexOf("--", StringComparison.Ordinal);
        if (at < 0 || text.AsSpan(0, at).ContainsAnyExcept('\r', '\n'))
            return text;
        int lineEnd = text.IndexOf('\n', at);
        return lineEnd < 0 ? "" : text[(lineEnd + 1)..];
    }

    string Decode(int number, MimePart part, bool withMarkup, int most)
    {
        ReadOnlySpan<byte> type = HeaderFieldReader.Find(Header(number), "Content-Type"u8).Value;
        bool isText = part.IsText || part.Opaque;
        using var scratch = new ByteBuffer(64);
        Encoding charset = isText ? Charsets.Find(ParameterReader.Find(type, "charset"u8, scratch)) : Encoding.Latin1;
        MarkupText? markup = !withMarkup && type.Length >= 9 && Ascii.EqualsIgnoreCase(type[..9], "text/html"u8) ? new MarkupText() : null;
        var transfer = new TransferDecoder(part.Encoding);
        Decoder decoder = charset.GetDecoder();
        byte[] raw = ArrayPool<byte>.Shared.Rent(Piece), plain = ArrayPool<byte>.Shared.Rent(Piece + 16);
        char[] chars = ArrayPool<char>.Shared.Rent(charset.GetMaxCharCount(Piece + 16));
        var text = new StringBuilder();
        try
        {
            for (long done = 0; done < part.BodyLength && text.Length < most;)
            {
                int count = read(part.BodyStart + done, raw.AsSpan(0, (int)Math.Min(Piece, part.BodyLength - done)));
                if (count == 0)
                    break;
                done += count;
                bool last = done >= part.BodyLength;
                int length = transfer.Decode(raw.AsSpan(0, count), plain);
                if (last)
                    length += transfer.Finish(plain.AsSpan(length));
                int decoded = decoder.GetChars(plain.AsSpan(0, length), chars, flush: last);
                text.Append(markup is null ? chars.AsSpan(0, decoded) : markup.Take(chars.AsSpan(0, decoded), last));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(raw);
            ArrayPool<byte>.Shared.Return(plain);
            ArrayPool<char>.Shared.Return(chars);
        }
        if (text.Length > most)
            text.Length = most;
        return isText ? Octets.OfText(text.ToString()) : text.ToString();
    }
}
