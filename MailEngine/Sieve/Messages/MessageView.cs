using System.Text;
using MailEngine.Mime;
using MailEngine.Sieve.Matching;

namespace MailEngine.Sieve.Messages;

/// <summary>A message as scripts see it. Nothing is read or decoded before a test asks for it, and then once.</summary>
/// <remarks>For one run at a time. Header fields can be changed (RFC 5293); the octets of the message stay as they are.</remarks>
internal sealed class MessageView
{
    /// <summary>Of a longer header only the beginning is looked at (attack case A8).</summary>
    const int MostHeader = 1 << 20;

    const int MostPartHeader = 64 << 10;

    static readonly HeaderLine[] s_none = [];

    readonly OctetReader _read;
    readonly List<MimePart> _parts = [];
    readonly Dictionary<int, List<HeaderLine>> _ofParts = [];
    readonly Dictionary<string, HeaderLine[]> _byName = new(StringComparer.OrdinalIgnoreCase);
    List<HeaderLine>? _lines;
    BodyText? _body;

    /// <param name="read">Reads octets of the message from an offset on.</param>
    /// <param name="size">RFC 5228 §5.9: octets of the message.</param>
    /// <param name="layout">Of <see cref="MessageSummary"/>.</param>
    public MessageView(OctetReader read, long size, ReadOnlySpan<byte> layout)
    {
        _read = read;
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

    public long Size { get; }

    public IReadOnlyList<MimePart> Parts => _parts;

    /// <summary>Where the text begins, behind the empty line.</summary>
    public int BodyStart => _parts[0].BodyStart;

    /// <summary>All fields from the top down.</summary>
    public List<HeaderLine> Lines => _lines ??= ReadHeader();

    /// <summary>Fields were added or removed.</summary>
    public bool IsChanged { get; private set; }

    /// <summary>How often.</summary>
    public int Changes { get; private set; }

    /// <summary>The fields as they are, for <see cref="Restore"/>; null: as they came.</summary>
    public List<HeaderLine>? Save() => IsChanged ? [.. Lines] : null;

    public void Restore(List<HeaderLine>? saved)
    {
        if (!IsChanged)
            return;
        _lines = saved;
        Changed();
        IsChanged = saved is not null;
    }

    public BodyText Body => _body ??= new BodyText(this, _read);

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

    /// <summary>Fields of a name in the header of a part; of part 0, the message, as scripts have changed them.</summary>
    public HeaderLine[] Fields(int part, string name)
    {
        if (part == 0)
            return Fields(name);
        if (!_ofParts.TryGetValue(part, out List<HeaderLine>? lines))
        {
            lines = ReadHeader(_parts[part].HeaderStart, Math.Min(_parts[part].BodyStart - _parts[part].HeaderStart, MostPartHeader));
            _ofParts.Add(part, lines);
        }
        HeaderLine[] found = [.. lines.Where(line => line.Name.Length == name.Length && Ascii.EqualsIgnoreCase(line.Name, name))];
        return found.Length == 0 ? s_none : found;
    }

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
        while (have < octets.Length && _read(start + have, octets.AsSpan(have)) is var count and > 0)
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
        while (have < length && _read(start + have, header.AsSpan(have)) is var count and > 0)
            have += count;
        var lines = new List<HeaderLine>(32);
        var fields = new HeaderFieldReader(header.AsSpan(0, have));
        int at = 0;
        while (fields.MoveNext())
        {
            HeaderField field = fields.Current;
            if (!field.Name.IsEmpty)
            {
                ReadOnlyMemory<byte> raw = header.AsMemory(at, field.Raw.Length);
                lines.Add(new HeaderLine(raw, field.Name.Length, field.Raw.IndexOf((byte)':') + 1));
            }
            at += field.Raw.Length;
        }
        return lines;
    }
}
