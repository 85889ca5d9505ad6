using System.Text;
using MailEngine.Mime;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Messages;

/// <summary>A MIME entity that a script writes: the fields that say what it is, and its content. RFC 5703 §5, RFC 2045 §2.4</summary>
internal sealed record NewEntity(byte[] Fields, byte[] Content)
{
    /// <summary>RFC 5322 §2.1.1</summary>
    const int LongestLine = 998;

    /// <summary>A text, written such that no line of it can be taken for a boundary.</summary>
    public static NewEntity OfText(string octets)
    {
        string text = WithLineEnds(octets);
        string[] lines = text.Split("\r\n");
        bool isPlain = Array.TrueForAll(lines, line => line.Length <= LongestLine && Ascii.IsValid(line) && !line.Contains('\0', StringComparison.Ordinal) && !line.StartsWith("--", StringComparison.Ordinal));
        byte[] content = Octets.ToBytes(text);
        return new NewEntity(
            Encoding.ASCII.GetBytes($"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {(isPlain ? "7bit" : "base64")}\r\n"),
            isPlain ? content : Encoding.ASCII.GetBytes(Convert.ToBase64String(content, Base64FormattingOptions.InsertLineBreaks).ReplaceLineEndings("\r\n")));
    }

    /// <summary>An entity with its own header; of that only the fields that MIME defines are kept.</summary>
    /// <param name="command">That writes it.</param>
    /// <exception cref="SieveFaultException">It does not begin with a header.</exception>
    public static NewEntity OfMime(string octets, string command)
    {
        byte[] entity = Octets.ToBytes(WithLineEnds(octets));
        if (entity.AsSpan().StartsWith("\r\n"u8))
            return new NewEntity([], entity[2..]);
        int end = entity.AsSpan().IndexOf("\r\n\r\n"u8);
        byte[] header = end < 0 ? [.. entity, .. entity.AsSpan().EndsWith("\r\n"u8) ? default : "\r\n"u8] : entity[..(end + 2)];
        var fields = new HeaderFieldReader(header);
        using var kept = new ByteBuffer(256);
        while (fields.MoveNext())
        {
            HeaderField field = fields.Current;
            if (field.Name.IsEmpty)
                throw new SieveFaultException($"{command} has a text that is no MIME entity: it must begin with a header and an empty line");
            if (IsContent(field.Name))
                kept.Write(field.Raw);
        }
        return new NewEntity(kept.Written.ToArray(), end < 0 ? [] : entity[(end + 4)..]);
    }

    /// <summary>CRLF for every line end; of octets, where U+0085 is no line end but a piece of a character.</summary>
    static string WithLineEnds(string octets) =>
        octets.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Replace("\n", "\r\n", StringComparison.Ordinal);

    /// <summary>A field that says what an entity is. RFC 2045 §9</summary>
    public static bool IsContent(ReadOnlySpan<byte> name) => name.Length > 8 && Ascii.EqualsIgnoreCase(name[..8], "content-"u8);

    /// <summary>A line of it would end a multipart around it.</summary>
    public bool Holds(ReadOnlySpan<byte> boundary)
    {
        byte[] line = [.. "\r\n--"u8, .. boundary];
        return Content.AsSpan().StartsWith(line.AsSpan(2)) || Content.AsSpan().IndexOf(line) >= 0;
    }
}
