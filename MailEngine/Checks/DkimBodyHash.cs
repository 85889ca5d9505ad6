using System.Buffers;
using System.Security.Cryptography;

namespace MailEngine.Checks;

/// <summary>SHA-256 of a body in canonical form, for all signatures that want this form, while the body goes by. RFC 6376 §3.4.3, §3.4.4</summary>
/// <remarks>
/// Takes the body in blocks of any size and holds none of it: empty lines, white space and a CR are counted until it is known whether
/// something follows. Signatures with l= take what the running hash is when that many octets have gone in, so a body is hashed once
/// however many there are. Only CRLF ends a line; a CR or LF alone is an octet like others.
/// </remarks>
sealed class DkimBodyHash : IDisposable
{
    static readonly SearchValues<byte> s_relaxedStops = SearchValues.Create(" \t\r"u8);
    static readonly byte[] s_lineEnds = [.. Enumerable.Repeat("\r\n"u8.ToArray(), 512).SelectMany(pair => pair)];
    readonly bool _relaxed;
    readonly long[] _lengths;   // of l=, ascending
    readonly Dictionary<long, byte[]> _hashes = [];
    readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(8192);
    int _buffered, _nextLength;
    long _lineEnds;             // seen and not yet written
    bool _white, _cr;           // likewise: white space (relaxed only), behind it a CR

    /// <param name="lengths">l= of the signatures that have one.</param>
    public DkimBodyHash(bool relaxed, IEnumerable<long> lengths)
    {
        _relaxed = relaxed;
        _lengths = [.. lengths.Distinct().Order()];
    }

    /// <summary>Octets of the canonical form; complete after <see cref="Complete"/>.</summary>
    public long Length { get; private set; }

    /// <summary>Hash of the first octets; null: the canonical form has fewer.</summary>
    /// <param name="length">One that was given before; null: all.</param>
    public byte[]? At(long? length) => _hashes.GetValueOrDefault(length ?? -1);

    public void Write(ReadOnlySpan<byte> block)
    {
        if (_cr && !block.IsEmpty)
        {
            _cr = false;
            if (block[0] == (byte)'\n')
            {
                EndLine();
                block = block[1..];
            }
            else
            {
                Put("\r"u8);
            }
        }
        if (_relaxed)
            WriteRelaxed(block);
        else
            WriteSimple(block);
    }

    /// <summary>Ends the body.</summary>
    public void Complete()
    {
        if (_cr)
            Put("\r"u8);
        _cr = _white = false;
        // Simple: "*CRLF" at the end becomes one CRLF, and so does nothing at all. Relaxed: one CRLF behind the last line, where there is one.
        _lineEnds = 0;
        if (!_relaxed || Length + _buffered > 0)
            Append("\r\n"u8);
        Flush();
        _hashes[-1] = _hash.GetHashAndReset();
    }

    public void Dispose()
    {
        _hash.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
    }

    // All line ends that close the block wait, and a CR behind them; what stands before them is written as it is.
    void WriteSimple(ReadOnlySpan<byte> block)
    {
        if (block.EndsWith("\r"u8))
        {
            _cr = true;
            block = block[..^1];
        }
        int end = block.Length;
        while (end >= 2 && block[end - 2] == (byte)'\r' && block[end - 1] == (byte)'\n')
            end -= 2;
        if (end > 0)
            Put(block[..end]);
        _lineEnds += (block.Length - end) / 2;
    }

    void WriteRelaxed(ReadOnlySpan<byte> block)
    {
        while (!block.IsEmpty)
        {
            int plain = block.IndexOfAny(s_relaxedStops);
            if (plain != 0)
                Put(plain < 0 ? block : block[..plain]);
            if (plain < 0)
                return;
            block = block[plain..];
            if (block[0] != (byte)'\r')
            {
                _white = true;
            }
            else if (block.Length == 1)
            {
                _cr = true;
            }
            else if (block[1] == (byte)'\n')
            {
                EndLine();
                block = block[1..];
            }
            else
            {
                Put("\r"u8);
            }
            block = block[1..];
        }
    }

    void EndLine()
    {
        _white = false;   // white space at the end of a line goes
        _lineEnds++;
    }

    /// <summary>Writes octets that belong to the form for certain, and before them what waited for that.</summary>
    void Put(ReadOnlySpan<byte> bytes)
    {
        while (_lineEnds > 0)
        {
            int now = (int)Math.Min(_lineEnds, s_lineEnds.Length / 2);
            Append(s_lineEnds.AsSpan(0, now * 2));
            _lineEnds -= now;
        }
        if (_white)
            Append(" "u8);
        _white = false;
        Append(bytes);
    }

    void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_buffered == _buffer.Length)
                Flush();
            int now = Math.Min(bytes.Length, _buffer.Length - _buffered);
            bytes[..now].CopyTo(_buffer.AsSpan(_buffered));
            _buffered += now;
            bytes = bytes[now..];
        }
    }

    void Flush()
    {
        ReadOnlySpan<byte> rest = _buffer.AsSpan(0, _buffered);
        while (_nextLength < _lengths.Length && _lengths[_nextLength] - Length <= rest.Length)
        {
            int part = (int)(_lengths[_nextLength] - Length);
            _hash.AppendData(rest[..part]);
            rest = rest[part..];
            Length += part;
            _hashes[_lengths[_nextLength++]] = _hash.GetCurrentHash();
        }
        _hash.AppendData(rest);
        Length += rest.Length;
        _buffered = 0;
    }
}
