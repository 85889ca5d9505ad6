using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Who administers what. <see cref="DomainId"/> null: the server.</summary>
public sealed record GrantRow(long AccountId, string Login, long? DomainId, string Domain, DateTimeOffset GrantedAt);

/// <summary>An administrator without a mailbox.</summary>
public sealed class SuperuserForm
{
    public string Login { get; set; } = "";
    public string DisplayName { get; set; } = "";
    public string Password { get; set; } = "";
}

/// <summary>Makes and unmakes administrators. Superusers only; the last one stays.</summary>
public sealed class GrantService(Changes changes, EngineOptions options, PasswordHashes hashes)
{
    public Task<ServiceResult<IReadOnlyList<GrantRow>>> ListAsync(Actor actor, CancellationToken ct = default) =>
        changes.ReadAsync<IReadOnlyList<GrantRow>>(actor, async (db, rights) =>
        {
            if (!rights.IsSuperuser)
                return ServiceResult.Forbidden();
            List<GrantRow> rows = await (
                from g in db.Grants
                join a in db.Accounts on g.AccountId equals a.Id
                join d in db.Domains on g.DomainId equals (long?)d.Id into domains
                from d in domains.DefaultIfEmpty()
                orderby a.NormalizedUserName, g.DomainId
                select new GrantRow(a.Id, a.UserName!, g.DomainId, d == null ? "" : d.DisplayName, g.GrantedAt)).ToListAsync(ct);
            return ServiceResult<IReadOnlyList<GrantRow>>.Of(rows);
        }, ct);

    public Task<ServiceResult> MakeMasterAsync(Actor actor, long accountId, long domainId, CancellationToken ct = default) =>
        SetAsync(actor, accountId, domainId, granted: true, ct);

    public Task<ServiceResult> UnmakeMasterAsync(Actor actor, long accountId, long domainId, CancellationToken ct = default) =>
        SetAsync(actor, accountId, domainId, granted: false, ct);

    public Task<ServiceResult> MakeSuperuserAsync(Actor actor, long accountId, CancellationToken ct = default) =>
        SetAsync(actor, accountId, null, granted: true, ct);

    public Task<ServiceResult> UnmakeSuperuserAsync(Actor actor, long accountId, CancellationToken ct = default) =>
        SetAsync(actor, accountId, null, granted: false, ct);

    /// <summary>Makes a superuser without a mailbox.</summary>
    public async Task<ServiceResult<long>> AddSuperuserAsync(Actor actor, SuperuserForm form, CancellationToken ct = default)
    {
        ServiceResult<bool> possible = await changes.ReadAsync<bool>(actor, async (db, rights) =>
        {
            if (!rights.IsSuperuser)
                return ServiceResult.Forbidden();
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
        db.Grants.Add(new Grant { AccountId = account.Id, GrantedAt = changes.Now });
        changes.Audit(db, actor, "superuser.create", login, null, null, new { login });
        await db.SaveChangesAsync(ct);
        return account.Id;
    }

    /// <summary>Finds all that is wrong with the form, the password apart.</summary>
    /// <returns>The log-in name in its canonical form.</returns>
    internal static async Task<string> CheckSuperuserAsync(AccountsContext db, SuperuserForm form, Problems problems, CancellationToken ct)
    {
        string? login = Account.CanonicalLogin(form.Login.Trim());
        // A name with an @ would look like an address; whoever has a mailbox is made a superuser by MakeSuperuser.
        if (login is null or { Length: < 2 or > 64 } || login.Any(c => !(char.IsLetterOrDigit(c) || c is '.' or '-' or '_')))
            problems.Add(nameof(form.Login), Texts.Of("Error.SuperuserLogin"));
        else if (await db.Accounts.AnyAsync(a => a.NormalizedUserName == login, ct))
            problems.Add(nameof(form.Login), Texts.Of("Error.LoginTaken"));
        problems.Require(form.DisplayName.Length <= 200 && !form.DisplayName.Any(char.IsControl), nameof(form.DisplayName), Texts.Of("Error.DisplayName"));
        return login ?? "";
    }

    Task<ServiceResult> SetAsync(Actor actor, long accountId, long? domainId, bool granted, CancellationToken ct) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            if (!rights.IsSuperuser)
                return ServiceResult.Forbidden();
            if (await db.Accounts.FirstOrDefaultAsync(a => a.Id == accountId, ct) is not { } account)
                return ServiceResult.NotFound("account");
            string? domain = null;
            if (domainId is not null && (domain = await db.Domains.Where(d => d.Id == domainId).Select(d => d.Name).FirstOrDefaultAsync(ct)) is null)
                return ServiceResult.NotFound("domain");
            Grant? grant = await db.Grants.FirstOrDefaultAsync(g => g.AccountId == accountId && g.DomainId == domainId, ct);
            if (granted == grant is { EndsAt: null, Permissions: Permissions.All })
                return ServiceResult.Done();
            if (granted && !account.Services.HasFlag(MailServices.Panel))
                return ServiceResult.Invalid("", Texts.Of("Error.NoPanel"));
            if (!granted && domainId is null && await AdminRights.IsLastSuperuserAsync(db, accountId, changes.Now, ct))
                return ServiceResult.Invalid("", Texts.Of("Error.LastSuperuser"));
            if (grant is not null)
                db.Grants.Remove(grant);
            if (granted)
                db.Grants.Add(new Grant { AccountId = accountId, DomainId = domainId, GrantedAt = changes.Now });
            account.SecurityStamp = AccountRows.NewStamp();   // its sessions begin anew with the other rights
            string action = (domainId is null ? "superuser." : "master.") + (granted ? "grant" : "revoke");
            changes.Audit(db, actor, action, account.UserName ?? "", domainId, null, new { domain });
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);
}
