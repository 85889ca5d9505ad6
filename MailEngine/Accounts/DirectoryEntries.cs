using MailEngine.Addresses;

namespace MailEngine.Accounts;

/// <summary>The services an account can be allowed to use, one switch each.</summary>
[Flags]
public enum MailServices
{
    None = 0,
    Imap = 1,
    Pop3 = 2,
    Sending = 4,
    ManageSieve = 8,
    Panel = 16,
    /// <summary>Mail for the account is taken. No log-in asks for it.</summary>
    Receiving = 32,
    All = Imap | Pop3 | Sending | ManageSieve | Panel | Receiving,
}

/// <summary>What an account may do at all.</summary>
public enum AccountState
{
    Active = 0,
    ReceiveOnly = 1,
    SendOnly = 2,
    Suspended = 3,
}

/// <summary>What becomes of mail for a domain.</summary>
public enum DomainKind
{
    /// <summary>Its accounts and addresses are here.</summary>
    Local = 0,
    /// <summary>Accepted and sent on to <see cref="DomainEntry.RelayHost"/>, or by MX.</summary>
    Relay = 1,
    /// <summary>Every address is the same one in <see cref="DomainEntry.AliasOf"/>.</summary>
    AliasOf = 2,
}

/// <summary>An account as the engine sees it: an immutable copy of the row.</summary>
public sealed record AccountEntry
{
    public required long AccountId { get; init; }
    /// <summary>Log-in name, canonical: usually the full address.</summary>
    public required string Login { get; init; }
    public required string DisplayName { get; init; }
    /// <summary>Null: cannot log in with a password.</summary>
    public required string? PasswordHash { get; init; }
    public required AccountState State { get; init; }
    public required MailServices Services { get; init; }
    /// <summary>Outgoing mail that carries the log-in name is rewritten to it; null: none.</summary>
    public required EmailAddress? Primary { get; init; }
    /// <summary>All addresses that deliver to this account: the ones it may send as.</summary>
    public required IReadOnlyList<EmailAddress> Addresses { get; init; }
    /// <summary>Those of them that are nobody else's too: the main one, and aliases that lead here alone. No lists.</summary>
    public IReadOnlyList<EmailAddress> OwnAddresses { get; init; } = [];
    /// <summary>Octets; 0: no limit. The domain's default is already worked in.</summary>
    public required long QuotaBytes { get; init; }
    /// <summary>New on every change that must end sessions.</summary>
    public required string SecurityStamp { get; init; }
    /// <summary>True: the password alone is not enough; mail programs need an app password.</summary>
    public bool HasSecondFactor { get; init; }
    /// <summary>What asks for a second factor: the domain, roles.</summary>
    public IReadOnlyList<SecondFactorRule> SecondFactorRules { get; init; } = [];
    public IReadOnlyList<AppPasswordEntry> AppPasswords { get; init; } = [];
    /// <summary>Of a session: the app password it logged in with; null: with the password itself.</summary>
    public long? AppPasswordId { get; init; }
    /// <summary>False for a superuser without mail.</summary>
    public required bool HasMailbox { get; init; }
    /// <summary>Domain of the account; default for one that has none.</summary>
    public required DomainName Domain { get; init; }

    /// <summary>True: mail programs need an app password, since the password is not enough, or would not be any more.</summary>
    public bool NeedsAppPassword(DateTimeOffset now) => HasSecondFactor || SecondFactorRules.Any(rule => rule.HoldsAt(now));

    /// <summary>Decide about mail that comes in, one after the other: of the server and of the domain, the answer and the rules of the panel, the account's active
    /// one, again of the domain and of the server. None: it goes to INBOX.</summary>
    public IReadOnlyList<FilterScript> Scripts { get; init; } = [];

    public bool MayReceive => HasMailbox && State is AccountState.Active or AccountState.ReceiveOnly && Services.HasFlag(MailServices.Receiving);
    public bool MaySend => State is AccountState.Active or AccountState.SendOnly && Services.HasFlag(MailServices.Sending);
}

/// <summary>A domain as the engine sees it.</summary>
public sealed record DomainEntry
{
    public required long DomainId { get; init; }
    public required DomainName Name { get; init; }
    public required bool Enabled { get; init; }
    public required DomainKind Kind { get; init; }
    /// <summary>host or host:port; empty: by MX. For <see cref="DomainKind.Relay"/>.</summary>
    public required string RelayHost { get; init; }
    public required DomainName? AliasOf { get; init; }
    /// <summary>Between user and folder in <c>user+folder@</c>; empty: off. RFC 5233</summary>
    public required string SubaddressSeparator { get; init; }
    /// <summary>Largest message, octets; 0: the server's limit.</summary>
    public required long MessageBytes { get; init; }
    /// <summary>Folders of a new account with their special use, e.g. ("Sent", "\Sent").</summary>
    public required IReadOnlyList<(string Name, string SpecialUse)> StandardFolders { get; init; }
}

/// <summary>Where an address leads: an account here, or an address elsewhere (or another one here).</summary>
public readonly record struct AddressTarget(AccountEntry? Account, EmailAddress Outside);

/// <summary>An address row: exact, or the catch-all of its domain.</summary>
public sealed record AddressEntry
{
    public required long AddressId { get; init; }
    public required bool Enabled { get; init; }
    public required bool IsCatchAll { get; init; }
    public required IReadOnlyList<AddressTarget> Targets { get; init; }
}

/// <summary>Answer to "what is this address here?"</summary>
/// <param name="Domain">Null: not a domain of ours (relay it, or refuse).</param>
/// <param name="Address">Null: no such address in the domain.</param>
/// <param name="Detail">What stood after the subaddress separator; empty: nothing. RFC 5233 §4</param>
public sealed record Resolution(DomainEntry? Domain, AddressEntry? Address, string Detail);
