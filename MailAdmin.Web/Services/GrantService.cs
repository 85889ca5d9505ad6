using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Who has which role where.</summary>
/// <param name="DomainId">Null: the server.</param>
/// <param name="SetName">Of one that is built in: its English name.</param>
/// <param name="EndsAt">Null: until it is taken back.</param>
/// <param name="MayTake">The actor may take it back.</param>
public sealed record GrantRow(
    long Id, long AccountId, string Login, long? DomainId, string Domain, long SetId, string SetName, bool IsBuiltIn, DateTimeOffset GrantedAt, DateTimeOffset? EndsAt,
    bool MayTake);

/// <summary>A role to give.</summary>
public sealed class GrantForm
{
    public long AccountId { get; set; }
    /// <summary>Null: the server.</summary>
    public long? DomainId { get; set; }
    public long SetId { get; set; } = PermissionSet.Master;
    /// <summary>Null: until it is taken back.</summary>
    public DateTimeOffset? EndsAt { get; set; }
}

/// <summary>An administrator without a mailbox.</summary>
public sealed class SuperuserForm
{
    public string Login { get; set; } = "";
    public string DisplayName { get; set; } = "";
    public string Password { get; set; } = "";
}

/// <summary>Gives roles and takes them back. Nobody gives or takes what he does not hold there himself; the last superuser stays.</summary>
public sealed class GrantService(Changes changes, EngineOptions options, PasswordHashes hashes)
{
    static readonly TimeSpan s_longest = TimeSpan.FromDays(3660);

    /// <summary>All for who sees the server, else those on domains where the actor may appoint.</summary>
    public Task<ServiceResult<IReadOnlyList<GrantRow>>> ListAsync(Actor actor, CancellationToken ct = default) =>
        changes.ReadAsync<IReadOnlyList<GrantRow>>(actor, async (db, rights) =>
        {
            Reach reach = rights.May(Permissions.SeeServer) ? Reach.Everywhere : rights.Where(Permissions.Appoint);
            if (reach.IsNowhere)
                return ServiceResult.Forbidden();
            var rows = await (
                from g in db.Grants.Within(reach)
                join s in db.PermissionSets on g.SetId equals s.Id
                join a in db.Accounts on g.AccountId equals a.Id
                join d in db.Domains on g.DomainId equals (long?)d.Id into domains
                from d in domains.DefaultIfEmpty()
                orderby a.NormalizedUserName, g.DomainId, s.Name
                select new { Grant = g, Set = s, a.UserName, Domain = d == null ? "" : d.DisplayName }).ToListAsync(ct);
            return ServiceResult<IReadOnlyList<GrantRow>>.Of([.. rows.Select(r => new GrantRow(
                r.Grant.Id, r.Grant.AccountId, r.UserName ?? "", r.Grant.DomainId, r.Domain, r.Set.Id, r.Set.Name, r.Set.IsBuiltIn, r.Grant.GrantedAt, r.Grant.EndsAt,
                MayGive(rights, r.Set, r.Grant.DomainId)))]);
        }, ct);

    /// <summary>Gives a role, or another end to one that is given.</summary>
    /// <returns>Id of the grant.</returns>
    public Task<ServiceResult<long>> GiveAsync(Actor actor, GrantForm form, CancellationToken ct = default) =>
        changes.RunAsync<long>(actor, async (db, rights) =>
        {
            if (rights.Refuse(Permissions.Appoint, form.DomainId, "domain") is { } refused)
                return refused;
            if (await db.Accounts.FirstOrDefaultAsync(a => a.Id == form.AccountId, ct) is not { } account || !rights.May(Permissions.See, account.DomainId))
                return ServiceResult.NotFound("account");
            if (form.DomainId is { } domainId && !await db.Domains.AnyAsync(d => d.Id == domainId, ct))
                return ServiceResult.NotFound("domain");
            if (await db.PermissionSets.FirstOrDefaultAsync(s => s.Id == form.SetId, ct) is not { } set)
                return ServiceResult.NotFound("role");
            if (!MayGive(rights, set, form.DomainId) || !await rights.MayTouchAsync(db, account.Id, changes.Now, ct))
                return ServiceResult.Forbidden();
            var problems = new Problems();
            problems.Require(account.Services.HasFlag(MailServices.Panel), nameof(form.AccountId), Texts.Of("Error.NoPanel"));
            problems.Require(form.DomainId is null || set.Id != PermissionSet.Superuser, nameof(form.DomainId), Texts.Of("Error.SuperuserOfDomain"));
            problems.Require(form.DomainId is null || (set.Permissions & Permissions.OnDomains) != 0, nameof(form.DomainId), Texts.Of("Error.RoleNeedsServer"));
            problems.Require(form.EndsAt is null || (form.EndsAt > changes.Now && form.EndsAt - changes.Now < s_longest), nameof(form.EndsAt), Texts.Of("Error.GrantEnd"));
            if (problems.Any)
                return problems.Refuse();
            return await AddAsync(db, actor, account.Id, form.DomainId, set.Id, form.EndsAt, ct);
        }, ct);

    /// <summary>The same inside the transaction of a caller that has checked the right to do it.</summary>
    internal async Task<long> AddAsync(AccountsContext db, Actor actor, long accountId, long? domainId, long setId, DateTimeOffset? endsAt, CancellationToken ct)
    {
        Grant? grant = await db.Grants.FirstOrDefaultAsync(g => g.AccountId == accountId && g.DomainId == domainId && g.SetId == setId, ct);
        if (grant is not null && grant.EndsAt == endsAt)
            return grant.Id;
        object? before = grant is null ? null : await ShownAsync(db, grant, ct);
        if (grant is null)
            db.Grants.Add(grant = new Grant { AccountId = accountId, DomainId = domainId, SetId = setId, GrantedAt = changes.Now });
        grant.EndsAt = endsAt;
        await WriteAsync(db, actor, grant, before is null ? "grant.give" : "grant.change", before, after: true, ct);
        return grant.Id;
    }

    /// <summary>Takes a role back.</summary>
    public Task<ServiceResult> TakeAsync(Actor actor, long grantId, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            if (await db.Grants.Include(g => g.Set).FirstOrDefaultAsync(g => g.Id == grantId, ct) is not { } grant)
                return ServiceResult.NotFound("role");
            if (rights.Refuse(Permissions.Appoint, grant.DomainId, "role") is { } refused)
                return refused;
            if (!MayGive(rights, grant.Set!, grant.DomainId) || !await rights.MayTouchAsync(db, grant.AccountId, changes.Now, ct))
                return ServiceResult.Forbidden();
            object before = await ShownAsync(db, grant, ct);
            db.Grants.Remove(grant);
            await WriteAsync(db, actor, grant, "grant.take", before, after: false, ct);
            return ServiceResult.Done();
        }, ct);

    /// <summary>Nobody rises through a role that he gives, or takes away what is above him.</summary>
    static bool MayGive(Rights rights, PermissionSet set, long? domainId) =>
        rights.May(Permissions.Appoint | (domainId is null ? set.Permissions : set.Permissions & Permissions.OnDomains), domainId);

    async Task WriteAsync(AccountsContext db, Actor actor, Grant grant, string action, object? before, bool after, CancellationToken ct)
    {
        await db.SaveChangesAsync(ct);
        Account account = await db.Accounts.FirstAsync(a => a.Id == grant.AccountId, ct);
        account.SecurityStamp = AccountRows.NewStamp();   // its sessions begin anew with the other rights
        db.Record(changes.AuditOf(db, actor, action, account.UserName ?? "", account.Id, grant.DomainId, before, after ? await ShownAsync(db, grant, ct) : null));
        await db.SaveChangesAsync(ct);
    }

    static async Task<object> ShownAsync(AccountsContext db, Grant grant, CancellationToken ct) => new
    {
        role = await db.PermissionSets.Where(s => s.Id == grant.SetId).Select(s => s.Name).FirstAsync(ct),
        on = grant.DomainId is { } id ? await db.Domains.Where(d => d.Id == id).Select(d => d.Name).FirstAsync(ct) : "server",
        grant.EndsAt,
    };

    /// <summary>Makes a superuser without a mailbox.</summary>
    public async Task<ServiceResult<long>> AddSuperuserAsync(Actor actor, SuperuserForm form, CancellationToken ct = default)
    {
        ServiceResult<bool> possible = await changes.ReadAsync<bool>(actor, async (db, rights) =>
        {
            if (!rights.IsSuperuser)
                return ServiceResult.Forbidden();   // whoever makes a superuser is one
            var problems = new Problems();
            problems.RequirePassword(nameof(form.Password), form.Password, options.Passwords, form.Login, form.DisplayName);
            await CheckSuperuserAsync(db, form, problems, ct);
            return problems.Any ? problems.Refuse() : true;
        }, ct);
        if (!possible.Ok)
            return new ServiceResult.Refused(possible.Refusal, possible.Errors);
        string hash = await Task.Run(() => hashes.Make(form.Password), ct);
        return await changes.RunAsync<long>(actor, async (db, rights) => rights.IsSuperuser
            ? await AddSuperuserAsync(db, actor, form, hash, ct)
            : ServiceResult.Forbidden(), ct);
    }

    /// <summary>The same inside the transaction of a caller that has checked the right to do it and the password.</summary>
    internal async Task<ServiceResult<long>> AddSuperuserAsync(AccountsContext db, Actor actor, SuperuserForm form, string hash, CancellationToken ct)
    {
        var problems = new Problems();
        string login = await CheckSuperuserAsync(db, form, problems, ct);
        if (problems.Any)
            return problems.Refuse();
        var account = new Account
        {
            DisplayName = form.DisplayName.Trim(),
            PasswordHash = hash,
            Services = MailServices.Panel,
            SecurityStamp = AccountRows.NewStamp(),
            ConcurrencyStamp = AccountRows.NewStamp(),
            CreatedAt = changes.Now,
        };
        account.SetLogin(login);
        db.Accounts.Add(account);
        await db.SaveChangesAsync(ct);
        changes.Audit(db, actor, "superuser.create", account, null, new { login });
        await AddAsync(db, actor, account.Id, null, PermissionSet.Superuser, null, ct);
        return account.Id;
    }

    /// <summary>Finds all that is wrong with the form, the password apart.</summary>
    /// <returns>The log-in name in its canonical form.</returns>
    internal static async Task<string> CheckSuperuserAsync(AccountsContext db, SuperuserForm form, Problems problems, CancellationToken ct)
    {
        string? login = Account.CanonicalLogin(form.Login.Trim());
        // A name with an @ would look like an address; whoever has a mailbox is given the role instead.
        if (login is null or { Length: < 2 or > 64 } || login.Any(c => !(char.IsLetterOrDigit(c) || c is '.' or '-' or '_')))
            problems.Add(nameof(form.Login), Texts.Of("Error.SuperuserLogin"));
        else if (await db.Accounts.AnyAsync(a => a.NormalizedUserName == login, ct))
            problems.Add(nameof(form.Login), Texts.Of("Error.LoginTaken"));
        problems.Require(form.DisplayName.Length <= 200 && !form.DisplayName.Any(char.IsControl), nameof(form.DisplayName), Texts.Of("Error.DisplayName"));
        return login ?? "";
    }
}
