using MailEngine.Accounts;

namespace MailAdmin.Web.Services;

/// <summary>An account as it is made and edited.</summary>
public sealed class AccountForm
{
    /// <summary>Fixed once made.</summary>
    public long DomainId { get; set; }
    /// <summary>Of the primary address. Fixed once made.</summary>
    public string LocalPart { get; set; } = "";
    /// <summary>Only when the domain's scheme is <see cref="LoginScheme.Free"/>. Fixed once made.</summary>
    public string Login { get; set; } = "";
    public string DisplayName { get; set; } = "";
    /// <summary>Only when it is made; later see <see cref="PasswordService"/>.</summary>
    public string Password { get; set; } = "";
    /// <summary>Only when it is made: without a password, which its user picks by a link. See <see cref="InvitationService"/>.</summary>
    public bool Invite { get; set; }
    /// <summary>Only when it is made; later see <see cref="RecoveryService"/>.</summary>
    public string RecoveryAddress { get; set; } = "";
    /// <summary>Octets; null: the domain's default; 0: no limit.</summary>
    public long? QuotaBytes { get; set; }
    public AccountState State { get; set; }
    /// <summary>For <see cref="AccountState.Suspended"/>: active again from then on; null: until somebody says so.</summary>
    public DateTimeOffset? SuspendedUntil { get; set; }
    public MailServices Services { get; set; } = MailServices.All;
    /// <summary>Carry it from Get to Update unchanged.</summary>
    public string Version { get; set; } = "";

    public string DomainName { get; internal set; } = "";
    public string Primary { get; internal set; } = "";
    public long UsedBytes { get; internal set; }
    /// <summary>0: no limit.</summary>
    public long EffectiveQuotaBytes { get; internal set; }
    public bool IsSuperuser { get; internal set; }
    /// <summary>What the actor may do with it; of a new one: everything.</summary>
    public Permissions May { get; internal set; } = Permissions.All;
    /// <summary>By service, the newest first.</summary>
    public IReadOnlyList<OwnLogin> LastLogins { get; internal set; } = [];
}

/// <summary>Which accounts to list.</summary>
public sealed record AccountQuery(PageRequest Page, long? DomainId = null, AccountState? State = null);

/// <summary>An account in the list. <see cref="QuotaBytes"/> is the effective one; 0: no limit.</summary>
public sealed record AccountRow(
    long Id, string Login, string DisplayName, string Primary, long DomainId, string Domain, AccountState State, MailServices Services,
    long QuotaBytes, long UsedBytes, long Messages, DateTimeOffset? LastLoginAt, bool IsSuperuser, bool IsMaster);

/// <summary>What everybody may see of his own account. <see cref="QuotaBytes"/> 0: no limit.</summary>
public sealed record OwnAccount(
    long Id, string Login, string DisplayName, string Primary, IReadOnlyList<string> Addresses,
    long UsedBytes, long Messages, long QuotaBytes, DateTimeOffset? LastLoginAt);
