using System.Buffers;
using System.Buffers.Text;
using MailEngine.Io;

namespace MailEngine.Mime;

/// <summary>Reads octets of a message from an offset on; 0 only at its end.</summary>
internal delegate int OctetReader(long offset, Span<byte> to);

/// <summary>Takes the next octets of something.</summary>
internal delegate void OctetAction(ReadOnlySpan<byte> octets);

/// <summary>Copies a message range by range, with other transfer encodings where they are asked for; holds one buffer of it at a time.</summary>
/// <exception cref="IOException">All methods: the message cannot be read, or its copy not be written.</exception>
internal sealed class PartCopy(OctetReader read, OctetAction write)
{
    /// <summary>A header is rewritten up to this size; a part with a larger one cannot be encoded.</summary>
    const int MaxHeader = 1 << 20;

    const int PieceBytes = 64 << 10;

    public void ForEach(long from, long until, OctetAction action)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            while (from < until)
            {
                int count = read(from, buffer.AsSpan(0, (int)Math.Min(PieceBytes, until - from)));
                if (count <= 0)
                    throw new StorageException("The message is shorter than its record.");
                action(buffer.AsSpan(0, count));
                from += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public void Copy(long from, long until) => ForEach(from, until, write);

    /// <summary>The header of a part, empty line included. False: it is too large.</summary>
    public bool TryReadHeader(in MimePart part, out byte[] header)
    {
        header = [];
        if (part.BodyStart - part.HeaderStart > MaxHeader)
            return false;
        byte[] whole = new byte[part.BodyStart - part.HeaderStart];
        int at = 0;
        ForEach(part.HeaderStart, part.BodyStart, piece =>
        {
            piece.CopyTo(whole.AsSpan(at));
            at += piece.Length;
        });
        header = whole;
        return true;
    }

    /// <summary>Writes a header with another Content-Transfer-Encoding; all other fields stay as they are.</summary>
    /// <param name="more">Whole fields to add; may be empty.</param>
    public void WriteHeader(ReadOnlySpan<byte> header, TransferEncoding encoding, ReadOnlySpan<byte> more)
    {
        int kept = 0;
        var fields = new HeaderFieldReader(header);
        while (fields.MoveNext())
        {
            if (!fields.Current.Is("Content-Transfer-Encoding"u8))
                write(fields.Current.Raw);
            kept += fields.Current.Raw.Length;
        }
        write(more);
        write(encoding switch
        {
            TransferEncoding.Base64 => "Content-Transfer-Encoding: base64\r\n"u8,
            TransferEncoding.QuotedPrintable => "Content-Transfer-Encoding: quoted-printable\r\n"u8,
            _ => "Content-Transfer-Encoding: 7bit\r\n"u8,
        });
        write(kept < header.Length ? header[kept..] : "\r\n"u8);   // the empty line as it was
    }

    /// <summary>Hands out the octets of a range as they are when its encoding is undone.</summary>
    public void Decode(long from, long until, TransferEncoding encoding, OctetAction action)
    {
        if (encoding is TransferEncoding.Identity or TransferEncoding.Unknown)
        {
            ForEach(from, until, action);
            return;
        }
        var decoder = new TransferDecoder(encoding);
        byte[] plain = ArrayPool<byte>.Shared.Rent(TransferDecoder.MaxDecoded(PieceBytes));
        try
        {
            ForEach(from, until, piece => action(plain.AsSpan(0, decoder.Decode(piece, plain))));
            action(plain.AsSpan(0, decoder.Finish(plain)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(plain);
        }
    }

    /// <summary>Writes a range in base64. RFC 2045 §6.8</summary>
    /// <param name="was">The encoding it is in; undone first.</param>
    public void WriteBase64(long from, long until, TransferEncoding was = TransferEncoding.Identity)
    {
        var lines = new Base64Lines(write);
        Decode(from, until, was, lines.Write);
        lines.Finish();
    }

    /// <summary>Writes a range in quoted-printable. RFC 2045 §6.7</summary>
    public void WriteQuotedPrintable(long from, long until, TransferEncoding was)
    {
        var lines = new QuotedPrintableLines(write);
        Decode(from, until, was, lines.Write);
        lines.Finish();
    }

    sealed class Base64Lines(OctetAction write)
    {
        /// <summary>Octets of a line: 57 make 76 characters (RFC 2045 §6.8).</summary>
        const int LineOctets = 57;

        readonly byte[] _line = new byte[LineOctets];
        readonly byte[] _text = new byte[(LineOctets / 3 * 4) + 2];
        int _held;

        public void Write(ReadOnlySpan<byte> octets)
        {
            while (!octets.IsEmpty)
            {
                int now = Math.Min(LineOctets - _held, octets.Length);
                octets[..now].CopyTo(_line.AsSpan(_held));
                octets = octets[now..];
                _held += now;
                if (_held == LineOctets)
                    Finish();
            }
        }

        public void Finish()
        {
            if (_held == 0)
                return;
            Base64.EncodeToUtf8(_line.AsSpan(0, _held), _text, out _, out int written);
            "\r\n"u8.CopyTo(_text.AsSpan(written));
            write(_text.AsSpan(0, written + 2));
            _held = 0;
        }
    }
}
