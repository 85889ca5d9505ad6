using System.Text.Json;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>Who administers by another door than the panel, for the audit.</summary>
/// <param name="Client">Network address; empty: this machine.</param>
public sealed record Administrator(long AccountId, string Login, string Client);

/// <summary>What became of a change of an account.</summary>
/// <param name="Folders">Of a new one: names and special uses.</param>
public sealed record AccountOutcome(AccountFault Fault, long AccountId = 0, IReadOnlyList<(string Name, string SpecialUse)>? Folders = null);

/// <summary>What IMAP needs of administration: who may manage what, accounts and their quotas, and the audit of changes made in the store.</summary>
/// <remarks>Every write reads the rights anew inside its transaction, as the panel's services do; the same rules (<see cref="Rights"/>,
/// <see cref="AccountRows"/>, <see cref="DomainQuotas"/>).</remarks>
public sealed class AccountAdministration(AccountsDatabase database)
{
    public async Task<Rights> RightsAsync(long accountId, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        return await Rights.OfAsync(db, accountId, database.Clock.GetUtcNow(), ct);
    }

    /// <summary>May these rights reach this account's mail? Not a master's that of an account with rights beyond his domains.</summary>
    public async Task<bool> MayTouchAsync(Rights rights, long accountId, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        return await MayTouchAsync(db, rights, accountId, ct);
    }

    /// <summary>Some accounts with mailboxes that these rights reach, by log-in name.</summary>
    /// <param name="prefix">What the names begin with.</param>
    /// <param name="after">The last name of the page before; empty: the first page.</param>
    public async Task<IReadOnlyList<(long Id, string Login)>> AccountsOfAsync(Rights rights, string prefix, string after, int most, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        string beyond = prefix + "\U0010FFFF";   // a range of the index, not a scan
#pragma warning disable CA1309   // it becomes SQL: the database compares, by its own order
        IQueryable<Account> accounts = db.Accounts.Where(a => a.HasMailbox && string.Compare(a.NormalizedUserName, after) > 0
            && string.Compare(a.NormalizedUserName, prefix) >= 0 && string.Compare(a.NormalizedUserName, beyond) < 0);
#pragma warning restore CA1309
        if (!rights.IsSuperuser)
        {
            List<HeldPermissions> all = await Rights.Held(db, database.Clock.GetUtcNow()).ToListAsync(ct);
            long[] above = [.. all.GroupBy(g => g.AccountId).Where(grants => !rights.Covers(grants)).Select(grants => grants.Key)];
            accounts = accounts.Within(rights.Where(Permissions.Mailboxes)).Where(a => !above.Contains(a.Id));
        }
        var page = await accounts.OrderBy(a => a.NormalizedUserName).Take(most).Select(a => new { a.Id, Login = a.NormalizedUserName ?? "" }).ToListAsync(ct);
        return [.. page.Select(a => (a.Id, a.Login))];
    }

    /// <summary>Domains that these rights reach, by name.</summary>
    public async Task<IReadOnlyList<(long Id, string Name)>> DomainsOfAsync(Rights rights, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        var domains = await db.Domains.Within(rights.Where(Permissions.Mailboxes)).OrderBy(d => d.Name)
            .Select(d => new { d.Id, d.Name }).ToListAsync(ct);
        return [.. domains.Select(d => (d.Id, d.Name))];
    }

    /// <summary>Sets the quota of an account.</summary>
    /// <param name="bytes">Null: the domain's default.</param>
    /// <returns>Null: no such account among those that the administrator may manage.</returns>
    public Task<QuotaRefusal?> SetQuotaAsync(Administrator who, long accountId, long? bytes, CancellationToken ct) =>
        database.WriteAsync<QuotaRefusal?>(async db =>
        {
            if (await FindAsync(db, who, Permissions.Accounts, accountId, ct) is not { } account)
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
            db.Record(Entry(db, who, "account.quota", account.UserName ?? "", account.Id, account.DomainId, new { QuotaBytes = before }, new { QuotaBytes = bytes }));
            await db.SaveChangesAsync(ct);
            return QuotaRefusal.None;
        }, keep: refusal => refusal == QuotaRefusal.None, ct);

    /// <summary>Makes an account as the panel would, with the domain's defaults and without a password: nobody logs in until one is set.</summary>
    /// <returns>Its number and folders, which the caller may make at once; the store task does it in any case.</returns>
    public Task<AccountOutcome> CreateAsync(Administrator who, DomainName name, string localPart, CancellationToken ct) =>
        database.WriteAsync(async db =>
        {
            Rights rights = await ActingAsync(db, who, ct);
            if (await db.Domains.FirstOrDefaultAsync(d => d.Name == name.Value, ct) is not { } domain || !rights.May(Permissions.Accounts, domain.Id))
                return new AccountOutcome(AccountFault.NotAllowed);
            if (domain.LoginScheme is LoginScheme.PrefixCounter or LoginScheme.LocalDotDomain)
                return new AccountOutcome(AccountFault.LoginIsNoAddress);   // it would not be found under the name it was made by
            var problems = new List<AccountProblem>();
            NewAccountNames names = await AccountRows.CheckNewAsync(db, domain, new WantedAccount(localPart), problems, ct);
            if (problems.Count > 0)
                return new AccountOutcome(problems[0].Fault);
            DateTimeOffset now = database.Clock.GetUtcNow();
            Account account = AccountRows.New(domain, names.Address, names.Login, passwordHash: null, now);
            await AccountRows.AddAsync(db, domain, account, names.Taken, now, ct);
            db.Record(Entry(db, who, "account.create", names.Address.ToString(), account.Id, domain.Id, null, new { login = account.UserName, account.HasMailbox }));
            await db.SaveChangesAsync(ct);
            return new AccountOutcome(AccountFault.None, account.Id, Domain.ParseFolders(domain.StandardFolders));
        }, keep: outcome => outcome.Fault == AccountFault.None, ct);

    /// <summary>Gives an account another address and log-in name in its domain.</summary>
    public Task<AccountOutcome> RenameAsync(Administrator who, long accountId, DomainName name, string localPart, CancellationToken ct) =>
        database.WriteAsync(async db =>
        {
            if (await FindAsync(db, who, Permissions.Accounts, accountId, ct) is not { } account
                || await db.Domains.FirstOrDefaultAsync(d => d.Id == account.DomainId, ct) is not { } domain)
                return new AccountOutcome(AccountFault.NotAllowed);
            if (domain.Name != name.Value)
                return new AccountOutcome(AccountFault.OtherDomain);
            string? before = account.UserName;
            AccountFault fault = await AccountRows.RenameAsync(db, domain, account, localPart, database.Clock.GetUtcNow(), ct);
            if (fault != AccountFault.None)
                return new AccountOutcome(fault);
            db.Record(Entry(db, who, "account.rename", before ?? "", account.Id, domain.Id, new { login = before }, new { login = account.UserName }));
            await db.SaveChangesAsync(ct);
            return new AccountOutcome(AccountFault.None, accountId);
        }, keep: outcome => outcome.Fault == AccountFault.None, ct);

    /// <summary>Removes an account; its mail goes by the store task that this leaves, or at once by the caller.</summary>
    public async Task<AccountOutcome> DeleteAsync(Administrator who, long accountId, CancellationToken ct)
    {
        try
        {
            return await RemoveAsync(who, accountId, ct);
        }
        catch (LastSuperuserException)
        {
            return new AccountOutcome(AccountFault.LastSuperuser);
        }
    }

    Task<AccountOutcome> RemoveAsync(Administrator who, long accountId, CancellationToken ct) =>
        database.WriteAsync(async db =>
        {
            DateTimeOffset now = database.Clock.GetUtcNow();
            if (await FindAsync(db, who, Permissions.Delete, accountId, ct) is not { } account)
                return new AccountOutcome(AccountFault.NotAllowed);
            db.Record(Entry(db, who, "account.delete", account.UserName ?? "", account.Id, account.DomainId, new { login = account.UserName, account.DisplayName, account.QuotaBytes }, null));
            await db.SaveChangesAsync(ct);
            await AccountRemoval.RemoveAsync(db, [accountId], now, ct);
            await db.SaveChangesAsync(ct);
            return new AccountOutcome(AccountFault.None, accountId);
        }, keep: outcome => outcome.Fault == AccountFault.None, ct);

    /// <summary>The account, when the administrator may change it.</summary>
    async Task<Account?> FindAsync(AccountsContext db, Administrator who, Permissions what, long accountId, CancellationToken ct)
    {
        Rights rights = await ActingAsync(db, who, ct);
        return await db.Accounts.Include(a => a.PrimaryAddress).FirstOrDefaultAsync(a => a.Id == accountId, ct) is { } account
            && rights.May(what, account.DomainId) && await MayTouchAsync(db, rights, accountId, ct) ? account : null;
    }

    /// <summary>Writes the audit of a change that the store makes next, when the administrator may make it.</summary>
    /// <param name="ownerId">Account whose mailbox it is; null: the domain's own.</param>
    /// <param name="domainId">For the domain's own.</param>
    /// <returns>False: he may not, and nothing was written.</returns>
    public async Task<bool> RecordAsync(Administrator who, string action, string what, long? ownerId, long? domainId, object after, CancellationToken ct, object? before = null)
    {
        bool allowed = false;
        await database.WriteQuietlyAsync(async db =>
        {
            Rights rights = await ActingAsync(db, who, ct);
            long? domain = ownerId is null ? domainId : await db.Accounts.Where(a => a.Id == ownerId).Select(a => a.DomainId).FirstOrDefaultAsync(ct);
            if (!rights.May(Permissions.Mailboxes, domain) || (ownerId is { } owner && !await MayTouchAsync(db, rights, owner, ct)))
                return;
            db.Record(Entry(db, who, action, what, ownerId, domain, before, after));
            await db.SaveChangesAsync(ct);
            allowed = true;
        }, ct);
        return allowed;
    }

    async Task<Rights> ActingAsync(AccountsContext db, Administrator who, CancellationToken ct)
    {
        Rights rights = await Rights.OfAsync(db, who.AccountId, database.Clock.GetUtcNow(), ct);
        db.ActingRole = rights.Roles;
        return rights;
    }

    Task<bool> MayTouchAsync(AccountsContext db, Rights rights, long accountId, CancellationToken ct) =>
        rights.MayTouchAsync(db, accountId, database.Clock.GetUtcNow(), ct);

    AuditEntry Entry(AccountsContext db, Administrator who, string action, string what, long? accountId, long? domainId, object? before, object? after) => new()
    {
        Time = database.Clock.GetUtcNow(),
        ActorId = who.AccountId,
        Actor = who.Login,
        Role = db.ActingRole,
        Action = action,
        Object = what.Length > 400 ? what[..400] : what,
        AccountId = accountId,
        DomainId = domainId,
        Before = before is null ? "" : JsonSerializer.Serialize(before),
        After = after is null ? "" : JsonSerializer.Serialize(after),
        Client = who.Client.Length > 64 ? who.Client[..64] : who.Client,
    };
}
