using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>An app password in the list; the secret itself is shown once, when it is made.</summary>
public sealed record AppPasswordRow(
    long Id, string Name, MailServices Services, DateTimeOffset CreatedAt, DateTimeOffset? EndsAt, DateTimeOffset? LastUsedAt, string LastNetwork);

/// <summary>An app password to make.</summary>
public sealed class AppPasswordForm
{
    public string Name { get; set; } = "";
    public MailServices Services { get; set; } = AppPassword.Possible;
    /// <summary>Null: until it is removed.</summary>
    public DateTimeOffset? EndsAt { get; set; }
    /// <summary>The password of the account.</summary>
    public string Password { get; set; } = "";
}

/// <summary>App passwords: everybody makes his own; who may set passwords of an account may also take them away.</summary>
public sealed class AppPasswordService(Changes changes, OwnPasswordCheck own)
{
    const int Most = 50;

    /// <param name="accountId">Null: the actor's own.</param>
    public Task<ServiceResult<IReadOnlyList<AppPasswordRow>>> ListAsync(Actor actor, long? accountId, CancellationToken ct = default) =>
        changes.ReadAsync<IReadOnlyList<AppPasswordRow>>(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, accountId, ct) is not { } account)
                return ServiceResult.NotFound("account");
            List<AppPasswordRow> rows = await db.AppPasswords.Where(p => p.AccountId == account.Id).OrderBy(p => p.Name).ThenBy(p => p.Id)
                .Select(p => new AppPasswordRow(p.Id, p.Name, p.Services, p.CreatedAt, p.EndsAt, p.LastUsedAt, p.LastNetwork)).ToListAsync(ct);
            return ServiceResult<IReadOnlyList<AppPasswordRow>>.Of(rows);
        }, ct);

    /// <summary>Makes one for the actor himself.</summary>
    /// <returns>The secret; it is kept nowhere.</returns>
    public async Task<ServiceResult<string>> CreateAsync(Actor actor, AppPasswordForm form, CancellationToken ct = default)
    {
        var problems = new Problems();
        string name = form.Name.Trim();
        problems.Require(name.Length is > 0 and <= 60 && !name.Any(char.IsControl), nameof(form.Name), Texts.Of("Error.AppName"));
        problems.Require(form.Services != MailServices.None && (form.Services & ~AppPassword.Possible) == 0, nameof(form.Services), Texts.Of("Error.AppServices"));
        problems.Require(form.EndsAt is null || form.EndsAt > changes.Now, nameof(form.EndsAt), Texts.Of("Error.AppEnd"));
        ServiceResult<Account> checkedOwner = await own.CheckAsync(actor, form.Password, nameof(form.Password), problems, ct);
        if (!checkedOwner.Ok)
            return new ServiceResult.Refused(checkedOwner.Refusal, checkedOwner.Errors);
        if (problems.Any)
            return problems.Refuse();
        string secret = AppPassword.NewSecret();
        return await changes.RunAsync<string>(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, null, ct) is not { } account)
                return ServiceResult.Forbidden();
            if (await db.AppPasswords.CountAsync(p => p.AccountId == account.Id, ct) >= Most)
                return ServiceResult.Invalid("", Texts.Of("Error.AppMost", Most));
            db.AppPasswords.Add(new AppPassword
            {
                AccountId = account.Id, Name = name, Hash = AppPassword.HashOf(secret)!, Services = form.Services, CreatedAt = changes.Now, EndsAt = form.EndsAt,
            });
            changes.Audit(db, actor, "apppassword.create", account, null, new { name, services = form.Services.ToString(), form.EndsAt });
            await db.SaveChangesAsync(ct);
            return secret;
        }, ct);
    }

    /// <summary>Takes one away; sessions that logged in with it end.</summary>
    /// <param name="accountId">Null: the actor's own.</param>
    public Task<ServiceResult> RemoveAsync(Actor actor, long? accountId, long id, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, accountId, ct) is not { } account)
                return ServiceResult.NotFound("account");
            if (account.Id != rights.AccountId && !await rights.MayTouchAsync(db, account.Id, changes.Now, ct))
                return ServiceResult.Forbidden();
            if (await db.AppPasswords.FirstOrDefaultAsync(p => p.Id == id && p.AccountId == account.Id, ct) is not { } app)
                return ServiceResult.NotFound("apppassword");
            db.AppPasswords.Remove(app);
            changes.Audit(db, actor, "apppassword.remove", account, new { app.Name, services = app.Services.ToString() }, null);
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    static async Task<Account?> FindAsync(AccountsContext db, Rights rights, long? accountId, CancellationToken ct) =>
        (accountId ?? rights.AccountId) is { } id && await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is { } account
            && (rights.AccountId == id || rights.May(Permissions.Passwords, account.DomainId)) ? account : null;
}
