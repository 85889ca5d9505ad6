using System.Text.Json;
using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>Who administers by another door than the panel, for the audit.</summary>
/// <param name="Client">Network address; empty: this machine.</param>
public sealed record Administrator(long AccountId, string Login, string Client);


/// <summary>What IMAP needs of administration: who may manage what, quotas of accounts, and the audit of changes made in the store.</summary>
/// <remarks>Every write reads the rights anew inside its transaction, as the panel's services do; the same rules (<see cref="AdminRights"/>,
/// <see cref="DomainQuotas"/>).</remarks>
public sealed class AccountAdministration(AccountsDatabase database)
{
    public async Task<AdminRights> RightsAsync(long accountId, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        return await AdminRights.OfAsync(db, accountId, database.Clock.GetUtcNow(), ct);
    }

    /// <summary>May these rights reach this account's mail? Not a master's that of an account with rights beyond his domains.</summary>
    public async Task<bool> MayTouchAsync(AdminRights rights, long accountId, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        return await MayTouchAsync(db, rights, accountId, ct);
    }

    /// <summary>Accounts with mailboxes that these rights reach.</summary>
    public async Task<IReadOnlyList<long>> AccountsOfAsync(AdminRights rights, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        IQueryable<Account> accounts = db.Accounts.Where(a => a.HasMailbox);
        if (!rights.IsSuperuser)
        {
            accounts = accounts.Where(a => a.DomainId != null && rights.MasterOf.Contains(a.DomainId.Value)
                && !db.Grants.Any(g => g.AccountId == a.Id && (g.DomainId == null || !rights.MasterOf.Contains(g.DomainId.Value))));
        }
        return await accounts.OrderBy(a => a.NormalizedUserName).Select(a => a.Id).ToListAsync(ct);
    }

    /// <summary>Domains that these rights reach, by name.</summary>
    public async Task<IReadOnlyList<(long Id, string Name)>> DomainsOfAsync(AdminRights rights, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        var domains = await db.Domains.Where(d => rights.IsSuperuser || rights.MasterOf.Contains(d.Id)).OrderBy(d => d.Name)
            .Select(d => new { d.Id, d.Name }).ToListAsync(ct);
        return [.. domains.Select(d => (d.Id, d.Name))];
    }

    /// <summary>Sets the quota of an account.</summary>
    /// <param name="bytes">Null: the domain's default.</param>
    /// <returns>Null: no such account among those that the administrator may manage.</returns>
    public Task<QuotaRefusal?> SetQuotaAsync(Administrator who, long accountId, long? bytes, CancellationToken ct) =>
        database.WriteAsync<QuotaRefusal?>(async db =>
        {
            AdminRights rights = await AdminRights.OfAsync(db, who.AccountId, database.Clock.GetUtcNow(), ct);
            if (await db.Accounts.FirstOrDefaultAsync(a => a.Id == accountId, ct) is not { } account
                || !rights.MayManage(account.DomainId) || !await MayTouchAsync(db, rights, accountId, ct))
                return null;
            if (await db.Domains.FirstOrDefaultAsync(d => d.Id == account.DomainId, ct) is { } domain && account.QuotaBytes != bytes)
            {
                if (DomainQuotas.Check(domain, bytes) is var refusal and not QuotaRefusal.None)
                    return refusal;
                long growth = (bytes ?? domain.DefaultQuotaBytes) - (account.QuotaBytes ?? domain.DefaultQuotaBytes);
                if (domain.TotalQuotaBytes > 0 && growth > 0 && await DomainQuotas.GivenAsync(db, domain, ct) + growth > domain.TotalQuotaBytes)
                    return QuotaRefusal.AboveTotal;
            }
            long? before = account.QuotaBytes;
            account.QuotaBytes = bytes;
            account.ConcurrencyStamp = Guid.NewGuid().ToString("N");
            db.Audit.Add(Entry(who, "account.quota", account.UserName ?? "", account.DomainId, new { QuotaBytes = before }, new { QuotaBytes = bytes }));
            await db.SaveChangesAsync(ct);
            return QuotaRefusal.None;
        }, keep: refusal => refusal == QuotaRefusal.None, ct);

    /// <summary>Writes the audit of a change that the store makes next, when the administrator may make it.</summary>
    /// <param name="ownerId">Account whose mailbox it is; null: the domain's own.</param>
    /// <param name="domainId">For the domain's own.</param>
    /// <returns>False: he may not, and nothing was written.</returns>
    public async Task<bool> RecordAsync(Administrator who, string action, string what, long? ownerId, long? domainId, object after, CancellationToken ct)
    {
        bool allowed = false;
        await database.WriteQuietlyAsync(async db =>
        {
            AdminRights rights = await AdminRights.OfAsync(db, who.AccountId, database.Clock.GetUtcNow(), ct);
            long? domain = ownerId is null ? domainId : await db.Accounts.Where(a => a.Id == ownerId).Select(a => a.DomainId).FirstOrDefaultAsync(ct);
            if (!rights.MayManage(domain) || (ownerId is { } owner && !await MayTouchAsync(db, rights, owner, ct)))
                return;
            db.Audit.Add(Entry(who, action, what, domain, null, after));
            await db.SaveChangesAsync(ct);
            allowed = true;
        }, ct);
        return allowed;
    }

    static Task<bool> MayTouchAsync(AccountsContext db, AdminRights rights, long accountId, CancellationToken ct) =>
        AdminRights.MayTouchAsync(db, rights.IsSuperuser, rights.MasterOf, accountId, ct);

    AuditEntry Entry(Administrator who, string action, string what, long? domainId, object? before, object after) => new()
    {
        Time = database.Clock.GetUtcNow(),
        ActorId = who.AccountId,
        Actor = who.Login,
        Action = action,
        Object = what.Length > 400 ? what[..400] : what,
        DomainId = domainId,
        Before = before is null ? "" : JsonSerializer.Serialize(before),
        After = JsonSerializer.Serialize(after),
        Client = who.Client.Length > 64 ? who.Client[..64] : who.Client,
    };
}
