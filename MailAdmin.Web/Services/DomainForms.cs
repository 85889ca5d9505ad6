using MailEngine.Accounts;

namespace MailAdmin.Web.Services;

/// <summary>A domain as it is edited. A limit of 0 means none.</summary>
public sealed class DomainForm
{
    public string Name { get; set; } = "";
    public bool Enabled { get; set; } = true;
    public DomainKind Kind { get; set; }
    /// <summary>For <see cref="DomainKind.Relay"/>: host or host:port; empty: by MX.</summary>
    public string RelayHost { get; set; } = "";
    /// <summary>For <see cref="DomainKind.AliasOf"/>: name of the real domain.</summary>
    public string AliasOf { get; set; } = "";
    public int MaxAccounts { get; set; }
    public int MaxAddresses { get; set; }
    public long DefaultQuotaBytes { get; set; }
    public long MaxQuotaBytes { get; set; }
    public long TotalQuotaBytes { get; set; }
    public long MessageBytes { get; set; }
    public LoginScheme LoginScheme { get; set; }
    public string LoginPrefix { get; set; } = "";
    public string SubaddressSeparator { get; set; } = "+";
    /// <summary>One a line: <c>Sent=\Sent</c>.</summary>
    public string StandardFolders { get; set; } = Domain.UsualFolders;
    /// <summary>Its accounts may have addresses in other domains.</summary>
    public bool FreeAddresses { get; set; } = true;
    /// <summary>Users may have their mail sent on.</summary>
    public bool UsersMayForward { get; set; } = true;
    /// <summary>Addresses that each user may give himself.</summary>
    public int MaxOwnAliases { get; set; }
    /// <summary>Sieve scripts of each account; 0: as the server allows.</summary>
    public int MaxScripts { get; set; }
    /// <summary>Largest Sieve script, octets; 0: as the server allows.</summary>
    public long ScriptBytes { get; set; }
    /// <summary>From then on its accounts need a second factor; null: none is asked for.</summary>
    public DateTimeOffset? SecondFactorFrom { get; set; }
    /// <summary>Carry it from Get to Update unchanged.</summary>
    public string Version { get; set; } = "";
}

/// <summary>A domain in the list.</summary>
public sealed record DomainRow(
    long Id, string Name, string Display, DomainKind Kind, bool Enabled,
    int Accounts, int MaxAccounts, int Addresses, int MaxAddresses, long TotalQuotaBytes);
