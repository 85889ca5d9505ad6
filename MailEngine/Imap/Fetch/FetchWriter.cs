using System.Buffers.Text;
using MailEngine.Io;
using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Imap.Fetch;

/// <summary>Writes FETCH responses. RFC 9051 §7.5.2</summary>
internal sealed class FetchWriter(ImapSession session, SelectedMailbox selected, MailboxSnapshot snapshot, FetchItems items) : IDisposable
{
    /// <summary>Room for "* n FETCH (UID n FLAGS (... MODSEQ (n) INTERNALDATE "..." SAVEDATE "..." RFC822.SIZE n": all but keywords.</summary>
    const int FixedRoom = 320;

    /// <summary>Items that stand in the snapshot and are written by <see cref="WriteStart"/>.</summary>
    const FetchData InEntry = FetchData.Uid | FetchData.Flags | FetchData.ModSeq | FetchData.InternalDate | FetchData.SaveDate | FetchData.Size;

    /// <summary>Bytes read from a message at a time.</summary>
    const int Piece = 64 << 10;

    readonly ImapWriter _writer = session.Writer;
    readonly StoredMessage _message = new(session.Store, selected.Box);
    readonly ByteBuffer _scratch = new(4096);

    /// <summary>Messages whose bytes could not be read.</summary>
    public int Lost { get; private set; }

    /// <summary>Parts that could not be decoded.</summary>
    public int Undecodable { get; private set; }

    static ReadOnlySpan<byte> Months => "JanFebMarAprMayJunJulAugSepOctNovDec"u8;

    /// <summary>True when the snapshot alone answers: no database, no message bytes.</summary>
    public bool IsPlain => items.Sections.Count == 0 && (items.Data & ~InEntry) == 0;

    /// <summary>Writes messages from <paramref name="first"/> on while the output has room; gives the index after the last one.</summary>
    public int WritePlain(int first, int last)
    {
        int chunk = snapshot.ChunkOfIndex(first);
        int place = first - snapshot.FirstIndexOfChunk(chunk);
        ReadOnlySpan<Chunk> chunks = snapshot.Chunks;
        ReadOnlySpan<MessageEntry> entries = chunks[chunk].Messages;
        int index = first;
        while (index <= last && !_writer.IsFull)
        {
            if (place == entries.Length)
            {
                entries = chunks[++chunk].Messages;
                place = 0;
            }
            WriteStart(index + 1, entries[place++], items.Data);
            Span<byte> end = _writer.Reserve(3);
            ")\r\n"u8.CopyTo(end);
            _writer.Advance(3);
            index++;
        }
        return index;
    }

    /// <summary>Writes one message with everything asked for.</summary>
    /// <param name="alsoFlags">\Seen was set by this command: the client is told here, as of any other change.</param>
    public async ValueTask WriteAsync(int index, bool alsoFlags, CancellationToken ct)
    {
        _message.MoveTo(snapshot, snapshot[index]);
        FetchData data = items.Data;
        if (alsoFlags)
            data |= FetchData.Flags | (session.Enabled.CondStore ? FetchData.ModSeq | (session.Enabled.UidOnly ? 0 : FetchData.Uid) : 0);   // RFC 7162 §3.2.4
        WriteStart(index + 1, _message.Entry, data);
        bool any = (data & InEntry) != 0;
        WriteDetails(data, ref any);
        foreach (BodySection section in items.Sections)
        {
            if (any)
                _writer.Write((byte)' ');
            any = true;
            _writer.Write(section.Label);
            _writer.Write((byte)' ');
            if (section.Form == SectionForm.Octets)
                await WriteSectionAsync(section, ct);
            else
                await WriteDecodedAsync(section, ct);
        }
        _writer.Write(")\r\n"u8);
    }

    public void Dispose()
    {
        _message.Dispose();
        _scratch.Dispose();
    }

    void WriteStart(int number, in MessageEntry entry, FetchData data)
    {
        ReadOnlySpan<byte> keywords = (data & FetchData.Flags) != 0 ? selected.Keywords.Of(snapshot, entry.KeywordSet) : default;
        Span<byte> to = _writer.Reserve(FixedRoom + keywords.Length);
        int at = 0;
        Put("* "u8, to, ref at);
        bool uidOnly = session.Enabled.UidOnly;
        Put(uidOnly ? entry.Uid : (ulong)number, to, ref at);
        Put(uidOnly ? " UIDFETCH ("u8 : " FETCH ("u8, to, ref at);
        int empty = at;
        if ((data & FetchData.Uid) != 0)
        {
            Put("UID "u8, to, ref at);
            Put(entry.Uid, to, ref at);
        }
        if ((data & FetchData.Flags) != 0)
        {
            Put(at > empty ? " FLAGS ("u8 : "FLAGS ("u8, to, ref at);
            ReadOnlySpan<byte> system = FlagText.System(entry.Flags, selected.IsRecent(entry));
            Put(system, to, ref at);
            if (!keywords.IsEmpty)
            {
                if (!system.IsEmpty)
                    to[at++] = (byte)' ';
                Put(keywords, to, ref at);
            }
            to[at++] = (byte)')';
        }
        if ((data & FetchData.ModSeq) != 0)
        {
            Put(at > empty ? " MODSEQ ("u8 : "MODSEQ ("u8, to, ref at);
            Put(entry.ModSeq, to, ref at);
            to[at++] = (byte)')';
        }
        if ((data & FetchData.InternalDate) != 0)
        {
            Put(at > empty ? " INTERNALDATE "u8 : "INTERNALDATE "u8, to, ref at);
            PutDate(entry.InternalDate, to, ref at);
        }
        if ((data & FetchData.SaveDate) != 0)
        {
            Put(at > empty ? " SAVEDATE "u8 : "SAVEDATE "u8, to, ref at);
            PutDate(entry.SaveDate, to, ref at);
        }
        if ((data & FetchData.Size) != 0)
        {
            Put(at > empty ? " RFC822.SIZE "u8 : "RFC822.SIZE "u8, to, ref at);
            Put((ulong)entry.Size, to, ref at);
        }
        _writer.Advance(at);
    }

    void WriteDetails(FetchData data, ref bool any)
    {
        try
        {
            if ((data & FetchData.Envelope) != 0)
                Detail("ENVELOPE "u8, _message.Envelope, ref any);
            if ((data & FetchData.BodyStructure) != 0)
                Detail("BODYSTRUCTURE "u8, _message.BodyStructure, ref any);
            if ((data & FetchData.Body) != 0)
            {
                _scratch.Clear();
                BodyStructureText.WriteBasic(_message.BodyStructure, _scratch);
                Detail("BODY "u8, _scratch.Written, ref any);
            }
            if ((data & FetchData.EmailId) != 0)
                ObjectId("EMAILID "u8, _message.EmailId, ref any);
            if ((data & FetchData.ThreadId) != 0)
                ObjectId("THREADID "u8, _message.ThreadId, ref any);
            if ((data & FetchData.Preview) != 0)
                WritePreview(isLazy: (data & FetchData.LazyPreview) != 0, ref any);
        }
        catch (IOException e)
        {
            NoteLost(e);
        }
    }

    /// <summary>RFC 8474 §5.3; NIL: §5.2.</summary>
    void ObjectId(ReadOnlySpan<byte> name, string? id, ref bool any)
    {
        Detail(name, id is null ? "NIL"u8 : "("u8, ref any);
        if (id is not null)
            _writer.WriteAscii(id + ")");
    }

    /// <summary>NIL says "ask again without LAZY", an empty string that there is nothing to show. RFC 8970 §3.2</summary>
    void WritePreview(bool isLazy, ref bool any)
    {
        _scratch.Clear();
        if (isLazy && !_message.HasDetails)
            ImapText.WriteNil(_scratch);
        else
            ImapText.WriteString(_message.Preview, _scratch);
        Detail("PREVIEW "u8, _scratch.Written, ref any);
    }

    void Detail(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, ref bool any)
    {
        if (any)
            _writer.Write((byte)' ');
        any = true;
        _writer.Write(name);
        _writer.Write(value);
    }

    async ValueTask WriteSectionAsync(BodySection section, CancellationToken ct)
    {
        OctetRange? found;
        try
        {
            found = _message.Find(section);
            if (section.Kind is SectionKind.HeaderFields or SectionKind.HeaderFieldsNot)
            {
                if (found is { } header)
                    WriteFields(section, header);
                else
                    _writer.Write("NIL"u8);
                return;
            }
        }
        catch (IOException e)
        {
            NoteLost(e);
            _writer.Write("NIL"u8);
            return;
        }
        if (found is { } range)
            await WriteLiteralAsync(Partial(range, section), ct);
        else
            _writer.Write("NIL"u8);
    }

    /// <summary>BINARY and BINARY.SIZE. RFC 3516 §4.3</summary>
    async ValueTask WriteDecodedAsync(BodySection section, CancellationToken ct)
    {
        bool sizeOnly = section.Form == SectionForm.DecodedSize;
        DecodedSection? found = null;
        try
        {
            (long length, bool hasNul) = (0, false);
            try
            {
                found = FindDecoded(section);
                if (found is not null)
                    (length, hasNul) = found.Measure(section.Origin, sizeOnly ? 0 : section.Count);
            }
            catch (IOException e)
            {
                NoteLost(e);
                found?.Dispose();
                found = null;
            }
            if (sizeOnly)
                _writer.WriteNumber(length);
            else if (found is null)
                _writer.Write("NIL"u8);
            else
            {
                long count = Partial(new OctetRange(0, length), section).Length;
                if (hasNul)
                    _writer.Write((byte)'~');   // literal8: RFC 3516 §7
                WriteLiteralStart(count);
                await SendDecodedAsync(found, section, ct);
            }
        }
        finally
        {
            found?.Dispose();
        }
    }

    DecodedSection? FindDecoded(BodySection section)
    {
        if (_message.FindEncoded(section) is not { } found)
            return null;
        if (found.Encoding != TransferEncoding.Unknown)
            return new DecodedSection(_message, found.Range, found.Encoding);
        Undecodable++;
        return null;
    }

    async ValueTask SendDecodedAsync(DecodedSection decoded, BodySection section, CancellationToken ct)
    {
        decoded.Restart();
        long at = 0;
        while (NextDecoded(decoded) is { IsEmpty: false } piece)
        {
            _writer.Write(DecodedSection.Cut(piece, at, section.Origin, section.Count).Span);
            at += piece.Length;
            if (_writer.IsFull)
                await _writer.FlushAsync(session.Limits, ct);
        }
    }

    /// <exception cref="OperationCanceledException">The octets announced cannot be sent: the connection cannot go on.</exception>
    ReadOnlyMemory<byte> NextDecoded(DecodedSection decoded)
    {
        try
        {
            return decoded.Next();
        }
        catch (IOException e)
        {
            NoteLost(e);
            throw CutOff();
        }
    }

    static OctetRange Partial(OctetRange range, BodySection section)
    {
        long start = Math.Min(section.Origin, range.Length);
        return new OctetRange(range.Start + start, Math.Min(section.Count, range.Length - start));
    }

    /// <summary>Fields of a header block that are asked for, or all the others, and the empty line. RFC 9051 §6.4.5.1</summary>
    void WriteFields(BodySection section, OctetRange header)
    {
        using var subset = new ByteBuffer(1024);
        _message.ReadFields(section, header, _scratch, subset);
        OctetRange range = Partial(new OctetRange(0, subset.Length), section);
        WriteLiteralStart(range.Length);
        _writer.Write(subset.Slice((int)range.Start, (int)range.Length));
    }

    /// <summary>Sends octets of the message from its file to the connection, one copy, a piece at a time.</summary>
    async ValueTask WriteLiteralAsync(OctetRange range, CancellationToken ct)
    {
        // The first piece is read before its length is announced: a message whose bytes are lost gets NIL, not a cut connection.
        const int HeaderRoom = 32;
        int first = (int)Math.Min(range.Length, Piece);
        try
        {
            WriteFirst(range.Start, range.Length, first, HeaderRoom);
        }
        catch (IOException e)
        {
            NoteLost(e);
            _writer.Write("NIL"u8);
            return;
        }
        for (long done = first; done < range.Length;)
        {
            if (_writer.IsFull)
                await _writer.FlushAsync(session.Limits, ct);
            done += WriteNext(range.Start + done, (int)Math.Min(range.Length - done, Piece));
        }
    }

    void WriteFirst(long offset, long length, int first, int headerRoom)
    {
        Span<byte> to = _writer.Reserve(headerRoom + first);
        int at = 0;
        to[at++] = (byte)'{';
        Put((ulong)length, to, ref at);
        Put("}\r\n"u8, to, ref at);
        if (_message.Read(offset, to.Slice(at, first)) != first)
            throw new StorageException("The message is shorter than its row says.");
        _writer.Advance(at + first);
    }

    /// <exception cref="OperationCanceledException">The octets announced cannot be sent: the connection cannot go on.</exception>
    int WriteNext(long offset, int count)
    {
        Span<byte> to = _writer.Reserve(count)[..count];
        try
        {
            if (_message.Read(offset, to) == count)
            {
                _writer.Advance(count);
                return count;
            }
        }
        catch (IOException e)
        {
            NoteLost(e);
        }
        throw CutOff();
    }

    OperationCanceledException CutOff()
    {
        session.Connection.Abort("the bytes of a message are lost");
        return new OperationCanceledException("The bytes of a message are lost.");
    }

    void WriteLiteralStart(long length)
    {
        _writer.Write((byte)'{');
        _writer.WriteNumber(length);
        _writer.Write("}\r\n"u8);
    }

    void NoteLost(IOException e)
    {
        Lost++;
        ImapLog.MessageLost(session.Services.Log, e, session.Connection.Id, _message.Entry.Uid, selected.Box.Id);
    }

    /// <summary>date-time of RFC 9051 §9, in UTC.</summary>
    static void PutDate(long unixSeconds, Span<byte> to, ref int at)
    {
        DateTime date = DateTime.UnixEpoch.AddSeconds(Math.Clamp(unixSeconds, -62135596800, 253402300799));
        to[at++] = (byte)'"';
        to[at++] = date.Day < 10 ? (byte)' ' : (byte)('0' + date.Day / 10);
        to[at++] = (byte)('0' + date.Day % 10);
        to[at++] = (byte)'-';
        Put(Months.Slice((date.Month - 1) * 3, 3), to, ref at);
        to[at++] = (byte)'-';
        PutTwo(date.Year / 100, to, ref at);
        PutTwo(date.Year % 100, to, ref at);
        to[at++] = (byte)' ';
        PutTwo(date.Hour, to, ref at);
        to[at++] = (byte)':';
        PutTwo(date.Minute, to, ref at);
        to[at++] = (byte)':';
        PutTwo(date.Second, to, ref at);
        Put(" +0000\""u8, to, ref at);
    }

    static void PutTwo(int value, Span<byte> to, ref int at)
    {
        to[at++] = (byte)('0' + value / 10);
        to[at++] = (byte)('0' + value % 10);
    }

    static void Put(ReadOnlySpan<byte> bytes, Span<byte> to, ref int at)
    {
        bytes.CopyTo(to[at..]);
        at += bytes.Length;
    }

    static void Put(ulong value, Span<byte> to, ref int at)
    {
        Utf8Formatter.TryFormat(value, to[at..], out int written);
        at += written;
    }
}
