using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Accounts;

public sealed class AccountsDatabaseTests
{
    static Task<AccountsDatabase> OpenAsync(string folder) =>
        AccountsDatabase.OpenAsync(folder, TimeProvider.System, NullLogger<AccountsDatabase>.Instance);

    [Fact]
    public async Task When_it_is_opened_first_then_folder_and_file_are_private_and_durable()
    {
        string folder = Path.Combine(Directory.CreateTempSubdirectory("accounts-").FullName, "data");
        await using AccountsDatabase database = await OpenAsync(folder);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(database.Path));
        await using AccountsContext db = database.NewContext();
        Assert.Equal("wal", await db.Database.SqlQueryRaw<string>("SELECT journal_mode AS Value FROM pragma_journal_mode").SingleAsync());
        Assert.Equal(2, await db.Database.SqlQueryRaw<int>("SELECT synchronous AS Value FROM pragma_synchronous").SingleAsync());
        Assert.False(db.Database.HasPendingModelChanges());
    }

    [Fact]
    public async Task When_the_file_is_no_database_then_one_line_says_what_to_do()
    {
        string folder = Directory.CreateTempSubdirectory("accounts-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "accounts.db"), new string('x', 8192));
        var e = await Assert.ThrowsAsync<AccountsOpenException>(() => OpenAsync(folder));
        Assert.Contains("put back a backup", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public async Task When_a_newer_version_wrote_it_then_it_is_left_alone()
    {
        string folder = Directory.CreateTempSubdirectory("accounts-").FullName;
        await using (AccountsDatabase database = await OpenAsync(folder))
        {
            await using AccountsContext db = database.NewContext();
            await db.Database.ExecuteSqlRawAsync("INSERT INTO __EFMigrationsHistory VALUES ('29990101000000_Later', '99')");
        }
        var e = await Assert.ThrowsAsync<AccountsOpenException>(() => OpenAsync(folder));
        Assert.Contains("29990101000000_Later", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_it_is_from_before_there_were_roles_then_superusers_and_masters_stay_what_they_are()
    {
        string folder = Directory.CreateTempSubdirectory("accounts-").FullName;
        await using (var old = new SqliteAccountsContext(SqliteAccountsContext.Options($"Data Source={Path.Combine(folder, "accounts.db")};Foreign Keys=True").Options))
        {
            await old.GetService<IMigrator>().MigrateAsync("Initial");
            await old.Database.ExecuteSqlRawAsync(
                "INSERT INTO domain VALUES (1, 'own.test', 'own.test', 0, 1, '', NULL, 0, 0, 0, 0, 0, 0, 0, '', 0, '+', '', 0, '00000000-0000-0000-0000-000000000001')");
            foreach (int id in (int[])[1, 2])
                await old.Database.ExecuteSqlAsync($"INSERT INTO account (Id, DisplayName, State, Services, HasMailbox, SearchText, CreatedAt, EmailConfirmed, PhoneNumberConfirmed, TwoFactorEnabled, LockoutEnabled, AccessFailedCount) VALUES ({id}, '', 0, 63, 0, '', 0, 0, 0, 0, 0, 0)");
            await old.Database.ExecuteSqlRawAsync("INSERT INTO \"grant\" (AccountId, DomainId, Permissions, GrantedAt) VALUES (1, NULL, 7, 0), (2, 1, 7, 0)");
        }
        await using AccountsDatabase database = await OpenAsync(folder);
        await using AccountsContext db = database.NewContext();
        long[] sets = await db.Grants.OrderBy(g => g.AccountId).Select(g => g.SetId).ToArrayAsync();
        Assert.Equal([PermissionSet.Superuser, PermissionSet.Master], sets);
        Assert.True((await Rights.OfAsync(db, 1, DateTimeOffset.UtcNow, default)).IsSuperuser);
        Assert.True((await Rights.OfAsync(db, 2, DateTimeOffset.UtcNow, default)).May(Permissions.Accounts, 1));
    }

    [Fact]
    public async Task When_it_is_from_before_domains_had_scripts_then_those_of_accounts_are_there_with_their_versions()
    {
        string folder = Directory.CreateTempSubdirectory("accounts-").FullName;
        await using (var old = new SqliteAccountsContext(SqliteAccountsContext.Options($"Data Source={Path.Combine(folder, "accounts.db")};Foreign Keys=True").Options))
        {
            await old.GetService<IMigrator>().MigrateAsync("AuditAccountsAndZones");
            await old.Database.ExecuteSqlRawAsync("INSERT INTO account (Id, DisplayName, State, Services, HasMailbox, SearchText, CreatedAt, EmailConfirmed, PhoneNumberConfirmed, TwoFactorEnabled, LockoutEnabled, AccessFailedCount) VALUES (1, '', 0, 63, 1, '', 0, 0, 0, 0, 0, 0)");
            await old.Database.ExecuteSqlRawAsync("INSERT INTO sieve_script (Id, AccountId, Name, IsActive, Version, Bytes, ChangedAt) VALUES (7, 1, 'main', 1, 2, 5, 0)");
            await old.Database.ExecuteSqlRawAsync("INSERT INTO sieve_script_version (ScriptId, Version, Content, SavedAt) VALUES (7, 2, x'6b6565703b', 0)");
        }
        await using AccountsDatabase database = await OpenAsync(folder);
        Assert.Equal("keep;"u8.ToArray(), await new SieveScripts(database).ReadAsync(1, "main", default));
    }

    [Fact]
    public async Task When_an_account_is_deleted_then_its_id_is_never_given_again()
    {
        await using AccountsRig rig = await AccountsRig.OpenAsync();
        await rig.GivenDomainAsync("example.test");
        long first = await rig.GivenAccountAsync("ann@example.test");
        await rig.WriteAsync(async db =>
        {
            await db.Accounts.ExecuteDeleteAsync();
            await db.Addresses.ExecuteDeleteAsync();
        });
        Assert.True(await rig.GivenAccountAsync("ann@example.test") > first);
    }

    [Fact]
    public async Task When_many_write_at_once_then_each_sees_what_the_one_before_left()
    {
        await using AccountsRig rig = await AccountsRig.OpenAsync();
        await using AccountsDatabase other = await OpenAsync(rig.Folder);
        long id = await rig.GivenDomainAsync("example.test");
        AccountsDatabase[] both = [rig.Database, other];
        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => Task.Run(() => both[i % 2].WriteAsync(async db =>
        {
            Domain domain = await db.Domains.SingleAsync(d => d.Id == id);
            domain.LoginCounter++;
            return await db.SaveChangesAsync();
        }, _ => true))));
        await using AccountsContext check = rig.Database.NewContext();
        Assert.Equal(60, (await check.Domains.SingleAsync()).LoginCounter);
    }
}
