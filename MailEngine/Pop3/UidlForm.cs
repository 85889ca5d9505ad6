using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace MailEngine.Pop3;

/// <summary>How a unique-id is written: UIDVALIDITY and UID of the place where a message was first put, and characters between them. RFC 1939 §7</summary>
/// <remarks>Mail that was taken over with its UIDs from another server keeps its unique-ids when they are written as that server wrote them, so
/// that nobody's program fetches all his mail again.</remarks>
internal sealed partial class UidlForm
{
    /// <summary>RFC 1939 §7</summary>
    public const int MaxLength = 70;

    readonly string _format;   // {0}: UIDVALIDITY, {1}: UID

    UidlForm(string format) => _format = format;

    /// <exception cref="FormatException">It is none; <see cref="EngineOptionsCheck"/> said so before.</exception>
    public static UidlForm Parse(string text) => TryParse(text) ?? throw new FormatException($"\"{text}\" is no form of unique-ids.");

    /// <returns>Null: it does not hold both numbers, two messages could be written alike, or it has characters that a unique-id cannot have.</returns>
    public static UidlForm? TryParse(string text)
    {
        MatchCollection places = Place().Matches(text);
        if (places is not [var first, var second] || first.Groups[1].Value == second.Groups[1].Value)
            return null;
        string between = text[(first.Index + first.Length)..second.Index], rest = Place().Replace(text, "");
        // 1 and 23 must not be written like 12 and 3.
        if ((between.Length == 0 || char.IsAsciiHexDigit(between[0])) && first.Groups[2].Value != ":08x" && first.Groups[2].Value != ":08X")
            return null;
        if (rest.Any(c => c is < '\x21' or > '\x7e' or '{' or '}') || rest.Length > MaxLength - 20)
            return null;
        return new UidlForm(Place().Replace(text, place => (place.Groups[1].Value == "uid" ? "{1" : "{0") + place.Groups[2].Value.Replace(":08", ":", StringComparison.Ordinal)
            .Replace("x", "x8", StringComparison.Ordinal).Replace("X", "X8", StringComparison.Ordinal) + "}"));
    }

    /// <param name="to">Room for <see cref="MaxLength"/> octets.</param>
    public int Write(Span<byte> to, uint uidValidity, uint uid)
    {
        string text = string.Format(CultureInfo.InvariantCulture, _format, uidValidity, uid);
        return Encoding.ASCII.GetBytes(text, to);
    }

    [GeneratedRegex(@"\{(uidvalidity|uid)(:08x|:08X)?\}")]
    private static partial Regex Place();
}
