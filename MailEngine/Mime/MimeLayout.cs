namespace MailEngine.Mime;

/// <summary>The parts of a message in the compact form that is stored with it, so that a part is found without its message being
/// read again.</summary>
/// <remarks>
/// Byte table: docs/formats/layout.md. Version (1), number of parts (varint), then per part in message order:
/// flags (1: bits 0-1 kind, bit 2 text, bits 3-4 transfer encoding, bit 5 opaque), distance to the part around it (varint, 0 for the root), header
/// start minus that part's header start (varint), header length (varint), body length (varint), and lines (varint) where the kind
/// is message or the text bit is set. Offsets count from the start of the body range of a stored message, prefix not included.
/// </remarks>
internal readonly ref struct MimeLayout
{
    const byte Version = 1;

    readonly ReadOnlySpan<byte> _bytes;

    public MimeLayout(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public static void Write(IReadOnlyList<MimePart> parts, ByteBuffer to)
    {
        to.Write(Version);
        to.WriteVarint((uint)parts.Count);
        for (int i = 0; i < parts.Count; i++)
        {
            MimePart part = parts[i];
            to.Write((byte)((int)part.Kind | (part.IsText ? 4 : 0) | (int)part.Encoding << 3 | (part.Opaque ? 32 : 0)));
            to.WriteVarint(part.Parent < 0 ? 0 : (uint)(i - part.Parent));
            to.WriteVarint((uint)(part.HeaderStart - (part.Parent < 0 ? 0 : parts[part.Parent].HeaderStart)));
            to.WriteVarint((uint)(part.BodyStart - part.HeaderStart));
            to.WriteVarint((uint)part.BodyLength);
            if (part.IsText || part.Kind == MimePartKind.Message)
                to.WriteVarint((uint)part.Lines);
        }
    }

    /// <summary>All parts, in message order. False: not a layout of a version known here.</summary>
    public bool TryRead(List<MimePart> parts)
    {
        parts.Clear();
        int at = 1;
        if (_bytes.Length < 2 || _bytes[0] != Version || !Varint(ref at, out int count))
            return false;
        for (int i = 0; i < count; i++)
        {
            if (at >= _bytes.Length)
                return false;
            byte flags = _bytes[at++];
            if (!Varint(ref at, out int distance) || !Varint(ref at, out int start) || !Varint(ref at, out int header)
                || !Varint(ref at, out int body) || distance > i || (distance == 0) != (i == 0))
                return false;
            var part = new MimePart
            {
                Kind = (MimePartKind)(flags & 3),
                IsText = (flags & 4) != 0,
                Encoding = (TransferEncoding)(flags >> 3 & 3),
                Opaque = (flags & 32) != 0,
                Parent = i == 0 ? -1 : i - distance,
            };
            part.HeaderStart = start + (i == 0 ? 0 : parts[part.Parent].HeaderStart);
            part.BodyStart = part.HeaderStart + header;
            part.BodyEnd = part.BodyStart + body;
            if ((part.IsText || part.Kind == MimePartKind.Message) && !Varint(ref at, out part.Lines))
                return false;
            parts.Add(part);
        }
        return count > 0;
    }

    bool Varint(ref int at, out int value)
    {
        value = 0;
        for (int shift = 0; shift < 35; shift += 7)
        {
            if (at >= _bytes.Length)
                return false;
            byte b = _bytes[at++];
            value |= (b & 0x7F) << shift;
            if (b < 0x80)
                return value >= 0;
        }
        return false;
    }

    /// <summary>The part that an IMAP section number names, or -1. RFC 9051 §6.4.5.1</summary>
    /// <remarks>A number counts the parts of a multipart. A message that holds no multipart has one part, number 1: its body.</remarks>
    /// <param name="path">At least one number, each from 1 on.</param>
    public static int Find(List<MimePart> parts, ReadOnlySpan<int> path)
    {
        int message = 0;        // root of the message we are in
        int current = -1;       // part named so far; -1: the message itself
        foreach (int number in path)
        {
            int container = message;
            if (current >= 0)
            {
                switch (parts[current].Kind)
                {
                    case MimePartKind.Multipart:
                        container = current;
                        break;
                    case MimePartKind.Message when current + 1 < parts.Count:
                        container = message = current + 1;
                        break;
                    default:
                        return -1;
                }
            }
            if (parts[container].Kind == MimePartKind.Multipart)
            {
                current = Child(parts, container, number);
                if (current < 0)
                    return -1;
            }
            else if (number == 1)
                current = container;
            else
                return -1;
        }
        return current;
    }

    static int Child(List<MimePart> parts, int parent, int number)
    {
        for (int i = parent + 1; i < parts.Count && parts[i].Parent >= parent; i++)
        {
            if (parts[i].Parent == parent && --number == 0)
                return i;
        }
        return -1;
    }
}
