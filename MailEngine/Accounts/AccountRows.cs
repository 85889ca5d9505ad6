using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>Why an account is not made, renamed or removed.</summary>
public enum AccountFault
{
    None,
    /// <summary>No such account or domain among those that the administrator may manage.</summary>
    NotAllowed,
    /// <summary>The domain is relayed, or another name of one.</summary>
    DomainNotLocal,
    /// <summary>No local part that an account can have.</summary>
    LocalPart,
    AddressTaken,
    /// <summary>A log-in name that looks like somebody else's address would catch his log-ins.</summary>
    LoginHasAt,
    LoginTaken,
    /// <summary>Another account logs in with what would be the address.</summary>
    LoginIsAddress,
    /// <summary>Log-in names of the domain, or of the account, are no addresses.</summary>
    LoginIsNoAddress,
    /// <summary>An account stays in its domain.</summary>
    OtherDomain,
    /// <summary>See <see cref="QuotaRefusal"/>.</summary>
    Quota,
    /// <summary>The domain has as many accounts as it may.</summary>
    MostAccounts,
    /// <summary>The domain has given all octets that it may.</summary>
    TotalQuota,
    /// <summary>Nobody else could administer the server.</summary>
    LastSuperuser,
}

/// <summary>One thing that is wrong with what somebody wants.</summary>
/// <param name="Now">For limits: how much there is already.</param>
public readonly record struct AccountProblem(AccountFault Fault, long Now = 0, QuotaRefusal Quota = QuotaRefusal.None);

/// <summary>A new account as it is wished for.</summary>
/// <param name="Login">Only where the domain's scheme is <see cref="LoginScheme.Free"/>.</param>
/// <param name="QuotaBytes">Null: the domain's default.</param>
public sealed record WantedAccount(string LocalPart, string Login = "", long? QuotaBytes = null);

/// <summary>The name that an account is to have.</summary>
/// <param name="Login">Only where the domain's scheme is <see cref="LoginScheme.Free"/>; empty: the one it has, or the address where that was it.</param>
/// <param name="KeepOld">True: the old address stays as another one of the account.</param>
public sealed record WantedName(string LocalPart, string Login = "", bool KeepOld = false);

/// <summary>What a new account will have.</summary>
/// <param name="Address">Default: it cannot be one.</param>
/// <param name="Taken">postmaster or abuse, which it takes over.</param>
public readonly record struct NewAccountNames(EmailAddress Address, Address? Taken, string Login);

/// <summary>The rules on accounts, and their rows: the same for the panel, the command line and IMAP.</summary>
/// <remarks>Call inside the transaction of the change: there nobody can slip in between check and commit.</remarks>
public static class AccountRows
{
    /// <summary>Reads the local part that somebody wants to have.</summary>
    public static AccountFault ReadAddress(string localPart, Domain domain, out EmailAddress address)
    {
        address = default;
        if (domain.Kind != DomainKind.Local)
            return AccountFault.DomainNotLocal;
        string local = localPart.Trim();
        // What needs quotes (spaces, brackets) is legal, but half the world's programs refuse to write to it.
        if (local.Length > 0 && local != Address.CatchAll && !local.Contains('"', StringComparison.Ordinal) && !local.Contains('@', StringComparison.Ordinal)
            && EmailAddress.TryParse($"{local}@{domain.Name}", out address))
            return AccountFault.None;
        address = default;
        return AccountFault.LocalPart;
    }

    /// <summary>Finds all that is wrong with a new account.</summary>
    /// <param name="domain">May be one that is only about to be made.</param>
    public static async Task<NewAccountNames> CheckNewAsync(
        AccountsContext db, Domain domain, WantedAccount wanted, List<AccountProblem> problems, CancellationToken ct)
    {
        if (ReadAddress(wanted.LocalPart, domain, out EmailAddress address) is var fault and not AccountFault.None)
            problems.Add(new AccountProblem(fault));
        if (DomainQuotas.Check(domain, wanted.QuotaBytes) is var refusal and not QuotaRefusal.None)
            problems.Add(new AccountProblem(AccountFault.Quota, Quota: refusal));
        Address? taken = address.IsEmpty ? null : await TakenAsync(db, domain.Id, address, problems, ct);
        string login = await NewLoginAsync(db, domain, address, wanted, problems, ct);
        problems.AddRange(await RoomAsync(db, domain, 1, wanted.QuotaBytes ?? domain.DefaultQuotaBytes, ct));
        return new NewAccountNames(address, taken, login);
    }

    /// <summary>What of a domain's limits this many more accounts with these quotas would break.</summary>
    /// <param name="quotaAdded">Effective quotas of the new accounts, or the growth of a changed one, octets.</param>
    public static async Task<IReadOnlyList<AccountProblem>> RoomAsync(AccountsContext db, Domain domain, int accountsAdded, long quotaAdded, CancellationToken ct)
    {
        var problems = new List<AccountProblem>();
        if (domain.MaxAccounts > 0 && accountsAdded > 0 && await db.Accounts.CountAsync(a => a.DomainId == domain.Id, ct) is var now && now + accountsAdded > domain.MaxAccounts)
            problems.Add(new AccountProblem(AccountFault.MostAccounts, now));
        if (domain.TotalQuotaBytes > 0 && quotaAdded > 0 && await DomainQuotas.GivenAsync(db, domain, ct) is var given && given + quotaAdded > domain.TotalQuotaBytes)
            problems.Add(new AccountProblem(AccountFault.TotalQuota, given));
        return problems;
    }

    /// <summary>An account with its address; <see cref="AddAsync"/> writes it.</summary>
    /// <param name="passwordHash">Null: nobody can log in until a password is set.</param>
    public static Account New(Domain domain, EmailAddress address, string login, string? passwordHash, DateTimeOffset now)
    {
        var account = new Account
        {
            DomainId = domain.Id,
            HasMailbox = true,
            PasswordHash = passwordHash,
            SecurityStamp = NewStamp(),
            ConcurrencyStamp = NewStamp(),
            CreatedAt = now,
            PrimaryAddress = new Address { DomainId = domain.Id, LocalPart = address.CanonicalLocal, DisplayLocal = address.Local, CreatedAt = now },
        };
        account.SetLogin(login);
        return account;
    }

    /// <summary>Writes a new account, and word for the store to make its folders.</summary>
    public static async Task AddAsync(AccountsContext db, Domain domain, Account account, Address? taken, DateTimeOffset now, CancellationToken ct)
    {
        if (taken is not null)
            db.Addresses.Remove(taken);   // postmaster or abuse becomes a mailbox of its own
        await db.SaveChangesAsync(ct);
        account.RefreshSearchText();
        db.Accounts.Add(account);
        await db.SaveChangesAsync(ct);
        account.PrimaryAddress!.Targets.Add(new Target { AccountId = account.Id });
        await RoleAddresses.EnsureAsync(db, domain.Id, account.Id, now, ct);
        db.StoreTasks.Add(new StoreTask { Kind = StoreTaskKind.Provision, AccountId = account.Id, Details = domain.StandardFolders, CreatedAt = now });
        await db.SaveChangesAsync(ct);
        await ScriptRows.CopyAsync(db, domain.Id, [account.Id], now, ct);
    }

    /// <summary>Gives an account that logs in with its address another one in its domain. Its sessions end; mail to the old one is refused.</summary>
    public static async Task<AccountFault> RenameAsync(AccountsContext db, Domain domain, Account account, string localPart, DateTimeOffset now, CancellationToken ct)
    {
        if (ReadAddress(localPart, domain, out _) is var fault and not AccountFault.None)
            return fault;
        if (account.PrimaryAddress is not { } primary || primary.DomainId != domain.Id || AddressParts.Join(primary.LocalPart, domain.Name)?.Canonical != account.UserName)
            return AccountFault.LoginIsNoAddress;
        return await RenameAsync(db, domain, account, new WantedName(localPart), now, ct);
    }

    /// <summary>Gives an account another main address in its domain, and the log-in name that goes with it. Its mail stays; its sessions end.</summary>
    public static async Task<AccountFault> RenameAsync(AccountsContext db, Domain domain, Account account, WantedName wanted, DateTimeOffset now, CancellationToken ct)
    {
        if (ReadAddress(wanted.LocalPart, domain, out EmailAddress address) is var fault and not AccountFault.None)
            return fault;
        if (account.PrimaryAddress is not { } primary || primary.DomainId != domain.Id)
            return AccountFault.LoginIsNoAddress;
        var problems = new List<AccountProblem>();
        Address? taken = primary.LocalPart == address.CanonicalLocal ? null : await TakenAsync(db, domain.Id, address, problems, ct);
        // One of its own that leads nowhere else changes places with the main one.
        bool isOwn = taken is { IsRole: false } && await db.Targets.AllAsync(t => t.AddressId != taken.Id || t.AccountId == account.Id, ct);
        if (isOwn)
            problems.Clear();
        string login = await LoginAfterAsync(db, domain, account, primary, address, wanted, problems, ct);
        if (problems.Count > 0)
            return problems[0].Fault;
        if (taken is not null)
            db.Addresses.Remove(taken);
        await db.SaveChangesAsync(ct);
        (string oldLocal, string oldDisplay) = (primary.LocalPart, primary.DisplayLocal);
        // The same row: whatever else it leads to, it leads there still.
        db.Entry(primary).Property(a => a.LocalPart).CurrentValue = address.CanonicalLocal;
        db.Entry(primary).Property(a => a.DisplayLocal).CurrentValue = address.Local;
        primary.Version = Guid.NewGuid();
        account.SetLogin(login);
        account.SecurityStamp = NewStamp();
        account.ConcurrencyStamp = NewStamp();
        await db.SaveChangesAsync(ct);
        if (wanted.KeepOld && oldLocal != address.CanonicalLocal)
        {
            var old = new Address { DomainId = domain.Id, LocalPart = oldLocal, DisplayLocal = oldDisplay, CreatedAt = now };
            old.Targets.Add(new Target { AccountId = account.Id });
            db.Addresses.Add(old);
        }
        await RoleAddresses.EnsureAsync(db, domain.Id, account.Id, now, ct);
        await db.SaveChangesAsync(ct);
        if (oldLocal != address.CanonicalLocal)
            await ContactRows.FollowAsync(db, domain, oldLocal, address.Local, wanted.KeepOld, ct);
        return AccountFault.None;
    }

    /// <summary>The log-in name of an account that gets another address: made of the address where the old one was, else as it is or as written.</summary>
    static async Task<string> LoginAfterAsync(
        AccountsContext db, Domain domain, Account account, Address primary, EmailAddress address, WantedName wanted, List<AccountProblem> problems, CancellationToken ct)
    {
        string before = account.UserName ?? "";
        string? written = wanted.Login.Trim() is { Length: > 0 } text ? Account.CanonicalLogin(text) ?? "" : null;
        string login = written is not null && domain.LoginScheme == LoginScheme.Free ? written
            : before == AddressParts.Join(primary.LocalPart, domain.Name)?.Canonical ? address.Canonical
            : before == $"{primary.LocalPart}.{domain.Name}" ? $"{address.CanonicalLocal}.{domain.Name}"
            : before;
        if (login.Length == 0 || (login.Contains('@', StringComparison.Ordinal) && login != address.Canonical))
            problems.Add(new AccountProblem(AccountFault.LoginHasAt));
        else if (await db.Accounts.AnyAsync(a => a.NormalizedUserName == login && a.Id != account.Id, ct))
            problems.Add(new AccountProblem(login == address.Canonical ? AccountFault.LoginIsAddress : AccountFault.LoginTaken));
        return login;
    }

    public static string NewStamp() => Guid.NewGuid().ToString("N");

    /// <summary>The address's row where it is there; one that is not just a role is a problem.</summary>
    static async Task<Address?> TakenAsync(AccountsContext db, long domainId, EmailAddress address, List<AccountProblem> problems, CancellationToken ct)
    {
        Address? taken = await db.Addresses.FirstOrDefaultAsync(a => a.DomainId == domainId && a.LocalPart == address.CanonicalLocal, ct);
        if (taken is { IsRole: false })
            problems.Add(new AccountProblem(AccountFault.AddressTaken));
        return taken;
    }

    static async Task<string> NewLoginAsync(
        AccountsContext db, Domain domain, EmailAddress address, WantedAccount wanted, List<AccountProblem> problems, CancellationToken ct)
    {
        if (domain.LoginScheme == LoginScheme.PrefixCounter)
        {
            string next;
            do
                next = FormattableString.Invariant($"{domain.LoginPrefix}{++domain.LoginCounter:0000}");
            while (await db.Accounts.AnyAsync(a => a.NormalizedUserName == next, ct));
            return next;
        }
        if (domain.LoginScheme == LoginScheme.Free && wanted.Login.Trim().Length > 0)
        {
            string? login = Account.CanonicalLogin(wanted.Login.Trim());
            if (login is null || (login.Contains('@', StringComparison.Ordinal) && (address.IsEmpty || login != address.Canonical)))
                problems.Add(new AccountProblem(AccountFault.LoginHasAt));
            else if (await db.Accounts.AnyAsync(a => a.NormalizedUserName == login, ct))
                problems.Add(new AccountProblem(AccountFault.LoginTaken));
            return login ?? "";
        }
        if (address.IsEmpty)
            return "";
        if (domain.LoginScheme == LoginScheme.LocalDotDomain)
        {
            string dotted = $"{address.CanonicalLocal}.{domain.Name}";
            if (await db.Accounts.AnyAsync(a => a.NormalizedUserName == dotted, ct))
                problems.Add(new AccountProblem(AccountFault.LoginIsAddress));
            return dotted;
        }
        string full = address.Canonical;
        if (await db.Accounts.AnyAsync(a => a.NormalizedUserName == full, ct))
            problems.Add(new AccountProblem(AccountFault.LoginIsAddress));
        return full;
    }
}
