using System.Globalization;
using System.Text;

namespace MailEngine.Store.Exchange;

/// <summary>Reads mbox files: a folder of ours, any folder of .mbox files, or one file, which then is INBOX.</summary>
internal sealed class MboxReader(string root) : IArchiveReader
{
    const int MostLevels = MailboxName.MaxLevels;

    public async Task ReadAsync(IArchiveSink sink, CancellationToken ct)
    {
        if (File.Exists(root))
        {
            await sink.BeginMailboxAsync(new ArchivedMailbox(MailboxName.Inbox));
            await new MboxFileReader(root, sink).ReadAsync(ct);
            return;
        }
        if (!Directory.Exists(root))
            throw new ArchiveException($"There is no file or folder {root}.");
        Dictionary<string, ArchivedMailbox> manifest = ArchiveFolders.ReadManifest(root);
        var files = new List<string>();
        Find(files);
        if (files.Count == 0)
            throw new ArchiveException($"{root} has no file that ends in .mbox. Name one file, or give them that ending.");
        foreach (string file in files)
        {
            string path = Path.GetRelativePath(root, file);
            await sink.BeginMailboxAsync(manifest.TryGetValue(path, out ArchivedMailbox? known) ? known : new ArchivedMailbox(NameOf(path)));
            await new MboxFileReader(file, sink).ReadAsync(ct);
        }
    }

    void Find(List<string> files)
    {
        var waiting = new Queue<(string Folder, int Level)>();
        waiting.Enqueue((root, 1));
        while (waiting.TryDequeue(out (string Folder, int Level) at))
        {
            foreach (string path in Directory.EnumerateFileSystemEntries(at.Folder).Order(StringComparer.Ordinal))
            {
                ArchiveFolders.RefuseLink(path);
                if (path.EndsWith(".mbox", StringComparison.OrdinalIgnoreCase) && File.Exists(path))
                    files.Add(path);
                else if (Directory.Exists(path))
                    waiting.Enqueue(at.Level < MostLevels ? (path, at.Level + 1) : throw new ArchiveException($"{path} lies deeper than a mailbox may."));
            }
        }
    }

    MailboxName NameOf(string path) =>
        MailboxName.TryParse(string.Join('/', path[..^5].Split('/').Select(MboxWriter.Unescape)), out MailboxName name)
            ? name
            : throw new ArchiveException($"{Path.Combine(root, path)} cannot be the name of a mailbox. Rename the file.");
}

/// <summary>One mbox file. A line "From " behind an empty line, or at the start, begins a message.</summary>
/// <remarks>Lines are handed on in pieces of at most the buffer, so a line without an end costs no memory. The one line end that may belong to the
/// separator is held back until it is known whose it is.</remarks>
internal sealed class MboxFileReader(string path, IArchiveSink sink)
{
    const int MostFieldBytes = 8192;   // of the lines that say something about a message

    readonly byte[] _buffer = new byte[1 << 16];
    FileStream _file = null!;
    int _start, _end;
    bool _fileEnded;

    bool _lastEmpty;
    bool _inMessage, _inBlock, _inHeader, _raw;
    long? _size;
    long _written;
    bool _heldEnd;            // a line end that is not handed on yet
    uint _uid;
    MessageFlags _flags;
    string[] _keywords = [];
    DateTimeOffset? _date;
    DateTimeOffset? _separatorDate;
    long _line, _messageLine;

    public async Task ReadAsync(CancellationToken ct)
    {
        using FileStream file = ArchiveFolders.Open(path);
        _file = file;
        bool lineStart = true, afterEmpty = true;
        while (Next())
        {
            ct.ThrowIfCancellationRequested();
            (int length, bool ends) = Piece();
            if (lineStart)
                _line++;
            bool empty = lineStart && ends && length == Ending(length);
            if (lineStart && afterEmpty && IsSeparator(length))
            {
                await EndMessageAsync();
                BeginMessage(length);
                _start += length;
                while (!ends && Next())
                {
                    (length, ends) = Piece();
                    _start += length;
                }
                (lineStart, afterEmpty) = (true, false);
                continue;
            }
            if (!_inMessage)
            {
                if (!empty)
                    throw new ArchiveException($"{path} is no mbox: its first line does not begin with \"From \".");
                _start += length;
                continue;
            }
            TakeLine(length, ends, lineStart);
            _start += length;
            afterEmpty = empty;
            lineStart = ends;
        }
        await EndMessageAsync();
    }

    // -- lines --

    bool Next()
    {
        // A separator or a quoted one must be seen whole.
        while (!_fileEnded && _end - _start < _buffer.Length / 2 && _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n') < 0)
        {
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
            }
            int count = _file.Read(_buffer, _end, _buffer.Length - _end);
            _fileEnded = count == 0;
            _end += count;
        }
        return _end > _start;
    }

    (int Length, bool Ends) Piece()
    {
        int lf = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
        return lf < 0 ? (_end - _start, false) : (lf + 1, true);
    }

    ReadOnlySpan<byte> Line(int length) => _buffer.AsSpan(_start, length);

    /// <summary>Octets of the line end at the end of the piece: 0, 1 or 2.</summary>
    int Ending(int length)
    {
        ReadOnlySpan<byte> line = Line(length);
        return !line.EndsWith("\n"u8) ? 0 : line.EndsWith("\r\n"u8) ? 2 : 1;
    }

    bool IsSeparator(int length) => Line(length).StartsWith("From "u8);

    // -- messages --

    void BeginMessage(int length)
    {
        _inMessage = true;
        (_inBlock, _inHeader, _raw) = (true, true, false);
        (_size, _written, _heldEnd, _uid, _flags, _keywords, _date) = (null, 0, false, 0, 0, [], null);
        _messageLine = _line;
        _separatorDate = DateOf(Encoding.ASCII.GetString(Line(Math.Min(length, 200))));
        sink.BeginMessage($"{path}, line {_line}");
    }

    void TakeLine(int length, bool ends, bool lineStart)
    {
        // In a file of ours a CR is the message's own.
        int ending = _size is null ? Ending(length) : ends ? 1 : 0;
        ReadOnlySpan<byte> line = Line(length);
        _lastEmpty = lineStart && length == ending;
        if (_inBlock && lineStart && length <= MostFieldBytes)
        {
            // Fields that the export put before the message's own; the first of them says so.
            if (_size is null && line.StartsWith(Encoding.ASCII.GetBytes(MboxWriter.Mark)))
            {
                ReadMark(Encoding.ASCII.GetString(line[..^ending])[MboxWriter.Mark.Length..]);
                return;
            }
            if (_size is not null)
            {
                if (line.StartsWith("Status: "u8) || line.StartsWith("X-Status: "u8))
                    return;
                _inBlock = false;
                if (!line.StartsWith(Encoding.ASCII.GetBytes(MboxWriter.LastField)))
                    throw new ArchiveException($"{path}, line {_line}: the fields of the export before the message are not whole.");
                _keywords = ArchiveText.Keywords(Encoding.ASCII.GetString(line[..^ending])[MboxWriter.LastField.Length..]);
                return;
            }
        }
        _inBlock = false;
        if (_inHeader && lineStart && _size is null)
        {
            if (length == ending)
                _inHeader = false;
            else if (length <= MostFieldBytes)
                ReadStatus(line);
        }
        if (lineStart)
        {
            int quotes = 0;
            while (quotes < line.Length && quotes <= MboxQuoting.MostQuotes && line[quotes] == (byte)'>')
                quotes++;
            if (quotes > MboxQuoting.MostQuotes || (quotes > 0 && line[quotes..].StartsWith("From "u8)))
                line = line[1..];
        }
        ReleaseEnd(keep: true);
        if (_raw)
        {
            // Octets as they stand; only the last LF may be the separator's.
            Out(ends ? line[..^1] : line);
        }
        else
        {
            Out(line[..^ending]);
        }
        _heldEnd = ends;
    }

    void ReleaseEnd(bool keep)
    {
        if (keep && _heldEnd)
            Out(_raw ? "\n"u8 : "\r\n"u8);
        _heldEnd = false;
    }

    void Out(ReadOnlySpan<byte> bytes)
    {
        if (_size is { } size && _written + bytes.Length > size)
        {
            // The empty line before the separator, or the end of a line that had none.
            int room = (int)(size - _written);
            if (bytes[room..].ContainsAnyExcept((byte)'\r', (byte)'\n') || bytes.Length - room > 4)
                throw Wrong();
            bytes = bytes[..room];
        }
        _written += bytes.Length;
        sink.Write(bytes);
    }

    async Task EndMessageAsync()
    {
        if (!_inMessage)
            return;
        _inMessage = false;
        if (_size is { } size)
        {
            if (_written < size)
                ReleaseEnd(keep: true);
            if (_written != size)
                throw Wrong();
        }
        else
        {
            // The empty line before the separator is the separator's.
            ReleaseEnd(keep: !_lastEmpty);
        }
        await sink.EndMessageAsync(new ArchivedMessage(_uid, _flags, _keywords, _date ?? _separatorDate));
    }

    ArchiveException Wrong() => new($"{path}, line {_messageLine}: the message says that it has {_size} octets and has not: the file was cut off or changed. Remove the fields X-MailAdmin-* of a message to take it as it is now.");

    void ReadMark(string text)
    {
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            string value = equals < 0 ? "" : word[(equals + 1)..];
            switch (equals < 0 ? word : word[..equals])
            {
                case "uid":
                    _uid = ArchiveText.Number(value);
                    break;
                case "date":
                    _date = ArchiveText.Date(value);
                    break;
                case "size":
                    _size = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long size) ? size : null;
                    break;
                case "lines":
                    _raw = value == "raw";
                    break;
                case "flags":
                    _flags = ArchiveText.Flags(value);
                    break;
            }
        }
        if (_size is null)
            throw new ArchiveException($"{path}, line {_line}: the field of the export has no size.");
    }

    // What mail programs write into the header: https://doc.dovecot.org (mbox), mutt, pine.
    void ReadStatus(ReadOnlySpan<byte> line)
    {
        bool status = line.StartsWith("Status:"u8), more = line.StartsWith("X-Status:"u8);
        if (!status && !more)
            return;
        string letters = Encoding.ASCII.GetString(line[(status ? 7 : 9)..]);
        if (status && letters.Contains('R', StringComparison.Ordinal))
            _flags |= MessageFlags.Seen;
        if (!more)
            return;
        foreach ((char letter, MessageFlags flag) in new[] { ('A', MessageFlags.Answered), ('F', MessageFlags.Flagged), ('T', MessageFlags.Draft), ('D', MessageFlags.Deleted) })
        {
            if (letters.Contains(letter, StringComparison.Ordinal))
                _flags |= flag;
        }
    }

    // "From sender Sat Nov 21 04:00:00 2026", C's asctime, taken as UTC.
    static DateTimeOffset? DateOf(string separator)
    {
        string[] words = separator.TrimEnd().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length >= 7 && DateTimeOffset.TryParseExact(string.Join(' ', words[^5..]), "ddd MMM d HH:mm:ss yyyy",
            CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date) ? date : null;
    }
}
