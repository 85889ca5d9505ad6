using MailEngine.Accounts;
using MailEngine.Addresses;

namespace MailEngine.Flow;

/// <summary>Where one recipient leads.</summary>
public abstract record Route
{
    /// <summary>Into a mailbox here.</summary>
    /// <param name="At">The address that the account is reached by.</param>
    /// <param name="Detail">What stood behind the subaddress separator; empty: nothing. RFC 5233 §4</param>
    /// <param name="MessageBytes">Largest message the domain takes, octets; 0: the server's limit.</param>
    /// <param name="Separator">Between user and detail in the domain; empty: off.</param>
    public sealed record Deposit(AccountEntry Account, EmailAddress At, string Detail, long MessageBytes, string Separator = "") : Route;

    /// <summary>To another server.</summary>
    /// <param name="Host">host or host:port; empty: a relay host of the settings, or by MX.</param>
    /// <param name="MessageBytes">Largest message the domain takes, octets; 0: the server's limit.</param>
    public sealed record Relay(EmailAddress To, string Host, long MessageBytes = 0) : Route;

    /// <summary>To each of these in its place: an alias, a forward, a list.</summary>
    public sealed record Expand(IReadOnlyList<AddressTarget> Targets, EmailAddress At, string Detail, long MessageBytes, string Separator = "") : Route;

    /// <summary>Nowhere; the reply says why.</summary>
    /// <param name="Target">Set beside other routes: one target of an alias is refused for good while the others get theirs.</param>
    public sealed record Reject(Reply Reply, EmailAddress? Target = null) : Route;
}
