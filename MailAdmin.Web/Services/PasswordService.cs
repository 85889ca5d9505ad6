using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Change of one's own password.</summary>
public sealed class OwnPasswordForm
{
    public string Current { get; set; } = "";
    public string New { get; set; } = "";
    public string Repeat { get; set; } = "";
}

/// <summary>A password an administrator gives.</summary>
public sealed class NewPasswordForm
{
    public string New { get; set; } = "";
    public string Repeat { get; set; } = "";
}

/// <summary>Changes passwords. Each change ends all sessions of the account.</summary>
public sealed class PasswordService(Changes changes, EngineOptions options, PasswordHashes hashes, OwnPasswordCheck own)
{
    public async Task<ServiceResult> ChangeOwnAsync(Actor actor, OwnPasswordForm form, CancellationToken ct = default)
    {
        var problems = new Problems();
        ServiceResult<Account> owner = await own.CheckAsync(actor, form.Current, nameof(form.Current), problems, ct);
        if (!owner.Ok)
            return owner;
        Check(owner.Value!, form.New, form.Repeat, problems);
        if (problems.Any)
            return problems.Refuse();
        return await SetAsync(actor, owner.Value!.Id, form.New, "password.change", rightsNeeded: false, ct);
    }

    /// <summary>For accounts of the actor's domains that have no rights beyond his.</summary>
    public async Task<ServiceResult> ResetAsync(Actor actor, long accountId, NewPasswordForm form, CancellationToken ct = default)
    {
        ServiceResult<Account> target = await changes.ReadAsync<Account>(
            actor, (db, rights) => rights.FindToChangeAsync(db, db.Accounts, Permissions.Passwords, accountId, changes.Now, ct), ct);
        if (!target.Ok)
            return new ServiceResult.Refused(target.Refusal, target.Errors);
        var problems = new Problems();
        Check(target.Value!, form.New, form.Repeat, problems);
        return problems.Any
            ? problems.Refuse()
            : await SetAsync(actor, accountId, form.New, "password.reset", rightsNeeded: true, ct);
    }

    void Check(Account account, string password, string repeat, Problems problems)
    {
        problems.RequirePassword(nameof(NewPasswordForm.New), password, options.Passwords, account.UserName ?? "", account.DisplayName);
        problems.RequireRepeated(nameof(NewPasswordForm.Repeat), password, repeat);
    }

    async Task<ServiceResult> SetAsync(Actor actor, long accountId, string password, string action, bool rightsNeeded, CancellationToken ct)
    {
        string hash = await Task.Run(() => hashes.Make(password), ct);
        return await changes.RunAsync(actor, async (db, rights) =>
        {
            if (await db.Accounts.FirstOrDefaultAsync(a => a.Id == accountId, ct) is not { } account)
                return ServiceResult.NotFound("account");
            bool allowed = rightsNeeded
                ? rights.May(Permissions.Passwords, account.DomainId) && await rights.MayTouchAsync(db, accountId, changes.Now, ct)
                : rights.AccountId == accountId;
            if (!allowed)
                return ServiceResult.Forbidden();
            account.PasswordHash = hash;
            account.SecurityStamp = AccountRows.NewStamp();
            changes.Audit(db, actor, action, account, null, null);
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);
    }
}
