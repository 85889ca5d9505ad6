using System.Text;

namespace MailEngine.Sieve.Language;

/// <summary>Octet strings: .NET strings whose every character is one octet, U+0000 to U+00FF, of UTF-8 (or of whatever the script holds).</summary>
/// <remarks>
/// Sieve compares octets: "?" is one octet (RFC 5228 §2.7.1), <c>${hex:…}</c> makes any octet (RFC 5228 §2.4.2.4), scripts may hold text that is
/// no UTF-8 (RFC 5228 §2.4.2). In this form nothing of it is lost, ordinal comparison is octet comparison, and the string functions of .NET
/// are as quick as they are. All strings of this module are octet strings unless their name says Text; ASCII is the same in both.
/// </remarks>
public static class Octets
{
    public static string Of(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    /// <summary>UTF-8 of a text.</summary>
    public static string OfText(string text) => Ascii.IsValid(text) ? text : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>The text of which these are the octets; what is no UTF-8 becomes U+FFFD.</summary>
    public static string ToText(string octets) => Ascii.IsValid(octets) ? octets : Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(octets));

    public static byte[] ToBytes(string octets) => Encoding.Latin1.GetBytes(octets);

    /// <summary>Upper case of the ASCII letters alone; the same string when there are none to change. RFC 4790 §9.2.1</summary>
    public static string ToUpper(string octets) =>
        octets.AsSpan().IndexOfAnyInRange('a', 'z') < 0 ? octets : string.Create(octets.Length, octets, static (to, from) =>
        {
            for (int i = 0; i < to.Length; i++)
                to[i] = char.IsAsciiLetterLower(from[i]) ? (char)(from[i] - 32) : from[i];
        });

    /// <summary>Lower case of the ASCII letters alone.</summary>
    public static string ToLower(string octets) =>
        octets.AsSpan().IndexOfAnyInRange('A', 'Z') < 0 ? octets : string.Create(octets.Length, octets, static (to, from) =>
        {
            for (int i = 0; i < to.Length; i++)
                to[i] = char.IsAsciiLetterUpper(from[i]) ? (char)(from[i] + 32) : from[i];
        });

    /// <summary>At most so many octets, without a character of UTF-8 cut in two.</summary>
    public static string Cut(string octets, int most)
    {
        if (octets.Length <= most)
            return octets;
        int end = most;
        while (end > 0 && most - end < 4 && octets[end] is >= '\x80' and < '\xC0')
            end--;
        return octets[..end];
    }
}
