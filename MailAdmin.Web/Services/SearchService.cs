using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>What a search box found.</summary>
/// <param name="Detail">A second line: a name, where an address leads.</param>
public sealed record Hit(long Id, string Text, string Detail);

/// <summary>The first of each kind, and how many there are (at most <see cref="SearchService.MostCounted"/>).</summary>
public sealed record Hits(
    IReadOnlyList<Hit> Domains, int DomainCount, IReadOnlyList<Hit> Accounts, int AccountCount, IReadOnlyList<Hit> Addresses, int AddressCount)
{
    public bool IsEmpty => DomainCount + AccountCount + AddressCount == 0;
}

/// <summary>One search box over domains, accounts and addresses.</summary>
/// <remarks>Each look goes over one narrow index (<see cref="Account.SearchText"/>, local parts); what is shown is read for the rows that are shown.</remarks>
public sealed class SearchService(Changes changes)
{
    public const int Shown = 8;

    /// <summary>Who finds more than this types on.</summary>
    public const int MostCounted = 1000;

    public Task<ServiceResult<Hits>> FindAsync(Actor actor, string text, CancellationToken ct = default) =>
        changes.ReadAsync<Hits>(actor, async (db, rights) =>
        {
            if (!rights.IsAdmin)
                return ServiceResult.Forbidden();
            string needle = text.Trim().ToLowerInvariant();
            if (needle.Length == 0)
                return new Hits([], 0, [], 0, [], 0);
            Reach reach = rights.Where(Permissions.See);
            IQueryable<Domain> domains = db.Domains.Within(reach).Where(d => d.Name.Contains(needle) || d.DisplayName.Contains(needle));
            List<Hit> domainHits = await domains.OrderBy(d => d.Name).Take(Shown).Select(d => new Hit(d.Id, d.DisplayName, "")).ToListAsync(ct);
            IQueryable<Account> accounts = db.Accounts.Within(reach).Where(a => a.SearchText.Contains(needle));
            long[] accountIds = await accounts.OrderBy(a => a.SearchText).Take(Shown).Select(a => a.Id).ToArrayAsync(ct);
            List<Hit> accountHits = await db.Accounts.Where(a => accountIds.Contains(a.Id)).OrderBy(a => a.NormalizedUserName)
                .Select(a => new Hit(a.Id, a.UserName!, a.DisplayName)).ToListAsync(ct);
            IQueryable<Address> addresses = db.Addresses.Within(reach).Matching(db, needle);
            long[] addressIds = await addresses.OrderBy(a => a.LocalPart).ThenBy(a => a.DomainId).Take(Shown).Select(a => a.Id).ToArrayAsync(ct);
            var rows = await db.Addresses.Where(a => addressIds.Contains(a.Id)).OrderBy(a => a.LocalPart).ThenBy(a => a.DomainId)
                .Join(db.Domains, a => a.DomainId, d => d.Id, (a, d) => new { a.Id, a.DisplayLocal, d.Name }).ToListAsync(ct);
            ILookup<long, string> targets = await TargetTexts.FirstOfAsync(db, addressIds, 3, ct);
            return new Hits(
                domainHits, domainHits.Count < Shown ? domainHits.Count : await domains.Take(MostCounted).CountAsync(ct),
                accountHits, accountHits.Count < Shown ? accountHits.Count : await accounts.Take(MostCounted).CountAsync(ct),
                [.. rows.Select(r => new Hit(r.Id, AddressParts.Join(r.DisplayLocal, r.Name)?.ToString() ?? $"{r.DisplayLocal}@{r.Name}", string.Join(", ", targets[r.Id])))],
                rows.Count < Shown ? rows.Count : await addresses.Take(MostCounted).CountAsync(ct));
        }, ct);
}

/// <summary>What lists and the search box look for in addresses.</summary>
static class AddressSearch
{
    /// <param name="needle">Lower case. "ann@exam" is looked for on both sides of the @.</param>
    public static IQueryable<Address> Matching(this IQueryable<Address> addresses, AccountsContext db, string needle)
    {
        int at = needle.LastIndexOf('@');
        if (at < 0)
            return addresses.Where(a => a.LocalPart.Contains(needle));
        (string local, string domain) = (needle[..at], needle[(at + 1)..]);
        return addresses.Where(a => a.LocalPart.EndsWith(local) && db.Domains.Any(d => d.Id == a.DomainId && (d.Name.StartsWith(domain) || d.DisplayName.StartsWith(domain))));
    }
}
