using System.Text;

namespace MailEngine.Mime;

/// <summary>Writes a message anew so that it has no octet above 127: its parts get another transfer encoding, and nothing else is changed.</summary>
/// <remarks>
/// RFC 6152 §3 asks for it before a next hop that does not take eight bits. What cannot be encoded makes the whole fail: header fields,
/// what was signed or encrypted (it must arrive as it left; RFC 1847 §2.1), a body of type message that has to be readable as it
/// stands (RFC 2045 §6.4), an encoding not known here, and parts beyond the limits of <see cref="MimeReader"/>. What stands before, between and
/// behind the parts of a multipart is shown to nobody (RFC 2046 §5.1.1); there a question mark takes the place of an octet.
/// </remarks>
internal static class SevenBitParts
{
    /// <summary>Text with more than one octet in this many to be written as three is shorter in base64.</summary>
    const int DenseText = 6;

    /// <param name="parts">Of the whole message, in its order, the root first.</param>
    /// <param name="limits">Those it was taken apart with.</param>
    /// <returns>False: it cannot be done; what was written is of no use.</returns>
    /// <exception cref="IOException">The message cannot be read, or its copy not be written.</exception>
    public static bool TryWrite(OctetReader read, long length, List<MimePart> parts, MimeLimits limits, OctetAction write)
    {
        var copy = new PartCopy(read, write);
        bool[] sealedParts = new bool[parts.Count];
        bool anySealed = false;
        using var scratch = new ByteBuffer(256);
        long at = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            MimePart part = parts[i];
            if (part.BodyEnd == part.HeaderStart)
                continue;   // stands for a part that is missing
            bool isLeaf = part.Kind == MimePartKind.Leaf;
            (long high, long octets) = isLeaf ? Count(copy, part.BodyStart, part.BodyEnd) : default;
            if (part.HeaderStart < at || !Filler(copy, at, part.HeaderStart, anySealed, write)
                || !copy.TryReadHeader(part, out byte[] header) || !Ascii.IsValid(header))
                return false;
            HeaderField type = HeaderFieldReader.Find(header, "Content-Type"u8);
            scratch.Clear();
            var parsed = new ParameterReader(type.Raw.IsEmpty ? default : type.Value, scratch);
            sealedParts[i] = (part.Parent >= 0 && sealedParts[part.Parent]) || IsSealed(parsed.Type, parsed.Subtype);
            anySealed |= sealedParts[i] && !isLeaf;
            at = part.BodyStart;
            if (!isLeaf)
            {
                WriteContainer(copy, header, sealedParts[i], isRoot: i == 0, write);
                continue;
            }
            at = part.BodyEnd;
            if (high == 0)
            {
                write(header);
                copy.Copy(part.BodyStart, part.BodyEnd);
                continue;
            }
            bool isBare = Ascii.EqualsIgnoreCase(parsed.Type, "message"u8)
                && !(parsed.Subtype.Length >= 6 && Ascii.EqualsIgnoreCase(parsed.Subtype[..6], "global"u8));   // RFC 6532 §3.7
            if (sealedParts[i] || part.Opaque || isBare || part.Encoding == TransferEncoding.Unknown || parts.Count >= limits.Parts)
                return false;
            var more = new StringBuilder();
            bool isMessageRoot = part.Parent < 0 || parts[part.Parent].Kind == MimePartKind.Message;
            if (isMessageRoot && HeaderFieldReader.Find(header, "MIME-Version"u8).Raw.IsEmpty)
                more.Append("MIME-Version: 1.0\r\n");   // RFC 2045 §4
            if (type.Raw.IsEmpty)
                more.Append("Content-Type: text/plain; charset=unknown-8bit\r\n");   // RFC 1428 has the name
            byte[] fields = Encoding.ASCII.GetBytes(more.ToString());
            if (part.IsText && high <= octets / DenseText)
            {
                copy.WriteHeader(header, TransferEncoding.QuotedPrintable, fields);
                copy.WriteQuotedPrintable(part.BodyStart, part.BodyEnd, part.Encoding);
            }
            else
            {
                copy.WriteHeader(header, TransferEncoding.Base64, fields);
                copy.WriteBase64(part.BodyStart, part.BodyEnd, part.Encoding);
            }
        }
        return Filler(copy, at, length, anySealed, write);
    }

    /// <summary>True when an octet is above 127.</summary>
    public static bool IsNeeded(OctetReader read, long length) => Count(new PartCopy(read, static _ => { }), 0, length).High > 0;

    static (long High, long Octets) Count(PartCopy copy, long from, long until)
    {
        long high = 0;
        copy.ForEach(from, until, piece =>
        {
            if (Ascii.IsValid(piece))
                return;
            foreach (byte b in piece)
                high += b >> 7;
        });
        return (high, until - from);
    }

    // Now all that is in it has seven bits. RFC 2045 §6.4: no other encoding than 7bit, 8bit and binary is allowed here.
    static void WriteContainer(PartCopy copy, byte[] header, bool isSealed, bool isRoot, OctetAction write)
    {
        HeaderField encoding = HeaderFieldReader.Find(header, "Content-Transfer-Encoding"u8);
        bool says = !encoding.Raw.IsEmpty && !Ascii.EqualsIgnoreCase(encoding.Value, "7bit"u8)
            && TransferDecoder.Parse(encoding.Value) == TransferEncoding.Identity;
        ReadOnlySpan<byte> more = isRoot && HeaderFieldReader.Find(header, "MIME-Version"u8).Raw.IsEmpty ? "MIME-Version: 1.0\r\n"u8 : default;
        if (isSealed || (!says && more.IsEmpty))
            write(header);
        else
            copy.WriteHeader(header, TransferEncoding.Identity, more);
    }

    static bool Filler(PartCopy copy, long from, long until, bool anySealed, OctetAction write)
    {
        bool ok = true;
        copy.ForEach(from, until, piece =>
        {
            if (Ascii.IsValid(piece))
            {
                write(piece);
                return;
            }
            ok &= !anySealed;
            byte[] clean = piece.ToArray();
            foreach (ref byte b in clean.AsSpan())
                b = b > 127 ? (byte)'?' : b;
            write(clean);
        });
        return ok;
    }

    // RFC 1847 §2.1 and §2.2, RFC 8551 §3.2, RFC 3156 §4
    static bool IsSealed(ReadOnlySpan<byte> type, ReadOnlySpan<byte> subtype)
    {
        if (Ascii.EqualsIgnoreCase(type, "multipart"u8))
            return Ascii.EqualsIgnoreCase(subtype, "signed"u8) || Ascii.EqualsIgnoreCase(subtype, "encrypted"u8);
        if (!Ascii.EqualsIgnoreCase(type, "application"u8))
            return false;
        if (subtype.Length > 2 && Ascii.EqualsIgnoreCase(subtype[..2], "x-"u8))
            subtype = subtype[2..];
        return Ascii.EqualsIgnoreCase(subtype, "pkcs7-mime"u8) || Ascii.EqualsIgnoreCase(subtype, "pkcs7-signature"u8)
            || Ascii.EqualsIgnoreCase(subtype, "pgp-encrypted"u8) || Ascii.EqualsIgnoreCase(subtype, "pgp-signature"u8);
    }
}
