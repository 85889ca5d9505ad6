using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>Gives a domain another name. Addresses, grants and mailboxes hang on the domain's number and follow by themselves; what holds the
/// name as text is rewritten here: log-in names, and targets and entries of address books that name its addresses.</summary>
/// <remarks>Call inside the transaction of the change. Access control lists are the store's: it is left word (<see cref="StoreTaskKind.RenameDomain"/>).
/// Whoever is logged in must log in again, because a session knows its user's addresses.</remarks>
public static class DomainRename
{
#pragma warning disable CA1845   // expressions that become SQL: the database cuts the text
    /// <summary>A log-in name that the renamed domain would bring with it and that somebody else has; null: none.</summary>
    public static async Task<string?> FindTakenLoginAsync(AccountsContext db, Domain domain, DomainName to, CancellationToken ct)
    {
        (string from, string ending) = ("." + domain.Name, "." + to.Value);
        return await db.Accounts
            .Where(a => a.DomainId == domain.Id && a.NormalizedUserName!.EndsWith(from) && !a.NormalizedUserName.Contains('@'))
            .Select(a => a.NormalizedUserName!.Substring(0, a.NormalizedUserName.Length - from.Length) + ending)
            .FirstOrDefaultAsync(login => db.Accounts.Any(other => other.NormalizedUserName == login), ct);
    }

    /// <param name="to">A name that no domain here has.</param>
    /// <param name="keepOld">True: the old name stays as another name of the domain, so that mail to old addresses still arrives.</param>
    public static async Task RenameAsync(AccountsContext db, Domain domain, DomainName to, bool keepOld, DateTimeOffset now, CancellationToken ct)
    {
        string from = domain.Name;
        foreach (char separator in (char[])['@', '.'])
            await RenameLoginsAsync(db, domain.Id, separator + from, separator + to.Value, ct);
        await RenameTargetsAsync(db, "@" + from, "@" + to.Value, ct);
        await ContactRows.FollowAsync(db, DomainName.Parse(from), to, ct);
        db.Entry(domain).Property(d => d.Name).CurrentValue = to.Value;
        domain.DisplayName = to.Display;
        domain.Version = Guid.NewGuid();
        db.StoreTasks.Add(new StoreTask { Kind = StoreTaskKind.RenameDomain, Details = $"{from}\n{to.Value}", CreatedAt = now });
        await db.SaveChangesAsync(ct);
        if (!keepOld)
            return;
        db.Domains.Add(new Domain { Name = from, DisplayName = DomainName.Parse(from).Display, Kind = DomainKind.AliasOf, AliasOfId = domain.Id, CreatedAt = now });
        await db.SaveChangesAsync(ct);
    }

    // Names that end with the domain but are of another scheme ("web.example.org" typed freely) look the same: they follow too, as who reads them expects.
    static async Task RenameLoginsAsync(AccountsContext db, long domainId, string from, string to, CancellationToken ct)
    {
        string stamp = AccountRows.NewStamp();
        int cut = from.Length;
        await db.Accounts.Where(a => a.DomainId == domainId && a.NormalizedUserName!.EndsWith(from)).ExecuteUpdateAsync(s => s
            .SetProperty(a => a.UserName, a => a.UserName!.Substring(0, a.UserName.Length - cut) + to)
            .SetProperty(a => a.NormalizedUserName, a => a.NormalizedUserName!.Substring(0, a.NormalizedUserName.Length - cut) + to)
            .SetProperty(a => a.SearchText, a => a.UserName!.Substring(0, a.UserName.Length - cut) + to + a.SearchText.Substring(a.UserName.Length))
            .SetProperty(a => a.SecurityStamp, stamp)
            .SetProperty(a => a.ConcurrencyStamp, stamp), ct);
    }
#pragma warning restore CA1845

    static async Task RenameTargetsAsync(AccountsContext db, string from, string to, CancellationToken ct)
    {
        foreach (long[] ids in (await db.Targets.Where(t => t.Outside!.EndsWith(from)).Select(t => t.Id).ToArrayAsync(ct)).Chunk(500))
        {
            foreach (Target target in await db.Targets.Where(t => ids.Contains(t.Id)).ToListAsync(ct))
            {
                string renamed = target.Outside![..^from.Length] + to;
                // A list may have named the new domain before it was ours.
                if (await db.Targets.AnyAsync(t => t.AddressId == target.AddressId && t.Outside == renamed, ct))
                    db.Targets.Remove(target);
                else
                    db.Entry(target).Property(t => t.Outside).CurrentValue = renamed;
            }
            await db.SaveChangesAsync(ct);
        }
    }
}
