using System.Globalization;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;

namespace PanelBench;

/// <summary>Makes an installation of some size, the same each time: names as people have them, one alias for every second account, a list for
/// every domain, log-ins at all times of the last year, and a record of changes.</summary>
static class Seeder
{
    static readonly string[] s_first = "anna ben clara david emma felix greta hugo ida jonas klara leo mia noah olga paul rosa samuel tina viktor".Split(' ');
    static readonly string[] s_last = "adler bauer conrad dietrich engel fischer graf huber iversen jung keller lang maier neumann otto peters richter schmidt thoma vogel".Split(' ');
    static readonly string[] s_words = "blue north river stone green field light market harbor forest silver garden".Split(' ');

    public static async Task RunAsync(string folder, int domains, int accounts)
    {
        if (File.Exists(Path.Combine(folder, "accounts.db")))
            throw new InvalidOperationException($"{folder} has an accounts.db already: name a new folder.");
        await using AccountsDatabase database = await AccountsDatabase.OpenAsync(folder, TimeProvider.System, NullLogger<AccountsDatabase>.Instance);
        var random = new Random(2026);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        for (int d = 0; d < domains; d++)
        {
            // A few large ones, many small ones, as everywhere.
            int share = (accounts / domains / 2) + (d < domains / 10 ? accounts / 2 / (domains / 10) : 0);
            string name = $"{s_words[random.Next(s_words.Length)]}-{s_words[random.Next(s_words.Length)]}-{d:0000}.example";
            await database.WriteAsync(async db =>
            {
                await AddDomainAsync(db, name, share, random, now);
                return 0;
            }, _ => true);
        }
        await database.WriteAsync(async db =>
        {
            await db.Database.ExecuteSqlAsync($"ANALYZE");
            return 0;
        }, _ => true);
    }

    static async Task AddDomainAsync(AccountsContext db, string name, int accounts, Random random, DateTimeOffset now)
    {
        var domain = new Domain { Name = name, DisplayName = name, DefaultQuotaBytes = 1L << 30, CreatedAt = now };
        db.Domains.Add(domain);
        await db.SaveChangesAsync();
        using var addresses = new PreparedInsert<Address>(db);
        using var rows = new PreparedInsert<Account>(db);
        using var targets = new PreparedInsert<Target>(db);
        long first = 0;
        for (int i = 0; i < accounts; i++)
        {
            string given = s_first[random.Next(s_first.Length)], family = s_last[random.Next(s_last.Length)];
            string local = string.Create(CultureInfo.InvariantCulture, $"{given}.{family}{i}");
            var account = new Account
            {
                DomainId = domain.Id, HasMailbox = true, DisplayName = $"{char.ToUpperInvariant(given[0])}{given[1..]} {char.ToUpperInvariant(family[0])}{family[1..]}",
                PasswordHash = new string('h', 120), SecurityStamp = Guid.NewGuid().ToString("N"), ConcurrencyStamp = Guid.NewGuid().ToString("N"), CreatedAt = now,
                State = random.Next(50) == 0 ? AccountState.Suspended : AccountState.Active,
                LastLoginAt = random.Next(5) == 0 ? null : now.AddMinutes(-random.Next(525_600)),
            };
            account.SetLogin($"{local}@{name}");
            account.PrimaryAddressId = addresses.Insert(new Address { DomainId = domain.Id, LocalPart = local, DisplayLocal = local, CreatedAt = now });
            long id = rows.Insert(account);
            targets.Insert(new Target { AddressId = account.PrimaryAddressId.Value, AccountId = id });
            first = first == 0 ? id : first;
            if (i % 2 == 0)
                targets.Insert(new Target { AddressId = addresses.Insert(new Address { DomainId = domain.Id, LocalPart = $"{given[0]}{family}{i}", DisplayLocal = $"{given[0]}{family}{i}", CreatedAt = now }), AccountId = id });
        }
        if (first == 0)
            return;
        long list = addresses.Insert(new Address { DomainId = domain.Id, LocalPart = "all", DisplayLocal = "all", CreatedAt = now });
        for (long id = first; id < first + Math.Min(accounts, 200); id++)
            targets.Insert(new Target { AddressId = list, AccountId = id });
        await RoleAddresses.EnsureAsync(db, domain.Id, first, now, default);
        await db.SaveChangesAsync();
    }
}
