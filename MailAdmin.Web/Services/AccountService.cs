using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Accounts: administrators see those of the domains that are theirs, everybody his own.</summary>
public sealed class AccountService(Changes changes, EngineOptions options, PasswordHashes hashes, StoreTaskRunner tasks, IStoreDoor store)
{
    /// <summary>Sorts by Login, DisplayName, LastLoginAt or State.</summary>
    public Task<ServiceResult<PageOf<AccountRow>>> ListAsync(Actor actor, AccountQuery query, CancellationToken ct = default) =>
        changes.ReadAsync<PageOf<AccountRow>>(actor, async (db, rights) =>
        {
            if (!rights.IsAdmin)
                return ServiceResult.Forbidden();
            if (query.DomainId is { } wanted && !rights.May(Permissions.See, wanted))
                return ServiceResult.NotFound("domain");
            PageRequest page = query.Page;
            IQueryable<Account> accounts = query.DomainId is { } domainId
                ? db.Accounts.Where(a => a.DomainId == domainId)
                : db.Accounts.Within(rights.Where(Permissions.See));
            if (query.State is { } state)
                accounts = accounts.Where(a => a.State == state);
            if (page.Needle is { Length: > 0 } needle)
                accounts = accounts.Where(a => a.SearchText.Contains(needle));
            int total = await accounts.CountAsync(ct);
            // Two steps: which rows, from an index alone however far down the page is; then all of those few.
            long[] ids = await Sorted(accounts, page).Select(a => a.Id).Skip(page.SafeSkip).Take(page.SafeTake).ToArrayAsync(ct);
            var rows = await Sorted(db.Accounts.Where(a => ids.Contains(a.Id)), page)
                .Select(a => new
                {
                    Account = a,
                    PrimaryLocal = a.PrimaryAddress == null ? null : a.PrimaryAddress.DisplayLocal,
                    Domain = db.Domains.Where(d => d.Id == a.DomainId).Select(d => new { d.Name, d.DisplayName, d.DefaultQuotaBytes }).FirstOrDefault(),
                    IsSuperuser = db.Grants.Any(g => g.AccountId == a.Id && g.DomainId == null && g.SetId == PermissionSet.Superuser),
                    IsMaster = db.Grants.Any(g => g.AccountId == a.Id && g.DomainId != null && g.SetId == PermissionSet.Master),
                }).ToListAsync(ct);
            IReadOnlyDictionary<long, AccountUse> use = await store.UseOfAsync([.. rows.Select(r => r.Account.Id)]);
            return new PageOf<AccountRow>([.. rows.Select(r =>
            {
                AccountUse used = use.GetValueOrDefault(r.Account.Id);
                return new AccountRow(
                    r.Account.Id, r.Account.UserName ?? "", r.Account.DisplayName,
                    r.PrimaryLocal is null || r.Domain is null ? "" : AddressParts.Join(r.PrimaryLocal, r.Domain.Name)?.ToString() ?? "",
                    r.Account.DomainId ?? 0, r.Domain?.DisplayName ?? "", r.Account.State, r.Account.Services,
                    r.Account.QuotaBytes ?? r.Domain?.DefaultQuotaBytes ?? 0, used.Bytes, used.Messages, r.Account.LastLoginAt, r.IsSuperuser, r.IsMaster);
            })], total);
        }, ct);

    public Task<ServiceResult<AccountForm>> GetAsync(Actor actor, long accountId, CancellationToken ct = default) =>
        changes.ReadAsync<AccountForm>(actor, async (db, rights) =>
        {
            if (await db.Accounts.Include(a => a.PrimaryAddress).FirstOrDefaultAsync(a => a.Id == accountId, ct) is not { } account
                || !rights.May(Permissions.See, account.DomainId))
                return ServiceResult.NotFound("account");
            Domain? domain = await db.Domains.FirstOrDefaultAsync(d => d.Id == account.DomainId, ct);
            IReadOnlyDictionary<long, AccountUse> use = await store.UseOfAsync([accountId]);
            return new AccountForm
            {
                DomainId = account.DomainId ?? 0,
                LocalPart = account.PrimaryAddress?.DisplayLocal ?? "",
                Login = account.UserName ?? "",
                DisplayName = account.DisplayName,
                QuotaBytes = account.QuotaBytes,
                State = account.State,
                SuspendedUntil = account.SuspendedUntil,
                Services = account.Services,
                LastLogins = await db.LastLogins.Where(l => l.AccountId == accountId).OrderByDescending(l => l.At).Select(l => new OwnLogin(l.Service, l.At, l.Network)).ToListAsync(ct),
                Version = account.ConcurrencyStamp ?? "",
                DomainName = domain?.DisplayName ?? "",
                Primary = PrimaryOf(account, domain),
                UsedBytes = use.GetValueOrDefault(accountId).Bytes,
                EffectiveQuotaBytes = account.QuotaBytes ?? domain?.DefaultQuotaBytes ?? 0,
                IsSuperuser = await db.Grants.AnyAsync(g => g.AccountId == accountId && g.DomainId == null && g.SetId == PermissionSet.Superuser, ct),
                May = await rights.OnAccountAsync(db, account, changes.Now, ct),
            };
        }, ct);

    /// <summary>Makes an account with its primary address; its folders are there when the task ends.</summary>
    public async Task<ServiceResult<long>> CreateAsync(Actor actor, AccountForm form, CancellationToken ct = default)
    {
        // The hash takes a tenth of a second of a core: not inside the one write transaction, and not for a form that is refused anyway.
        ServiceResult<bool> possible = await changes.ReadAsync<bool>(actor, async (db, rights) =>
        {
            if (form.DomainId == 0 && rights.MayAnywhere(Permissions.Accounts))
                return CheckWithoutDomain(form);
            if (rights.Refuse(Permissions.Accounts, form.DomainId, "domain") is { } refused)
                return refused;
            if (await db.Domains.FirstOrDefaultAsync(d => d.Id == form.DomainId, ct) is not { } domain)
                return ServiceResult.NotFound("domain");
            if (form.Invite && !rights.May(Permissions.Passwords, form.DomainId))
                return ServiceResult.Forbidden();
            var problems = new Problems();
            if (!form.Invite)
                problems.RequirePassword(nameof(form.Password), form.Password, options.Passwords, form.LocalPart, form.Login, form.DisplayName);
            await CheckNewAsync(db, domain, form, problems, ct);
            return problems.Any ? problems.Refuse() : true;
        }, ct);
        if (!possible.Ok)
            return new ServiceResult.Refused(possible.Refusal, possible.Errors);
        string? hash = form.Invite ? null : await Task.Run(() => hashes.Make(form.Password), ct);
        ServiceResult<long> result = await changes.RunAsync<long>(actor, async (db, rights) => rights.Refuse(Permissions.Accounts, form.DomainId, "domain") is { } refused
            ? refused
            : form.Invite && !rights.May(Permissions.Passwords, form.DomainId) ? ServiceResult.Forbidden()
            : await CreateAsync(db, actor, form, hash, ct), ct);
        if (result.Ok)
            await tasks.RunAsync(CancellationToken.None);
        return result;
    }

    /// <summary>The same inside the transaction of a caller that has checked the right to do it and the password.</summary>
    internal async Task<ServiceResult<long>> CreateAsync(AccountsContext db, Actor actor, AccountForm form, string? passwordHash, CancellationToken ct)
    {
        if (await db.Domains.FirstOrDefaultAsync(d => d.Id == form.DomainId, ct) is not { } domain)
            return ServiceResult.NotFound("domain");
        var problems = new Problems();
        (EmailAddress address, Address? taken, string login) = await CheckNewAsync(db, domain, form, problems, ct);
        if (problems.Any)
            return problems.Refuse();

        Account account = NewAccount(domain, address, login, form, passwordHash, changes.Now);
        await AccountRows.AddAsync(db, domain, account, taken, changes.Now, ct);
        db.Record(changes.AuditOf(db, actor, "account.create", address.ToString(), account.Id, domain.Id, null, Shown(account)));
        await db.SaveChangesAsync(ct);
        return account.Id;
    }

    /// <summary>What can be said of a form in which no domain is chosen yet.</summary>
    ServiceResult.Refused CheckWithoutDomain(AccountForm form)
    {
        var problems = new Problems();
        problems.Add(nameof(form.DomainId), Texts.Of("DomainPicker.Choose"));
        problems.Require(form.LocalPart.Trim().Length > 0, nameof(form.LocalPart), Texts.Of("Error.LocalPart"));
        if (!form.Invite)
            problems.RequirePassword(nameof(form.Password), form.Password, options.Passwords, form.LocalPart, form.DisplayName);
        problems.Require(form.QuotaBytes is null or >= 0, nameof(form.QuotaBytes), Texts.Of("Error.QuotaSize"));
        CheckCommon(form, problems);
        return problems.Refuse();
    }

    /// <summary>Finds all that is wrong with the form of a new account, the password apart.</summary>
    /// <param name="domain">May be one that is only about to be made.</param>
    /// <returns>Its address (default: it cannot be one), the role address that it takes over, and its log-in name.</returns>
    internal static async Task<(EmailAddress Address, Address? Taken, string Login)> CheckNewAsync(
        AccountsContext db, Domain domain, AccountForm form, Problems problems, CancellationToken ct)
    {
        CheckCommon(form, problems);
        var found = new List<AccountProblem>();
        (EmailAddress address, Address? taken, string login) = await AccountRows.CheckNewAsync(
            db, domain, new WantedAccount(form.LocalPart, form.Login, form.QuotaBytes), found, ct);
        foreach (AccountProblem problem in found)
            problems.Add(domain, problem, address);
        problems.Require(form.RecoveryAddress.Trim().Length == 0
            || (EmailAddress.TryParse(form.RecoveryAddress.Trim(), out EmailAddress recovery) && (address.IsEmpty || recovery.Canonical != address.Canonical)),
            nameof(form.RecoveryAddress), Texts.Of("Error.RecoveryAddress"));
        return (address, taken, login);
    }

    public Task<ServiceResult> UpdateAsync(Actor actor, long accountId, AccountForm form, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            if (await db.Accounts.Include(a => a.PrimaryAddress).FirstOrDefaultAsync(a => a.Id == accountId, ct) is not { } account
                || !rights.May(Permissions.See, account.DomainId))
                return ServiceResult.NotFound("account");
            Permissions needed = NeededFor(account, form);
            bool may = needed == Permissions.None
                ? rights.May(Permissions.Accounts, account.DomainId) || rights.May(Permissions.Switches, account.DomainId)
                : rights.May(needed, account.DomainId);
            if (!may || !await rights.MayTouchAsync(db, accountId, changes.Now, ct))
                return ServiceResult.Forbidden();
            if (needed == Permissions.None)
                return ServiceResult.Done();
            if (form.Version.Length > 0 && form.Version != account.ConcurrencyStamp)
                return ServiceResult.Conflict();
            var problems = new Problems();
            CheckCommon(form, problems);
            Domain? domain = await db.Domains.FirstOrDefaultAsync(d => d.Id == account.DomainId, ct);
            problems.Require(domain is not null || form.QuotaBytes is null or >= 0, nameof(form.QuotaBytes), Texts.Of("Error.QuotaSize"));
            if (domain is not null && form.QuotaBytes != account.QuotaBytes)
            {
                DomainLimits.CheckQuota(domain, form.QuotaBytes, problems);
                long growth = (form.QuotaBytes ?? domain.DefaultQuotaBytes) - (account.QuotaBytes ?? domain.DefaultQuotaBytes);
                await DomainLimits.CheckAccountsAsync(db, domain, 0, growth, problems, ct);
            }
            if ((form.State == AccountState.Suspended || !form.Services.HasFlag(MailServices.Panel)) && await Superusers.IsLastAsync(db, accountId, ct))
                problems.Add(nameof(form.State), Texts.Of("Error.LastSuperuser"));
            problems.Require(form.SuspendedUntil is null || form.State != AccountState.Suspended || form.SuspendedUntil > changes.Now
                || form.SuspendedUntil == account.SuspendedUntil, nameof(form.SuspendedUntil), Texts.Of("Error.SuspendedUntil"));
            if (problems.Any)
                return problems.Refuse();
            object before = Shown(account);
            // Every session asks at each change whether its own service is on still, so no switch ends more than it says; log-ins that were
            // remembered before a suspension are worth nothing after it.
            if (form.State == AccountState.Suspended && account.State != AccountState.Suspended)
                account.SecurityStamp = AccountRows.NewStamp();
            account.DisplayName = form.DisplayName.Trim();
            account.QuotaBytes = form.QuotaBytes;
            account.State = form.State;
            account.SuspendedUntil = form.State == AccountState.Suspended ? form.SuspendedUntil : null;
            account.Services = form.Services;
            account.ConcurrencyStamp = AccountRows.NewStamp();
            account.RefreshSearchText();
            changes.Audit(db, actor, "account.update", account, before, Shown(account));
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    /// <summary>Removes an account and all its mail.</summary>
    public async Task<ServiceResult> DeleteAsync(Actor actor, long accountId, CancellationToken ct = default)
    {
        ServiceResult result = await changes.RunAsync(actor, async (db, rights) =>
        {
            ServiceResult<Account> found = await rights.FindToChangeAsync(db, db.Accounts.AsNoTracking(), Permissions.Delete, accountId, changes.Now, ct);
            if (found.Value is not { } account)
                return found;
            changes.Audit(db, actor, "account.delete", account, Shown(account), null);
            await AccountRemoval.RemoveAsync(db, [accountId], changes.Now, ct);
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);
        if (result.Ok)
            await tasks.RunAsync(CancellationToken.None);
        return result;
    }

    /// <summary>The actor's own account.</summary>
    public Task<ServiceResult<OwnAccount>> OwnAsync(Actor actor, CancellationToken ct = default) =>
        changes.ReadAsync<OwnAccount>(actor, async (db, rights) =>
        {
            if (rights.AccountId is not { } id
                || await db.Accounts.Include(a => a.PrimaryAddress).FirstOrDefaultAsync(a => a.Id == id, ct) is not { } account)
                return ServiceResult.Forbidden();
            Domain? domain = await db.Domains.FirstOrDefaultAsync(d => d.Id == account.DomainId, ct);
            var addresses = await (
                from t in db.Targets
                where t.AccountId == id
                join a in db.Addresses on t.AddressId equals a.Id
                join d in db.Domains on a.DomainId equals d.Id
                orderby a.LocalPart
                select new { a.DisplayLocal, d.Name }).ToListAsync(ct);
            AccountUse used = (await store.UseOfAsync([id])).GetValueOrDefault(id);
            return new OwnAccount(id, account.UserName ?? "", account.DisplayName, PrimaryOf(account, domain),
                [.. addresses.Select(a => AddressParts.Join(a.DisplayLocal, a.Name)?.ToString() ?? $"{a.DisplayLocal}@{a.Name}")],
                used.Bytes, used.Messages, account.QuotaBytes ?? domain?.DefaultQuotaBytes ?? 0, account.LastLoginAt);
        }, ct);

    /// <summary>The rows of a new account; the caller adds the target of the primary address once the id is known.</summary>
    internal static Account NewAccount(Domain domain, EmailAddress address, string login, AccountForm form, string? passwordHash, DateTimeOffset now)
    {
        Account account = AccountRows.New(domain, address, login, passwordHash, now);
        account.DisplayName = form.DisplayName.Trim();
        account.RecoveryAddress = form.RecoveryAddress.Trim();
        account.QuotaBytes = form.QuotaBytes;
        account.State = form.State;
        account.SuspendedUntil = form.State == AccountState.Suspended ? form.SuspendedUntil : null;
        account.Services = form.Services;
        account.RefreshSearchText();
        return account;
    }

    /// <summary>What a change takes: switches for state and services, more for the rest. None: nothing is changed.</summary>
    static Permissions NeededFor(Account account, AccountForm form)
    {
        bool switches = form.State != account.State || form.Services != account.Services || form.SuspendedUntil != account.SuspendedUntil;
        bool rest = form.DisplayName.Trim() != account.DisplayName || form.QuotaBytes != account.QuotaBytes;
        return (switches ? Permissions.Switches : Permissions.None) | (rest ? Permissions.Accounts : Permissions.None);
    }

    static void CheckCommon(AccountForm form, Problems problems)
    {
        problems.Require(form.DisplayName.Length <= 200 && !form.DisplayName.Any(char.IsControl), nameof(form.DisplayName), Texts.Of("Error.DisplayName"));
        problems.Require(Enum.IsDefined(form.State), nameof(form.State), Texts.Of("Error.State"));
        problems.Require((form.Services & ~MailServices.All) == 0, nameof(form.Services), Texts.Of("Error.Services"));
    }

    static IQueryable<Account> Sorted(IQueryable<Account> accounts, PageRequest page) => (page.Sort, page.Descending) switch
    {
        // Each order has an index; the last part makes it one that repeats, whatever page is asked for.
        (nameof(AccountRow.DisplayName), false) => accounts.OrderBy(a => a.DisplayName).ThenBy(a => a.SearchText),
        (nameof(AccountRow.DisplayName), true) => accounts.OrderByDescending(a => a.DisplayName).ThenByDescending(a => a.SearchText),
        (nameof(AccountRow.LastLoginAt), false) => accounts.OrderBy(a => a.LastLoginAt).ThenBy(a => a.SearchText),
        (nameof(AccountRow.LastLoginAt), true) => accounts.OrderByDescending(a => a.LastLoginAt).ThenByDescending(a => a.SearchText),
        (nameof(AccountRow.State), false) => accounts.OrderBy(a => a.State).ThenBy(a => a.SearchText),
        (nameof(AccountRow.State), true) => accounts.OrderByDescending(a => a.State).ThenByDescending(a => a.SearchText),
        // The log-in name stands first in the text that is searched, so one index does both.
        (_, true) when page.Needle.Length > 0 => accounts.OrderByDescending(a => a.SearchText),
        (_, false) when page.Needle.Length > 0 => accounts.OrderBy(a => a.SearchText),
        (_, true) => accounts.OrderByDescending(a => a.NormalizedUserName),
        _ => accounts.OrderBy(a => a.NormalizedUserName),
    };

    static string PrimaryOf(Account account, Domain? domain) =>
        account.PrimaryAddress is null || domain is null ? "" : AddressParts.Join(account.PrimaryAddress.DisplayLocal, domain.Name)?.ToString() ?? "";

    static object Shown(Account a) => new
    {
        login = a.UserName, a.DisplayName, a.QuotaBytes, state = a.State.ToString(), a.SuspendedUntil, services = a.Services.ToString(), a.HasMailbox,
    };
}
