using System.Text;
using MailEngine.Mime;
using MailEngine.Sieve.Language;

namespace MailEngine.Sieve.Matching;

/// <summary>A string that tests look at, with its folded forms, made when first asked for: a hundred rules about one subject fold it once.</summary>
internal sealed class MatchValue(string octets)
{
    string? _upper;
    string? _unicode;

    public static MatchValue Empty { get; } = new("");

    public string Octets { get; } = octets;

    /// <summary>For i;ascii-casemap. RFC 4790 §9.2.1</summary>
    public string Upper => _upper ??= Language.Octets.ToUpper(Octets);

    /// <summary>For i;unicode-casemap: text, no octets. RFC 5051 §2</summary>
    public string Unicode => _unicode ??= UnicodeCasemap.Fold(Language.Octets.ToText(Octets));

    public string For(Comparator comparator) => comparator switch
    {
        Comparator.AsciiCasemap => Upper,
        Comparator.UnicodeCasemap => Unicode,
        _ => Octets,
    };

    /// <summary>The same for a string that is used once.</summary>
    public static string Fold(string octets, Comparator comparator) => comparator switch
    {
        Comparator.AsciiCasemap => Language.Octets.ToUpper(octets),
        Comparator.UnicodeCasemap => UnicodeCasemap.Fold(Language.Octets.ToText(octets)),
        _ => octets,
    };
}

/// <summary>How strings are compared. RFC 5228 §2.7.3, RFC 4790 §9, RFC 5051 §2</summary>
internal enum Comparator { AsciiCasemap, Octet, AsciiNumeric, UnicodeCasemap }

/// <summary>i;ascii-numeric: the digits a string begins with; without any it is larger than all numbers. RFC 4790 §9.1.1</summary>
internal static class AsciiNumeric
{
    public static int Compare(string a, string b)
    {
        ReadOnlySpan<char> left = Digits(a), right = Digits(b);
        if (left.IsEmpty || right.IsEmpty)
            return left.IsEmpty && right.IsEmpty ? 0 : left.IsEmpty ? 1 : -1;
        left = left.TrimStart('0');
        right = right.TrimStart('0');
        return left.Length != right.Length ? left.Length.CompareTo(right.Length) : left.SequenceCompareTo(right);
    }

    static ReadOnlySpan<char> Digits(string text)
    {
        int end = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        return end < 0 ? text : text.AsSpan(0, end);
    }
}

/// <summary>Order of two folded strings: of their octets, or of their characters. RFC 4790 §9</summary>
internal static class Order
{
    public static int Compare(string a, string b, Comparator comparator) => comparator switch
    {
        Comparator.AsciiNumeric => AsciiNumeric.Compare(a, b),
        Comparator.UnicodeCasemap => Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b)),
        _ => string.CompareOrdinal(a, b),
    };
}
