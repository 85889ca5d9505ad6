using MailEngine.Addresses;

namespace MailEngine.Sieve;

/// <summary>A list that is kept outside of scripts, as one script may use it. RFC 6134 §2.2</summary>
/// <param name="Has">Is this address on it?</param>
/// <param name="Steps">Of <see cref="SieveOptions.Steps"/>, what it takes to ask once.</param>
public sealed record SieveList(Func<EmailAddress, bool> Has, int Steps)
{
    /// <summary>The address that leads to all its members; null: there is none. RFC 6134 §2.3</summary>
    public EmailAddress? Everybody { get; init; }
}

/// <summary>What a list holds.</summary>
public enum ListKind
{
    /// <summary>Those whom the account knows: <c>:addrbook:default</c>. RFC 6134 §2.7</summary>
    AddressBook,

    /// <summary>All addresses of a domain: <c>tag:example.org,2026:addresses</c>.</summary>
    Addresses,

    /// <summary>Those whom an address leads to: <c>tag:team@example.org,2026:members</c>.</summary>
    Members,
}

/// <summary>Name of a list, read. RFC 6134 §2.5</summary>
/// <param name="Address">Of <see cref="ListKind.Members"/>.</param>
/// <param name="Domain">Of <see cref="ListKind.Addresses"/> and <see cref="ListKind.Members"/>.</param>
public readonly record struct ListName(ListKind Kind, EmailAddress Address, DomainName Domain)
{
    /// <summary>":" at the beginning stands for this. RFC 6134 §2.5</summary>
    const string Prefix = "urn:ietf:params:sieve";

    const string AddressBook = Prefix + ":addrbook:default";

    /// <summary>Schemes of the names there are. RFC 6134 §2.6</summary>
    public const string Schemes = "tag urn";

    /// <summary>tag URIs name who gave a name, and when (RFC 4151): the domain or the address, and the year in which these names were made up.</summary>
    const string Tag = "tag:", Addresses = ",2026:addresses", Members = ",2026:members";

    /// <returns>False: no list can have this name.</returns>
    public static bool TryParse(string text, out ListName name)
    {
        name = default;
        if (text.Length is 0 or > 500)
            return false;
        string whole = text[0] == ':' ? Prefix + text : text;
        if (whole.Equals(AddressBook, StringComparison.OrdinalIgnoreCase))
            return true;
        if (!text.StartsWith(Tag, StringComparison.OrdinalIgnoreCase))
            return false;
        if (text.EndsWith(Addresses, StringComparison.Ordinal) && DomainName.TryParse(text[Tag.Length..^Addresses.Length], out DomainName domain))
            name = new ListName(ListKind.Addresses, default, domain);
        else if (text.EndsWith(Members, StringComparison.Ordinal) && EmailAddress.TryParse(text[Tag.Length..^Members.Length], out EmailAddress address))
            name = new ListName(ListKind.Members, address, address.Domain);
        return name.Kind != ListKind.AddressBook;
    }
}
