using System.Buffers;
using System.Text;
using MailEngine.Addresses;

namespace MailEngine.Mime;

/// <summary>A header for who does not read UTF-8 in headers: the same fields, in ASCII.</summary>
/// <remarks>RFC 6856 §2.1 asks for one. Text becomes encoded words (RFC 2047 §5), domains their A-labels. An address whose local
/// part is not ASCII has no other form: it becomes the name of an empty group (RFC 5322 §3.4), so people can read it and no program writes to somebody
/// else; one of a group stands behind that group, since there are no groups in groups. Octets that are neither UTF-8 nor ASCII are taken for windows-1252, as everywhere here.</remarks>
internal static class SurrogateHeader
{
    static readonly string[] s_addressFields =
        ["From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Resent-From", "Resent-Sender", "Resent-Reply-To", "Resent-To", "Resent-Cc", "Resent-Bcc", "Disposition-Notification-To", "Return-Path"];

    static readonly SearchValues<byte> s_specials = SearchValues.Create(" \t\"\\(),:;<>@["u8);
    static readonly SearchValues<byte> s_wordEnds = SearchValues.Create("\"; \t\r\n"u8);
    static readonly SearchValues<byte> s_wordStarts = SearchValues.Create("\"=; \t\r\n"u8);   // all that ends a word, too: else one without an octet would be found for ever

    // Their encoded words would be looked for by nobody, or break the field.
    static readonly string[] s_machineFields = ["Received", "Message-ID", "In-Reply-To", "References", "Date", "Resent-Date", "Resent-Message-ID", "DKIM-Signature", "Content-ID", "Content-Transfer-Encoding"];

    /// <param name="header">Up to the empty line, without it or with it.</param>
    public static void Write(ReadOnlySpan<byte> header, ByteBuffer to)
    {
        var fields = new HeaderFieldReader(header);
        int done = 0;
        while (fields.MoveNext())
        {
            HeaderField field = fields.Current;
            done += field.Raw.Length;
            if (Ascii.IsValid(field.Raw))
                to.Write(field.Raw);
            else if (field.Name.IsEmpty || IsOneOf(field, s_machineFields))
                WriteMasked(field.Raw, to);
            else
                WriteField(field, to);
        }
        WriteMasked(header[done..], to);
    }

    static bool IsOneOf(HeaderField field, string[] names)
    {
        string name = Encoding.ASCII.GetString(field.Name);
        return names.Contains(name, StringComparer.OrdinalIgnoreCase);
    }

    static void WriteField(HeaderField field, ByteBuffer to)
    {
        to.Write(field.Name);
        to.Write(": "u8);
        if (IsOneOf(field, s_addressFields))
            WriteAddresses(field.Value, to);
        else if (field.Is("Content-Type"u8) || field.Is("Content-Disposition"u8))
            WriteParameters(field.Value, to);
        else
            EncodedWord.Encode(EncodedWord.Decode(field.Value), to);
        to.Write("\r\n"u8);
    }

    static void WriteAddresses(ReadOnlySpan<byte> value, ByteBuffer to)
    {
        using var scratch = new ByteBuffer(256);
        var list = new AddressReader(value, scratch);
        bool isFirst = true, inGroup = false;
        var behind = new List<string>();   // what goes behind the group that is being written
        while (list.MoveNext(out ListedAddress address))
        {
            if (address.Kind == AddressKind.GroupEnd)
            {
                EndGroup(behind, to);
                (isFirst, inGroup) = (false, false);
                continue;
            }
            string name = EncodedWord.Decode(address.Name), domain = Charsets.Guess(address.Domain);
            string ascii = DomainName.TryParse(domain, out DomainName known) ? known.Value : domain;
            bool isName = address.Kind != AddressKind.GroupStart && !(Ascii.IsValid(address.Local) && Ascii.IsValid(ascii));
            string full = isName ? (name.Length > 0 ? name + " " : "") + Charsets.Guess(address.Local) + (domain.Length > 0 ? "@" + domain : "") : "";
            if (isName && inGroup)
            {
                behind.Add(full);
                continue;
            }
            if (!isFirst)
                to.Write(",\r\n "u8);
            isFirst = false;
            if (address.Kind == AddressKind.GroupStart)
            {
                WritePhrase(name, to);
                to.Write(": "u8);
                (isFirst, inGroup) = (true, true);
                continue;
            }
            if (isName)
            {
                WritePhrase(full, to);
                to.Write(":;"u8);
                continue;
            }
            WritePhrase(name, to);
            to.Write(name.Length > 0 ? " <"u8 : "<"u8);
            WriteLocal(address.Local, to);
            if (ascii.Length > 0)
                to.Write(Encoding.ASCII.GetBytes("@" + ascii));
            to.Write(">"u8);
        }
        if (inGroup)
            EndGroup(behind, to);
    }

    static void EndGroup(List<string> behind, ByteBuffer to)
    {
        to.Write(";"u8);
        foreach (string name in behind)
        {
            to.Write(",\r\n "u8);
            WritePhrase(name, to);
            to.Write(":;"u8);
        }
        behind.Clear();
    }

    static void WritePhrase(string name, ByteBuffer to)
    {
        if (name.Length == 0)
            return;
        if (!Ascii.IsValid(name))
        {
            EncodedWord.Encode(name, to);
            return;
        }
        WriteQuoted(Encoding.ASCII.GetBytes(name), to);
    }

    static void WriteLocal(ReadOnlySpan<byte> local, ByteBuffer to)
    {
        if (local.IndexOfAny(s_specials) < 0 && local.IndexOf(".."u8) < 0 && !local.StartsWith("."u8) && !local.EndsWith("."u8))
            to.Write(local);
        else
            WriteQuoted(local, to);
    }

    static void WriteQuoted(ReadOnlySpan<byte> text, ByteBuffer to)
    {
        to.Write((byte)'"');
        foreach (byte c in text)
        {
            if (c is (byte)'"' or (byte)'\\')
                to.Write((byte)'\\');
            to.Write(c is (byte)'\r' or (byte)'\n' ? (byte)' ' : c);
        }
        to.Write((byte)'"');
    }

    // Raw names of files: programs look for encoded words there though RFC 2047 §5 does not let them stand in a quoted string.
    static void WriteParameters(ReadOnlySpan<byte> value, ByteBuffer to)
    {
        while (!value.IsEmpty)
        {
            int high = value.IndexOfAnyExceptInRange((byte)0, (byte)0x7F);
            if (high < 0)
            {
                to.Write(value);
                return;
            }
            int start = value[..high].LastIndexOfAny(s_wordStarts) + 1;
            int length = value[start..].IndexOfAny(s_wordEnds);
            ReadOnlySpan<byte> word = length < 0 ? value[start..] : value.Slice(start, length);
            to.Write(value[..start]);
            EncodedWord.Encode(Charsets.Guess(word), to);
            value = value[(start + word.Length)..];
        }
    }

    /// <summary>Copies octets; a question mark takes the place of each that is not ASCII.</summary>
    public static void WriteMasked(ReadOnlySpan<byte> octets, ByteBuffer to)
    {
        Span<byte> room = to.GetSpan(Math.Max(octets.Length, 1));
        octets.CopyTo(room);
        Mask(room[..octets.Length]);
        to.Advance(octets.Length);
    }

    /// <inheritdoc cref="WriteMasked"/>
    public static void Mask(Span<byte> octets)
    {
        for (int high; (high = octets.IndexOfAnyExceptInRange((byte)0, (byte)0x7F)) >= 0; octets = octets[(high + 1)..])
            octets[high] = (byte)'?';
    }
}
