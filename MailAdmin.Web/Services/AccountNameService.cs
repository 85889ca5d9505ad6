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
            ServiceResult<Account> found = await rights.FindToChangeAsync(db, db.Accounts.Include(a => a.PrimaryAddress), Permissions.Accounts, accountId, changes.Now, ct);
            if (found.Value is not { } account)
                return found;
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
            db.Record(changes.AuditOf(db, actor, "account.rename", login ?? "", account.Id, domain.Id,
                new { login, address = local }, new { login = account.UserName, address = primary.DisplayLocal, form.KeepOld }));
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);
}
