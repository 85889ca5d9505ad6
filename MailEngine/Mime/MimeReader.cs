using System.Text;

namespace MailEngine.Mime;

/// <summary>Takes a message apart into parts, each a set of ranges of its unchanged bytes.</summary>
/// <remarks>
/// RFC 2045, RFC 2046 §5; for faulty input RFC 2049 §2 and RFC 7103. One pass from front to back with a stack of open containers: no
/// recursion on input, time linear in the size, memory bounded by <see cref="MimeLimits"/>. Never throws for any bytes.
/// A line is a boundary when it holds "--", the boundary, "--" or not, and white space; the innermost container is asked first,
/// so a boundary that begins like another one is told apart (RFC 2046 §5.1.1 and §5.1.2). A missing last boundary ends at
/// the boundary of a container further out, or at the end.
/// </remarks>
internal sealed class MimeReader : IDisposable
{
    /// <summary>RFC 2046 §5.1.1 has 70; some senders have more.</summary>
    const int MaxBoundary = 998;

    readonly List<MimePart> _parts = new(8);
    readonly List<Container> _open = [];
    readonly ByteBuffer _boundaries = new(256);
    readonly ByteBuffer _scratch = new(256);
    MimeLimits _limits;
    int _openMultiparts;

    /// <summary>A part that is open: its boundary is a range of <see cref="_boundaries"/>; of length 0 for a message and for a
    /// multipart whose closing boundary was seen.</summary>
    struct Container
    {
        public int Part;
        public int BoundaryStart;
        public int BoundaryLength;
        /// <summary>A multipart or a message that nothing was found in yet.</summary>
        public bool NeedsChild;
        public bool IsDigest;
    }

    /// <summary>A boundary line: which container it belongs to; -1: none was found.</summary>
    readonly record struct Boundary(int Container, int LineStart, int LineEnd, bool Closes);

    /// <summary>Parts of the message read last, the root first. At least one.</summary>
    public IReadOnlyList<MimePart> Parts => _parts;

    /// <summary>Reads <paramref name="message"/> from its header on.</summary>
    public void Read(ReadOnlySpan<byte> message, MimeLimits limits)
    {
        _limits = limits;
        _parts.Clear();
        _open.Clear();
        _boundaries.Clear();
        _openMultiparts = 0;

        int parent = -1, at = 0;
        bool digest = false;
        while (true)
        {
            Boundary boundary = OpenPart(message, at, parent, digest);
            if (boundary.Container < 0)
            {
                int part = _parts.Count - 1;
                if (_parts[part].Kind == MimePartKind.Message)
                {
                    GetsChild(_open.Count - 1);
                    (parent, at, digest) = (part, _parts[part].BodyStart, false);
                    continue;
                }
                boundary = FindBoundary(message, _parts[part].BodyStart);
            }
            while (boundary.Container >= 0 && boundary.Closes)
            {
                Close(message, boundary.Container + 1, EndBefore(message, boundary.LineStart));
                CloseBoundary(message, boundary.Container, boundary.LineStart);
                boundary = FindBoundary(message, boundary.LineEnd);   // through the epilogue
            }
            if (boundary.Container < 0)
                break;
            Close(message, boundary.Container + 1, EndBefore(message, boundary.LineStart));
            Container container = GetsChild(boundary.Container);
            (parent, at, digest) = (container.Part, boundary.LineEnd, container.IsDigest);
        }
        Close(message, 0, message.Length);
        Finish(message);
    }

    public void Dispose()
    {
        _boundaries.Dispose();
        _scratch.Dispose();
    }

    /// <summary>Reads the header at <paramref name="at"/>, adds the part and, if it holds others, opens it. The boundary returned
    /// is one that cut the header short.</summary>
    Boundary OpenPart(ReadOnlySpan<byte> message, int at, int parent, bool digest)
    {
        Boundary cut = new(-1, 0, 0, false);
        bool canCut = _openMultiparts > 0 && _parts.Count + 1 < _limits.Parts;
        int start = at, body = -1, firstOdd = -1;
        while (at < message.Length)
        {
            ReadOnlySpan<byte> rest = message[at..];
            int lineFeed = rest.IndexOf((byte)'\n');
            int length = lineFeed < 0 ? rest.Length : lineFeed + 1;
            byte first = rest[0];
            if (first is (byte)'\n' || (first is (byte)'\r' && (length == 2 || rest.Length == 1)))
            {
                body = at + length;
                break;
            }
            if (first == (byte)'-' && canCut && rest.StartsWith("--"u8) && (cut = Match(message, at, at + length)).Container >= 0)
            {
                body = at;
                break;
            }
            if (first is not ((byte)' ' or (byte)'\t'))
            {
                ReadOnlySpan<byte> line = rest[..length];
                int colon = line.IndexOf((byte)':');
                bool isField = colon > 0 && HeaderFieldReader.IsName(line[..colon].TrimEnd(" \t"u8));
                if (isField)
                    firstOdd = -1;
                else if (firstOdd < 0 && !line.StartsWith("From "u8))
                    firstOdd = at;
            }
            at += length;
        }
        // No empty line at all: what follows the last field is the body (RFC 7103 §7.2).
        if (body < 0)
            body = firstOdd >= 0 ? firstOdd : message.Length;
        AddPart(message, start, body, parent, digest);
        return cut;
    }

    void AddPart(ReadOnlySpan<byte> message, int start, int body, int parent, bool digest)
    {
        var part = new MimePart { Parent = parent, HeaderStart = start, BodyStart = body, BodyEnd = -1, InDigest = digest };
        ReadOnlySpan<byte> type = default;
        bool typed = false;
        var fields = new HeaderFieldReader(message[start..Math.Min(body, start + MessageText.MaxHeader)]);
        while (fields.MoveNext())
        {
            ReadOnlySpan<byte> name = fields.Current.Name;
            if (name.Length < 12 || (name[0] | 0x20) != 'c')
                continue;
            if (!typed && name.Length == 12 && Ascii.EqualsIgnoreCase(name, "Content-Type"u8))
            {
                type = fields.Current.Value;
                typed = true;
            }
            else if (name.Length == 25 && Ascii.EqualsIgnoreCase(name, "Content-Transfer-Encoding"u8))
                part.Encoding = TransferDecoder.Parse(fields.Current.Value);
        }

        _scratch.Clear();
        var parsed = new ParameterReader(type, _scratch);
        bool isMultipart = false, isMessage = false;
        if (parsed.Type.IsEmpty || parsed.Subtype.IsEmpty)
        {
            isMessage = digest;
            part.IsText = !digest;
        }
        else
        {
            part.IsText = Ascii.EqualsIgnoreCase(parsed.Type, "text"u8);
            isMultipart = Ascii.EqualsIgnoreCase(parsed.Type, "multipart"u8);
            isMessage = Ascii.EqualsIgnoreCase(parsed.Type, "message"u8)
                && (Ascii.EqualsIgnoreCase(parsed.Subtype, "rfc822"u8) || Ascii.EqualsIgnoreCase(parsed.Subtype, "global"u8));
        }
        ReadOnlySpan<byte> boundary = default;
        if (isMultipart)
        {
            boundary = ParameterReader.Find(type, "boundary"u8, _scratch).TrimEnd((byte)' ');   // may not end in space: RFC 2046 §5.1.1
            if (boundary.Length > MaxBoundary)
                boundary = default;
            part.IsText = boundary.IsEmpty;   // shown as plain text
        }
        bool room = _open.Count < _limits.Depth && _parts.Count + 1 < _limits.Parts;
        if (room && (isMessage || !boundary.IsEmpty))
        {
            part.Kind = isMessage ? MimePartKind.Message : MimePartKind.Multipart;
            _open.Add(new Container
            {
                Part = _parts.Count,
                BoundaryStart = _boundaries.Length,
                BoundaryLength = boundary.Length,
                IsDigest = isMultipart && Ascii.EqualsIgnoreCase(parsed.Subtype, "digest"u8),
                NeedsChild = true,
            });
            _boundaries.Write(boundary);
            if (isMultipart)
                _openMultiparts++;
        }
        else
        {
            part.Opaque = isMultipart || isMessage;
            _open.Add(new Container { Part = _parts.Count });
        }
        _parts.Add(part);
    }

    /// <summary>The next boundary line at or after <paramref name="at"/>, the start of a line.</summary>
    Boundary FindBoundary(ReadOnlySpan<byte> message, int at)
    {
        if (_parts.Count >= _limits.Parts)
            return new Boundary(-1, 0, 0, false);
        while (_openMultiparts > 0 && at < message.Length)
        {
            if (!message[at..].StartsWith("--"u8))
            {
                int found = message[at..].IndexOf("\n--"u8);
                if (found < 0)
                    break;
                at += found + 1;
            }
            int lineFeed = message[at..].IndexOf((byte)'\n');
            int end = lineFeed < 0 ? message.Length : at + lineFeed + 1;
            Boundary boundary = Match(message, at, end);
            if (boundary.Container >= 0)
                return boundary;
            at = end;
        }
        return new Boundary(-1, 0, 0, false);
    }

    /// <summary>Whose boundary stands on the line, which begins with "--".</summary>
    Boundary Match(ReadOnlySpan<byte> message, int lineStart, int lineEnd)
    {
        ReadOnlySpan<byte> line = message[(lineStart + 2)..lineEnd].TrimEnd(" \t\r\n"u8);
        for (int i = _open.Count - 1; i >= 0; i--)
        {
            Container container = _open[i];
            int length = container.BoundaryLength;
            if (length == 0 || line.Length < length || line.Length > length + 2)
                continue;
            if (!line.StartsWith(_boundaries.Slice(container.BoundaryStart, length)))
                continue;
            if (line.Length == length)
                return new Boundary(i, lineStart, lineEnd, false);
            if (line[length..].SequenceEqual("--"u8))
                return new Boundary(i, lineStart, lineEnd, true);
        }
        return new Boundary(-1, 0, 0, false);
    }

    /// <summary>The line end before a boundary belongs to the boundary. RFC 2046 §5.1.1</summary>
    static int EndBefore(ReadOnlySpan<byte> message, int lineStart)
    {
        if (lineStart > 0 && message[lineStart - 1] == (byte)'\n')
            lineStart -= lineStart > 1 && message[lineStart - 2] == (byte)'\r' ? 2 : 1;
        return lineStart;
    }

    /// <summary>Ends all open parts from <paramref name="from"/> in the stack on.</summary>
    void Close(ReadOnlySpan<byte> message, int from, int end)
    {
        for (int i = _open.Count - 1; i >= from; i--)
        {
            Container container = _open[i];
            if (container.NeedsChild || container.BoundaryLength > 0)
                CloseBoundary(message, i, end);
            MimePart part = _parts[container.Part];
            end = Math.Max(end, part.BodyStart);   // never less than what it holds
            part.BodyEnd = end;
            _parts[container.Part] = part;
            _open.RemoveAt(i);
        }
    }

    Container GetsChild(int index)
    {
        Container container = _open[index];
        container.NeedsChild = false;
        _open[index] = container;
        return container;
    }

    /// <summary>No more parts come in this container; one that had none gets an empty one, since BODYSTRUCTURE must show at least
    /// one (RFC 9051 §9, body-type-mpart).</summary>
    void CloseBoundary(ReadOnlySpan<byte> message, int index, int end)
    {
        Container container = _open[index];
        if (container.NeedsChild)
        {
            int at = Math.Max(Math.Min(end, message.Length), _parts[container.Part].BodyStart);
            _parts.Add(new MimePart { Parent = container.Part, HeaderStart = at, BodyStart = at, BodyEnd = at, IsText = true });
            container.NeedsChild = false;
        }
        if (container.BoundaryLength > 0)
            _openMultiparts--;
        container.BoundaryLength = 0;
        _open[index] = container;
    }

    void Finish(ReadOnlySpan<byte> message)
    {
        for (int i = 0; i < _parts.Count; i++)
        {
            MimePart part = _parts[i];
            if (!part.IsText && part.Kind != MimePartKind.Message)
                continue;
            part.Lines = message[part.BodyStart..part.BodyEnd].Count((byte)'\n');
            _parts[i] = part;
        }
    }
}
