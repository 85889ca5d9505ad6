using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>What an actor may do at this moment.</summary>
public sealed record Rights
{
    static readonly Rights s_none = new() { AccountId = null, IsSuperuser = false, MasterOf = new HashSet<long>() };

    /// <summary>Null: nobody, or an account that is gone or switched off.</summary>
    public required long? AccountId { get; init; }

    public required bool IsSuperuser { get; init; }

    /// <summary>Ids of the domains the actor is master of.</summary>
    public required IReadOnlySet<long> MasterOf { get; init; }

    public bool IsAdmin => IsSuperuser || MasterOf.Count > 0;

    public bool MayManage(long? domainId) => IsSuperuser || (domainId is { } id && MasterOf.Contains(id));

    /// <summary>Reads them; in a write, with the context of its transaction.</summary>
    internal static async Task<Rights> OfAsync(AccountsContext db, Actor actor, DateTimeOffset now, CancellationToken ct)
    {
        if (actor.OwnsTheMachine)
            return s_none with { IsSuperuser = true };
        if (actor.AccountId is not { } id)
            return s_none;
        var account = await (
            from a in db.Accounts
            where a.Id == id
            join d in db.Domains on a.DomainId equals (long?)d.Id into domains
            from d in domains.DefaultIfEmpty()
            select new { a.State, a.Services, DomainOn = d == null || d.Enabled }).FirstOrDefaultAsync(ct);
        if (account is null or { State: AccountState.Suspended } or { DomainOn: false } || !account.Services.HasFlag(MailServices.Panel))
            return s_none;
        var grants = await db.Grants
            .Where(g => g.AccountId == id && (g.EndsAt == null || g.EndsAt > now) && g.Permissions == Permissions.All)
            .Select(g => g.DomainId).ToListAsync(ct);
        return new Rights
        {
            AccountId = id,
            IsSuperuser = grants.Contains(null),
            MasterOf = grants.Where(d => d != null).Select(d => d!.Value).ToHashSet(),
        };
    }
}

/// <summary>Rights for menus and pages; services do not trust these, they read their own.</summary>
public sealed class Access(AccountsDatabase database)
{
    public async Task<Rights> RightsAsync(Actor actor, CancellationToken ct = default)
    {
        await using AccountsContext db = database.NewContext();
        return await Rights.OfAsync(db, actor, database.Clock.GetUtcNow(), ct);
    }
}
