using System.Text;

namespace MailEngine.Imap.Fetch;

/// <summary>Data items of FETCH without a section. RFC 9051 §6.4.5</summary>
[Flags]
internal enum FetchData
{
    None = 0,
    Uid = 1,
    Flags = 2,
    InternalDate = 4,
    Size = 8,
    Envelope = 16,
    Body = 32,
    BodyStructure = 64,
    /// <summary>RFC 7162 §3.1.4.2</summary>
    ModSeq = 128,
    /// <summary>RFC 8514 §4.2</summary>
    SaveDate = 256,
    /// <summary>RFC 8474 §5.3</summary>
    EmailId = 512,
    ThreadId = 1024,
    /// <summary>RFC 8970 §3.1</summary>
    Preview = 1 << 16,
    /// <summary>With <see cref="Preview"/>: only where it costs nothing. RFC 8970 §4.1</summary>
    LazyPreview = 1 << 17,
}

/// <summary>What of a part is wanted. RFC 9051 §6.4.5.1</summary>
internal enum SectionKind { All, Header, HeaderFields, HeaderFieldsNot, Text, Mime }

/// <summary>How a section is sent.</summary>
internal enum SectionForm
{
    /// <summary>BODY: the octets as they stand in the message.</summary>
    Octets,
    /// <summary>BINARY: with the transfer encoding undone. RFC 3516 §4.2</summary>
    Decoded,
    /// <summary>BINARY.SIZE: the number of octets that BINARY would send.</summary>
    DecodedSize,
}

/// <summary>One BODY[...] or BINARY[...] item.</summary>
internal sealed record BodySection
{
    /// <summary>Name of the item in the response, with the origin octet of a partial.</summary>
    public required byte[] Label { get; init; }
    /// <summary>Part numbers; empty: the message.</summary>
    public required int[] Path { get; init; }
    public required SectionKind Kind { get; init; }
    public SectionForm Form { get; init; }
    /// <summary>Names for <see cref="SectionKind.HeaderFields"/> and its opposite.</summary>
    public IReadOnlyList<byte[]> Fields { get; init; } = [];
    /// <summary>First octet wanted.</summary>
    public long Origin { get; init; }
    /// <summary>Most octets wanted.</summary>
    public long Count { get; init; } = long.MaxValue;
    /// <summary>Does not set \Seen.</summary>
    public required bool Peek { get; init; }
}

/// <summary>Everything one FETCH asks for.</summary>
internal sealed record FetchItems(FetchData Data, IReadOnlyList<BodySection> Sections)
{
    const int MaxSections = 100;
    const int MaxPath = 100;
    const int MaxFields = 200;

    /// <summary>A section without PEEK: RFC 9051 §6.4.5, "implicitly sets the \Seen flag".</summary>
    public bool SetsSeen
    {
        get
        {
            foreach (BodySection section in Sections)
            {
                if (!section.Peek)
                    return true;
            }
            return false;
        }
    }

    // "ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")" (RFC 9051 §9)
    public static FetchItems Parse(ref ImapReader r)
    {
        var data = FetchData.None;
        var sections = new List<BodySection>();
        const FetchData Fast = FetchData.Flags | FetchData.InternalDate | FetchData.Size;
        if (r.TryWord("ALL"u8))
            return new(Fast | FetchData.Envelope, sections);
        if (r.TryWord("FULL"u8))
            return new(Fast | FetchData.Envelope | FetchData.Body, sections);
        if (r.TryWord("FAST"u8))
            return new(Fast, sections);
        if (!r.TryTake((byte)'('))
            Item(ref r, ref data, sections);
        else
        {
            do
                Item(ref r, ref data, sections);
            while (!r.Failed && r.TryTake((byte)' '));
            r.Take((byte)')');
        }
        return new(data, sections);
    }

    static void Item(ref ImapReader r, ref FetchData data, List<BodySection> sections)
    {
        ReadOnlySpan<byte> word = r.Word();
        if (r.Failed)
            return;
        if (Is(word, "FLAGS"u8))
            data |= FetchData.Flags;
        else if (Is(word, "UID"u8))
            data |= FetchData.Uid;
        else if (Is(word, "INTERNALDATE"u8))
            data |= FetchData.InternalDate;
        else if (Is(word, "MODSEQ"u8))
            data |= FetchData.ModSeq;
        else if (Is(word, "RFC822.SIZE"u8))
            data |= FetchData.Size;
        else if (Is(word, "SAVEDATE"u8))
            data |= FetchData.SaveDate;
        else if (Is(word, "EMAILID"u8))
            data |= FetchData.EmailId;
        else if (Is(word, "THREADID"u8))
            data |= FetchData.ThreadId;
        else if (Is(word, "ENVELOPE"u8))
            data |= FetchData.Envelope;
        else if (Is(word, "BODYSTRUCTURE"u8))
            data |= FetchData.BodyStructure;
        else if (Is(word, "PREVIEW"u8))
            data |= Preview(ref r);
        else if (Is(word, "BODY"u8) && r.Peek() != (byte)'[')
            data |= FetchData.Body;
        else if (Is(word, "BODY"u8) || Is(word, "BODY.PEEK"u8))
            sections.Add(Section(ref r, peek: word.Length > 4));
        else if (Is(word, "BINARY"u8) || Is(word, "BINARY.PEEK"u8))
            sections.Add(Binary(ref r, SectionForm.Decoded, peek: word.Length > 6));
        else if (Is(word, "BINARY.SIZE"u8))
            sections.Add(Binary(ref r, SectionForm.DecodedSize, peek: true));
        else if (Is(word, "RFC822"u8))   // RFC 3501 §6.4.5
            sections.Add(new BodySection { Label = "RFC822"u8.ToArray(), Path = [], Kind = SectionKind.All, Peek = false });
        else if (Is(word, "RFC822.HEADER"u8))
            sections.Add(new BodySection { Label = "RFC822.HEADER"u8.ToArray(), Path = [], Kind = SectionKind.Header, Peek = true });
        else if (Is(word, "RFC822.TEXT"u8))
            sections.Add(new BodySection { Label = "RFC822.TEXT"u8.ToArray(), Path = [], Kind = SectionKind.Text, Peek = false });
        else
            r.Fail("Unknown data item");
        if (sections.Count > MaxSections)
            r.Fail("Too many sections");
    }

    // "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]; preview-mod = "LAZY" (RFC 8970 §6)
    static FetchData Preview(ref ImapReader r)
    {
        // What follows in parentheses may also be the modifiers of the FETCH (RFC 4466 §2.4).
        if (!r.TryText(" (LAZY"u8))
            return FetchData.Preview;
        while (r.TryText(" LAZY"u8))
        {
        }
        r.Take((byte)')');
        return FetchData.Preview | FetchData.LazyPreview;
    }

    // section = "[" [section-spec] "]"; partial = "<" number64 "." nz-number64 ">" (RFC 9051 §9)
    internal static BodySection Section(ref ImapReader r, bool peek)
    {
        var label = new StringBuilder("BODY[");
        var path = new List<int>();
        var kind = SectionKind.All;
        var fields = new List<byte[]>();
        r.Take((byte)'[');
        if (PartNumbers(ref r, path, label))
        {
            label.Append('.');
            kind = SpecKind(ref r, isPart: true, label, fields);
        }
        if (path.Count == 0 && r.Peek() != (byte)']')
            kind = SpecKind(ref r, isPart: false, label, fields);
        r.Take((byte)']');
        label.Append(']');
        (long origin, long count) = Partial(ref r, label);
        return new BodySection
        {
            Label = Encoding.ASCII.GetBytes(label.ToString()),
            Path = [.. path],
            Kind = kind,
            Fields = fields,
            Origin = origin,
            Count = count,
            Peek = peek,
        };
    }

    // section-binary = "[" [section-part] "]" (RFC 3516 §7)
    static BodySection Binary(ref ImapReader r, SectionForm form, bool peek)
    {
        var label = new StringBuilder(form == SectionForm.DecodedSize ? "BINARY.SIZE[" : "BINARY[");
        var path = new List<int>();
        r.Take((byte)'[');
        if (PartNumbers(ref r, path, label))
            r.Fail("Expected a part number");
        r.Take((byte)']');
        label.Append(']');
        (long origin, long count) = form == SectionForm.DecodedSize ? (0, long.MaxValue) : Partial(ref r, label);
        return new BodySection
        {
            Label = Encoding.ASCII.GetBytes(label.ToString()),
            Path = [.. path],
            Kind = SectionKind.All,
            Form = form,
            Origin = origin,
            Count = count,
            Peek = peek,
        };
    }

    /// <summary>section-part: numbers with dots between them. True: a dot was taken, and no number stands behind it.</summary>
    static bool PartNumbers(ref ImapReader r, List<int> path, StringBuilder label)
    {
        while (r.Peek() is >= (byte)'1' and <= (byte)'9' && !r.Failed)
        {
            uint number = r.NonZeroNumber();
            if (number > int.MaxValue || path.Count >= MaxPath)
                r.Fail("No such part");
            path.Add((int)number);
            label.Append(path.Count > 1 ? "." : "").Append(number);
            if (!r.TryTake((byte)'.'))
                return false;
            if (r.Peek() is not (>= (byte)'1' and <= (byte)'9'))
                return true;
        }
        return false;
    }

    static (long Origin, long Count) Partial(ref ImapReader r, StringBuilder label)
    {
        if (!r.TryTake((byte)'<'))
            return (0, long.MaxValue);
        long origin = r.Number64();
        r.Take((byte)'.');
        long count = r.Number64();
        if (count == 0)
            r.Fail("Nothing asked for");
        r.Take((byte)'>');
        label.Append('<').Append(origin).Append('>');
        return (origin, count);
    }

    // section-text = section-msgtext / "MIME" (RFC 9051 §9)
    static SectionKind SpecKind(ref ImapReader r, bool isPart, StringBuilder label, List<byte[]> fields)
    {
        ReadOnlySpan<byte> word = r.Word();
        if (Is(word, "HEADER"u8))
        {
            label.Append("HEADER");
            return SectionKind.Header;
        }
        if (Is(word, "TEXT"u8))
        {
            label.Append("TEXT");
            return SectionKind.Text;
        }
        if (isPart && Is(word, "MIME"u8))
        {
            label.Append("MIME");
            return SectionKind.Mime;
        }
        bool not = Is(word, "HEADER.FIELDS.NOT"u8);
        if (!not && !Is(word, "HEADER.FIELDS"u8))
        {
            r.Fail("Unknown section");
            return SectionKind.All;
        }
        label.Append(not ? "HEADER.FIELDS.NOT (" : "HEADER.FIELDS (");
        r.Sp();
        r.Take((byte)'(');
        do
        {
            ReadOnlySpan<byte> name = r.Astring();
            // A name goes back to the client as an atom: none of ours has other characters, so none can match.
            if (!r.Failed && !ImapReader.IsAtom(name))
                r.Fail("Not a field name");
            if (fields.Count > 0)
                label.Append(' ');
            label.Append(Encoding.ASCII.GetString(name));
            fields.Add(name.ToArray());
            if (fields.Count > MaxFields)
                r.Fail("Too many fields");
        }
        while (!r.Failed && r.TryTake((byte)' '));
        r.Take((byte)')');
        label.Append(')');
        return not ? SectionKind.HeaderFieldsNot : SectionKind.HeaderFields;
    }

    static bool Is(ReadOnlySpan<byte> word, ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(word, name);
}
