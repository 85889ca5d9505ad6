using System.Text;

namespace MailEngine.Mime;

/// <summary>Takes from stored BODYSTRUCTURE text what is asked for: without extension data (BODY), or one part. RFC 9051 §7.5.2</summary>
internal static class BodyStructureText
{
    /// <summary>What is expected next inside an open parenthesis of a body.</summary>
    enum State : byte
    {
        /// <summary>Just opened: "(" makes it a multipart, a string a single part.</summary>
        Start,
        /// <summary>Multipart: more parts or the subtype.</summary>
        Parts,
        /// <summary>Message: the body inside comes after the envelope, then the lines.</summary>
        MessageLines,
        /// <summary>All basic fields are out; the rest up to ")" is extension data.</summary>
        Rest,
    }

    /// <param name="structure">Text that <see cref="BodyStructureWriter"/> wrote.</param>
    public static void WriteBasic(ReadOnlySpan<byte> structure, ByteBuffer to)
    {
        var open = new Stack<State>();   // on the heap: as deep as the message, RFC limits do not count here
        int at = 0;
        while (at < structure.Length)
        {
            if (structure[at] == (byte)' ')
                at++;
            else if (structure[at] == (byte)'(' && (open.Count == 0 || open.Peek() is State.Start or State.Parts))
            {
                if (open.Count > 0)
                {
                    open.Pop();
                    open.Push(State.Parts);
                }
                open.Push(State.Start);
                to.Write((byte)'(');
                at++;
            }
            else if (structure[at] == (byte)')')
            {
                at++;
                to.Write((byte)')');
                open.Pop();
                if (open.Count == 0)
                    return;
                if (open.Peek() == State.MessageLines)
                {
                    to.Write((byte)' ');
                    Copy(structure, ref at, to);
                    open.Pop();
                    open.Push(State.Rest);
                }
            }
            else if (open.Count == 0)
                return;
            else
            {
                switch (open.Pop())
                {
                    case State.Start:
                        open.Push(SinglePart(structure, ref at, to));
                        if (open.Peek() == State.MessageLines)
                        {
                            // The body inside opens next; it is a child like that of a multipart.
                            to.Write((byte)' ');
                            while (at < structure.Length && structure[at] == (byte)' ')
                                at++;
                            if (at >= structure.Length || structure[at] != (byte)'(')
                                return;
                            at++;
                            to.Write((byte)'(');
                            open.Push(State.Start);
                        }
                        break;
                    case State.Parts:
                        to.Write((byte)' ');
                        Copy(structure, ref at, to);   // the subtype
                        open.Push(State.Rest);
                        break;
                    default:
                        Skip(structure, ref at);
                        open.Push(State.Rest);
                        break;
                }
            }
        }
    }

    /// <summary>The text of one part.</summary>
    /// <param name="structure">Text that <see cref="BodyStructureWriter"/> wrote.</param>
    /// <param name="parts">The parts that it was written of.</param>
    public static ReadOnlySpan<byte> Part(ReadOnlySpan<byte> structure, IReadOnlyList<MimePart> parts, int index)
    {
        var inside = new Stack<int>();   // from the root to the part
        for (int i = index; i > 0; i = parts[i].Parent)
            inside.Push(i);
        int at = 0;
        while (inside.TryPop(out int child))
        {
            int parent = parts[child].Parent, before = 0;
            for (int i = parent + 1; i < child; i++)
                before += parts[i].Parent == parent ? 1 : 0;
            // A message has type, subtype, parameters, id, description, encoding, octets and envelope before the body in it.
            if (parts[parent].Kind == MimePartKind.Message)
                before = 8;
            at++;
            for (; before > 0; before--)
                Skip(structure, ref at);
            while (at < structure.Length && structure[at] == (byte)' ')
                at++;
        }
        int start = at;
        Skip(structure, ref at);
        return structure[start..at];
    }

    /// <summary>A part that holds no others, as it is with its transfer encoding undone.</summary>
    /// <param name="part">Its text.</param>
    /// <param name="encoding">7BIT, 8BIT or BINARY.</param>
    public static void WriteDecoded(ReadOnlySpan<byte> part, string encoding, long octets, long lines, ByteBuffer to)
    {
        int at = 1, type = 0;
        for (int field = 0; field < 5; field++)   // type, subtype, parameters, id, description
        {
            Skip(part, ref at);
            if (field == 0)
                type = at;
        }
        to.Write(part[..at]);
        to.Write(Encoding.ASCII.GetBytes(FormattableString.Invariant($" \"{encoding}\" {octets}")));
        Skip(part, ref at);
        Skip(part, ref at);
        if (Ascii.EqualsIgnoreCase(part[1..type], "\"text\""u8))
        {
            Skip(part, ref at);
            to.Write(Encoding.ASCII.GetBytes(FormattableString.Invariant($" {lines}")));
        }
        to.Write(part[at..]);
    }

    /// <summary>Copies type, subtype, parameters, id, description, encoding, octets, and lines or envelope.</summary>
    static State SinglePart(ReadOnlySpan<byte> structure, ref int at, ByteBuffer to)
    {
        int type = at;
        Copy(structure, ref at, to);
        int typeEnd = at;
        to.Write((byte)' ');
        Copy(structure, ref at, to);
        ReadOnlySpan<byte> both = structure[type..at];
        bool isText = Ascii.EqualsIgnoreCase(structure[type..typeEnd], "\"text\""u8);
        bool isMessage = Ascii.EqualsIgnoreCase(both, "\"message\" \"rfc822\""u8) || Ascii.EqualsIgnoreCase(both, "\"message\" \"global\""u8);
        for (int field = isText || isMessage ? 6 : 5; field > 0; field--)
        {
            to.Write((byte)' ');
            Copy(structure, ref at, to);
        }
        return isMessage ? State.MessageLines : State.Rest;
    }

    static void Copy(ReadOnlySpan<byte> structure, ref int at, ByteBuffer to)
    {
        while (at < structure.Length && structure[at] == (byte)' ')
            at++;
        int start = at;
        Skip(structure, ref at);
        to.Write(structure[start..at]);
    }

    /// <summary>Past one value: a string, a number, NIL, or a list with all it holds.</summary>
    static void Skip(ReadOnlySpan<byte> structure, ref int at)
    {
        int depth = 0;
        while (at < structure.Length)
        {
            byte c = structure[at];
            switch (c)
            {
                case (byte)'(':
                    depth++;
                    at++;
                    break;
                case (byte)')':
                    depth--;
                    at++;
                    break;
                case (byte)' ':
                    at++;
                    continue;
                case (byte)'"':
                    for (at++; at < structure.Length && structure[at] != (byte)'"'; at++)
                    {
                        if (structure[at] == (byte)'\\')
                            at++;
                    }
                    at++;
                    break;
                case (byte)'{':
                    int length = 0;
                    for (at++; at < structure.Length && structure[at] != (byte)'}'; at++)
                        length = length * 10 + (structure[at] - '0');
                    at += 3 + length;   // } CR LF
                    break;
                default:
                    while (at < structure.Length && structure[at] is not ((byte)' ' or (byte)')'))
                        at++;
                    break;
            }
            if (depth <= 0)
                break;
        }
        at = Math.Min(at, structure.Length);
    }
}
