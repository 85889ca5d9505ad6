using System.Diagnostics;
using MailAdmin.Web.Services;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Sasl;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace PanelBench;

/// <summary>Asks each list as its page does. Aim: every page, sort and filter ≤ 200 ms at the 95th percentile, a search while typing ≤ 150 ms.</summary>
static class ListTimes
{
    const int Rows = 25;
    const int Rounds = 5;

    public static async Task<int> RunAsync(string folder)
    {
        await using AccountsDatabase database = await AccountsDatabase.OpenAsync(folder, TimeProvider.System, NullLogger<AccountsDatabase>.Instance);
        using var directory = new AccountDirectory(database, NullLogger<AccountDirectory>.Instance);
        var options = new EngineOptions { DataPath = folder };
        var hashes = new PasswordHashes(options.Passwords);
        await using var authenticator = new Authenticator(directory, database, hashes, options.Limits, NullLogger<Authenticator>.Instance);
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(options).AddSingleton(TimeProvider.System).AddSingleton(database).AddSingleton(directory).AddSingleton(hashes).AddSingleton(authenticator);
        services.AddAdminServices();
        await using ServiceProvider provider = services.BuildServiceProvider();
        Actor root = Actor.Cli("bench");
        Actor master = await MasterAsync(database);

        bool good = true;
        foreach ((string who, Actor actor) in new[] { ("superuser", root), ("master of 30 domains", master) })
        {
            good &= await MeasureAsync($"domains, {who}", 200, ["", "Name", "Accounts"], ["", "blue", "harbor-07", "nothing"],
                async page => (await provider.GetRequiredService<DomainService>().ListAsync(actor, page)).Value!.Total);
            good &= await MeasureAsync($"accounts, {who}", 200, ["", "Login", "DisplayName", "LastLoginAt", "State"], ["", "a", "anna", "vogel9", "nothing here"],
                async page => (await provider.GetRequiredService<AccountService>().ListAsync(actor, new AccountQuery(page))).Value!.Total);
            good &= await MeasureAsync($"accounts suspended, {who}", 200, ["", "Login", "LastLoginAt"], ["", "anna", "nothing here"],
                async page => (await provider.GetRequiredService<AccountService>().ListAsync(actor, new AccountQuery(page, State: AccountState.Suspended))).Value!.Total);
            good &= await MeasureAsync($"addresses, {who}", 200, ["", "Address"], ["", "a", "anna", "all@", "vogel9@blue", "nothing here"],
                async page => (await provider.GetRequiredService<AddressService>().ListAsync(actor, new AddressQuery(page))).Value!.Total);
            good &= await MeasureAsync($"audit, {who}", 200, [""], ["", "anna", "blue", "nothing here"],
                async page => (await provider.GetRequiredService<AuditService>().ListAsync(actor, new AuditQuery(page))).Value!.Total);
            good &= await MeasureAsync($"search box, {who}", 150, [""], ["a", "an", "anna", "anna.vogel", "blue", "all@silver", "nothing here"], async page =>
            {
                _ = (await provider.GetRequiredService<SearchService>().FindAsync(actor, page.Filter)).Value!;
                return 0;
            });
        }
        long large = (await provider.GetRequiredService<DomainService>().ListAsync(root, new PageRequest(Sort: "Accounts", Descending: true, Take: 1))).Value!.Items[0].Id;
        good &= await MeasureAsync("accounts of one domain", 200, ["", "DisplayName", "LastLoginAt"], ["", "anna", "nothing here"],
            async page => (await provider.GetRequiredService<AccountService>().ListAsync(root, new AccountQuery(page, large))).Value!.Total);
        return good ? 0 : 1;
    }

    static async Task<Actor> MasterAsync(AccountsDatabase database)
    {
        await using (AccountsContext db = database.NewContext())
        {
            if (await db.Grants.Select(g => (long?)g.AccountId).FirstOrDefaultAsync() is { } there)
                return Actor.Account(there, "master", "");
        }
        long id = await database.WriteAsync(async db =>
        {
            long account = await db.Accounts.Where(a => a.State == AccountState.Active).OrderBy(a => a.Id).Select(a => a.Id).FirstAsync();
            foreach (long domain in await db.Domains.OrderBy(d => d.Id).Take(30).Select(d => d.Id).ToListAsync())
                db.Grants.Add(new Grant { AccountId = account, DomainId = domain, SetId = PermissionSet.Master });
            await db.SaveChangesAsync();
            return account;
        }, _ => true);
        return Actor.Account(id, "master", "");
    }

    static async Task<bool> MeasureAsync(string what, int most, string[] sorts, string[] filters, Func<PageRequest, Task<int>> ask)
    {
        var times = new List<(double Ms, string What)>();
        await ask(new PageRequest(Take: Rows));   // what is compiled once
        foreach (string filter in filters)
        {
            int total = await ask(new PageRequest(Take: Rows, Filter: filter));
            foreach (string sort in sorts)
            {
                foreach (bool down in new[] { false, true })
                {
                    foreach (int skip in new[] { 0, total / 2, Math.Max(0, total - Rows) }.Distinct())
                    {
                        for (int i = 0; i < Rounds; i++)
                        {
                            var watch = Stopwatch.StartNew();
                            await ask(new PageRequest(skip, Rows, sort, down, filter));
                            times.Add((watch.Elapsed.TotalMilliseconds, $"sort {sort} {(down ? "down" : "up")}, filter \"{filter}\", from {skip}"));
                        }
                    }
                }
            }
        }
        times.Sort();
        double p95 = times[(int)Math.Ceiling(times.Count * 0.95) - 1].Ms;
        Console.WriteLine($"| {what} | {times.Count} | {times[times.Count / 2].Ms:0.0} | {p95:0.0} | {times[^1].Ms:0.0} | {times[^1].What} |");
        return p95 <= most;
    }
}
