using System.Text;
using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Imap.Fetch;

/// <summary>A range of a stored message, prefix counted in.</summary>
internal readonly record struct OctetRange(long Start, long Length);

/// <summary>One message while FETCH or SEARCH looks at it: its details and its bytes, opened when first asked for.</summary>
/// <remarks>Made once a command and moved from message to message in ascending UID order.</remarks>
internal sealed class StoredMessage(MailStore store, Mailbox box) : IDisposable
{
    /// <summary>Headers are read into memory up to here; the rest of a larger one is left out (attack case A8).</summary>
    const int MaxHeader = MessageText.MaxHeader;

    readonly List<MimePart> _parts = [];
    DetailsReader? _details;
    MessageReader? _bytes;
    MessageSummary? _summary;
    MailboxSnapshot? _snapshot;
    MessageEntry _entry;
    bool _sought;
    bool _hasParts;

    public ref readonly MessageEntry Entry => ref _entry;

    /// <param name="snapshot">One that has the entry.</param>
    public void MoveTo(MailboxSnapshot snapshot, in MessageEntry entry)
    {
        _snapshot = snapshot;
        _entry = entry;
        _bytes?.Dispose();
        _bytes = null;
        _summary = null;
        _sought = false;
        _hasParts = false;
    }

    public ReadOnlySpan<byte> Envelope => Seek() ? _details!.Envelope : Summary.Envelope;

    public ReadOnlySpan<byte> BodyStructure => Seek() ? _details!.BodyStructure : Summary.BodyStructure;

    /// <summary>Words for people, UTF-8; empty: there are none. RFC 8970 §3.3</summary>
    public ReadOnlySpan<byte> Preview => Seek() ? _details!.PreviewText : Encoding.UTF8.GetBytes(Summary.Preview);

    /// <summary>RFC 8474 §5.1</summary>
    public string EmailId => ObjectIds.Email(Seek() ? _details!.EmailId : default, box, _entry.Uid);

    /// <summary>Null: it belongs to no thread that can be named. RFC 8474 §5.2</summary>
    public string? ThreadId => ObjectIds.Thread(Seek() ? _details!.ThreadRoot
        : Encoding.UTF8.GetBytes(Summary.References.Length > 0 ? Summary.References.Split(' ')[0] : Summary.MessageId ?? ""));

    /// <summary>False: nothing is stored ready to send, the message would have to be read and taken apart for it.</summary>
    public bool HasDetails
    {
        get
        {
            if (_sought)
                return true;
            _details ??= store.OpenDetails(box);
            return _sought = _details.Seek(_entry.Uid, compute: false);
        }
    }

    /// <summary>Parts as ranges of the body, that is without the prefix.</summary>
    public List<MimePart> Parts
    {
        get
        {
            if (!_hasParts)
            {
                if (!new MimeLayout(Seek() ? _details!.Layout : Summary.Layout).TryRead(_parts))
                    new MimeLayout(Summary.Layout).TryRead(_parts);
                _hasParts = true;
            }
            return _parts;
        }
    }

    /// <exception cref="IOException">The bytes are lost.</exception>
    public int Read(long offset, Span<byte> to) => (_bytes ??= store.OpenMessage(_snapshot!, _entry)).Read(offset, to);

    /// <summary>Reads a range into a buffer: headers, which are small.</summary>
    public void ReadInto(OctetRange range, ByteBuffer to)
    {
        int length = (int)Math.Min(range.Length, MaxHeader);
        if (length == 0)
            return;
        to.Advance(Read(range.Start, to.GetSpan(length)[..length]));
    }

    /// <summary>Puts together the fields of a header that a section names, or all the others, and the empty line. RFC 9051 §6.4.5.1</summary>
    public void ReadFields(BodySection section, OctetRange header, ByteBuffer scratch, ByteBuffer to)
    {
        scratch.Clear();
        ReadInto(header, scratch);
        var fields = new HeaderFieldReader(scratch.Written);
        while (fields.MoveNext())
        {
            bool named = false;
            foreach (byte[] name in section.Fields)
                named |= fields.Current.Is(name);
            if (named == (section.Kind == SectionKind.HeaderFields))
                to.Write(fields.Current.Raw);
        }
        to.Write("\r\n"u8);
    }

    /// <summary>Header of the message with its prefix, empty line included.</summary>
    public OctetRange Header => new(0, _entry.PrefixLength + Parts[0].BodyStart);

    /// <summary>The octets a section names; null: there is no such part, NIL. Header-field subsets: the header they are taken of.</summary>
    public OctetRange? Find(BodySection section)
    {
        long prefix = _entry.PrefixLength;
        if (section.Path.Length == 0)
        {
            return section.Kind switch
            {
                SectionKind.All => new OctetRange(0, _entry.Size),
                SectionKind.Text => new OctetRange(prefix + Parts[0].BodyStart, Parts[0].BodyLength),
                _ => Header,
            };
        }
        List<MimePart> parts = Parts;
        int index = MimeLayout.Find(parts, section.Path);
        if (index < 0)
            return null;
        MimePart part = parts[index];
        switch (section.Kind)
        {
            case SectionKind.All:
                return new OctetRange(prefix + part.BodyStart, part.BodyLength);
            case SectionKind.Mime:
                return index == 0 ? Header : new OctetRange(prefix + part.HeaderStart, part.BodyStart - part.HeaderStart);
        }
        // HEADER and TEXT of a part are those of the message in it. RFC 9051 §6.4.5.1
        if (part.Kind != MimePartKind.Message)
            return null;
        MimePart inner = parts[index + 1];
        return section.Kind == SectionKind.Text
            ? new OctetRange(prefix + inner.BodyStart, inner.BodyLength)
            : new OctetRange(prefix + inner.HeaderStart, inner.BodyStart - inner.HeaderStart);
    }

    /// <summary>The octets that BINARY decodes, and from what; null: there is no such part. Only parts that hold no parts are encoded,
    /// and the message itself is not (RFC 2045 §6.4).</summary>
    public (OctetRange Range, TransferEncoding Encoding)? FindEncoded(BodySection section)
    {
        if (section.Path.Length == 0)
            return (new OctetRange(0, _entry.Size), TransferEncoding.Identity);
        int index = MimeLayout.Find(Parts, section.Path);
        if (index < 0)
            return null;
        MimePart part = Parts[index];
        return (new OctetRange(_entry.PrefixLength + part.BodyStart, part.BodyLength),
            part.Kind == MimePartKind.Leaf ? part.Encoding : TransferEncoding.Identity);
    }

    public void Dispose()
    {
        _bytes?.Dispose();
        _details?.Dispose();
    }

    /// <summary>False: the row is gone, because another session expunged the message. Its bytes are still there.</summary>
    bool Seek()
    {
        if (_sought)
            return _summary is null;
        _sought = true;
        _details ??= store.OpenDetails(box);
        if (_details.Seek(_entry.Uid))
            return true;
        _ = Summary;
        return false;
    }

    MessageSummary Summary
    {
        get
        {
            if (_summary is null)
            {
                var body = new byte[_entry.BodyLength];
                Read(_entry.PrefixLength, body);
                _summary = MessageSummary.Of(body, store.MimeLimits);
            }
            return _summary;
        }
    }
}
