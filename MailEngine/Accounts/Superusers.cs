using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>A change was undone because after it nobody could administer the server.</summary>
public sealed class LastSuperuserException() : Exception("Nobody could administer the server after this change.");

/// <summary>Keeps the server from losing its last superuser, whichever way: a grant, a switch, a suspension, a removal, a domain that is
/// switched off.</summary>
/// <remarks>Asked before and after every change, inside its transaction, by <see cref="AccountsDatabase.WriteAsync{T}"/>: so no service can
/// forget it, and of two changes sent side by side the second sees what the first has left.</remarks>
public static class Superusers
{
    /// <summary>True when somebody can administer the server and goes on to: a grant that ends by date does not count.</summary>
    public static Task<bool> AnyAsync(AccountsContext db, CancellationToken ct) => Lasting(db).AnyAsync(ct);

    /// <summary>True when nobody else could, so that a form can say it beside the field.</summary>
    public static async Task<bool> IsLastAsync(AccountsContext db, long accountId, CancellationToken ct) =>
        await Lasting(db).ContainsAsync(accountId, ct) && !await Lasting(db).AnyAsync(id => id != accountId, ct);

    static IQueryable<long> Lasting(AccountsContext db) =>
        from g in db.Grants
        where g.DomainId == null && g.SetId == PermissionSet.Superuser && g.EndsAt == null
        join a in db.Accounts on g.AccountId equals a.Id
        where a.State != AccountState.Suspended && (a.Services & MailServices.Panel) != 0
            && (a.DomainId == null || db.Domains.Any(d => d.Id == a.DomainId && d.Enabled))
        select a.Id;
}
