using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using MailEngine.Mime;

namespace MailEngine.Checks;

/// <summary>The header section of a message, as signatures see it: which field stands where, and the digest of those that one signs.</summary>
/// <remarks>
/// The section is read once and held (256 KiB at most). Fields are found as the rest of the engine finds them; where a strict reader could
/// see other fields than a lenient one, there is a <see cref="Fault"/>, and no signature counts: what one reader takes for an innocent
/// field, the next one shows as the author (RFC 6376 §3.8, §8.15). Every digest looks at each field at most once.
/// </remarks>
sealed class DkimHeader : IDisposable
{
    /// <summary>Octets that are looked at. Real header sections have less than 64 KiB.</summary>
    public const int MostBytes = 256 * 1024;
    const int FirstBytes = 16 * 1024;
    const string BareLineEnd = "the header section has a CR or LF alone";
    /// <summary>Fields that a message has once: a second one, not signed, is somebody else's. RFC 5322 §3.6, RFC 2045 §3</summary>
    static readonly string[] s_once =
        ["from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "message-id", "in-reply-to", "references",
         "mime-version", "content-type", "content-transfer-encoding"];
    static readonly SearchValues<byte> s_white = SearchValues.Create(" \t\r\n"u8);
    readonly byte[] _bytes;
    readonly List<Field> _fields = [];
    readonly Dictionary<string, int> _last = new(StringComparer.Ordinal);   // name in lower case → its field nearest to the bottom

    DkimHeader(byte[] bytes) => _bytes = bytes;

    /// <param name="Above">The next field of this name towards the top; -1: none.</param>
    readonly record struct Field(int Start, int Colon, int End, int Above);

    /// <summary>Why no signature over this header section means anything; null: nothing is wrong.</summary>
    public string? Fault { get; private set; }

    /// <summary>Where the body begins in the message.</summary>
    public long BodyStart { get; private set; }

    public static DkimHeader Read(MessageOctets message)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(FirstBytes);
        int count = 0, line = 0;
        while (true)
        {
            // Up to the empty line; what only some readers take for one is a fault.
            int end;
            while ((end = bytes.AsSpan(line, count - line).IndexOf((byte)'\n')) >= 0)
            {
                if (end == 0 || (end == 1 && bytes[line] == (byte)'\r'))
                    return Complete(bytes, line, line + end + 1, end == 0 ? BareLineEnd : null);
                line += end + 1;
            }
            if (count == MostBytes)
                return Complete(bytes, line, count, "the header section is larger than 256 KiB");
            if (count == bytes.Length)
                bytes = Larger(bytes);
            int read = message(count, bytes.AsSpan(count, Math.Min(bytes.Length, MostBytes) - count));
            if (read == 0)
                return Complete(bytes, count, count, null);   // a message without a body
            count += read;
        }
    }

    /// <summary>The signatures, from the top.</summary>
    public IEnumerable<DkimSignatureField> Signatures(DateTimeOffset now)
    {
        if (!_last.ContainsKey("dkim-signature"))
            yield break;
        for (int i = 0; i < _fields.Count; i++)
        {
            if (!Name(_fields[i]).Equals("dkim-signature", StringComparison.Ordinal))
                continue;
            Field field = _fields[i];
            yield return DkimSignatureField.Read(i, _bytes.AsMemory((field.Colon + 1)..ContentEnd(field)), now);
        }
    }

    /// <summary>The digest that was signed. RFC 6376 §3.7</summary>
    /// <param name="objection">What is wrong with the choice of fields though they verify; null: nothing.</param>
    public byte[] Digest(DkimSignatureField signature, out DkimVerdict? objection)
    {
        using var signed = new ByteBuffer(4096);
        // Of each name: the field to take next. From the bottom up; where none is left, nothing is signed, not even the name. RFC 6376 §5.4.2
        var next = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string name in signature.SignedNames)
        {
            int number = next.TryGetValue(name, out int above) ? above : _last.GetValueOrDefault(name, -1);
            if (number == signature.Number)
                number = _fields[number].Above;   // it was not there yet when it was signed. RFC 6376 §3.5 (h=)
            next[name] = number < 0 ? -1 : _fields[number].Above;
            if (number >= 0)
                Write(_fields[number], signature.IsHeaderRelaxed, signed);
        }
        Write(signature, signed);
        objection = Objection(next);
        return SHA256.HashData(signed.Written);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);

    DkimVerdict? Objection(Dictionary<string, int> left)
    {
        if (!_last.ContainsKey("from"))
            return DkimVerdict.PermError("there is no From");
        foreach (string name in s_once)
        {
            if (left.TryGetValue(name, out int number) && number >= 0)
                return DkimVerdict.Policy($"there is a second {name} field that is not signed");   // RFC 6376 §8.15
        }
        return null;
    }

    static byte[] Larger(byte[] bytes)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(bytes.Length * 2);
        bytes.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(bytes);
        return larger;
    }

    static DkimHeader Complete(byte[] bytes, int end, long bodyStart, string? fault)
    {
        var header = new DkimHeader(bytes) { BodyStart = bodyStart, Fault = fault };
        header.FindFields(bytes.AsSpan(0, end));
        return header;
    }

    void FindFields(ReadOnlySpan<byte> section)
    {
        var reader = new HeaderFieldReader(section);
        for (int start = 0; reader.MoveNext();)
        {
            HeaderField found = reader.Current;
            int end = start + found.Raw.Length;
            if (found.Name.IsEmpty)
            {
                Fault ??= "a line of the header section is not a field";
            }
            else
            {
                var field = new Field(start, start + found.Raw.IndexOf((byte)':'), end, -1);
                string name = Name(field);
                _fields.Add(field with { Above = _last.GetValueOrDefault(name, -1) });
                _last[name] = _fields.Count - 1;
            }
            start = end;
        }
        if (HasBareLineEnds(section))
            Fault ??= BareLineEnd;
    }

    static bool HasBareLineEnds(ReadOnlySpan<byte> section)
    {
        for (int at; (at = section.IndexOfAny((byte)'\r', (byte)'\n')) >= 0; section = section[(at + 2)..])
        {
            if (section[at] == (byte)'\n' || at + 1 == section.Length || section[at + 1] != (byte)'\n')
                return true;
        }
        return false;
    }

    string Name(Field field) => Encoding.ASCII.GetString(_bytes.AsSpan(field.Start..field.Colon).TrimEnd(" \t"u8)).ToLowerInvariant();

    int ContentEnd(Field field) => field.End - (_bytes.AsSpan(field.Start..field.End).EndsWith("\r\n"u8) ? 2 : 0);

    void Write(Field field, bool relaxed, ByteBuffer to)
    {
        ReadOnlySpan<byte> bytes = _bytes;
        int end = ContentEnd(field);
        if (relaxed)
            WriteRelaxed(bytes[field.Start..field.Colon], bytes[(field.Colon + 1)..end], default, to);
        else
            to.Write(bytes[field.Start..end]);
        to.Write("\r\n"u8);   // also where the message ended without one
    }

    // The signature's own field: without the value of b= and all white space around it, and without CRLF. RFC 6376 §3.7
    void Write(DkimSignatureField signature, ByteBuffer to)
    {
        Field field = _fields[signature.Number];
        int value = field.Colon + 1;
        ReadOnlySpan<byte> bytes = _bytes;
        ReadOnlySpan<byte> before = bytes[value..(value + signature.BValue.Start.Value)];
        ReadOnlySpan<byte> behind = bytes[(value + signature.BValue.End.Value)..ContentEnd(field)];
        if (signature.IsHeaderRelaxed)
        {
            WriteRelaxed(bytes[field.Start..field.Colon], before, behind, to);
            return;
        }
        to.Write(bytes[field.Start..value]);
        to.Write(before);
        to.Write(behind);
    }

    // RFC 6376 §3.4.2. CR and LF are in a field only where it is folded, so a run of white space with a fold in it is one space.
    static void WriteRelaxed(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, ReadOnlySpan<byte> rest, ByteBuffer to)
    {
        foreach (byte b in name.TrimEnd(" \t"u8))
            to.Write((byte)char.ToLowerInvariant((char)b));
        to.Write((byte)':');
        bool isFirst = true, hasWhite = false;
        for (int part = 0; part < 2; part++)
        {
            ReadOnlySpan<byte> text = part == 0 ? value : rest;
            while (!text.IsEmpty)
            {
                int start = text.IndexOfAnyExcept(s_white);
                hasWhite |= start != 0;
                if (start < 0)
                    break;
                int end = text[start..].IndexOfAny(s_white);
                end = end < 0 ? text.Length : start + end;
                if (hasWhite && !isFirst)
                    to.Write((byte)' ');
                to.Write(text[start..end]);
                isFirst = hasWhite = false;
                text = text[end..];
            }
        }
    }
}
