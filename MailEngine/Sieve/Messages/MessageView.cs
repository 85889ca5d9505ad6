using System.Text;
using MailEngine.Mime;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Messages;

/// <summary>A message as scripts see it. Nothing is read or decoded before a test asks for it, and then once.</summary>
/// <remarks>For one run at a time. Header fields can be changed (RFC 5293); the octets of the message stay as they are.</remarks>
internal sealed class MessageView
{
    /// <summary>Of a longer header only the beginning is looked at (attack case A8).</summary>
    const int MostHeader = 1 << 20;

    const int MostPartHeader = 64 << 10;

    static readonly HeaderLine[] s_none = [];

    /// <summary>Parts, and pieces of a changed message: more are a script that does not end well.</summary>
    const int MostParts = 5000, MostPieces = 1000;

    readonly OctetReader _original;
    List<MimePart> _parts = [];   // never changed once it is filled: what is saved stays as it was
    readonly Dictionary<int, List<HeaderLine>> _ofParts = [];
    readonly Dictionary<string, HeaderLine[]> _byName = new(StringComparer.OrdinalIgnoreCase);
    List<HeaderLine>? _lines;
    BodyText? _body;
    PieceList? _pieces;

    /// <param name="read">Reads octets of the message from an offset on.</param>
    /// <param name="size">RFC 5228 §5.9: octets of the message.</param>
    /// <param name="layout">Of <see cref="MessageSummary"/>.</param>
    public MessageView(OctetReader read, long size, ReadOnlySpan<byte> layout)
    {
        _original = read;
        Size = size;
        if (!new MimeLayout(layout).TryRead(_parts))
            _parts.Add(new MimePart { Parent = -1, BodyStart = (int)Math.Min(size, MostHeader), BodyEnd = (int)Math.Min(size, int.MaxValue) });
    }

    /// <summary>A message in memory.</summary>
    public static MessageView Of(ReadOnlyMemory<byte> message) => new((offset, to) =>
    {
        ReadOnlySpan<byte> rest = message.Span[(int)Math.Min(offset, message.Length)..];
        int count = Math.Min(rest.Length, to.Length);
        rest[..count].CopyTo(to);
        return count;
    }, message.Length, MessageSummary.Of(message.Span).Layout);

    public long Size { get; private set; }

    /// <summary>Octets from an offset on, as scripts have changed them; of the header of the message those that it had before its fields were changed.</summary>
    int Read(long offset, Span<byte> to) => _pieces is null ? _original(offset, to) : _pieces.Read(_original, offset, to);

    /// <summary>What follows the empty line; null: as it came.</summary>
    public IReadOnlyList<MessagePiece>? Text => _pieces?.Slice(BodyStart, Size).Pieces;

    public IReadOnlyList<MimePart> Parts => _parts;

    /// <summary>Where the text begins, behind the empty line.</summary>
    public int BodyStart => _parts[0].BodyStart;

    /// <summary>All fields from the top down.</summary>
    public List<HeaderLine> Lines => _lines ??= ReadHeader();

    /// <summary>Fields were added or removed.</summary>
    public bool IsChanged { get; private set; }

    /// <summary>How often.</summary>
    public int Changes { get; private set; }

    /// <summary>What scripts have made of a message so far.</summary>
    public sealed record Saved(List<HeaderLine>? Lines, List<MimePart> Parts, PieceList? Pieces, long Size, bool IsChanged);

    /// <summary>For <see cref="Restore"/>.</summary>
    public Saved Save() => new(IsChanged ? [.. Lines] : null, _parts, _pieces, Size, IsChanged);

    public void Restore(Saved saved)
    {
        if (!IsChanged)
            return;
        _lines = saved.Lines;
        if (_pieces != saved.Pieces)
            Become(saved.Parts, saved.Pieces, saved.Size);
        Changed();
        IsChanged = saved.IsChanged;
    }

    public BodyText Body => _body ??= new BodyText(this, Read);

    /// <summary>Fields of a name, in any case, from the top down. A name that no field can have has none.</summary>
    public HeaderLine[] Fields(string name)
    {
        if (_byName.TryGetValue(name, out HeaderLine[]? known))
            return known;
        List<HeaderLine>? found = null;
        foreach (HeaderLine line in Lines)
        {
            if (line.Name.Length == name.Length && Ascii.EqualsIgnoreCase(line.Name, name))
                (found ??= []).Add(line);
        }
        HeaderLine[] fields = found is null ? s_none : [.. found];
        if (_byName.Count < 1000)   // names can come from variables: no end of them
            _byName.Add(name, fields);
        return fields;
    }

    /// <summary>All fields in the header of a part.</summary>
    public List<HeaderLine> FieldsOf(int part) => ReadHeader(_parts[part].HeaderStart, Math.Min(_parts[part].BodyStart - _parts[part].HeaderStart, MostPartHeader));

    /// <summary>Fields of a name in the header of a part; of part 0, the message, as scripts have changed them.</summary>
    public HeaderLine[] Fields(int part, string name)
    {
        if (part == 0)
            return Fields(name);
        HeaderLine[] found = [.. LinesOf(part).Where(line => line.Name.Length == name.Length && Ascii.EqualsIgnoreCase(line.Name, name))];
        return found.Length == 0 ? s_none : found;
    }

    List<HeaderLine> LinesOf(int part)
    {
        if (!_ofParts.TryGetValue(part, out List<HeaderLine>? lines))
        {
            lines = FieldsOf(part);
            _ofParts.Add(part, lines);
        }
        return lines;
    }

    /// <summary>Lines that are gone through to find the fields of a name in a part, or those that were found before.</summary>
    public int LinesFor(int part, string name) =>
        part > 0 ? LinesOf(part).Count : _byName.TryGetValue(name, out HeaderLine[]? known) ? known.Length : Lines.Count;

    /// <summary>First part behind a part and all that it holds.</summary>
    public int EndOf(int part)
    {
        int end = part + 1;
        while (end < _parts.Count && _parts[end].Parent >= part)
            end++;
        return end;
    }

    /// <summary>A part as if it were a message of its own. RFC 6609 §3.5</summary>
    /// <param name="most">Of a longer one the beginning is seen.</param>
    public MessageView ViewOf(int part, int most)
    {
        int start = _parts[part].HeaderStart, length = _parts[part].BodyEnd - start;
        var octets = new byte[Math.Clamp(length, 0, most)];
        int have = 0;
        while (have < octets.Length && Read(start + have, octets.AsSpan(have)) is var count and > 0)
            have += count;
        ReadOnlyMemory<byte> bytes = octets.AsMemory(0, have);
        return new MessageView((offset, to) =>
        {
            ReadOnlySpan<byte> rest = bytes.Span[(int)Math.Min(offset, bytes.Length)..];
            int now = Math.Min(rest.Length, to.Length);
            rest[..now].CopyTo(to);
            return now;
        }, length, MessageSummary.Of(bytes.Span).Layout);
    }

    public void Insert(int at, HeaderLine line)
    {
        Lines.Insert(at, line);
        Changed();
    }

    public void Remove(HeaderLine line)
    {
        Lines.Remove(line);
        Changed();
    }

    /// <summary>A part, not the message itself, becomes another one. RFC 5703 §5</summary>
    /// <param name="octets">With its header.</param>
    /// <returns>Parts it has below it now, and how many more there are in all than before.</returns>
    /// <exception cref="SieveFaultException">A line of it would end a multipart around it, or there were too many changes.</exception>
    public (int Below, int More) Replace(int part, byte[] octets)
    {
        _ = Lines;   // read while the header is where it was
        MimePart old = _parts[part];
        // What stood between the part and the boundary may have been the empty line of its header.
        Span<byte> next = stackalloc byte[1];
        byte[] end = Read(old.BodyEnd, next) == 0 || next[0] is (byte)'\r' or (byte)'\n' ? [] : "\r\n"u8.ToArray();
        int behind = EndOf(part), shift = octets.Length + end.Length - (old.BodyEnd - old.HeaderStart);
        using var reader = new MimeReader();
        reader.Read(octets, MimeLimits.Default);
        int more = reader.Parts.Count - (behind - part);
        var parts = new List<MimePart>(_parts.Count + more);
        for (int i = 0; i < part; i++)
            parts.Add(_parts[i]);
        for (int around = old.Parent; around >= 0; around = _parts[around].Parent)
            parts[around] = parts[around] with { BodyEnd = parts[around].BodyEnd + shift - (parts[around].BodyEnd == old.BodyEnd ? end.Length : 0) };
        foreach (MimePart inner in reader.Parts)
            parts.Add(Moved(inner, old.HeaderStart) with { Parent = inner.Parent < 0 ? old.Parent : inner.Parent + part, InDigest = inner.Parent < 0 ? old.InDigest : inner.InDigest });
        for (int i = behind; i < _parts.Count; i++)
            parts.Add(Moved(_parts[i], shift) with { Parent = _parts[i].Parent < behind ? _parts[i].Parent : _parts[i].Parent + more });
        PieceList pieces = _pieces ?? PieceList.Of(Size);
        Become(parts, PieceList.Join(pieces.Slice(0, old.HeaderStart), PieceList.Of(octets), PieceList.Of(end), pieces.Slice(old.BodyEnd, Size)), Size + shift);
        Changed();
        return (reader.Parts.Count - 1, more);
    }

    /// <summary>The message becomes another one. RFC 5703 §5</summary>
    public void Replace(byte[] message)
    {
        using var reader = new MimeReader();
        reader.Read(message, MimeLimits.Default);
        Become([.. reader.Parts], PieceList.Of(message), message.Length);
        _lines = null;
        Changed();
    }

    /// <summary>The message becomes a part of a new one: a multipart of a text and of the message. RFC 5703 §6</summary>
    /// <param name="header">Of the new one, with the empty line.</param>
    /// <param name="textAt">Where the text and its content begin, counted from behind the header.</param>
    /// <param name="before">What stands before the message: boundary, text, boundary, the header of the part.</param>
    /// <param name="partAt">Where the header of the part begins, counted from behind the header.</param>
    public void Enclose(byte[] header, byte[] before, (int Header, int Content, int End) textAt, int partAt, byte[] after)
    {
        PieceList pieces = _pieces ?? PieceList.Of(Size);
        using var own = new ByteBuffer(4096);
        foreach (HeaderLine line in Lines)
            own.Write(line.Raw.Span);
        own.Write("\r\n"u8);
        PieceList inner = IsChanged || !Body.Exists ? PieceList.Join(PieceList.Of(own.Written.ToArray()), pieces.Slice(BodyStart, Size)) : pieces;
        int start = header.Length + before.Length, end = checked((int)(start + inner.Length)), shift = checked((int)(inner.Length - Size)) + start;
        var parts = new List<MimePart>(_parts.Count + 3)
        {
            new() { Parent = -1, BodyStart = header.Length, BodyEnd = end + after.Length, Kind = MimePartKind.Multipart },
            new() { Parent = 0, HeaderStart = header.Length + textAt.Header, BodyStart = header.Length + textAt.Content, BodyEnd = header.Length + textAt.End, IsText = true, Encoding = EncodingOf(before) },
            new() { Parent = 0, HeaderStart = header.Length + partAt, BodyStart = start, BodyEnd = end, Kind = MimePartKind.Message },
            Moved(_parts[0], shift) with { Parent = 2, HeaderStart = start },
        };
        for (int i = 1; i < _parts.Count; i++)
            parts.Add(Moved(_parts[i], shift) with { Parent = _parts[i].Parent + 3 });
        Become(parts, PieceList.Join(PieceList.Of((byte[])[.. header, .. before]), inner, PieceList.Of(after)), end + after.Length);
        _lines = null;
        Changed();
    }

    static TransferEncoding EncodingOf(ReadOnlySpan<byte> text) =>
        text[..text.IndexOf("\r\n\r\n"u8)].IndexOf("base64"u8) >= 0 ? TransferEncoding.Base64 : TransferEncoding.Identity;

    static MimePart Moved(MimePart part, int by) => part with { HeaderStart = part.HeaderStart + by, BodyStart = part.BodyStart + by, BodyEnd = part.BodyEnd + by };

    void Become(List<MimePart> parts, PieceList? pieces, long size)
    {
        if (parts.Count > MostParts || pieces is { Count: > MostPieces } || size > int.MaxValue)
            throw new SieveFaultException("the script changes the message too often");
        _parts = parts;
        _pieces = pieces;
        Size = size;
        _body = null;
        _ofParts.Clear();
    }

    /// <summary>Is this what ends one of the multiparts around a part?</summary>
    public bool EndsMultipart(int part, NewEntity entity)
    {
        using var scratch = new ByteBuffer(256);
        for (int around = _parts[part].Parent; around >= 0; around = _parts[around].Parent)
        {
            if (_parts[around].Kind != MimePartKind.Multipart)
                continue;
            scratch.Clear();
            if (Fields(around, "Content-Type") is [HeaderLine type, ..] && ParameterReader.Find(type.RawValue, "boundary"u8, scratch) is { IsEmpty: false } boundary && entity.Holds(boundary))
                return true;
        }
        return false;
    }

    void Changed()
    {
        _byName.Clear();
        Changes++;
        IsChanged = true;
    }

    List<HeaderLine> ReadHeader() => ReadHeader(0, Math.Min(BodyStart, MostHeader));

    List<HeaderLine> ReadHeader(int start, int length)
    {
        var header = new byte[Math.Max(length, 0)];
        int have = 0;
        while (have < length && Read(start + have, header.AsSpan(have)) is var count and > 0)
            have += count;
        var lines = new List<HeaderLine>(32);
        var fields = new HeaderFieldReader(header.AsSpan(0, have));
        int at = 0;
        while (fields.MoveNext())
        {
            HeaderField field = fields.Current;
            if (!field.Name.IsEmpty)
            {
                // The last line of a header without a text behind it may have no end.
                ReadOnlyMemory<byte> raw = field.Raw[^1] == (byte)'\n' ? header.AsMemory(at, field.Raw.Length) : (byte[])[.. field.Raw, .. "\r\n"u8];
                lines.Add(new HeaderLine(raw, field.Name.Length, field.Raw.IndexOf((byte)':') + 1));
            }
            at += field.Raw.Length;
        }
        return lines;
    }
}
