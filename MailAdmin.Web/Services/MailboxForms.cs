using MailEngine.Store;

namespace MailAdmin.Web.Services;

/// <summary>Whose mailboxes: an account's, or those of a domain that belong to no account.</summary>
public readonly record struct MailTree
{
    MailTree(long? accountId, long? domainId) => (AccountId, DomainId) = (accountId, domainId);

    /// <summary>The actor's own.</summary>
    public static MailTree Own { get; }

    public static MailTree OfAccount(long accountId) => new(accountId, null);

    public static MailTree OfDomain(long domainId) => new(null, domainId);

    public long? AccountId { get; }
    public long? DomainId { get; }
}

/// <summary>A mailbox for people.</summary>
/// <param name="SpecialUse">RFC 6154 attribute with its backslash; empty: none.</param>
/// <param name="SharedWith">Entries of its access control list, the owner's apart.</param>
public sealed record MailboxListRow(long Id, string Name, string SpecialUse, int Messages, int Unseen, long Bytes, int SharedWith);

/// <summary>A mailbox with its access control list.</summary>
/// <param name="Owner">Log-in name, or the name of the domain.</param>
/// <param name="IsShared">It belongs to a domain and to no account.</param>
/// <param name="MayChange">The actor may.</param>
public sealed record MailboxAccess(MailboxListRow Mailbox, string Owner, bool IsShared, IReadOnlyList<AccessRow> Access, bool MayChange);

/// <summary>Whom an entry of an access control list is about.</summary>
public enum AccessKind
{
    /// <summary>One account, by its log-in name.</summary>
    Account,
    /// <summary>All accounts of a domain.</summary>
    DomainAccounts,
    /// <summary>The accounts that an address leads to.</summary>
    Address,
    /// <summary>Every account of this server; for mail that is delivered: everybody.</summary>
    Everybody,
}

/// <summary>An entry of an access control list for people.</summary>
/// <param name="Identifier">As the store has it.</param>
/// <param name="Name">What stands in <see cref="AccessForm.Who"/> for it; empty for everybody.</param>
/// <param name="TakesAway">It takes these rights away, whatever others give. RFC 4314 §2</param>
/// <param name="IsGone">Its account is no more.</param>
public sealed record AccessRow(string Identifier, AccessKind Kind, string Name, bool TakesAway, AclRights Rights, bool IsOwner, bool IsGone);

/// <summary>Who may do what with a mailbox: one entry of its access control list.</summary>
public sealed class AccessForm
{
    public AccessKind Kind { get; set; }
    /// <summary>Log-in name, domain or address, as <see cref="Kind"/> says.</summary>
    public string Who { get; set; } = "";
    public bool TakesAway { get; set; }
    public AclRights Rights { get; set; }
}

/// <summary>What an account, or the mailboxes of a domain, may hold, and hold. Null: no limit. RFC 9208 §5</summary>
/// <param name="MaxBytes">Octets; of a domain's mailboxes only: an account's is in its <see cref="AccountForm"/>.</param>
/// <param name="MayChange">The actor may.</param>
public sealed record MailLimits(long? MaxBytes, long? MaxMessages, long? MaxMailboxes, long Bytes, long Messages, int Mailboxes, bool MayChange);

/// <summary>Limits as they are edited. Null: none; 0: nothing at all.</summary>
public sealed class MailLimitsForm
{
    public long? MaxBytes { get; set; }
    public long? MaxMessages { get; set; }
    public long? MaxMailboxes { get; set; }
}

/// <summary>A new mailbox of a domain.</summary>
public sealed class SharedMailboxForm
{
    /// <summary>Levels apart by "/".</summary>
    public string Name { get; set; } = "";
    /// <summary>What all accounts of the domain may do with it from the start.</summary>
    public AclRights Everyone { get; set; }
}
