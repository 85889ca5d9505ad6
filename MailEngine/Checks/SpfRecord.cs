using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MailEngine.Checks;

/// <summary>The mechanisms of a record. RFC 7208 §5</summary>
enum SpfMechanism { All, Include, A, Mx, Ptr, Ip4, Ip6, Exists }

/// <summary>A directive: who is meant, and what the record says of him. RFC 7208 §4.6.1</summary>
/// <param name="Says">By the qualifier.</param>
/// <param name="Domain">Null: the domain that is asked.</param>
/// <param name="Network">Of ip4 and ip6.</param>
/// <param name="Bits4">Length of the prefix for IPv4 addresses of "a" and "mx".</param>
readonly record struct SpfDirective(SpfMechanism Mechanism, SpfResult Says, SpfMacros? Domain, IPNetwork Network, int Bits4, int Bits6);

/// <summary>A whole record, read and checked before anything is asked: a fault anywhere spoils it. RFC 7208 §4.6</summary>
sealed class SpfRecord
{
    const string Version = "v=spf1";
    static readonly SearchValues<char> s_address6 = SearchValues.Create("0123456789abcdefABCDEF:.");

    readonly List<SpfDirective> _directives = [];

    public IReadOnlyList<SpfDirective> Directives => _directives;

    /// <summary>Whose record counts when no directive matches; null: nobody's. RFC 7208 §6.1</summary>
    public SpfMacros? Redirect { get; private set; }

    bool _explains;

    /// <summary>Is this text a record of SPF at all? RFC 7208 §4.5</summary>
    public static bool IsRecord(string text) =>
        text.StartsWith(Version, StringComparison.OrdinalIgnoreCase) && (text.Length == Version.Length || text[Version.Length] == ' ');

    /// <returns>Null: it has a fault.</returns>
    public static SpfRecord? Parse(string text)
    {
        var record = new SpfRecord();
        ReadOnlySpan<char> terms = text.AsSpan(Version.Length);
        foreach (Range range in terms.Split(' '))
        {
            if (!terms[range].IsEmpty && !record.TryAdd(terms[range]))
                return null;
        }
        return record;
    }

    bool TryAdd(ReadOnlySpan<char> term)
    {
        int end = term.IndexOfAny(":/=");
        return end >= 0 && term[end] == '=' ? TryAddModifier(term[..end], term[(end + 1)..]) : TryAddDirective(term);
    }

    // RFC 7208 §6: redirect and exp once at the most; what is not known must be well written, and is passed over.
    bool TryAddModifier(ReadOnlySpan<char> name, ReadOnlySpan<char> value)
    {
        if (name.IsEmpty || !char.IsAsciiLetter(name[0]))
            return false;
        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
                return false;
        }
        if (name.Equals("redirect", StringComparison.OrdinalIgnoreCase))
        {
            if (Redirect is not null || !SpfMacros.TryParse(value, explains: false, out SpfMacros target) || !target.IsDomain)
                return false;
            Redirect = target;
            return true;
        }
        if (name.Equals("exp", StringComparison.OrdinalIgnoreCase))
        {
            if (_explains || !SpfMacros.TryParse(value, explains: false, out SpfMacros where) || !where.IsDomain)
                return false;
            return _explains = true;
        }
        return SpfMacros.TryParse(value, explains: true, out _);
    }

    bool TryAddDirective(ReadOnlySpan<char> term)
    {
        SpfResult says = term[0] switch { '-' => SpfResult.Fail, '~' => SpfResult.SoftFail, '?' => SpfResult.Neutral, _ => SpfResult.Pass };
        if (term[0] is '-' or '~' or '?' or '+')
            term = term[1..];
        int end = term.IndexOfAny(":/");
        ReadOnlySpan<char> name = end < 0 ? term : term[..end], rest = end < 0 ? [] : term[end..];
        Span<char> lower = stackalloc char[8];
        if (name.Length is 0 or > 7)
            return false;
        lower = lower[..name.ToLowerInvariant(lower)];
        switch (lower)
        {
            case "all" when rest.IsEmpty:
                return Add(new SpfDirective(SpfMechanism.All, says, null, default, 32, 128));
            case "include":
                return TryAddDomain(SpfMechanism.Include, says, rest, isNeeded: true);
            case "exists":
                return TryAddDomain(SpfMechanism.Exists, says, rest, isNeeded: true);
            case "ptr":
                return TryAddDomain(SpfMechanism.Ptr, says, rest, isNeeded: false);
            case "a":
                return TryAddHosts(SpfMechanism.A, says, rest);
            case "mx":
                return TryAddHosts(SpfMechanism.Mx, says, rest);
            case "ip4":
                return TryAddNetwork(SpfMechanism.Ip4, says, rest);
            case "ip6":
                return TryAddNetwork(SpfMechanism.Ip6, says, rest);
            default:
                return false;
        }
    }

    bool Add(SpfDirective directive)
    {
        _directives.Add(directive);
        return true;
    }

    bool TryAddDomain(SpfMechanism mechanism, SpfResult says, ReadOnlySpan<char> rest, bool isNeeded)
    {
        SpfMacros? domain = null;
        return (rest.IsEmpty ? !isNeeded : TryReadDomain(rest, out domain)) && Add(new SpfDirective(mechanism, says, domain, default, 32, 128));
    }

    static bool TryReadDomain(ReadOnlySpan<char> rest, out SpfMacros? domain)
    {
        domain = null;
        if (rest[0] != ':' || !SpfMacros.TryParse(rest[1..], explains: false, out SpfMacros read) || !read.IsDomain)
            return false;
        domain = read;
        return true;
    }

    // "a" and "mx": [":" domain-spec] ["/" length] ["//" length]; a domain-spec may have slashes of its own, so it is read from the end.
    bool TryAddHosts(SpfMechanism mechanism, SpfResult says, ReadOnlySpan<char> rest)
    {
        int bits4 = 32, bits6 = 128;
        int at = StartOfNumber(rest);
        if (at >= 2 && at < rest.Length && rest[at - 1] == '/' && rest[at - 2] == '/')
        {
            if (!TryReadLength(rest[at..], 128, out bits6))
                return false;
            rest = rest[..(at - 2)];
            at = StartOfNumber(rest);
        }
        if (at >= 1 && at < rest.Length && rest[at - 1] == '/')
        {
            if (!TryReadLength(rest[at..], 32, out bits4))
                return false;
            rest = rest[..(at - 1)];
        }
        SpfMacros? domain = null;
        return (rest.IsEmpty || TryReadDomain(rest, out domain)) && Add(new SpfDirective(mechanism, says, domain, default, bits4, bits6));
    }

    static int StartOfNumber(ReadOnlySpan<char> text)
    {
        int at = text.Length;
        while (at > 0 && char.IsAsciiDigit(text[at - 1]))
            at--;
        return at;
    }

    static bool TryReadLength(ReadOnlySpan<char> text, int most, out int length)
    {
        length = 0;
        return text.Length is > 0 and <= 3 && (text.Length == 1 || text[0] != '0')
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out length) && length <= most;
    }

    bool TryAddNetwork(SpfMechanism mechanism, SpfResult says, ReadOnlySpan<char> rest)
    {
        if (rest.Length < 2 || rest[0] != ':')
            return false;
        rest = rest[1..];
        int slash = rest.IndexOf('/');
        ReadOnlySpan<char> text = slash < 0 ? rest : rest[..slash];
        bool isFour = mechanism == SpfMechanism.Ip4;
        int length = isFour ? 32 : 128;
        if (slash >= 0 && !TryReadLength(rest[(slash + 1)..], length, out length))
            return false;
        // Written as people write them: the parser of the platform takes "1.2", "0x7f.1" and zone names as well.
        if (isFour ? !IsDotted(text) : text.ContainsAnyExcept(s_address6) || !text.Contains(':'))
            return false;
        if (!IPAddress.TryParse(text, out IPAddress? address) || address.AddressFamily != (isFour ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6))
            return false;
        return Add(new SpfDirective(mechanism, says, null, NetworkOf(address, length), 32, 128));
    }

    // RFC 7208 §12: four numbers of 0-255 without zeros in front.
    static bool IsDotted(ReadOnlySpan<char> text)
    {
        int numbers = 0;
        foreach (Range range in text.Split('.'))
        {
            ReadOnlySpan<char> number = text[range];
            if (++numbers > 4 || number.Length is 0 or > 3 || number.ContainsAnyExceptInRange('0', '9') || (number.Length > 1 && number[0] == '0') || int.Parse(number, CultureInfo.InvariantCulture) > 255)
                return false;
        }
        return numbers == 4;
    }

    /// <summary>The network an address is in: bits behind the prefix do not count.</summary>
    public static IPNetwork NetworkOf(IPAddress address, int length)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int i = 0; i < bytes.Length; i++)
        {
            int bits = Math.Clamp(length - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF00 >> bits);
        }
        return new IPNetwork(new IPAddress(bytes), length);
    }
}
