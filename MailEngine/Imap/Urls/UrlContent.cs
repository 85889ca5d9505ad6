using System.Text;
using MailEngine.Imap.Fetch;
using MailEngine.Io;
using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Imap.Urls;

/// <summary>The octets that a URL names, as FETCH BODY would send them. RFC 4469 §3</summary>
internal sealed class UrlContent : IDisposable
{
    readonly StoredMessage _message;
    readonly byte[]? _fields;    // a subset of header fields is put together first
    readonly OctetRange _range;
    readonly BodySection _section;
    readonly OctetRange _whole;  // without the URL's own range of octets

    UrlContent(StoredMessage message, BodySection section, OctetRange whole, OctetRange range, byte[]? fields)
    {
        _message = message;
        _section = section;
        _whole = whole;
        _range = range;
        _fields = fields;
    }

    /// <summary>The same with the transfer encoding undone, not cut yet; null: the encoding is not known. Header fields have none.</summary>
    public DecodedSection? Decode()
    {
        if (_fields is not null)
            return null;
        (OctetRange range, TransferEncoding encoding) = _section.Kind == SectionKind.All ? _message.FindEncoded(_section)!.Value : (_whole, TransferEncoding.Identity);
        return encoding == TransferEncoding.Unknown ? null : new DecodedSection(_message, range, encoding);
    }

    /// <summary>Header fields that were put together: neither a part nor encoded.</summary>
    public bool IsFields => _fields is not null;

    /// <summary>BODYSTRUCTURE of the part that the URL names; false: it names no part.</summary>
    /// <param name="decoded">As it is with its transfer encoding undone.</param>
    /// <exception cref="IOException">The bytes of the message are lost.</exception>
    public bool TryWriteStructure(bool decoded, ByteBuffer to)
    {
        if (_section.Kind != SectionKind.All)
            return false;
        int index = _section.Path.Length == 0 ? 0 : MimeLayout.Find(_message.Parts, _section.Path);
        ReadOnlySpan<byte> part = BodyStructureText.Part(_message.BodyStructure, _message.Parts, index);
        bool isLeaf = _message.Parts[index].Kind == MimePartKind.Leaf && _section.Path.Length > 0;   // the message itself is not encoded: RFC 2045 §6.4
        using DecodedSection? content = decoded && isLeaf ? Decode() : null;
        if (content is null)
            to.Write(part);
        else
        {
            (string encoding, long octets, long lines) = content.Describe();
            BodyStructureText.WriteDecoded(part, encoding, octets, lines, to);
        }
        return true;
    }

    public long Length => _range.Length;

    /// <summary>Range of octets that the URL asks for: of what is sent, decoded or not.</summary>
    public long Origin { get; private init; }

    public long Count { get; private init; }

    /// <summary>The part with its place, for those who decode it; null for header fields.</summary>
    public StoredMessage Message => _message;

    /// <exception cref="IOException">The bytes of the message are lost.</exception>
    public void Read(long offset, Span<byte> to)
    {
        if (_fields is not null)
            _fields.AsSpan((int)(_range.Start + offset), to.Length).CopyTo(to);
        else if (_message.Read(_range.Start + offset, to) != to.Length)
            throw new StorageException("The message is shorter than its row says.");
    }

    /// <summary>Finds what a URL names in a mailbox that its user may read; null: it names nothing there.</summary>
    /// <exception cref="IOException">The bytes of the message are lost.</exception>
    public static UrlContent? Find(MailStore store, Mailbox box, ImapUrl url, int depth)
    {
        MailboxSnapshot now = box.Current;
        if (!box.Rights.HasFlag(AclRights.Read) || url.UidValidity is { } validity && validity != now.UidValidity)
            return null;
        int index = now.IndexOf(url.Uid);
        if (index < 0 || SectionOf(url, depth) is not { } section)
            return null;
        StoredMessage? message = new(store, box);
        message.MoveTo(now, now[index]);
        try
        {
            if (message.Find(section) is { } found)
            {
                byte[]? fields = null;
                if (section.Kind is SectionKind.HeaderFields or SectionKind.HeaderFieldsNot)
                {
                    using var subset = new ByteBuffer(1024);
                    using var header = new ByteBuffer(1024);
                    message.ReadFields(section, found, header, subset);
                    fields = subset.Written.ToArray();
                    found = new OctetRange(0, fields.Length);
                }
                long start = Math.Min(url.Origin, found.Length);
                var content = new UrlContent(message, section, found, new OctetRange(found.Start + start, Math.Min(url.Count, found.Length - start)), fields) { Origin = url.Origin, Count = url.Count };
                message = null;
                return content;
            }
            return null;
        }
        finally
        {
            message?.Dispose();
        }
    }

    /// <summary>The section of a URL; null: not one.</summary>
    public static BodySection? SectionOf(ImapUrl url, int depth)
    {
        var reader = new ImapReader(Encoding.UTF8.GetBytes($"[{url.Section}]\r\n"), depth);
        BodySection section = FetchItems.Section(ref reader, peek: true);
        reader.End();
        return reader.Failed ? null : section;
    }

    public void Dispose() => _message.Dispose();
}
