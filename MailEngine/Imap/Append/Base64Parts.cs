using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Imap.Append;

/// <summary>Makes a message with NUL octets one that BODY can send: parts that hold them are encoded in base64.</summary>
/// <remarks>RFC 3516 §4.4: nothing is lost, BINARY gives the same octets back. §6: BODYSTRUCTURE and BODY have to agree, and a literal of
/// IMAP4rev1 cannot hold a NUL; parts without one are left as they came, signatures with them.</remarks>
internal static class Base64Parts
{
    /// <summary>Writes the message anew.</summary>
    /// <returns>Null: it cannot be done, because a NUL stands outside of what can be encoded. NO [UNKNOWN-CTE]</returns>
    /// <exception cref="IOException">Disk full or broken.</exception>
    public static Body? Convert(Body message, BodyWriter to)
    {
        var parts = new List<MimePart>();
        new MimeLayout(message.Summary.Layout).TryRead(parts);
        var copy = new PartCopy(message.Read, to.Write);
        long at = 0;
        foreach (MimePart part in parts)
        {
            if (part.Kind != MimePartKind.Leaf || part.Encoding != TransferEncoding.Identity || !HasNul(copy, part.BodyStart, part.BodyEnd)
                || HasNul(copy, at, part.BodyStart) || !copy.TryReadHeader(part, out byte[] header))
                continue;
            copy.Copy(at, part.HeaderStart);
            copy.WriteHeader(header, TransferEncoding.Base64, []);
            copy.WriteBase64(part.BodyStart, part.BodyEnd);
            at = part.BodyEnd;
        }
        if (HasNul(copy, at, message.Length))
            return null;
        copy.Copy(at, message.Length);
        return to.Complete();
    }

    static bool HasNul(PartCopy copy, long from, long until)
    {
        bool any = false;
        copy.ForEach(from, until, piece => any |= piece.Contains((byte)0));
        return any;
    }
}
