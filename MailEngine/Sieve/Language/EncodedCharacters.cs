using System.Globalization;
using System.Text;

namespace MailEngine.Sieve.Language;

/// <summary>The extension encoded-character: <c>${hex:…}</c> and <c>${unicode:…}</c>. RFC 5228 §2.4.2.4</summary>
internal static class EncodedCharacters
{
    /// <summary>Longest sequence that is looked at, octets: what is longer stands as it is.</summary>
    const int Longest = 4096;

    public static string Decode(string text, int offset, Compilation script)
    {
        var decoded = new StringBuilder(text.Length);
        int at = 0;
        while (true)
        {
            int start = text.IndexOf("${", at, StringComparison.Ordinal);
            if (start < 0)
                return at == 0 ? text : decoded.Append(text, at, text.Length - at).ToString();
            int end = text.IndexOf('}', start, Math.Min(Longest, text.Length - start));
            int inner = end < 0 ? -1 : text.LastIndexOf("${", end, end - start, StringComparison.Ordinal);
            if (inner > start)
                start = inner;   // "${hex:4${hex:30}}": the first one is none
            decoded.Append(text, at, start - at);
            if (end >= 0 && Sequence(text[(start + 2)..end], offset, script) is { } octets)
            {
                decoded.Append(octets);
                at = end + 1;
                continue;
            }
            decoded.Append("${");
            at = start + 2;
        }
    }

    /// <summary>Null: it is none, and stands as it is.</summary>
    static string? Sequence(string text, int offset, Compilation script)
    {
        bool unicode = text.StartsWith("unicode:", StringComparison.OrdinalIgnoreCase);
        if (!unicode && !text.StartsWith("hex:", StringComparison.OrdinalIgnoreCase))
            return null;
        string[] numbers = text[(unicode ? 8 : 4)..].Split([' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries);
        if (numbers.Length == 0 || !Array.TrueForAll(numbers, n => n.All(char.IsAsciiHexDigit) && (unicode || n.Length <= 2)))
            return null;
        var octets = new StringBuilder();
        foreach (string number in numbers)
        {
            string digits = number.TrimStart('0');
            int value = digits.Length == 0 ? 0 : digits.Length > 6 ? int.MaxValue : int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (!unicode)
                octets.Append((char)value);
            else if (Rune.IsValid(value))
                octets.Append(Octets.OfText(new Rune(value).ToString()));
            else
                script.Error(offset, $"\"{number}\" is no Unicode character: 0 to D7FF and E000 to 10FFFF are.");
        }
        return octets.ToString();
    }
}
