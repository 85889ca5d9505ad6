using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Keeps administrators from rising through others, and the server from losing its last one.</summary>
static class Protection
{
    /// <summary>False for a master when the account has rights beyond his own domains: whoever may reset its password would have them too.</summary>
    public static Task<bool> MayTouchAsync(AccountsContext db, Rights rights, long accountId, CancellationToken ct) =>
        AdminRights.MayTouchAsync(db, rights.IsSuperuser, rights.MasterOf, accountId, ct);

    /// <summary>True when nobody else could administer the server.</summary>
    public static async Task<bool> IsLastSuperuserAsync(AccountsContext db, long accountId, DateTimeOffset now, CancellationToken ct)
    {
        long[] superusers = await (
            from g in db.Grants
            where g.DomainId == null && (g.EndsAt == null || g.EndsAt > now)
            join a in db.Accounts on g.AccountId equals a.Id
            where a.State != AccountState.Suspended && (a.Services & MailServices.Panel) != 0
            select a.Id).Distinct().Take(2).ToArrayAsync(ct);
        return superusers is [var only] && only == accountId;
    }
}
