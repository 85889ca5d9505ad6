using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>Takes accounts out of the database and leaves word for the store to remove their mail.</summary>
/// <remarks>Order: the rows go first and in one transaction, so nobody can log in or be written to from that moment; the mail goes after the
/// commit. A crash between leaves the <see cref="StoreTask"/>, which the next start carries out.</remarks>
public static class AccountRemoval
{
    public static async Task RemoveAsync(AccountsContext db, IReadOnlyCollection<long> accountIds, DateTimeOffset now, CancellationToken ct)
    {
        var domains = new HashSet<long>();
        foreach (long[] ids in accountIds.Chunk(500))
        {
            long[] theirs = await db.Targets.Where(t => t.AccountId != null && ids.Contains(t.AccountId.Value)).Select(t => t.AddressId).Distinct().ToArrayAsync(ct);
            domains.UnionWith(await db.Addresses.Where(a => RoleAddresses.Names.Contains(a.LocalPart) && db.Targets.Any(t => t.AddressId == a.Id && ids.Contains(t.AccountId!.Value)))
                .Select(a => a.DomainId).ToArrayAsync(ct));
            await db.Accounts.Where(a => ids.Contains(a.Id)).ExecuteDeleteAsync(ct);   // targets and grants go with them
            foreach (long[] some in theirs.Chunk(500))
            {
                // An address that leads nowhere any more refuses mail; postmaster and abuse get another owner.
                await db.Addresses.Where(a => some.Contains(a.Id) && !a.IsRole && !db.Targets.Any(t => t.AddressId == a.Id)).ExecuteDeleteAsync(ct);
            }
            foreach (long id in ids)
                db.StoreTasks.Add(new StoreTask { Kind = StoreTaskKind.Remove, AccountId = id, CreatedAt = now });
        }
        foreach (long domain in domains)
            await FindRoleOwnerAsync(db, domain, now, ct);
    }

    // RFC 2142 §5: a domain's roles go on. To one of its masters, else to its oldest account; where there is none, to the first that comes.
    static async Task FindRoleOwnerAsync(AccountsContext db, long domainId, DateTimeOffset now, CancellationToken ct)
    {
        long heir = await db.Accounts.Where(a => a.DomainId == domainId && a.HasMailbox)
            .OrderByDescending(a => db.Grants.Any(g => g.AccountId == a.Id && g.DomainId == domainId)).ThenBy(a => a.Id).Select(a => a.Id).FirstOrDefaultAsync(ct);
        if (heir != 0)
            await RoleAddresses.EnsureAsync(db, domainId, heir, now, ct);
    }
}
