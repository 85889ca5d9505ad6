using MailEngine;
using MailEngine.Accounts;
using MailEngine.Sasl;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Accounts;

/// <summary>A real accounts.db in a temporary folder with the directory and the authenticator over it.</summary>
public sealed class AccountsRig : IAsyncDisposable
{
    AccountsRig(string folder, AccountsDatabase database, TimeProvider clock, LimitOptions limits)
    {
        Folder = folder;
        Database = database;
        Clock = clock;
        Hashes = new PasswordHashes(new PasswordOptions { Iterations = 1000 });
        Directory = new AccountDirectory(database, NullLogger<AccountDirectory>.Instance);
        Authenticator = new Authenticator(Directory, database, Hashes, limits, NullLogger<Authenticator>.Instance);
    }

    public string Folder { get; }
    public AccountsDatabase Database { get; }
    public AccountDirectory Directory { get; }
    public PasswordHashes Hashes { get; }
    public Authenticator Authenticator { get; }
    public TimeProvider Clock { get; }
    public ManualClock Hands => (ManualClock)Clock;

    const string DatabaseFile = "accounts.db";
    static readonly Lazy<Task<byte[]>> s_empty = new(MakeEmptyAsync);

    /// <summary>Puts an accounts.db without accounts into a new folder: its migrations ran once for all tests. Those that are about them do without.</summary>
    public static async Task PrepareAsync(string folder)
    {
        System.IO.Directory.CreateDirectory(folder);
        await File.WriteAllBytesAsync(Path.Combine(folder, DatabaseFile), await s_empty.Value);
    }

    static async Task<byte[]> MakeEmptyAsync()
    {
        string folder = System.IO.Directory.CreateTempSubdirectory("accounts-").FullName;
        await using (AccountsDatabase database = await AccountsDatabase.OpenAsync(folder, TimeProvider.System, NullLogger<AccountsDatabase>.Instance))
        {
        }
        Assert.False(File.Exists(Path.Combine(folder, DatabaseFile + "-wal")));
        byte[] bytes = await File.ReadAllBytesAsync(Path.Combine(folder, DatabaseFile));
        System.IO.Directory.Delete(folder, recursive: true);
        return bytes;
    }

    public static async Task<AccountsRig> OpenAsync(TimeProvider? clock = null, string? folder = null, LimitOptions? limits = null)
    {
        clock ??= new ManualClock();
        folder ??= System.IO.Directory.CreateTempSubdirectory("accounts-").FullName;
        if (!File.Exists(Path.Combine(folder, DatabaseFile)))
            await PrepareAsync(folder);
        AccountsDatabase database = await AccountsDatabase.OpenAsync(folder, clock, NullLogger<AccountsDatabase>.Instance);
        return new AccountsRig(folder, database, clock, limits ?? new LimitOptions());
    }

    public Task<T> WriteAsync<T>(Func<AccountsContext, Task<T>> work) => Database.WriteAsync(work, _ => true);

    public Task WriteAsync(Func<AccountsContext, Task> work) => WriteAsync(async db =>
    {
        await work(db);
        return 0;
    });

    public Task<long> GivenDomainAsync(string name, Action<Domain>? change = null) => WriteAsync(async db =>
    {
        var domain = new Domain { Name = name, DisplayName = name };
        change?.Invoke(domain);
        db.Domains.Add(domain);
        await db.SaveChangesAsync();
        return domain.Id;
    });

    /// <summary>An account with its primary address; its domain must be there.</summary>
    public Task<long> GivenAccountAsync(string address, string password = "correct horse 7 stairs", Action<Account>? change = null) => WriteAsync(async db =>
    {
        string[] parts = address.Split('@');
        Domain domain = await db.Domains.SingleAsync(d => d.Name == parts[1]);
        var account = new Account
        {
            DomainId = domain.Id, HasMailbox = true, PasswordHash = Hashes.Make(password), SecurityStamp = Guid.NewGuid().ToString("N"),
        };
        account.SetLogin(address);
        change?.Invoke(account);
        db.Accounts.Add(account);
        await db.SaveChangesAsync();
        var row = new Address { DomainId = domain.Id, LocalPart = parts[0], DisplayLocal = parts[0] };
        row.Targets.Add(new Target { AccountId = account.Id });
        db.Addresses.Add(row);
        await db.SaveChangesAsync();
        account.PrimaryAddressId = row.Id;
        await db.SaveChangesAsync();
        return account.Id;
    });

    public Task<long> GivenAddressAsync(long domainId, string local, params object[] targets) => WriteAsync(async db =>
    {
        var row = new Address { DomainId = domainId, LocalPart = local, DisplayLocal = local };
        foreach (object target in targets)
            row.Targets.Add(target is long id ? new Target { AccountId = id } : new Target { Outside = (string)target });
        db.Addresses.Add(row);
        await db.SaveChangesAsync();
        return row.Id;
    });

    public async ValueTask DisposeAsync()
    {
        await Authenticator.DisposeAsync();
        Directory.Dispose();
        await Database.DisposeAsync();
        if (System.IO.Directory.Exists(Folder))
            System.IO.Directory.Delete(Folder, recursive: true);
    }
}
