namespace MailEngine.Mime;

/// <summary>Encodes text in quoted-printable as it comes; pieces may be cut anywhere.</summary>
/// <remarks>RFC 2045 §6.7: CRLF stays a line end, and no line is longer than 76 characters. What must not stand at the end of a line (white
/// space) or is a line end only together with the next octet (CR) is held until that one is known.</remarks>
internal sealed class QuotedPrintableLines(OctetAction write)
{
    const int LineLength = 76;

    readonly byte[] _out = new byte[4096];
    int _count;
    int _column;
    byte _held;   // CR, space or tab; 0: nothing

    public void Write(ReadOnlySpan<byte> octets)
    {
        foreach (byte b in octets)
        {
            if (_held == (byte)'\r' && b == (byte)'\n')
            {
                _held = 0;
                Add((byte)'\r');
                Add((byte)'\n');
                _column = 0;
                continue;
            }
            if (_held != 0)
                Release(asIs: _held != (byte)'\r' && b is not ((byte)'\r' or (byte)'\n'));
            if (b is (byte)'\r' or (byte)' ' or (byte)'\t')
                _held = b;
            else
                Token(b, asIs: b is > 0x20 and < 0x7F and not (byte)'=');
        }
    }

    /// <summary>Ends the text; what follows is not encoded.</summary>
    public void Finish()
    {
        if (_held != 0)
            Release(asIs: false);
        Flush();
    }

    void Release(bool asIs)
    {
        byte held = _held;
        _held = 0;
        Token(held, asIs);
    }

    void Token(byte b, bool asIs)
    {
        if (_column + (asIs ? 1 : 3) > LineLength - 1)   // the last place is for the "=" of a soft line break
        {
            Add((byte)'=');
            Add((byte)'\r');
            Add((byte)'\n');
            _column = 0;
        }
        if (asIs)
        {
            Add(b);
            _column++;
            return;
        }
        Add((byte)'=');
        Add("0123456789ABCDEF"u8[b >> 4]);
        Add("0123456789ABCDEF"u8[b & 15]);
        _column += 3;
    }

    void Add(byte b)
    {
        if (_count == _out.Length)
            Flush();
        _out[_count++] = b;
    }

    void Flush()
    {
        if (_count > 0)
            write(_out.AsSpan(0, _count));
        _count = 0;
    }
}
