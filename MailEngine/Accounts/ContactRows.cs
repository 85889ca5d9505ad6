using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>Entries of address books that name somebody of this server follow him when an administrator gives him another name: whom somebody knew he knows still
/// (docs/filters.md).</summary>
/// <remarks>Call inside the transaction of the change. Books may hold more than the limit after it: nobody is forgotten for that.</remarks>
static class ContactRows
{
#pragma warning disable CA1304, CA1311, CA1845, CA1862   // expressions that become SQL: the database compares and cuts the text
    /// <summary>A domain has another name. Mail that still comes from the old one, where that is kept, is known by <see cref="AccountDirectory.SameAs"/>.</summary>
    public static async Task FollowAsync(AccountsContext db, DomainName from, DomainName to, CancellationToken ct)
    {
        (string old, string renamed) = ("@" + from.Value, "@" + to.Value);
        (string oldWritten, string renamedWritten) = ("@" + from.Display, "@" + to.Display);
        int cut = old.Length, cutWritten = oldWritten.Length;
        IQueryable<AccountContact> all = db.Contacts.Where(c => c.Address.EndsWith(old));
        // Somebody may have put him there by the new name before.
        var doubles = await all.Join(db.Contacts, c => new { c.AccountId, Address = c.Address.Substring(0, c.Address.Length - cut) + renamed }, c => new { c.AccountId, c.Address },
            (before, after) => new { Old = before, New = after }).ToListAsync(ct);
        foreach (var pair in doubles)
            Merge(db, pair.Old, pair.New);
        await db.SaveChangesAsync(ct);
        await all.Where(c => c.Written.ToLower().EndsWith(old)).ExecuteUpdateAsync(s => s
            .SetProperty(c => c.Written, c => c.Written.Substring(0, c.Written.Length - cut) + renamedWritten)
            .SetProperty(c => c.Address, c => c.Address.Substring(0, c.Address.Length - cut) + renamed), ct);
        await all.Where(c => c.Written.EndsWith(oldWritten)).ExecuteUpdateAsync(s => s
            .SetProperty(c => c.Written, c => c.Written.Substring(0, c.Written.Length - cutWritten) + renamedWritten)
            .SetProperty(c => c.Address, c => c.Address.Substring(0, c.Address.Length - cut) + renamed), ct);
        await all.ExecuteUpdateAsync(s => s
            .SetProperty(c => c.Written, c => c.Address.Substring(0, c.Address.Length - cut) + renamedWritten)
            .SetProperty(c => c.Address, c => c.Address.Substring(0, c.Address.Length - cut) + renamed), ct);
    }
#pragma warning restore CA1304, CA1311, CA1845, CA1862

    /// <summary>An account has another main address, under all names of its domain.</summary>
    /// <param name="from">Its local part before, canonical.</param>
    /// <param name="to">As it is shown now.</param>
    /// <param name="keepOld">True: it can still send from the old one, so that stays in the books beside the new one.</param>
    public static async Task FollowAsync(AccountsContext db, Domain domain, string from, string to, bool keepOld, CancellationToken ct)
    {
        List<string> names = await db.Domains.Where(d => d.AliasOfId == domain.Id).Select(d => d.Name).ToListAsync(ct);
        foreach (string name in names.Prepend(domain.Name))
        {
            if (AddressParts.Join(from, name) is not { } before || AddressParts.Join(to, name) is not { } after)
                continue;
            (string old, string renamed) = (before.Canonical, after.Canonical);
            Dictionary<long, AccountContact> there = await db.Contacts.Where(c => c.Address == renamed && db.Contacts.Any(o => o.AccountId == c.AccountId && o.Address == old))
                .ToDictionaryAsync(c => c.AccountId, ct);
            foreach (AccountContact entry in await db.Contacts.Where(c => c.Address == old).ToListAsync(ct))
            {
                if (!there.TryGetValue(entry.AccountId, out AccountContact? known))
                    db.Contacts.Add(new AccountContact { AccountId = entry.AccountId, Address = renamed, Written = after.ToString(), Name = entry.Name, CreatedAt = entry.CreatedAt });
                if (!keepOld)
                    Merge(db, entry, known);
            }
        }
        await db.SaveChangesAsync(ct);
    }

    static void Merge(AccountsContext db, AccountContact old, AccountContact? there)
    {
        if (there is { Name.Length: 0 })
            there.Name = old.Name;
        db.Contacts.Remove(old);
    }
}
