using System.Buffers.Binary;
using System.Text;

namespace MailEngine.Mime;

/// <summary>Mailbox names on the wire of IMAP4rev1. RFC 3501 §5.1.3; RFC 9051 §A.1</summary>
internal static class ModifiedUtf7
{
    const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

    /// <summary>Decodes strictly: attack case A15 wants one name for one mailbox, so a form that is not the one that
    /// <see cref="Encode"/> makes is refused. 8-bit text is taken as UTF-8.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out string name)
    {
        name = "";
        if (bytes.IndexOf((byte)'&') < 0)
        {
            if (!System.Text.Unicode.Utf8.IsValid(bytes))
                return false;
            name = Encoding.UTF8.GetString(bytes);
            return true;
        }
        if (!Ascii.IsValid(bytes))
            return false;
        var text = new StringBuilder(bytes.Length);
        int at = 0;
        while (at < bytes.Length)
        {
            if (bytes[at] != (byte)'&')
            {
                text.Append((char)bytes[at++]);
                continue;
            }
            int end = bytes[(at + 1)..].IndexOf((byte)'-');
            if (end < 0)
                return false;
            ReadOnlySpan<byte> shifted = bytes.Slice(at + 1, end);
            at += end + 2;
            if (shifted.IsEmpty)
                text.Append('&');
            else if (!Shifted(shifted, text))
                return false;
        }
        name = text.ToString();
        return Encode(name).AsSpan().SequenceEqual(Encoding.ASCII.GetString(bytes));
    }

    static bool Shifted(ReadOnlySpan<byte> shifted, StringBuilder text)
    {
        uint bits = 0;
        int held = 0;
        foreach (byte b in shifted)
        {
            int value = Alphabet.IndexOf((char)b, StringComparison.Ordinal);
            if (value < 0)
                return false;
            bits = (bits << 6) | (uint)value;
            held += 6;
            if (held >= 16)
            {
                held -= 16;
                text.Append((char)(ushort)(bits >> held));
            }
        }
        return true;   // left-over bits and the rest: the comparison with the encoded form
    }

    /// <summary>The one right form: printable ASCII as it is, "&amp;" as "&amp;-", all else in runs of modified base64.</summary>
    public static string Encode(string name)
    {
        if (Ascii.IsValid(name) && !name.Contains('&', StringComparison.Ordinal))
            return name;
        var text = new StringBuilder(name.Length * 2);
        Span<byte> unit = stackalloc byte[2];
        for (int i = 0; i < name.Length;)
        {
            char c = name[i];
            if (c is >= ' ' and <= '~')
            {
                text.Append(c);
                if (c == '&')
                    text.Append('-');
                i++;
                continue;
            }
            text.Append('&');
            uint bits = 0;
            int held = 0;
            for (; i < name.Length && name[i] is not (>= ' ' and <= '~'); i++)
            {
                BinaryPrimitives.WriteUInt16BigEndian(unit, name[i]);
                foreach (byte b in unit)
                {
                    bits = (bits << 8) | b;
                    held += 8;
                    while (held >= 6)
                    {
                        held -= 6;
                        text.Append(Alphabet[(int)(bits >> held) & 63]);
                    }
                }
            }
            if (held > 0)
                text.Append(Alphabet[(int)(bits << (6 - held)) & 63]);
            text.Append('-');
        }
        return text.ToString();
    }
}
