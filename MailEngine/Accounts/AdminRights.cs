using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>What an account may administer at this moment: read from its grants, in a write inside that write's transaction.</summary>
/// <remarks>The one rule for panel, command line and IMAP alike.</remarks>
public sealed record AdminRights
{
    public static AdminRights None { get; } = new() { IsActive = false, IsSuperuser = false, MasterOf = new HashSet<long>() };

    /// <summary>False: an account that is gone, switched off, or may not use the panel.</summary>
    public required bool IsActive { get; init; }

    public required bool IsSuperuser { get; init; }

    /// <summary>Ids of the domains it is master of.</summary>
    public required IReadOnlySet<long> MasterOf { get; init; }

    public bool IsAdmin => IsSuperuser || MasterOf.Count > 0;

    public bool MayManage(long? domainId) => IsSuperuser || (domainId is { } id && MasterOf.Contains(id));

    public static async Task<AdminRights> OfAsync(AccountsContext db, long accountId, DateTimeOffset now, CancellationToken ct)
    {
        var account = await (
            from a in db.Accounts
            where a.Id == accountId
            join d in db.Domains on a.DomainId equals (long?)d.Id into domains
            from d in domains.DefaultIfEmpty()
            select new { a.State, a.Services, DomainOn = d == null || d.Enabled }).FirstOrDefaultAsync(ct);
        if (account is null or { State: AccountState.Suspended } or { DomainOn: false } || !account.Services.HasFlag(MailServices.Panel))
            return None;
        List<long?> grants = await db.Grants
            .Where(g => g.AccountId == accountId && (g.EndsAt == null || g.EndsAt > now) && g.Permissions == Permissions.All)
            .Select(g => g.DomainId).ToListAsync(ct);
        return new AdminRights
        {
            IsActive = true,
            IsSuperuser = grants.Contains(null),
            MasterOf = grants.Where(d => d != null).Select(d => d!.Value).ToHashSet(),
        };
    }

    /// <summary>False for a master when the account has rights beyond his own domains: whoever may change it would rise through it.</summary>
    public static async Task<bool> MayTouchAsync(AccountsContext db, bool isSuperuser, IReadOnlySet<long> masterOf, long accountId, CancellationToken ct) =>
        isSuperuser || !await db.Grants.AnyAsync(g => g.AccountId == accountId && (g.DomainId == null || !masterOf.Contains(g.DomainId.Value)), ct);

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
