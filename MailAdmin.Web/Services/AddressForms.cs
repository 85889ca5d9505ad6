namespace MailAdmin.Web.Services;

/// <summary>An address as it is made and edited: mailbox address, alias, list, forward or catch-all.</summary>
public sealed class AddressForm
{
    /// <summary>Fixed once made.</summary>
    public long DomainId { get; set; }
    /// <summary><c>*</c>: the catch-all. Fixed once made.</summary>
    public string LocalPart { get; set; } = "";
    public bool Enabled { get; set; } = true;
    /// <summary>Addresses anywhere, or log-in names of accounts the actor administers.</summary>
    public IList<string> Targets { get; set; } = [];
    /// <summary>The catch-all that the domain has may go; without it a second one is refused, with an error of this name.</summary>
    public bool ReplaceCatchAll { get; set; }
    /// <summary>Carry it from Get to Update unchanged.</summary>
    public string Version { get; set; } = "";

    /// <summary>Of a new one: the account that gave it to itself; null: an administrator makes it.</summary>
    internal long? MadeById { get; set; }

    public string DomainName { get; internal set; } = "";
    public bool IsPrimary { get; internal set; }
}

/// <summary>Which addresses to list.</summary>
/// <param name="AccountId">Only those that lead to this account.</param>
public sealed record AddressQuery(PageRequest Page, long? DomainId = null, long? AccountId = null);

/// <summary>An address in the list, with its first five targets.</summary>
public sealed record AddressRow(
    long Id, string Address, bool IsCatchAll, bool IsPrimary, bool Enabled, long DomainId, IReadOnlyList<string> Targets, int TargetCount);
