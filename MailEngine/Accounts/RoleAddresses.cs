using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>The addresses that every mail domain must have: postmaster (RFC 5321 §4.5.1) and abuse (RFC 2142 §4).</summary>
public static class RoleAddresses
{
    public static IReadOnlyList<string> Names { get; } = ["postmaster", "abuse"];

    /// <summary>Makes those that are missing and points them, and those that lead nowhere any more, at the account.</summary>
    public static async Task EnsureAsync(AccountsContext db, long domainId, long accountId, DateTimeOffset now, CancellationToken ct)
    {
        List<Address> there = await db.Addresses.Include(a => a.Targets)
            .Where(a => a.DomainId == domainId && Names.Contains(a.LocalPart)).ToListAsync(ct);
        foreach (string name in Names)
        {
            Address? address = there.Find(a => a.LocalPart == name);
            if (address is null)
            {
                address = new Address { DomainId = domainId, LocalPart = name, DisplayLocal = name, IsRole = true, CreatedAt = now };
                db.Addresses.Add(address);
            }
            if (address.Targets.Count == 0)
                address.Targets.Add(new Target { AccountId = accountId });
        }
    }
}
