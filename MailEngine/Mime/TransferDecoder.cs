using System.Text;

namespace MailEngine.Mime;

/// <summary>How the bytes of a part are encoded for the way. RFC 2045 §6</summary>
internal enum TransferEncoding : byte { Identity, QuotedPrintable, Base64, Unknown }

/// <summary>Undoes a Content-Transfer-Encoding piece by piece: what was read stays in the decoder, so pieces may be cut anywhere.</summary>
/// <remarks>RFC 2045 §6.7 and §6.8. Never fails: in base64 other characters are passed over, in quoted-printable a "=" that is no
/// escape is kept as it stands (RFC 7103 §8.2).</remarks>
internal struct TransferDecoder(TransferEncoding encoding)
{
    uint _bits;
    int _held;      // base64: characters collected of four; quoted-printable: bytes of an escape that wait in _first, _second
    byte _first;
    byte _second;
    bool _ended;    // base64: padding was seen; a new quantum may follow (concatenated encodings)

    /// <summary>Room that decoding <paramref name="encoded"/> more bytes needs at most.</summary>
    public static int MaxDecoded(int encoded) => encoded + 4;

    public static TransferEncoding Parse(ReadOnlySpan<byte> value)
    {
        value = value.Trim(" \t\r\n;\""u8);
        if (Ascii.EqualsIgnoreCase(value, "base64"u8))
            return TransferEncoding.Base64;
        if (Ascii.EqualsIgnoreCase(value, "quoted-printable"u8))
            return TransferEncoding.QuotedPrintable;
        return value.IsEmpty || Ascii.EqualsIgnoreCase(value, "7bit"u8) || Ascii.EqualsIgnoreCase(value, "8bit"u8)
            || Ascii.EqualsIgnoreCase(value, "binary"u8) ? TransferEncoding.Identity : TransferEncoding.Unknown;
    }

    /// <summary>Decodes one piece.</summary>
    /// <param name="to">At least <see cref="MaxDecoded"/> of the piece.</param>
    /// <returns>Bytes written.</returns>
    public int Decode(ReadOnlySpan<byte> piece, Span<byte> to)
    {
        switch (encoding)
        {
            case TransferEncoding.Base64:
                return DecodeBase64(piece, to);
            case TransferEncoding.QuotedPrintable:
                return DecodeQuotedPrintable(piece, to);
            default:
                piece.CopyTo(to);
                return piece.Length;
        }
    }

    /// <summary>What is left at the end: a broken escape, kept as it stands.</summary>
    public int Finish(Span<byte> to)
    {
        int written = 0;
        if (encoding is TransferEncoding.QuotedPrintable && _held > 0)
        {
            to[written++] = _first;
            if (_held == 2)
                to[written++] = _second;
            _held = 0;
        }
        return written;
    }

    int DecodeBase64(ReadOnlySpan<byte> piece, Span<byte> to)
    {
        int written = 0;
        ReadOnlySpan<sbyte> values = Values;
        foreach (byte b in piece)
        {
            int value = values[b];
            if (value < 0)
            {
                if (b == (byte)'=')
                    _ended = true;
                continue;
            }
            if (_ended)
            {
                _ended = false;
                _held = 0;
                _bits = 0;
            }
            _bits = (_bits << 6) | (uint)value;
            switch (++_held)
            {
                case 2:
                    to[written++] = (byte)(_bits >> 4);
                    break;
                case 3:
                    to[written++] = (byte)(_bits >> 2);
                    break;
                case 4:
                    to[written++] = (byte)_bits;
                    _held = 0;
                    _bits = 0;
                    break;
            }
        }
        return written;
    }

    int DecodeQuotedPrintable(ReadOnlySpan<byte> piece, Span<byte> to)
    {
        int written = 0;
        for (int i = 0; i < piece.Length; i++)
        {
            byte b = piece[i];
            if (_held == 0)
            {
                if (b == (byte)'=')
                {
                    _first = b;
                    _held = 1;
                    continue;
                }
                int run = piece[i..].IndexOf((byte)'=');
                int length = run < 0 ? piece.Length - i : run;
                piece.Slice(i, length).CopyTo(to[written..]);
                written += length;
                i += length - 1;
            }
            else if (_held == 1)
            {
                if (b == (byte)'\n')
                    _held = 0;   // soft line break
                else if (b is (byte)'\r' or (byte)' ' or (byte)'\t' || IsHex(b))
                {
                    _second = b;
                    _held = 2;
                }
                else
                {
                    to[written++] = _first;
                    _held = 0;
                    i--;
                }
            }
            else if (_second is (byte)'\r' or (byte)' ' or (byte)'\t')
            {
                if (b == (byte)'\n')
                    _held = 0;
                else if (b is not ((byte)' ' or (byte)'\t' or (byte)'\r'))   // white space before the line end was added on the way
                {
                    to[written++] = _first;
                    to[written++] = _second;
                    _held = 0;
                    i--;
                }
            }
            else if (Hex.TryByte(_second, b, out byte value))
            {
                to[written++] = value;
                _held = 0;
            }
            else
            {
                to[written++] = _first;
                to[written++] = _second;
                _held = 0;
                i--;
            }
        }
        return written;
    }

    static bool IsHex(byte b) => Hex.TryByte(b, (byte)'0', out _);

    static ReadOnlySpan<sbyte> Values =>
    [
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62, -1, -1, -1, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1,
        -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1,
        -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    ];
}
