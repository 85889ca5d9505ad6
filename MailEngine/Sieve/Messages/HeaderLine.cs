using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;

namespace MailEngine.Sieve.Messages;

/// <summary>One header field of a message as scripts see it: decoded when first asked for.</summary>
internal sealed class HeaderLine(ReadOnlyMemory<byte> raw, int nameLength, int valueStart)
{
    MatchValue? _value;
    List<HeaderAddress>? _addresses;

    /// <summary>With its folding and its line end.</summary>
    public ReadOnlyMemory<byte> Raw => raw;

    public ReadOnlySpan<byte> Name => raw.Span[..nameLength];

    /// <summary>Can a field have this name? RFC 5322 §2.2</summary>
    public static bool IsName(string name) => name.Length > 0 && name.All(c => c is > ' ' and < '\x7F' and not ':');

    /// <summary>Behind the colon, still folded, without white space around it.</summary>
    public ReadOnlySpan<byte> RawValue => raw.Span[valueStart..].Trim(" \t\r\n"u8);

    /// <summary>Unfolded, encoded words decoded, no white space around it. RFC 5228 §2.4.2.2, RFC 5228 §2.7.2</summary>
    public MatchValue Value => _value ??= new MatchValue(Octets.OfText(EncodedWord.Decode(RawValue)));

    /// <summary>Mailboxes of an address field, those in groups too. RFC 5228 §5.1</summary>
    public List<HeaderAddress> Addresses => _addresses ??= ReadAddresses();

    List<HeaderAddress> ReadAddresses()
    {
        var found = new List<HeaderAddress>();
        using var scratch = new ByteBuffer(256);
        var reader = new AddressReader(RawValue, scratch);
        while (reader.MoveNext(out ListedAddress address))
        {
            if (address.Kind == AddressKind.Mailbox && !(address.Local.IsEmpty && address.Domain.IsEmpty))
                found.Add(new HeaderAddress(Octets.Of(address.Local), Octets.Of(address.Domain)));
        }
        return found;
    }
}

/// <summary>ADDRESS-PART: RFC 5228 §2.7.4, RFC 5233 §4.</summary>
internal enum AddressPart { All, Local, Domain, User, Detail }

/// <summary>An address whose parts are looked at.</summary>
/// <param name="local">Unquoted.</param>
/// <param name="domain">Empty: not a whole address; only :all matches it. RFC 5228 §2.7.4</param>
/// <param name="whole">What :all looks at; null: the two together.</param>
internal sealed class HeaderAddress(string local, string domain, string? whole = null)
{
    MatchValue? _all, _local, _domain, _user, _detail;
    string? _separator;

    /// <summary>The reverse path <c>&lt;&gt;</c>: the empty string, whatever part is asked for. RFC 5228 §5.4</summary>
    public static HeaderAddress Null { get; } = new("", "") { IsNull = true };

    public bool IsNull { get; private init; }

    /// <param name="separator">Between user and detail; empty: there are none.</param>
    /// <returns>Null: there is no such part.</returns>
    public MatchValue? Part(AddressPart part, string separator)
    {
        if (IsNull)
            return part == AddressPart.Detail ? null : MatchValue.Empty;
        if (part == AddressPart.All)
            return _all ??= new MatchValue(whole ?? (domain.Length == 0 ? local : $"{local}@{domain}"));
        if (domain.Length == 0 || local.Length == 0)
            return null;
        switch (part)
        {
            case AddressPart.Local:
                return _local ??= new MatchValue(local);
            case AddressPart.Domain:
                return _domain ??= new MatchValue(domain);
        }
        if (_separator != separator)
        {
            int at = Subaddress.SeparatorIn(local, separator);
            _user = new MatchValue(at < 0 ? local : local[..at]);
            _detail = at < 0 ? null : new MatchValue(local[(at + separator.Length)..]);
            _separator = separator;
        }
        return part == AddressPart.User ? _user : _detail;
    }
}
