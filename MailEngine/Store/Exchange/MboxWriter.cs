using System.Globalization;
using System.Text;

namespace MailEngine.Store.Exchange;

/// <summary>Writes a NAME.mbox for each mailbox, in folders as the mailboxes are, in the form called mboxrd: "From " at the front of a line,
/// with any number of ">" before it, gets one more ">". RFC 4155 is the plain form.</summary>
/// <remarks>Behind its separator each message has a block of fields that is not its own (<see cref="Mark"/> first, then Status and X-Status for other
/// programs); reading takes exactly that block away. A size in the mark tells whether the line end before the separator belongs to the message.</remarks>
internal sealed class MboxWriter : IArchiveWriter
{
    /// <summary>First field of the block: uid, date, size of the message in octets, and how its lines end: text (CRLF, written as LF) or raw.</summary>
    internal const string Mark = "X-MailAdmin-Export: ";
    internal const string LastField = "X-MailAdmin-Keywords: ";
    const int LongestName = 240;

    readonly string _root;
    readonly byte[] _block = new byte[LineEnds.BlockBytes];
    readonly List<(string, ArchivedMailbox)> _boxes = [];
    readonly MboxQuoting _quoting = new();
    FileStream? _file;

    public MboxWriter(string root)
    {
        _root = root;
        ArchiveFolders.Create(root);
    }

    public void BeginMailbox(ArchivedMailbox box)
    {
        _file?.Dispose();
        string path = string.Join('/', box.Name.Value.Split('/').Select(Escape)) + ".mbox";
        // A name on the disk has an end; the manifest has the whole name.
        if (path.Split('/').Any(part => Encoding.UTF8.GetByteCount(part) > LongestName))
            path = string.Create(CultureInfo.InvariantCulture, $"%long-name-{_boxes.Count}.mbox");
        _boxes.Add((path, box));
        string full = Path.Combine(_root, path);
        ArchiveFolders.CreateFolder(Path.GetDirectoryName(full)!);
        _file = ArchiveFolders.CreateFile(full);
    }

    public void Write(ArchivedMessage message, MessageReader content)
    {
        using MessageReader owned = content;
        (bool isText, _) = LineEnds.Look(content, _block);
        DateTimeOffset date = message.InternalDate!.Value;
        MessageFlags flags = message.Flags;
        string head = string.Create(CultureInfo.InvariantCulture, $"""
            From MAILER-DAEMON {date.UtcDateTime:ddd MMM} {date.UtcDateTime.Day,2} {date.UtcDateTime:HH:mm:ss yyyy}
            {Mark}uid={message.Uid} date={date.ToUnixTimeSeconds()} size={content.Length} lines={(isText ? "text" : "raw")} flags={ArchiveText.Letters(flags)}
            Status: {(flags.HasFlag(MessageFlags.Seen) ? "RO" : "O")}
            X-Status: {(flags.HasFlag(MessageFlags.Answered) ? "A" : "")}{(flags.HasFlag(MessageFlags.Flagged) ? "F" : "")}{(flags.HasFlag(MessageFlags.Draft) ? "T" : "")}{(flags.HasFlag(MessageFlags.Deleted) ? "D" : "")}
            {LastField}{string.Join(' ', message.Keywords)}

            """).ReplaceLineEndings("\n");
        _file!.Write(Encoding.UTF8.GetBytes(head));
        _quoting.Begin();
        LineEnds.Copy(content, isText, _block, bytes => _quoting.Write(bytes, _file));
        _quoting.End(_file);
        // One line end closes a last line that has none, one makes the empty line before the next separator.
        _file.Write(_quoting.AtLineStart ? "\n"u8 : "\n\n"u8);
    }

    public void Complete()
    {
        _file?.Dispose();
        _file = null;
        ArchiveFolders.WriteManifest(_root, _boxes);
        ArchiveFolders.Complete(_root);
    }

    public void Dispose() => _file?.Dispose();

    /// <summary>A level of a name as a part of a path: "%", a dot at the front, and the dot of a ".mbox" at the end are escaped.</summary>
    static string Escape(string level)
    {
        string text = level.Replace("%", "%25", StringComparison.Ordinal);
        if (text.StartsWith('.'))
            text = "%2E" + text[1..];
        return text.EndsWith(".mbox", StringComparison.OrdinalIgnoreCase) ? text[..^5] + "%2E" + text[^4..] : text;
    }

    internal static string Unescape(string part) =>
        part.Replace("%2E", ".", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal);
}

/// <summary>Puts a ">" before each line that is ">"s and "From ". Gets a message in pieces, cut anywhere.</summary>
internal sealed class MboxQuoting
{
    /// <summary>A line with this many ">" at its front gets one more whatever follows, so that nobody needs to look further to know.</summary>
    public const int MostQuotes = 1000;

    static ReadOnlySpan<byte> From => "From "u8;

    int _quotes;      // ">" seen at the front of this line, not yet written
    int _matched;     // octets of "From " behind them, not yet written
    bool _inFront;

    public bool AtLineStart { get; private set; }

    public void Begin() => (_quotes, _matched, _inFront, AtLineStart) = (0, 0, true, true);

    public void Write(ReadOnlySpan<byte> bytes, Stream to)
    {
        while (!bytes.IsEmpty)
        {
            if (!_inFront)
            {
                int lf = bytes.IndexOf((byte)'\n');
                to.Write(lf < 0 ? bytes : bytes[..(lf + 1)]);
                if (lf < 0)
                    return;
                bytes = bytes[(lf + 1)..];
                (_inFront, AtLineStart) = (true, true);
                continue;
            }
            byte b = bytes[0];
            AtLineStart = false;
            if (_matched == 0 && b == (byte)'>')
            {
                if (++_quotes == MostQuotes)
                {
                    to.WriteByte((byte)'>');
                    Release(to);
                }
            }
            else if (b == From[_matched])
            {
                if (++_matched == From.Length)
                {
                    to.WriteByte((byte)'>');
                    Release(to);
                }
            }
            else
            {
                Release(to);
                continue;   // the octet is looked at again, as one of the line
            }
            bytes = bytes[1..];
        }
    }

    public void End(Stream to) => Release(to);

    void Release(Stream to)
    {
        for (; _quotes > 0; _quotes--)
            to.WriteByte((byte)'>');
        to.Write(From[.._matched]);
        (_matched, _inFront) = (0, false);
    }
}
