using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>What somebody may do at this moment, on the server and on each domain: read from his grants, in a write inside that write's
/// transaction.</summary>
/// <remarks>The one rule for panel, command line and IMAP alike. A permission held on the server holds on every domain.</remarks>
public sealed record Rights
{
    static readonly Dictionary<long, Permissions> s_nowhere = [];

    Rights(long? accountId, Permissions server, IReadOnlyDictionary<long, Permissions> byDomain, string roles = "")
    {
        Roles = roles;
        AccountId = accountId;
        OnServer = server;
        ByDomain = byDomain;
    }

    /// <summary>Nobody's.</summary>
    public static Rights None { get; } = new(null, Permissions.None, s_nowhere);

    /// <summary>Of whoever owns the machine.</summary>
    public static Rights All { get; } = new(null, Permissions.All, s_nowhere);

    /// <summary>Null: nobody, or an account that is gone, switched off, or may not use the panel.</summary>
    public long? AccountId { get; }

    /// <summary>The account of somebody who may do nothing before he has set up his second factor; <see cref="AccountId"/> is null then.</summary>
    public long? MustSetUp { get; private init; }

    /// <summary>Whose second factor may be set up.</summary>
    public long? SetsUp => AccountId ?? MustSetUp;

    /// <summary>When he will need a second factor that he has not; null: nobody asks for one, or he has it.</summary>
    public DateTimeOffset? SecondFactorFrom { get; private init; }

    /// <summary>Names of his roles, for the audit.</summary>
    public string Roles { get; }

    /// <summary>Held on the server.</summary>
    public Permissions OnServer { get; }

    /// <summary>Held on single domains.</summary>
    public IReadOnlyDictionary<long, Permissions> ByDomain { get; }

    public bool IsSuperuser => OnServer == Permissions.All;

    /// <summary>Sees more than his own account.</summary>
    public bool IsAdmin => MayAnywhere(Permissions.See);

    /// <summary>On the server as a whole.</summary>
    public bool May(Permissions what) => (OnServer & what) == what;

    /// <summary>On something of a domain.</summary>
    /// <param name="domainId">Null: it belongs to none, so the permission on the server is needed.</param>
    public bool May(Permissions what, long? domainId) => (On(domainId) & what) == what;

    /// <summary>On some domain, or on the server.</summary>
    public bool MayAnywhere(Permissions what) => May(what) || ByDomain.Any(d => May(what, d.Key));

    /// <summary>Everything where these permissions are held, for queries.</summary>
    public Reach Where(Permissions what) => May(what) ? Reach.Everywhere : new Reach(false, [.. ByDomain.Keys.Where(d => May(what, d))]);

    /// <summary>May he change an account with these grants, set its password, open the panel in its place? Whoever may has all that it has, so
    /// he must hold every permission of it himself.</summary>
    public bool Covers(IEnumerable<HeldPermissions> grants) => grants.All(g =>
        g.DomainId is { } domain ? May(g.Permissions & Permissions.OnDomains, domain) : May(g.Permissions));

    /// <summary>What he may do with an account: all that he holds on its domain, or, where it has rights beyond his, look at it.</summary>
    public async Task<Permissions> OnAccountAsync(AccountsContext db, Account account, DateTimeOffset now, CancellationToken ct) =>
        On(account.DomainId) & (await MayTouchAsync(db, account.Id, now, ct) ? Permissions.All : Permissions.Reading);

    /// <summary><see cref="Covers"/> of what an account holds, read from the database.</summary>
    public async Task<bool> MayTouchAsync(AccountsContext db, long accountId, DateTimeOffset now, CancellationToken ct) =>
        IsSuperuser || Covers(await Held(db, now).Where(g => g.AccountId == accountId).ToListAsync(ct));

    /// <summary>May he look at what is the account's own? Wherever it has rights to see, he must have the same.</summary>
    public async Task<bool> MayLookAtAsync(AccountsContext db, long accountId, DateTimeOffset now, CancellationToken ct) =>
        IsSuperuser || (await Held(db, now).Where(g => g.AccountId == accountId).ToListAsync(ct)).TrueForAll(g => May(Permissions.Reading & g.Permissions
            & (g.DomainId is null ? Permissions.All : Permissions.OnDomains), g.DomainId));

    /// <param name="inPlace">An administrator is there in the account's place: it is his second factor that counts.</param>
    public static async Task<Rights> OfAsync(AccountsContext db, long accountId, DateTimeOffset now, CancellationToken ct, bool inPlace = false)
    {
        var account = await (
            from a in db.Accounts
            where a.Id == accountId
            join d in db.Domains on a.DomainId equals (long?)d.Id into domains
            from d in domains.DefaultIfEmpty()
            select new { a.State, a.Services, a.TwoFactorEnabled, DomainOn = d == null || d.Enabled, d!.SecondFactorFrom }).FirstOrDefaultAsync(ct);
        if (account is null or { State: AccountState.Suspended } or { DomainOn: false } || !account.Services.HasFlag(MailServices.Panel))
            return None;
        var server = Permissions.None;
        var byDomain = new Dictionary<long, Permissions>();
        var roles = new SortedSet<string>(StringComparer.Ordinal);
        DateTimeOffset? from = account.SecondFactorFrom;
        foreach (HeldPermissions held in await Held(db, now).Where(g => g.AccountId == accountId).ToListAsync(ct))
        {
            roles.Add(held.Role);
            from = held.SecondFactorFrom < from || from is null ? held.SecondFactorFrom ?? from : from;
            if (held.DomainId is { } domain)
                byDomain[domain] = byDomain.GetValueOrDefault(domain) | (held.Permissions & Permissions.OnDomains);
            else
                server |= held.Permissions;
        }
        if (account.TwoFactorEnabled || inPlace)
            from = null;
        return from <= now
            ? new Rights(null, Permissions.None, s_nowhere) { MustSetUp = accountId, SecondFactorFrom = from }
            : new Rights(accountId, server, byDomain, string.Join(", ", roles)) { SecondFactorFrom = from };
    }

    /// <summary>Every grant that has not ended.</summary>
    public static IQueryable<HeldPermissions> Held(AccountsContext db, DateTimeOffset now) =>
        from g in db.Grants
        where g.EndsAt == null || g.EndsAt > now
        join s in db.PermissionSets on g.SetId equals s.Id
        select new HeldPermissions { AccountId = g.AccountId, DomainId = g.DomainId, Permissions = s.Permissions, Role = s.Name, SecondFactorFrom = s.SecondFactorFrom };

    /// <summary>All that is held on something of a domain.</summary>
    /// <param name="domainId">Null: it belongs to none.</param>
    public Permissions On(long? domainId) => OnServer | (domainId is { } id ? ByDomain.GetValueOrDefault(id) : Permissions.None);
}

/// <summary>What a grant gives to whom.</summary>
public sealed class HeldPermissions
{
    public required long AccountId { get; init; }
    /// <summary>Null: the server.</summary>
    public required long? DomainId { get; init; }
    public required Permissions Permissions { get; init; }
    /// <summary>Name of the set.</summary>
    public required string Role { get; init; }
    /// <summary>See <see cref="PermissionSet.SecondFactorFrom"/>.</summary>
    public required DateTimeOffset? SecondFactorFrom { get; init; }
}

/// <summary>Where something is allowed: everywhere, or on these domains.</summary>
public sealed record Reach(bool All, IReadOnlyList<long> Domains)
{
    public static Reach Everywhere { get; } = new(true, []);

    public bool IsNowhere => !All && Domains.Count == 0;

    public bool Holds(long? domainId) => All || (domainId is { } id && Domains.Contains(id));
}

/// <summary>Narrows queries to what somebody may reach.</summary>
public static class ReachQueries
{
    public static IQueryable<Domain> Within(this IQueryable<Domain> domains, Reach reach) =>
        reach.All ? domains : domains.Where(d => reach.Domains.Contains(d.Id));

    public static IQueryable<Account> Within(this IQueryable<Account> accounts, Reach reach) =>
        reach.All ? accounts : accounts.Where(a => a.DomainId != null && reach.Domains.Contains(a.DomainId.Value));

    public static IQueryable<Address> Within(this IQueryable<Address> addresses, Reach reach) =>
        reach.All ? addresses : addresses.Where(a => reach.Domains.Contains(a.DomainId));

    public static IQueryable<Grant> Within(this IQueryable<Grant> grants, Reach reach) =>
        reach.All ? grants : grants.Where(g => g.DomainId != null && reach.Domains.Contains(g.DomainId.Value));

    public static IQueryable<AuditEntry> Within(this IQueryable<AuditEntry> entries, Reach reach) =>
        reach.All ? entries : entries.Where(e => e.DomainId != null && reach.Domains.Contains(e.DomainId.Value));
}
