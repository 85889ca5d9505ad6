using System.Collections.Concurrent;
using System.Data.Common;
using MailEngine.Addresses;
using Microsoft.Extensions.Logging;

namespace MailEngine.Accounts;

/// <summary>The accounts database does not answer: 451 4.3.0 (RFC 3463 §3.4) or NO [UNAVAILABLE] (RFC 5530 §3); never a permanent refusal.</summary>
public sealed class DirectoryUnavailableException(Exception inner) : Exception("The account directory does not answer.", inner);

/// <summary>The engine's read door to accounts: answers from memory, and from accounts.db what memory does not hold.</summary>
/// <remarks>
/// All answers since the last change hang off one <see cref="Cache"/> object; a change swaps in an empty one. A look-up keeps what it found in
/// the cache it started with: if a change came meanwhile, that cache is garbage already and the stale answer goes with it. So there is no
/// lock on the reading side, and after <see cref="AccountsDatabase.WriteAsync{T}"/> has ended nobody here is told the old state.
/// </remarks>
public sealed class AccountDirectory : IDisposable
{
    // Names strangers ask for (RCPT guesses) land in the cache too; past this it starts anew.
    const int MaxCached = 200_000;

    readonly AccountsDatabase _database;
    readonly ILogger _log;
    readonly IDisposable _subscription;
    readonly ConcurrentDictionary<long, Action> _listeners = new();
    Cache _cache = new();
    long _nextListener;

    public AccountDirectory(AccountsDatabase database, ILogger<AccountDirectory> log)
    {
        _database = database;
        _log = log;
        _subscription = database.Listen(Changed);
    }

    /// <summary>What an address is here: the exact address, else the one before the subaddress separator, else the catch-all of its domain;
    /// domains that are another name of one are followed (<see cref="Resolution.Domain"/> is then the real one).</summary>
    /// <exception cref="DirectoryUnavailableException">The database does not answer.</exception>
    public ValueTask<Resolution> ResolveAsync(EmailAddress address, CancellationToken ct)
    {
        Cache cache = Volatile.Read(ref _cache);
        string local = address.CanonicalLocal;
        var key = new AddressKey(local, address.Domain);
        return cache.Resolutions.TryGetValue(key, out Resolution? known)
            ? new(InTheCaseOf(address, local, known))
            : new(LoadAsync());

        async Task<Resolution> LoadAsync()
        {
            Resolution found = await ReadAsync(cache, loader => loader.Resolve(key), ct);
            cache.MakeRoom();
            cache.Resolutions[key] = found;
            return InTheCaseOf(address, local, found);
        }
    }

    /// <summary>The same for who cannot wait: look-ups of SQLite wait for nobody.</summary>
    /// <exception cref="DirectoryUnavailableException">The database does not answer.</exception>
    public Resolution Resolve(EmailAddress address)
    {
        Cache cache = Volatile.Read(ref _cache);
        string local = address.CanonicalLocal;
        var key = new AddressKey(local, address.Domain);
        if (!cache.Resolutions.TryGetValue(key, out Resolution? found))
        {
            found = Read(cache, loader => loader.Resolve(key));
            cache.MakeRoom();
            cache.Resolutions[key] = found;
        }
        return InTheCaseOf(address, local, found);
    }

    /// <summary>The account with this log-in name, or the one whose address this is.</summary>
    /// <returns>Null: nobody.</returns>
    /// <exception cref="DirectoryUnavailableException">The database does not answer.</exception>
    public ValueTask<AccountEntry?> FindLoginAsync(string name, CancellationToken ct)
    {
        if (Account.CanonicalLogin(name) is not { } login)
            return default;
        Cache cache = Volatile.Read(ref _cache);
        return cache.Logins.TryGetValue(login, out AccountEntry? known) ? new(known) : new(LoadAsync());

        async Task<AccountEntry?> LoadAsync()
        {
            AccountEntry? found = await ReadAsync(cache, loader => loader.FindLogin(login), ct);
            if (found is null && EmailAddress.TryParse(login, out EmailAddress address))
            {
                // One's own address also does, as long as it is nobody else's too.
                Resolution r = await ResolveAsync(address, ct);
                if (r is { Detail: "", Address: { IsCatchAll: false, Targets: [{ Account: { } owner }] } })
                    found = owner;
            }
            cache.MakeRoom();
            cache.Logins[login] = found;
            return found;
        }
    }

    /// <returns>Null: no such account (any more).</returns>
    /// <exception cref="DirectoryUnavailableException">The database does not answer.</exception>
    public ValueTask<AccountEntry?> FindAccountAsync(long accountId, CancellationToken ct)
    {
        Cache cache = Volatile.Read(ref _cache);
        return cache.Accounts.TryGetValue(accountId, out AccountEntry? known) ? new(known) : new(LoadAsync());

        async Task<AccountEntry?> LoadAsync() =>
            (await ReadAsync(cache, loader => loader.LoadAccounts([accountId]), ct)).GetValueOrDefault(accountId);
    }

    /// <returns>Null: not a domain of ours. An alias is returned as such, not followed.</returns>
    /// <exception cref="DirectoryUnavailableException">The database does not answer.</exception>
    public ValueTask<DomainEntry?> FindDomainAsync(DomainName name, CancellationToken ct)
    {
        Cache cache = Volatile.Read(ref _cache);
        return cache.Domains.TryGetValue(name, out DomainEntry? known)
            ? new(known)
            : new(ReadAsync(cache, loader => loader.FindDomain(name), ct));
    }

    /// <summary>Scripts that run for everybody of a domain, or (null) of the server alone, in their order.</summary>
    /// <exception cref="DirectoryUnavailableException">The database does not answer.</exception>
    public Task<IReadOnlyList<FilterScript>> SharedScriptsAsync(long? domainId, CancellationToken ct) =>
        ReadAsync<IReadOnlyList<FilterScript>>(Volatile.Read(ref _cache), loader => loader.SharedScripts(domainId), ct);

    /// <summary>An address under all names that its domain has here, itself first: behind them is the same person. Of a stranger's domain: the address alone.</summary>
    /// <exception cref="DirectoryUnavailableException">The database does not answer.</exception>
    public IReadOnlyList<EmailAddress> SameAs(EmailAddress address) => Read(Volatile.Read(ref _cache), loader => loader.SameAs(address));

    /// <summary>Did the account's owner put an address into its address book, under whatever name of its domain? Look-ups of SQLite wait for nobody.</summary>
    /// <exception cref="DirectoryUnavailableException">The database does not answer.</exception>
    public bool HasContact(long accountId, EmailAddress address) =>
        Read(Volatile.Read(ref _cache), loader => loader.HasContact(accountId, address));

    /// <summary>A setting made in the panel, e.g. <see cref="Setting.Hostname"/>; null: not made.</summary>
    /// <exception cref="DirectoryUnavailableException">The database does not answer.</exception>
    public ValueTask<string?> FindSettingAsync(string key, CancellationToken ct)
    {
        Cache cache = Volatile.Read(ref _cache);
        if (cache.Settings.TryGetValue(key, out string? known))
            return new(known);
        try
        {
            string? value = _database.ReadSetting(key);
            cache.MakeRoom();
            cache.Settings[key] = value;
            return new(value);
        }
        catch (DbException e)
        {
            _log.LookUpFailed(e.Message);
            throw new DirectoryUnavailableException(e);
        }
    }

    /// <summary>Runs <paramref name="callback"/> on the thread pool after every change of accounts, domains, addresses, grants or settings, made
    /// here (at once) or by another process (within a second). Sessions re-check their account then. Dispose to stop.</summary>
    public IDisposable OnChange(Action callback)
    {
        long id = Interlocked.Increment(ref _nextListener);
        _listeners[id] = callback;
        return new Subscription(this, id);
    }

    public void Dispose() => _subscription.Dispose();

    void Changed()
    {
        Volatile.Write(ref _cache, new Cache());
        if (!_listeners.IsEmpty)
            ThreadPool.UnsafeQueueUserWorkItem(static directory => directory.Notify(), this, preferLocal: false);
    }

    void Notify()
    {
        foreach (Action callback in _listeners.Values)
        {
            try
            {
                callback();
            }
            catch (Exception e)   // one bad listener must not keep the others from hearing it
            {
                _log.ListenerFailed(e);
            }
        }
    }

    // SQLite has no asynchronous calls; the look-ups take a tenth of a millisecond on the caller's thread.
    Task<T> ReadAsync<T>(Cache cache, Func<DirectoryLoader, T> read, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        return Task.FromResult(Read(cache, read));
    }

    T Read<T>(Cache cache, Func<DirectoryLoader, T> read)
    {
        try
        {
            using DbConnection connection = _database.OpenConnection();
            return read(new DirectoryLoader(connection, cache));
        }
        catch (Exception e) when (e is DbException or TimeoutException or ObjectDisposedException or IOException)
        {
            _log.LookUpFailed(e.Message);
            throw new DirectoryUnavailableException(e);
        }
    }

    // Look-ups ignore case, the detail does not: it may name a folder. RFC 5233 §4
    static Resolution InTheCaseOf(EmailAddress asked, string canonicalLocal, Resolution found) =>
        found.Detail.Length == 0 || ReferenceEquals(asked.Local, canonicalLocal) || asked.Local.Length != canonicalLocal.Length
            ? found
            : found with { Detail = asked.Local[^found.Detail.Length..] };

    internal readonly record struct AddressKey(string CanonicalLocal, DomainName Domain);

    /// <summary>What was looked up since the last change. A null value: looked up and not there.</summary>
    internal sealed class Cache
    {
        int _entries;

        public ConcurrentDictionary<AddressKey, Resolution> Resolutions { get; } = new();
        public ConcurrentDictionary<string, AccountEntry?> Logins { get; } = new(StringComparer.Ordinal);
        public ConcurrentDictionary<long, AccountEntry?> Accounts { get; } = new();
        public ConcurrentDictionary<DomainName, DomainEntry?> Domains { get; } = new();
        public ConcurrentDictionary<string, string?> Settings { get; } = new(StringComparer.Ordinal);

        /// <summary>Other names of domains by the id of the real one; null: not read yet.</summary>
        public ILookup<long, string>? OtherNames { get; set; }

        /// <summary>Scripts of the server and of domains that run for everybody there, in their order; null: not read yet.</summary>
        public IReadOnlyList<SharedScript>? SharedScripts { get; set; }

        /// <summary>Counts one more entry; when there are too many all are dropped, which costs each a look-up of less than a millisecond.</summary>
        public void MakeRoom()
        {
            if (Interlocked.Increment(ref _entries) <= MaxCached)
                return;
            Resolutions.Clear();
            Logins.Clear();
            Accounts.Clear();
            Domains.Clear();
            Settings.Clear();
            Volatile.Write(ref _entries, 0);
        }
    }

    /// <param name="DomainId">Null: of the server.</param>
    internal sealed record SharedScript(long? DomainId, ScriptPlace Place, FilterScript Script);

    sealed class Subscription(AccountDirectory directory, long id) : IDisposable
    {
        public void Dispose() => directory._listeners.TryRemove(id, out _);
    }
}
