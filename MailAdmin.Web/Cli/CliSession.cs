using MailAdmin.Web.Services;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Sasl;
using MailEngine.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Web.Cli;

/// <summary>What a command works on: accounts.db opened by this process, and the store, which belongs to the server while one runs.</summary>
sealed class CliSession : IAsyncDisposable
{
    readonly Lazy<Task<IStoreDoor>> _door;
    AccountsDatabase? _database;
    AccountDirectory? _directory;
    Authenticator? _authenticator;
    MailStore? _store;
    StoreTaskRunner? _tasks;

    /// <param name="reason">For the audit of whatever is changed; empty: none.</param>
    public CliSession(EngineOptions options, CliOutput output, TextReader input, string reason = "")
    {
        Actor = Actor.Cli(Environment.UserName).Because(reason);
        Options = options;
        MailEngine.Store.Backup.StoreRestore.Finish(options.DataPath);
        Output = output;
        Input = input;
        Hashes = new PasswordHashes(options.Passwords);
        _door = new Lazy<Task<IStoreDoor>>(FindStoreAsync);
    }

    public EngineOptions Options { get; }
    public CliOutput Output { get; }
    public TextReader Input { get; }
    public PasswordHashes Hashes { get; }
    public Actor Actor { get; }

    public async Task<AccountsDatabase> DatabaseAsync() =>
        _database ??= await AccountsDatabase.OpenAsync(Options.DataPath, TimeProvider.System, NullLogger<AccountsDatabase>.Instance);

    public async Task<Changes> ChangesAsync() => new(await DatabaseAsync());

    /// <summary>The running server's store, else the one of the data folder, opened here.</summary>
    /// <exception cref="StoreOpenException">Neither is to be had.</exception>
    public Task<IStoreDoor> StoreAsync() => _door.Value;

    public async Task<DomainService> DomainsAsync() => new(await ChangesAsync(), await NoTasksAsync());

    public async Task<GrantService> GrantsAsync() => new(await ChangesAsync(), Options, Hashes);

    public async Task<AddressService> AddressesAsync() => new(await ChangesAsync(), Options);

    public async Task<AccountImport> ImportAsync() => new(await ChangesAsync(), Options, Hashes);

    public async Task<AccountService> AccountsAsync() => new(await ChangesAsync(), Options, Hashes, await NoTasksAsync(), await StoreAsync());

    public async Task<DomainNameService> DomainNamesAsync() => new(await ChangesAsync(), await NoTasksAsync(), await StoreAsync(), null);

    public async Task<AccountNameService> AccountNamesAsync() => new(await ChangesAsync());

    public async Task<ScriptService> ScriptsAsync() => new(await ChangesAsync(), new SieveScripts(await DatabaseAsync()), Options);

    public async Task<ContactService> ContactsAsync() => new(await ChangesAsync(), await ScriptsAsync(), Options);

    public async Task<VacationService> VacationsAsync() => new(await ChangesAsync(), Options);

    public async Task<QueueOrderService> QueueAsync() => new(await ChangesAsync(), await StoreAsync());

    public async Task<DeletedMailService> DeletedMailAsync() => new(await ChangesAsync(), await StoreAsync());

    public async Task<ExchangeService> ExchangeAsync() => new(await ChangesAsync(), await StoreAsync());

    public async Task<PartitionService> PartitionsAsync() => new(await ChangesAsync(), await StoreAsync());

    public async Task<PasswordService> PasswordsAsync() => new(await ChangesAsync(), Options, Hashes, await OwnPasswordsAsync());

    public async Task<RecoveryService> RecoveryAsync() => new(
        await ChangesAsync(), await DatabaseAsync(), await DirectoryAsync(), await OwnPasswordsAsync(), Hashes, await PanelAsync(), await StoreAsync(), Options);

    public async Task<InvitationService> InvitationsAsync() => new(await ChangesAsync(), await RecoveryAsync(), await PanelAsync(), Options);

    async Task<AccountDirectory> DirectoryAsync() => _directory ??= new AccountDirectory(await DatabaseAsync(), NullLogger<AccountDirectory>.Instance);

    async Task<PanelAddress> PanelAsync() => new(Options, new HostSettings(Options, await DirectoryAsync()));

    async Task<OwnPasswordCheck> OwnPasswordsAsync()
    {
        _authenticator ??= new Authenticator(await DirectoryAsync(), await DatabaseAsync(), Hashes, Options.Limits, NullLogger<Authenticator>.Instance);
        return new OwnPasswordCheck(await ChangesAsync(), _authenticator);
    }

    // Services leave their store tasks in the table; whoever has the store open is asked for them once, at the end of the command.
    async Task<StoreTaskRunner> NoTasksAsync() => new(await DatabaseAsync(), null, NullLogger<StoreTaskRunner>.Instance);

    async Task<IStoreDoor> FindStoreAsync()
    {
        if (await ControlClient.FindAsync(Options.DataPath) is { } running)
            return running;
        try
        {
            _store = await MailStore.OpenAsync(Options.DataPath, Options.Store, TimeProvider.System, NullLogger<MailStore>.Instance, Options.Limits);
        }
        catch (StoreOpenException)
        {
            // Was a server just starting?
            if (await ControlClient.FindAsync(Options.DataPath) is { } started)
                return started;
            throw;
        }
        AccountsDatabase database = await DatabaseAsync();
        _store.DomainOf = id => AccountDomains.FindAsync(database, id);
        _tasks = new StoreTaskRunner(await DatabaseAsync(), _store, NullLogger<StoreTaskRunner>.Instance);
        return new LocalStoreDoor(_store, null, _tasks, Options.Limits, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        _tasks?.Dispose();
        if (_store is not null)
            await _store.DisposeAsync();
        if (_authenticator is not null)
            await _authenticator.DisposeAsync();
        _directory?.Dispose();
        if (_database is not null)
            await _database.DisposeAsync();
    }
}
