using System.Globalization;
using MailEngine.Accounts;
using MailEngine.Addresses;

namespace MailEngine.Store;

/// <summary>Identifiers of access control lists as people and clients write and see them, and as they are stored (<see cref="AclIdentifier"/>).</summary>
public static class AclIdentifierNames
{
    /// <summary>Reads what a client wrote.</summary>
    /// <param name="stored">The identifier; empty: nobody of that name.</param>
    /// <returns>False: no identifier at all, answer BAD. RFC 4314 §3</returns>
    public static async ValueTask<(bool IsOne, string Stored)> ReadAsync(AccountDirectory directory, string text, CancellationToken ct)
    {
        string sign = text.StartsWith('-') ? "-" : "";
        string name = text[sign.Length..];
        if (Account.CanonicalLogin(name) is not { } canonical)
            return (false, "");
        if (canonical == AclIdentifier.Anyone)
            return (true, sign + AclIdentifier.Anyone);
        if (name.StartsWith('$'))
            return (true, await GroupAsync(directory, name[1..], ct) is { } group ? sign + group : "");
        // An account that is no more is shown by its number, and can be taken off the list by it.
        if (name.StartsWith('#') && long.TryParse(name.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            return (true, sign + AclIdentifier.OfAccount(number));
        return (true, await directory.FindLoginAsync(canonical, ct) is { } account ? sign + AclIdentifier.OfAccount(account.AccountId) : "");
    }

    /// <summary>As a client sees it; an account that is no more: "#" and its number.</summary>
    public static async ValueTask<string> ShowAsync(AccountDirectory directory, string stored, CancellationToken ct)
    {
        string sign = stored.StartsWith('-') ? "-" : "";
        if (AclIdentifier.AccountOf(stored[sign.Length..]) is not { } id)
            return stored;
        AccountEntry? account = await directory.FindAccountAsync(id, ct);
        return sign + (account is null || account.Login.StartsWith('#') ? FormattableString.Invariant($"#{id}") : account.Login);
    }

    static async ValueTask<string?> GroupAsync(AccountDirectory directory, string text, CancellationToken ct)
    {
        if (text.StartsWith('@'))
            return DomainName.TryParse(text[1..], out DomainName domain) && await directory.FindDomainAsync(domain, ct) is not null ? "$@" + domain.Value : null;
        return EmailAddress.TryParse(text, out EmailAddress address) && await directory.FindDomainAsync(address.Domain, ct) is not null ? "$" + address.Canonical : null;
    }
}
