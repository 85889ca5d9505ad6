using System.Buffers;
using System.Buffers.Text;
using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Imap.Append;

/// <summary>Makes a message with NUL octets one that BODY can send: parts that hold them are encoded in base64.</summary>
/// <remarks>RFC 3516 §4.4: nothing is lost, BINARY gives the same octets back. §6: BODYSTRUCTURE and BODY have to agree, and a literal of
/// IMAP4rev1 cannot hold a NUL; parts without one are left as they came, signatures with them.</remarks>
internal static class Base64Parts
{
    /// <summary>Headers of parts are rewritten up to this size; a part with a larger one cannot be encoded.</summary>
    const int MaxHeader = 1 << 20;

    /// <summary>Octets of a line: 57 make 76 characters (RFC 2045 §6.8).</summary>
    const int LineOctets = 57;

    const int LinesAtATime = 512;

    /// <summary>Writes the message anew.</summary>
    /// <returns>Null: it cannot be done, because a NUL stands outside of what can be encoded. NO [UNKNOWN-CTE]</returns>
    /// <exception cref="IOException">Disk full or broken.</exception>
    public static Body? Convert(Body message, BodyWriter to)
    {
        var parts = new List<MimePart>();
        new MimeLayout(message.Summary.Layout).TryRead(parts);
        long at = 0;
        foreach (MimePart part in parts)
        {
            if (part.Kind != MimePartKind.Leaf || part.Encoding != TransferEncoding.Identity || !HasNul(message, part.BodyStart, part.BodyEnd)
                || part.BodyStart - part.HeaderStart > MaxHeader)
                continue;
            if (!Copy(message, at, part.HeaderStart, to) || !WriteHeader(message, part, to))
                return null;
            WriteBase64(message, part, to);
            at = part.BodyEnd;
        }
        return Copy(message, at, message.Length, to) ? to.Complete() : null;
    }

    static bool HasNul(Body message, long from, long until)
    {
        bool any = false;
        ForEach(message, from, until, 1, piece => any |= piece.Contains((byte)0));
        return any;
    }

    /// <summary>False: there is a NUL among the octets.</summary>
    static bool Copy(Body message, long from, long until, BodyWriter to)
    {
        bool clean = true;
        ForEach(message, from, until, 1, piece =>
        {
            clean &= !piece.Contains((byte)0);
            to.Write(piece);
        });
        return clean;
    }

    static bool WriteHeader(Body message, in MimePart part, BodyWriter to)
    {
        var header = new byte[part.BodyStart - part.HeaderStart];
        message.Read(part.HeaderStart, header);
        if (header.AsSpan().Contains((byte)0))
            return false;
        int kept = 0;
        var fields = new HeaderFieldReader(header);
        while (fields.MoveNext())
        {
            if (!fields.Current.Is("Content-Transfer-Encoding"u8))
                to.Write(fields.Current.Raw);
            kept += fields.Current.Raw.Length;
        }
        to.Write("Content-Transfer-Encoding: base64\r\n"u8);
        to.Write(kept < header.Length ? header.AsSpan(kept) : "\r\n"u8);   // the empty line as it was
        return true;
    }

    static void WriteBase64(Body message, in MimePart part, BodyWriter to)
    {
        var text = new byte[LineOctets / 3 * 4 + 2];
        ForEach(message, part.BodyStart, part.BodyEnd, LineOctets * LinesAtATime, piece =>
        {
            for (; !piece.IsEmpty; piece = piece[Math.Min(LineOctets, piece.Length)..])
            {
                Base64.EncodeToUtf8(piece[..Math.Min(LineOctets, piece.Length)], text, out _, out int written);
                "\r\n"u8.CopyTo(text.AsSpan(written));
                to.Write(text.AsSpan(0, written + 2));
            }
        });
    }

    delegate void PieceAction(ReadOnlySpan<byte> piece);

    /// <param name="size">Pieces are this long but for the last; 1: as is convenient.</param>
    static void ForEach(Body message, long from, long until, int size, PieceAction action)
    {
        if (size == 1)
            size = 64 << 10;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            while (from < until)
            {
                int wanted = (int)Math.Min(size, until - from), got = 0;
                while (got < wanted)
                {
                    int count = message.Read(from + got, buffer.AsSpan(got, wanted - got));
                    if (count == 0)
                        throw new IOException("A message that was just written cannot be read.");
                    got += count;
                }
                action(buffer.AsSpan(0, got));
                from += got;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
