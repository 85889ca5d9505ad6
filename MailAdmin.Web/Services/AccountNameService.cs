using MailEngine.Accounts;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Another name for an account.</summary>
public sealed class AccountNameForm
{
    public string LocalPart { get; set; } = "";
    /// <summary>Only where the domain's scheme is <see cref="LoginScheme.Free"/>; empty: as it is.</summary>
    public string Login { get; set; } = "";
    /// <summary>Mail to the old address still arrives.</summary>
    public bool KeepOld { get; set; } = true;
}

/// <summary>Renames accounts. Their mail stays where it is.</summary>
public sealed class AccountNameService(Changes changes)
{
    public Task<ServiceResult> RenameAsync(Actor actor, long accountId, AccountNameForm form, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            if (await db.Accounts.Include(a => a.PrimaryAddress).FirstOrDefaultAsync(a => a.Id == accountId, ct) is not { } account)
                return ServiceResult.NotFound("account");
            if (rights.Refuse(Permissions.Accounts, account.DomainId, "account") is { } refused)
                return refused;
            if (!await rights.MayTouchAsync(db, accountId, changes.Now, ct))
                return ServiceResult.Forbidden();
            var problems = new Problems();
            if (await db.Domains.FirstOrDefaultAsync(d => d.Id == account.DomainId, ct) is not { } domain || account.PrimaryAddress is not { } primary)
                return ServiceResult.NotFound("address");
            (string? login, string local) = (account.UserName, primary.DisplayLocal);
            AccountFault fault = await AccountRows.RenameAsync(db, domain, account, new WantedName(form.LocalPart, form.Login, form.KeepOld), changes.Now, ct);
            if (fault != AccountFault.None)
            {
                problems.Add(domain, new AccountProblem(fault), AddressParts.Join(form.LocalPart.Trim(), domain.Name) ?? default);
                return problems.Refuse();
            }
            changes.Audit(db, actor, "account.rename", login ?? "", domain.Id, new { login, address = local }, new { login = account.UserName, address = primary.DisplayLocal, form.KeepOld });
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);
}
