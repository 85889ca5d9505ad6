using System.Text;

namespace MailEngine.Mime;

/// <summary>Writes BODYSTRUCTURE text, and shortens it to that of BODY. RFC 9051 §7.5.2</summary>
internal static class BodyStructureWriter
{
    /// <param name="message">The bytes the parts are ranges of.</param>
    public static void Write(ReadOnlySpan<byte> message, IReadOnlyList<MimePart> parts, ByteBuffer scratch, ByteBuffer to)
    {
        // Parts come before what they hold, so one walk does it: whenever the next part is not inside the open ones, these end.
        int open = -1;
        for (int i = 0; i < parts.Count; i++)
        {
            MimePart part = parts[i];
            for (; open != part.Parent; open = parts[open].Parent)
                End(message, parts, open, scratch, to);
            to.Write((byte)'(');
            switch (part.Kind)
            {
                case MimePartKind.Multipart:
                    open = i;
                    break;
                case MimePartKind.Message:
                    Start(message, part, scratch, to);
                    to.Write((byte)' ');
                    MimePart root = parts[i + 1];
                    EnvelopeWriter.Write(message[root.HeaderStart..root.BodyStart], scratch, to);
                    to.Write((byte)' ');
                    open = i;
                    break;
                default:
                    Start(message, part, scratch, to);
                    if (part.IsText)
                    {
                        to.Write((byte)' ');
                        to.WriteNumber(part.Lines);
                    }
                    Extension(message, part, true, scratch, to);
                    to.Write((byte)')');
                    break;
            }
        }
        for (; open >= 0; open = parts[open].Parent)
            End(message, parts, open, scratch, to);
    }

    /// <summary>What follows the parts inside a multipart or a message.</summary>
    static void End(ReadOnlySpan<byte> message, IReadOnlyList<MimePart> parts, int index, ByteBuffer scratch, ByteBuffer to)
    {
        MimePart part = parts[index];
        if (part.Kind == MimePartKind.Message)
        {
            to.Write((byte)' ');
            to.WriteNumber(part.Lines);
            Extension(message, part, true, scratch, to);
        }
        else
        {
            scratch.Clear();
            var type = new ParameterReader(HeaderFieldReader.Find(message[part.HeaderStart..part.BodyStart], "Content-Type"u8).Value, scratch);
            to.Write((byte)' ');
            ImapText.WriteString(type.Subtype, to);
            to.Write((byte)' ');
            ParameterWriter.Write(ref type, scratch, to);
            Extension(message, part, false, scratch, to);
        }
        to.Write((byte)')');
    }

    /// <summary>body-fields with the type before them: type, subtype, parameters, id, description, encoding, octets.</summary>
    static void Start(ReadOnlySpan<byte> message, in MimePart part, ByteBuffer scratch, ByteBuffer to)
    {
        ReadOnlySpan<byte> type = default, id = default, description = default, encoding = default;
        bool hasId = false, hasDescription = false;
        var fields = new HeaderFieldReader(message[part.HeaderStart..Math.Min(part.BodyStart, part.HeaderStart + MessageText.MaxHeader)]);
        while (fields.MoveNext())
        {
            HeaderField field = fields.Current;
            switch (field.Name.Length)
            {
                case 10 when !hasId && field.Is("Content-ID"u8):
                    id = field.Value;
                    hasId = true;
                    break;
                case 12 when type.IsEmpty && field.Is("Content-Type"u8):
                    type = field.Value;
                    break;
                case 19 when !hasDescription && field.Is("Content-Description"u8):
                    description = field.Value;
                    hasDescription = true;
                    break;
                case 25 when encoding.IsEmpty && field.Is("Content-Transfer-Encoding"u8):
                    encoding = field.Value;
                    break;
            }
        }
        scratch.Clear();
        var parsed = new ParameterReader(type, scratch);
        bool typed = !parsed.Type.IsEmpty && !parsed.Subtype.IsEmpty;
        if (part.Kind == MimePartKind.Message && !typed)
            to.Write("\"message\" \"rfc822\" NIL"u8);   // in a digest: RFC 2046 §5.1.5
        else if (part.Opaque && !part.IsText || part.InDigest && !typed)
            to.Write("\"application\" \"octet-stream\" NIL"u8);
        else if (part.Opaque || !typed)
            to.Write("\"text\" \"plain\" (\"charset\" \"us-ascii\")"u8);   // RFC 2045 §5.2
        else
        {
            ImapText.WriteString(parsed.Type, to);
            to.Write((byte)' ');
            ImapText.WriteString(parsed.Subtype, to);
            to.Write((byte)' ');
            int parameters = to.Length;
            ParameterWriter.Write(ref parsed, scratch, to);
            // A text part without charset: RFC 2046 §4.1.2 says what it is.
            if (part.IsText && to.Length - parameters == 3)
            {
                to.Truncate(parameters);
                to.Write("(\"charset\" \"us-ascii\")"u8);
            }
        }
        to.Write((byte)' ');
        TextOrNil(hasId, id, scratch, to);
        to.Write((byte)' ');
        TextOrNil(hasDescription, description, scratch, to);
        to.Write((byte)' ');
        encoding = encoding.Trim(" \t\r\n;\""u8);
        ImapText.WriteUnfolded(encoding.IsEmpty ? "7bit"u8 : encoding, scratch, to);
        to.Write((byte)' ');
        to.WriteNumber(part.BodyLength);
    }

    /// <summary>[md5] disposition language location.</summary>
    static void Extension(ReadOnlySpan<byte> message, in MimePart part, bool md5, ByteBuffer scratch, ByteBuffer to)
    {
        ReadOnlySpan<byte> sum = default, disposition = default, language = default, location = default;
        var fields = new HeaderFieldReader(message[part.HeaderStart..Math.Min(part.BodyStart, part.HeaderStart + MessageText.MaxHeader)]);
        while (fields.MoveNext())
        {
            HeaderField field = fields.Current;
            switch (field.Name.Length)
            {
                case 11 when sum.IsEmpty && field.Is("Content-MD5"u8):
                    sum = field.Value;
                    break;
                case 16 when language.IsEmpty && field.Is("Content-Language"u8):
                    language = field.Value;
                    break;
                case 16 when location.IsEmpty && field.Is("Content-Location"u8):
                    location = field.Value;
                    break;
                case 19 when disposition.IsEmpty && field.Is("Content-Disposition"u8):
                    disposition = field.Value;
                    break;
            }
        }
        if (md5)
        {
            to.Write((byte)' ');
            TextOrNil(!sum.IsEmpty, sum, scratch, to);
        }
        to.Write((byte)' ');
        scratch.Clear();
        var parsed = new ParameterReader(disposition, scratch);
        if (parsed.Type.IsEmpty)
            ImapText.WriteNil(to);
        else
        {
            to.Write((byte)'(');
            ImapText.WriteString(parsed.Type, to);
            to.Write((byte)' ');
            ParameterWriter.Write(ref parsed, scratch, to);
            to.Write((byte)')');
        }
        to.Write((byte)' ');
        Languages(language, scratch, to);
        to.Write((byte)' ');
        TextOrNil(!location.IsEmpty, location, scratch, to);
    }

    /// <summary>One tag as a string, several as a list. RFC 9051 §9 (body-fld-lang)</summary>
    static void Languages(ReadOnlySpan<byte> value, ByteBuffer scratch, ByteBuffer to)
    {
        if (!value.Contains((byte)','))
        {
            TextOrNil(!value.IsEmpty, value, scratch, to);
            return;
        }
        int start = to.Length, count = 0;
        while (!value.IsEmpty && count < ParameterReader.MaxParameters)
        {
            int comma = value.IndexOf((byte)',');
            ReadOnlySpan<byte> tag = (comma < 0 ? value : value[..comma]).Trim(" \t\r\n"u8);
            value = comma < 0 ? default : value[(comma + 1)..];
            if (tag.IsEmpty)
                continue;
            to.Write(count++ == 0 ? "("u8 : " "u8);
            ImapText.WriteUnfolded(tag, scratch, to);
        }
        if (count == 0)
        {
            to.Truncate(start);
            ImapText.WriteNil(to);
        }
        else
            to.Write((byte)')');
    }

    static void TextOrNil(bool present, ReadOnlySpan<byte> value, ByteBuffer scratch, ByteBuffer to)
    {
        if (present)
            ImapText.WriteUnfolded(value, scratch, to);
        else
            ImapText.WriteNil(to);
    }
}
