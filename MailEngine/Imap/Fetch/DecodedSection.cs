using System.Buffers;
using MailEngine.Io;
using MailEngine.Mime;

namespace MailEngine.Imap.Fetch;

/// <summary>Octets of a part with its transfer encoding undone, a piece at a time: what BINARY and BINARY.SIZE speak of. RFC 3516 §4.2</summary>
/// <remarks>A part is decoded once to know its length and whether it has a NUL, and once to send it, so a part of any size takes the
/// memory of a piece.</remarks>
internal sealed class DecodedSection : IDisposable
{
    /// <summary>Octets read at a time.</summary>
    const int Piece = 64 << 10;

    readonly StoredMessage _message;
    readonly OctetRange _range;
    readonly TransferEncoding _encoding;
    readonly byte[] _encoded = ArrayPool<byte>.Shared.Rent(Piece);
    readonly byte[] _decoded = ArrayPool<byte>.Shared.Rent(TransferDecoder.MaxDecoded(Piece));
    TransferDecoder _decoder;
    long _read;
    bool _ended;

    public DecodedSection(StoredMessage message, OctetRange range, TransferEncoding encoding)
    {
        _message = message;
        _range = range;
        _encoding = encoding;
        Restart();
    }

    /// <summary>From the first octet again.</summary>
    public void Restart()
    {
        _decoder = new TransferDecoder(_encoding);
        _read = 0;
        _ended = false;
    }

    /// <summary>The next octets; empty: there are no more.</summary>
    /// <exception cref="IOException">The bytes of the message are lost.</exception>
    public ReadOnlyMemory<byte> Next()
    {
        while (_read < _range.Length)
        {
            int count = (int)Math.Min(Piece, _range.Length - _read);
            if (_message.Read(_range.Start + _read, _encoded.AsSpan(0, count)) != count)
                throw new StorageException("The message is shorter than its row says.");
            _read += count;
            int written = _decoder.Decode(_encoded.AsSpan(0, count), _decoded);
            if (written > 0)
                return _decoded.AsMemory(0, written);
        }
        if (_ended)
            return default;
        _ended = true;
        return _decoded.AsMemory(0, _decoder.Finish(_decoded));
    }

    /// <summary>Looks at all of it once, from the first octet on.</summary>
    /// <param name="origin">Octets from here to <paramref name="origin"/> + <paramref name="count"/> are looked at for NUL.</param>
    /// <exception cref="IOException">The bytes of the message are lost.</exception>
    public (long Length, bool HasNul) Measure(long origin = 0, long count = 0)
    {
        Restart();
        long length = 0;
        bool hasNul = false;
        for (ReadOnlyMemory<byte> piece; !(piece = Next()).IsEmpty; length += piece.Length)
        {
            if (!hasNul && count > 0)
                hasNul = Cut(piece, length, origin, count).Span.Contains((byte)0);
        }
        return (length, hasNul);
    }

    /// <summary>What BODYSTRUCTURE would say of the decoded octets: an encoding that changes nothing, their number, their lines.</summary>
    /// <exception cref="IOException">The bytes of the message are lost.</exception>
    public (string Encoding, long Octets, long Lines) Describe()
    {
        Restart();
        long octets = 0, lines = 0;
        bool hasNul = false, is8Bit = false;
        for (ReadOnlyMemory<byte> piece; !(piece = Next()).IsEmpty; octets += piece.Length)
        {
            hasNul |= piece.Span.Contains((byte)0);
            is8Bit |= !System.Text.Ascii.IsValid(piece.Span);
            lines += piece.Span.Count((byte)'\n');
        }
        return (hasNul ? "BINARY" : is8Bit ? "8BIT" : "7BIT", octets, lines);
    }

    /// <summary>What of a piece, whose first octet is number <paramref name="at"/>, lies in the wanted range.</summary>
    public static ReadOnlyMemory<byte> Cut(ReadOnlyMemory<byte> piece, long at, long origin, long count)
    {
        long first = Math.Clamp(origin - at, 0, piece.Length);
        long behind = count > long.MaxValue - origin ? long.MaxValue : origin + count;
        long last = Math.Clamp(behind - at, first, piece.Length);
        return piece[(int)first..(int)last];
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_encoded);
        ArrayPool<byte>.Shared.Return(_decoded);
    }
}
