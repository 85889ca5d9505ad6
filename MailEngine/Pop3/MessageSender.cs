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
/// RFC 6856 §2.1: who has not said UTF8 gets a surrogate of a header that is not ASCII (<see cref="SurrogateHeader"/>), and question marks where it is
/// longer than what is read at once. LIST tells the size of the message as it is stored: to know this one each message would have to be read. Header
/// fields of parts stay as they are.
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

    /// <param name="lines">Lines of the body; null: the whole message.</param>
    public async ValueTask<Pop3Reply> SendAsync(int? lines, CancellationToken ct)
    {
        MessageReader message = drop.Open(number);
        long length;
        try
        {
            length = lines is { } most ? TopLength(message, most) : message.Length;
            // The first piece is read before the answer begins: a message whose bytes are lost gets -ERR, not a cut connection.
            WriteFirst(message, length, isWhole: lines is null);
        }
        catch (IOException e)
        {
            NoteLost(e);
            return Pop3Reply.Err(Pop3Texts.MessageLost, "SYS/PERM");
        }
        for (long done = Math.Min(length, Piece); done < length;)
        {
            if (_writer.IsFull)
                await _writer.FlushAsync(session.Limits, ct);
            done += WriteNext(message, done, (int)Math.Min(length - done, Piece));
        }
        _writer.Write(_last == (byte)'\n' && _beforeLast == (byte)'\r' ? ".\r\n"u8 : "\r\n.\r\n"u8);
        if (lines is null)
            drop.NoteSent(number, length);
        return Pop3Reply.Nothing;
    }

    void WriteFirst(MessageReader message, long length, bool isWhole)
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
                return;
            }
            SurrogateHeader.Mask(octets);
        }
        _isMasked = headerEnd < 0;
        _writer.Advance(at);
        Pass(octets);
    }

    void WriteSurrogate(Span<byte> octets, int headerEnd, bool isWhole)
    {
        using var header = new ByteBuffer(headerEnd * 2);
        SurrogateHeader.Write(octets[..headerEnd], header);
        byte[] rest = octets[headerEnd..].ToArray();   // it stands in the room of the writer
        _writer.Write((isWhole ? Pop3Reply.Ok(Pop3Texts.Octets, drop.SizeOf(number) + header.Length - headerEnd) : Pop3Reply.Ok(Pop3Texts.LinesFollow)).LineIn(session.Language));
        PassCopy(header.Written);
        PassCopy(rest);
    }

    void PassCopy(ReadOnlySpan<byte> octets)
    {
        while (!octets.IsEmpty)
        {
            Span<byte> to = _writer.Reserve(Math.Min(octets.Length, Piece));
            int count = Math.Min(octets.Length, Piece);
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

    /// <exception cref="OperationCanceledException">The rest of the message cannot be sent: the connection cannot go on.</exception>
    int WriteNext(MessageReader message, long offset, int count)
    {
        Span<byte> to = _writer.Reserve(count)[..count];
        try
        {
            if (message.Read(offset, to) == count)
            {
                if (_isMasked)
                {
                    int headerEnd = HeaderEnd(to);
                    SurrogateHeader.Mask(headerEnd < 0 ? to : to[..headerEnd]);
                    _isMasked = headerEnd < 0;
                }
                Pass(to);
                return count;
            }
        }
        catch (IOException e)
        {
            NoteLost(e);
        }
        session.Connection.Abort("the bytes of a message are lost");
        throw new OperationCanceledException("The bytes of a message are lost.");
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
