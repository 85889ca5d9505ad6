using MailEngine.Accounts;

namespace MailAdmin.Web.Services;

/// <summary>Keeps administrators from rising through others.</summary>
static class Protection
{
    /// <summary>False for a master when the account has rights beyond his own domains: whoever may reset its password would have them too.</summary>
    public static Task<bool> MayTouchAsync(AccountsContext db, Rights rights, long accountId, CancellationToken ct) =>
        AdminRights.MayTouchAsync(db, rights.IsSuperuser, rights.MasterOf, accountId, ct);
}
