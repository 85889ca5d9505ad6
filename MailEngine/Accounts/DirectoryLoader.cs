using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>Reads rows into the immutable entries of <see cref="AccountDirectory"/>. Fills the cache it is given with accounts and domains.</summary>
static class DirectoryLoader
{
    // A domain may be another name of a domain that is another name itself. Longer chains, and circles, end here.
    const int MaxAliasSteps = 8;

    // Below the 999 parameters that an old SQLite takes.
    const int IdsPerQuery = 500;

    public static async Task<Resolution> ResolveAsync(
        AccountsContext db, AccountDirectory.Cache cache, AccountDirectory.AddressKey key, CancellationToken ct)
    {
        DomainEntry? domain = await KnownDomainAsync(db, cache, key.Domain, ct);
        bool enabled = true;
        for (int step = 0; domain is { Kind: DomainKind.AliasOf, AliasOf: { } real }; step++)
        {
            enabled &= domain.Enabled;
            if (step == MaxAliasSteps)
                return new Resolution(domain with { Enabled = false }, null, "");
            domain = await KnownDomainAsync(db, cache, real, ct);
        }
        if (domain is null)
            return new Resolution(null, null, "");
        if (!enabled && domain.Enabled)
            domain = domain with { Enabled = false };
        if (domain.Kind == DomainKind.Relay)
            return new Resolution(domain, null, "");

        string local = key.CanonicalLocal;
        int separator = domain.SubaddressSeparator.Length == 0 ? -1 : local.IndexOf(domain.SubaddressSeparator, StringComparison.Ordinal);
        string user = separator > 0 ? local[..separator] : local;
        List<Address> rows = await db.Addresses.AsNoTracking().Include(a => a.Targets)
            .Where(a => a.DomainId == domain.DomainId && (a.LocalPart == local || a.LocalPart == user || a.LocalPart == Address.CatchAll))
            .ToListAsync(ct);
        Address? found = rows.Find(a => a.LocalPart == local);
        string detail = "";
        if (found is null && separator > 0 && (found = rows.Find(a => a.LocalPart == user)) is not null)
            detail = local[(separator + domain.SubaddressSeparator.Length)..];
        found ??= rows.Find(a => a.IsCatchAll);
        return found is null
            ? new Resolution(domain, null, "")
            : new Resolution(domain, await EntryOfAsync(db, cache, found, ct), detail);
    }

    public static async Task<AccountEntry?> FindLoginAsync(AccountsContext db, AccountDirectory.Cache cache, string login, CancellationToken ct)
    {
        long id = await db.Accounts.Where(a => a.NormalizedUserName == login).Select(a => a.Id).FirstOrDefaultAsync(ct);
        return id == 0 ? null : (await LoadAccountsAsync(db, cache, [id], ct)).GetValueOrDefault(id);
    }

    public static async Task<DomainEntry?> FindDomainAsync(AccountsContext db, AccountDirectory.Cache cache, DomainName name, CancellationToken ct)
    {
        Domain? row = await db.Domains.AsNoTracking().FirstOrDefaultAsync(d => d.Name == name.Value, ct);
        DomainName? aliasOf = null;
        if (row is { AliasOfId: { } realId })
            aliasOf = DomainName.Parse(await db.Domains.Where(d => d.Id == realId).Select(d => d.Name).FirstAsync(ct));
        DomainEntry? entry = row is null ? null : new DomainEntry
        {
            DomainId = row.Id,
            Name = name,
            Enabled = row.Enabled,
            Kind = row.Kind,
            RelayHost = row.RelayHost,
            AliasOf = aliasOf,
            SubaddressSeparator = row.SubaddressSeparator,
            MessageBytes = row.MessageBytes,
            StandardFolders = Domain.ParseFolders(row.StandardFolders),
        };
        cache.MakeRoom();
        cache.Domains[name] = entry;
        return entry;
    }

    /// <summary>Entries of these accounts; ids that are no account are left out.</summary>
    public static async Task<Dictionary<long, AccountEntry>> LoadAccountsAsync(
        AccountsContext db, AccountDirectory.Cache cache, IReadOnlyCollection<long> ids, CancellationToken ct)
    {
        var entries = new Dictionary<long, AccountEntry>(ids.Count);
        var missing = new List<long>();
        foreach (long id in ids)
        {
            if (!cache.Accounts.TryGetValue(id, out AccountEntry? known))
                missing.Add(id);
            else if (known is not null)
                entries[id] = known;
        }
        foreach (long[] some in missing.Chunk(IdsPerQuery))
        {
            await LoadSomeAsync(db, some, entries, ct);
            foreach (long id in some)
            {
                cache.MakeRoom();
                cache.Accounts[id] = entries.GetValueOrDefault(id);
            }
        }
        return entries;
    }

    static async Task LoadSomeAsync(AccountsContext db, long[] ids, Dictionary<long, AccountEntry> entries, CancellationToken ct)
    {
        var rows = await (
            from a in db.Accounts.AsNoTracking()
            where ids.Contains(a.Id)
            join d in db.Domains on a.DomainId equals (long?)d.Id into domains
            from d in domains.DefaultIfEmpty()
            join p in db.Addresses on a.PrimaryAddressId equals (long?)p.Id into primaries
            from p in primaries.DefaultIfEmpty()
            join pd in db.Domains on p.DomainId equals pd.Id into primaryDomains
            from pd in primaryDomains.DefaultIfEmpty()
            select new
            {
                a.Id, a.UserName, a.DisplayName, a.PasswordHash, a.State, a.Services, a.QuotaBytes, a.SecurityStamp, a.HasMailbox,
                Domain = d == null ? null : d.Name,
                DefaultQuota = d == null ? 0L : d.DefaultQuotaBytes,
                PrimaryLocal = p == null ? null : p.DisplayLocal,
                PrimaryDomain = pd == null ? null : pd.Name,
            }).ToListAsync(ct);
        var addresses = await (
            from t in db.Targets
            where t.AccountId != null && ids.Contains(t.AccountId.Value)
            join a in db.Addresses on t.AddressId equals a.Id
            where a.Enabled && a.LocalPart != Address.CatchAll
            join d in db.Domains on a.DomainId equals d.Id
            select new { AccountId = t.AccountId!.Value, a.DisplayLocal, Domain = d.Name, a.DomainId }).ToListAsync(ct);
        long[] domainIds = [.. addresses.Select(a => a.DomainId).Distinct()];
        var otherNames = domainIds.Length == 0 ? [] : await db.Domains
            .Where(d => d.Kind == DomainKind.AliasOf && d.AliasOfId != null && domainIds.Contains(d.AliasOfId.Value))
            .Select(d => new { d.Name, Of = d.AliasOfId!.Value }).ToListAsync(ct);

        var own = new Dictionary<long, List<EmailAddress>>();
        foreach (var a in addresses)
        {
            if (!own.TryGetValue(a.AccountId, out List<EmailAddress>? list))
                own[a.AccountId] = list = [];
            Add(list, a.DisplayLocal, a.Domain);
            foreach (var other in otherNames)
            {
                if (other.Of == a.DomainId)
                    Add(list, a.DisplayLocal, other.Name);
            }
        }
        foreach (var row in rows)
        {
            entries[row.Id] = new AccountEntry
            {
                AccountId = row.Id,
                Login = row.UserName ?? "",
                DisplayName = row.DisplayName,
                PasswordHash = row.PasswordHash,
                State = row.State,
                Services = row.Services,
                Primary = row.PrimaryLocal is null || row.PrimaryDomain is null ? null : AddressParts.Join(row.PrimaryLocal, row.PrimaryDomain),
                Addresses = own.TryGetValue(row.Id, out List<EmailAddress>? list) ? list : [],
                QuotaBytes = row.QuotaBytes ?? row.DefaultQuota,
                SecurityStamp = row.SecurityStamp ?? "",
                HasMailbox = row.HasMailbox,
                Domain = row.Domain is null ? default : DomainName.Parse(row.Domain),
            };
        }

        static void Add(List<EmailAddress> list, string local, string domain)
        {
            if (AddressParts.Join(local, domain) is { } address)
                list.Add(address);
        }
    }

    static async Task<AddressEntry> EntryOfAsync(AccountsContext db, AccountDirectory.Cache cache, Address row, CancellationToken ct)
    {
        var accounts = await LoadAccountsAsync(db, cache, [.. row.Targets.Where(t => t.AccountId != null).Select(t => t.AccountId!.Value)], ct);
        var targets = new List<AddressTarget>(row.Targets.Count);
        foreach (Target t in row.Targets)
        {
            if (t.AccountId is { } id)
            {
                if (accounts.TryGetValue(id, out AccountEntry? account))
                    targets.Add(new AddressTarget(account, default));
            }
            else if (EmailAddress.TryParse(t.Outside, out EmailAddress outside))
            {
                targets.Add(new AddressTarget(null, outside));
            }
        }
        return new AddressEntry { AddressId = row.Id, Enabled = row.Enabled, IsCatchAll = row.IsCatchAll, Targets = targets };
    }

    static async ValueTask<DomainEntry?> KnownDomainAsync(AccountsContext db, AccountDirectory.Cache cache, DomainName name, CancellationToken ct) =>
        cache.Domains.TryGetValue(name, out DomainEntry? known) ? known : await FindDomainAsync(db, cache, name, ct);
}
