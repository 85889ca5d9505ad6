using System.Buffers;
using System.Buffers.Text;
using System.Text;
using MailEngine.Io;
using MailEngine.Mime;
using MailEngine.Net;
using MailEngine.Store;

namespace MailEngine.Pop3;

/// <summary>Sends a message, or the top of it, as a multi-line answer: from its file into the connection, one copy, a piece at a time, whatever the
/// length of its lines.</summary>
/// <remarks>
/// RFC 1939 §3: a line that begins with a dot gets another one, and a line with a dot alone ends the answer. A lone LF counts as a line end where dots
/// are doubled, because there are clients that take it for one and would see the end of the answer inside a message.
/// RFC 6856 §2.1: who has not said UTF8 gets surrogates of headers that are not ASCII (<see cref="SurrogateHeader"/>), the message's own and those of its
/// parts, and question marks where one is longer than what is read at once or has begun in what was sent before. Where parts begin is asked of the
/// store for the first octet behind the header that is not ASCII, so messages without one cost nothing.
/// Differs from RFC 6856 §2.1 (LIST SHOULD tell what RETR sends) and RFC 1939 §11 for such messages alone: LIST and STAT tell the size as it is stored,
/// since for another one every message would have to be read when the maildrop is opened. The size behind +OK counts the surrogate of the first header.
/// </remarks>
internal sealed class MessageSender(Pop3Session session, Maildrop drop, int number)
{
    /// <summary>Bytes read from a message at a time; with <see cref="Room"/> what is asked of the output is a power of two.</summary>
    const int Piece = (64 << 10) - Room;

    /// <summary>Room for the first line.</summary>
    const int Room = 64;

    readonly OutputWriter _writer = session.Writer;
    bool _isLineStart = true;
    bool _isMasked;   // in a header that is longer than a piece, for a client without UTF8
    byte _last = (byte)'\n', _beforeLast = (byte)'\r';
    IReadOnlyList<(long Start, long End)>? _headers;   // of the parts; null: not asked for yet
    int _nextHeader;     // the first that does not end before what is sent next

    // A piece with a header that must become another one is read once and sent from here, so that what waits to be flushed does not grow with the
    // number of parts. Rented for the first such piece, given back at the end.
    byte[]? _held;
    long _heldStart, _heldEnd;

    /// <param name="lines">Lines of the body; null: the whole message.</param>
    public async ValueTask<Pop3Reply> SendAsync(int? lines, CancellationToken ct)
    {
        MessageReader message = drop.Open(number);
        long length, done;
        try
        {
            length = lines is { } most ? TopLength(message, most) : message.Length;
            // The first piece is read before the answer begins: a message whose bytes are lost gets -ERR, not a cut connection.
            done = WriteFirst(message, length, isWhole: lines is null);
        }
        catch (IOException e)
        {
            NoteLost(e);
            return Pop3Reply.Err(Pop3Texts.MessageLost, "SYS/PERM");
        }
        try
        {
            while (done < length)
            {
                if (_writer.IsFull)
                    await _writer.FlushAsync(session.Limits, ct);
                done += done < _heldEnd ? WriteHeld(done, length) : WriteNext(message, done, length);
            }
        }
        finally
        {
            if (_held is not null)
                ArrayPool<byte>.Shared.Return(_held);
        }
        _writer.Write(_last == (byte)'\n' && _beforeLast == (byte)'\r' ? ".\r\n"u8 : "\r\n.\r\n"u8);
        if (lines is null)
            drop.NoteSent(number, length);
        return Pop3Reply.Nothing;
    }

    /// <returns>Octets of the message that are written: those of a header alone, when what is behind it must be looked through.</returns>
    long WriteFirst(MessageReader message, long length, bool isWhole)
    {
        int first = (int)Math.Min(length, Piece);
        Span<byte> to = _writer.Reserve(Room + first);
        "+OK "u8.CopyTo(to);
        int at = 4;
        if (isWhole && session.Language == Pop3Language.English)   // the answer that must be quick
        {
            Utf8Formatter.TryFormat(drop.SizeOf(number), to[at..], out int digits);
            at += digits;
            " octets\r\n"u8.CopyTo(to[at..]);
            at += 9;
        }
        else
        {
            byte[] line = (isWhole ? Pop3Reply.Ok(Pop3Texts.Octets, drop.SizeOf(number)) : Pop3Reply.Ok(Pop3Texts.LinesFollow)).LineIn(session.Language);
            line.CopyTo(to);
            at = line.Length;
        }
        if (message.Read(0, to.Slice(at, first)) != first)
            throw new StorageException("The message is shorter than its row says.");
        Span<byte> octets = to.Slice(at, first);
        int headerEnd = session.IsUtf8 ? 0 : HeaderEnd(octets);
        if (headerEnd < 0 && first == length)
            headerEnd = first;   // nothing but a header
        if (headerEnd != 0 && !Ascii.IsValid(headerEnd < 0 ? octets : octets[..headerEnd]))
        {
            if (headerEnd > 0)
            {
                WriteSurrogate(octets, headerEnd, isWhole);
                return headerEnd;
            }
            SurrogateHeader.Mask(octets);
        }
        _isMasked = headerEnd < 0;
        _writer.Advance(at);
        if (headerEnd > 0 && !Ascii.IsValid(octets[headerEnd..]))
            first = headerEnd;
        Pass(octets[..first]);
        return first;
    }

    void WriteSurrogate(Span<byte> octets, int headerEnd, bool isWhole)
    {
        using var header = new ByteBuffer(headerEnd * 2);
        SurrogateHeader.Write(octets[..headerEnd], header);
        _writer.Write((isWhole ? Pop3Reply.Ok(Pop3Texts.Octets, drop.SizeOf(number) + header.Length - headerEnd) : Pop3Reply.Ok(Pop3Texts.LinesFollow)).LineIn(session.Language));
        PassCopy(header.Written);
    }

    void PassCopy(ReadOnlySpan<byte> octets)
    {
        while (!octets.IsEmpty)
        {
            Span<byte> to = _writer.Reserve(1);
            int count = Math.Min(octets.Length, to.Length);
            octets[..count].CopyTo(to);
            Pass(to[..count]);
            octets = octets[count..];
        }
    }

    /// <summary>Where the empty line begins that ends the header; -1: not in these octets.</summary>
    int HeaderEnd(ReadOnlySpan<byte> octets)
    {
        // The line end before it may stand at the end of the piece before.
        if (_last == (byte)'\n' && (octets.StartsWith("\n"u8) || octets.StartsWith("\r\n"u8)))
            return 0;
        if (_beforeLast == (byte)'\n' && _last == (byte)'\r' && octets.StartsWith("\n"u8))
            return 0;
        for (int at = 0; octets[at..].IndexOf((byte)'\n') is var lineFeed and >= 0;)
        {
            at += lineFeed + 1;
            ReadOnlySpan<byte> next = octets[at..];
            if (next.StartsWith("\n"u8) || next.StartsWith("\r\n"u8))
                return at;
        }
        return -1;
    }

    /// <returns>Octets of the message that are written; none, when they are held.</returns>
    /// <exception cref="OperationCanceledException">The rest of the message cannot be sent: the connection cannot go on.</exception>
    int WriteNext(MessageReader message, long offset, long length)
    {
        int count = (int)Math.Min(length - offset, Piece);
        Span<byte> to = _writer.Reserve(count)[..count];
        try
        {
            if (message.Read(offset, to) == count)
            {
                if (_isMasked)
                {
                    int headerEnd = HeaderEnd(to);
                    _isMasked = headerEnd < 0;
                    Span<byte> header = _isMasked ? to : to[..headerEnd];   // what is behind it is read once more, and looked through
                    SurrogateHeader.Mask(header);
                    Pass(header);
                    return header.Length;
                }
                if (!session.IsUtf8 && !Ascii.IsValid(to))
                {
                    to = to[..WholeHeaders(to, offset, length, out bool isAscii)];
                    if (!isAscii)
                    {
                        to.CopyTo(_held ??= ArrayPool<byte>.Shared.Rent(Piece));
                        (_heldStart, _heldEnd) = (offset, offset + to.Length);
                        return 0;
                    }
                }
                Pass(to);
                return to.Length;
            }
        }
        catch (IOException e)
        {
            NoteLost(e);
        }
        session.Connection.Abort("the bytes of a message are lost");
        throw new OperationCanceledException("The bytes of a message are lost.");
    }

    /// <summary>How many octets there are up to the last header of a part that is not whole: it is read once more, from its beginning.</summary>
    /// <param name="octets">From <paramref name="offset"/> of the message.</param>
    /// <param name="length">What is sent of the message; a header that ends behind it is whole.</param>
    /// <param name="isAscii">No header among them must become another one.</param>
    int WholeHeaders(ReadOnlySpan<byte> octets, long offset, long length, out bool isAscii)
    {
        isAscii = true;
        _headers ??= drop.PartHeaders(number);
        SkipHeaders(offset);
        for (int i = _nextHeader; i < _headers.Count && _headers[i].Start - offset < octets.Length; i++)
        {
            (long start, long end) = (_headers[i].Start - offset, _headers[i].End - offset);
            if (end > octets.Length && start > 0 && offset + octets.Length < length)
                return (int)start;
            isAscii &= Ascii.IsValid(octets[(int)Math.Max(start, 0)..(int)Math.Min(end, octets.Length)]);
        }
        return octets.Length;
    }

    void SkipHeaders(long offset)
    {
        while (_nextHeader < _headers!.Count && _headers[_nextHeader].End <= offset)
            _nextHeader++;
    }

    /// <summary>What is not ASCII in headers of parts becomes ASCII; texts are what they are.</summary>
    /// <returns>How many octets are written: up to the next header, or that header.</returns>
    int WriteHeld(long offset, long length)
    {
        Span<byte> octets = _held.AsSpan((int)(offset - _heldStart), (int)(_heldEnd - offset));
        SkipHeaders(offset);
        (long start, long end) = _nextHeader < _headers!.Count ? _headers[_nextHeader] : (_heldEnd, _heldEnd);
        if (start > offset)
        {
            octets = octets[..(int)Math.Min(start - offset, octets.Length)];
            PassCopy(octets);
            return octets.Length;
        }
        octets = octets[..(int)Math.Min(end - offset, octets.Length)];
        if (Ascii.IsValid(octets))
        {
            PassCopy(octets);
        }
        else if (start < offset || (end > _heldEnd && _heldEnd < length))
        {
            SurrogateHeader.Mask(octets);
            PassCopy(octets);
        }
        else
        {
            using var surrogate = new ByteBuffer(octets.Length * 2);
            SurrogateHeader.Write(octets, surrogate);
            PassCopy(surrogate.Written);
        }
        return octets.Length;
    }

    /// <summary>Takes octets that stand in the room of the writer already into the answer; where a line begins with a dot, the rest is moved.</summary>
    void Pass(Span<byte> octets)
    {
        if (octets.IsEmpty)
            return;
        int dot = _isLineStart && octets[0] == (byte)'.' ? 0 : NextDot(octets);
        _beforeLast = octets.Length > 1 ? octets[^2] : _last;
        _last = octets[^1];
        _isLineStart = _last == (byte)'\n';
        if (dot < 0)
        {
            _writer.Advance(octets.Length);
            return;
        }
        byte[] copy = ArrayPool<byte>.Shared.Rent(octets.Length - dot);
        octets[dot..].CopyTo(copy);
        ReadOnlySpan<byte> rest = copy.AsSpan(0, octets.Length - dot);
        _writer.Advance(dot);
        while (!rest.IsEmpty)
        {
            _writer.Write((byte)'.');
            int next = NextDot(rest);
            _writer.Write(next < 0 ? rest : rest[..next]);
            rest = next < 0 ? default : rest[next..];
        }
        ArrayPool<byte>.Shared.Return(copy);
    }

    /// <summary>Place of a dot right behind a line end; -1: there is none.</summary>
    static int NextDot(ReadOnlySpan<byte> octets) => octets.IndexOf("\n."u8) is var at and >= 0 ? at + 1 : -1;

    /// <summary>Octets of the header, the empty line, and some lines behind it. RFC 1939 §7</summary>
    static long TopLength(MessageReader message, int lines)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(16 << 10);
        try
        {
            long at = 0, lineStart = 0;
            int left = lines;
            bool isHeader = true;
            byte carried = 0;   // last octet of the piece before
            for (int count; (count = message.Read(at, buffer)) > 0; at += count)
            {
                int next = 0;
                while (buffer.AsSpan(next, count - next).IndexOf((byte)'\n') is var lineFeed and >= 0)
                {
                    next += lineFeed + 1;
                    long end = at + next;
                    byte before = next > 1 ? buffer[next - 2] : carried;
                    if (isHeader)
                        isHeader = end - lineStart > (before == (byte)'\r' ? 2 : 1);
                    else
                        left--;
                    if (!isHeader && left <= 0)
                        return end;
                    lineStart = end;
                }
                carried = buffer[count - 1];
            }
            return at;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    void NoteLost(IOException e)
    {
        (long mailbox, uint uid) = drop.PlaceOf(number);
        Pop3Log.MessageLost(session.Services.Log, e, session.Connection.Id, uid, mailbox);
    }
}
