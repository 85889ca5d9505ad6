using System.Data.Common;
using System.Reflection;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.Logging;

namespace MailEngine.Accounts;

/// <summary>accounts.db cannot be opened. <see cref="Exception.Message"/> is one line for the operator: what is wrong and what to do.</summary>
public sealed class AccountsOpenException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Owns accounts.db: opens and migrates it, makes contexts, runs writes, and tells of changes made here or by other processes.</summary>
/// <remarks>
/// WAL, synchronous=FULL: a change that was confirmed survives power loss. Every write that matters to the engine goes through
/// <see cref="WriteAsync{T}"/>: one at a time in this process, BEGIN IMMEDIATE against others, so what a write reads (limits, the last
/// superuser) is still true when it commits. It raises the change stamp in the same transaction. A held connection asks
/// PRAGMA data_version (no disk access) twice a second and reads the stamp only when some other connection has committed.
/// </remarks>
public sealed class AccountsDatabase : IAsyncDisposable
{
    /// <summary>Changes of other processes are seen at the latest after this.</summary>
    public static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(500);

    readonly DbContextOptions<SqliteAccountsContext> _options;
    readonly string _connectionString;
    readonly ILogger _log;
    readonly SemaphoreSlim _oneWriter = new(1, 1);
    readonly Lock _pollLock = new();
    readonly SqliteConnection _watch;
    readonly List<Action> _listeners = [];
    Task _warmUp = Task.CompletedTask;
    ITimer? _timer;
    long _dataVersion;
    long _stamp;
    bool _pollFailing;

    AccountsDatabase(
        string path, string connectionString, DbContextOptions<SqliteAccountsContext> options, SqliteConnection watch, TimeProvider clock, ILogger log)
    {
        Path = path;
        _options = options;
        _connectionString = connectionString;
        _watch = watch;
        _log = log;
        Clock = clock;
    }

    public string Path { get; }

    public TimeProvider Clock { get; }

    /// <summary>Opens <c>accounts.db</c> in the folder, making and migrating it as needed.</summary>
    /// <exception cref="AccountsOpenException">It cannot be opened.</exception>
    public static async Task<AccountsDatabase> OpenAsync(string dataPath, TimeProvider clock, ILogger<AccountsDatabase> log)
    {
        string path = System.IO.Path.GetFullPath(System.IO.Path.Combine(dataPath, "accounts.db"));
        try
        {
            string folder = System.IO.Path.GetDirectoryName(path)!;
            if (!Directory.Exists(folder))
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            if (!File.Exists(path))
            {
                // Made before SQLite does, so that it is never readable by others; SQLite gives its -wal and -shm the same mode.
                await using FileStream _ = new(path, new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                });
            }
            SqliteBootstrap.EnsureDone();
            return await OpenAsync(path, clock, (ILogger)log);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 11 or 26)   // SQLITE_CORRUPT, SQLITE_NOTADB
        {
            throw new AccountsOpenException($"{path} is damaged ({e.Message.Trim()}): stop the server and put back a backup of this file.", e);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 13)   // SQLITE_FULL
        {
            throw new AccountsOpenException($"the disk that holds {path} is full: make room and start again.", e);
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new AccountsOpenException($"{path} cannot be opened ({e.Message.Trim()}): check Mail:DataPath and the rights on that folder.", e);
        }
    }

    static async Task<AccountsDatabase> OpenAsync(string path, TimeProvider clock, ILogger log)
    {
        string connectionString = new SqliteConnectionStringBuilder { DataSource = path, ForeignKeys = true, DefaultTimeout = 10 }.ToString();
        DbContextOptions<SqliteAccountsContext> options = SqliteAccountsContext.Options(connectionString)
            .AddInterceptors(new DurableConnections()).Options;
        var watch = new SqliteConnection(connectionString + ";Pooling=False");
        var database = new AccountsDatabase(path, connectionString, options, watch, clock, log);
        try
        {
            watch.Open();
            database.ReadText("PRAGMA journal_mode=WAL");
            await database.MigrateAsync();
            await database.ChainOldAuditAsync();
            await database.WriteOldVacationsAsync();
            database._dataVersion = database.ReadNumber("PRAGMA data_version");
            database._stamp = database.ReadNumber("SELECT Value FROM change_stamp WHERE Id = 1");
        }
        catch (Exception)
        {
            await watch.DisposeAsync();
            throw;
        }
        database._timer = clock.CreateTimer(_ => database.Poll(), null, PollInterval, PollInterval);
        return database;
    }

    // EF takes a second to build its model on a small machine. A file that is up to date is recognised without it, and the model is built
    // while ports and panel start.
    async Task MigrateAsync()
    {
        string[] known = [.. typeof(SqliteAccountsContext).Assembly.GetTypes()
            .Where(t => t.GetCustomAttribute<DbContextAttribute>()?.ContextType == typeof(SqliteAccountsContext))
            .Select(t => t.GetCustomAttribute<MigrationAttribute>()?.Id).OfType<string>().Order(StringComparer.Ordinal)];
        HashSet<string> applied = ReadNumber("SELECT count(*) FROM sqlite_master WHERE name = '__EFMigrationsHistory'") == 0
            ? []
            : [.. ReadText("SELECT group_concat(MigrationId, ' ') FROM __EFMigrationsHistory").Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        if (applied.Except(known).FirstOrDefault() is { } newer)
            throw new AccountsOpenException($"{Path} was written by a newer version (it has {newer}): start that version, or put back an older backup.");
        if (applied.IsSupersetOf(known))
        {
            _warmUp = Task.Run(WarmUp);
            return;
        }
        await using AccountsContext db = NewContext();
        await db.Database.MigrateAsync();
        _log.Migrated(known.Length - applied.Count, known[^1]);
    }

    async Task ChainOldAuditAsync()
    {
        if (ReadNumber("SELECT EXISTS (SELECT 1 FROM audit WHERE Id = (SELECT min(Id) FROM audit) AND Hash = '')") == 0
            || ReadNumber($"SELECT count(*) FROM setting WHERE Key = '{Setting.AuditHead}'") > 0)
            return;
        await WriteQuietlyAsync(async db =>
        {
            await AuditChain.ChainOldAsync(db);
            _ = db.Chain;   // notes its end
        });
    }

    // Answers that were set before they were scripts.
    async Task WriteOldVacationsAsync()
    {
        if (ReadNumber($"""
            SELECT EXISTS (SELECT 1 FROM vacation v WHERE v.Enabled AND NOT EXISTS (
                SELECT 1 FROM sieve_script s WHERE s.AccountId = v.AccountId AND s.Place = {(int)ScriptPlace.Vacation}))
            """) == 0)
            return;
        await WriteQuietlyAsync(async db =>
        {
            List<Vacation> old = await db.Vacations.Where(v => v.Enabled && !db.SieveScripts.Any(s => s.AccountId == v.AccountId && s.Place == ScriptPlace.Vacation)).ToListAsync();
            foreach (Vacation vacation in old)
                await ScriptRows.SetVacationAsync(db, vacation, Clock.GetUtcNow(), default);
        });
    }

    void WarmUp()
    {
        try
        {
            using AccountsContext db = NewContext();
            _ = db.Accounts.Select(a => a.Id).FirstOrDefault();
        }
        catch (Exception e) when (e is DbException or InvalidOperationException or ObjectDisposedException)
        {
            // Whoever asks first in earnest gets the fault, or the database is closed already.
        }
    }

    /// <summary>A connection of the pool, for reading without EF.</summary>
    /// <exception cref="SqliteException">The database does not answer.</exception>
    internal SqliteConnection OpenConnection()
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            return connection;
        }
        catch (SqliteException)
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A setting, without EF: asked for while the process starts. Null: not made.</summary>
    /// <exception cref="SqliteException">The database does not answer.</exception>
    internal string? ReadSetting(string key)
    {
        using SqliteConnection connection = OpenConnection();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT Value FROM setting WHERE Key = $key";
        command.Parameters.AddWithValue("$key", key);
        return command.ExecuteScalar() as string;
    }

    /// <summary>A context for one operation; the caller disposes it.</summary>
    public AccountsContext NewContext() => new SqliteAccountsContext(_options);

    /// <summary>Runs one change in one transaction. When <paramref name="keep"/> says so it is committed, the change stamp with it, and everyone
    /// who listens here has been told before the task ends; otherwise nothing has happened.</summary>
    /// <param name="work">Reads, checks and calls SaveChanges. What it reads cannot change before it commits.</param>
    /// <exception cref="DbUpdateConcurrencyException">Somebody else changed a row of the same version first.</exception>
    /// <exception cref="LastSuperuserException">Nobody could administer the server after it; nothing has happened.</exception>
    public async Task<T> WriteAsync<T>(Func<AccountsContext, Task<T>> work, Func<T, bool> keep, CancellationToken ct = default)
    {
        await _oneWriter.WaitAsync(ct);
        try
        {
            await using AccountsContext db = NewContext();
            await using var transaction = await db.Database.BeginTransactionAsync(ct);
            bool hadSuperuser = await Superusers.AnyAsync(db, ct);
            T result = await work(db);
            if (!keep(result))
                return result;
            if (hadSuperuser && !await Superusers.AnyAsync(db, ct))
                throw new LastSuperuserException();
            await db.SaveAuditHeadAsync(ct);
            await db.ChangeStamps.ExecuteUpdateAsync(s => s.SetProperty(c => c.Value, c => c.Value + 1), ct);
            await transaction.CommitAsync(CancellationToken.None);
            Poll();
            return result;
        }
        finally
        {
            _oneWriter.Release();
        }
    }

    /// <summary>Like <see cref="WriteAsync{T}"/> for what the engine's cache does not hold (last log-in, failed log-ins): no change stamp.</summary>
    public async Task WriteQuietlyAsync(Func<AccountsContext, Task> work, CancellationToken ct = default)
    {
        await _oneWriter.WaitAsync(ct);
        try
        {
            await using AccountsContext db = NewContext();
            await using var transaction = await db.Database.BeginTransactionAsync(ct);
            await work(db);
            await db.SaveAuditHeadAsync(ct);
            await transaction.CommitAsync(CancellationToken.None);
        }
        finally
        {
            _oneWriter.Release();
        }
    }

    /// <summary>Calls back after every change, on the thread that found it; must be quick and must not throw. Dispose to stop.</summary>
    internal IDisposable Listen(Action changed)
    {
        lock (_pollLock)
            _listeners.Add(changed);
        return new Subscription(this, changed);
    }

    /// <summary>Looks for changes now instead of at the next poll.</summary>
    internal void Poll()
    {
        lock (_pollLock)
        {
            if (_timer is null)
                return;
            try
            {
                long dataVersion = ReadNumber("PRAGMA data_version");
                if (_pollFailing)
                {
                    _pollFailing = false;
                    _log.PollRecovered();
                }
                if (dataVersion == _dataVersion)
                    return;
                long stamp = ReadNumber("SELECT Value FROM change_stamp WHERE Id = 1");
                _dataVersion = dataVersion;
                if (stamp == _stamp)
                    return;
                _stamp = stamp;
            }
            catch (SqliteException e)
            {
                if (!_pollFailing)
                    _log.PollFailed(e.Message);
                _pollFailing = true;
                return;
            }
            foreach (Action listener in _listeners)
                listener();
        }
    }

    long ReadNumber(string sql) => Read(sql) as long? ?? 0;

    string ReadText(string sql) => Read(sql) as string ?? "";

    object? Read(string sql)
    {
        using SqliteCommand command = _watch.CreateCommand();
#pragma warning disable CA2100 // Constants only.
        command.CommandText = sql;
#pragma warning restore CA2100
        return command.ExecuteScalar();
    }

    public async ValueTask DisposeAsync()
    {
        ITimer? timer;
        lock (_pollLock)
        {
            timer = _timer;
            _timer = null;
            _listeners.Clear();
        }
        if (timer is not null)
            await timer.DisposeAsync();
        await _warmUp;   // it would open the file again
        await _watch.DisposeAsync();
        using (var pool = new SqliteConnection(_connectionString))
            SqliteConnection.ClearPool(pool);
        _oneWriter.Dispose();
    }

    sealed class Subscription(AccountsDatabase database, Action listener) : IDisposable
    {
        public void Dispose()
        {
            lock (database._pollLock)
                database._listeners.Remove(listener);
        }
    }

    /// <summary>Settings that SQLite keeps per connection.</summary>
    sealed class DurableConnections : DbConnectionInterceptor
    {
        public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData)
        {
            using DbCommand command = connection.CreateCommand();
            command.CommandText = "PRAGMA busy_timeout=10000; PRAGMA synchronous=FULL";
            command.ExecuteNonQuery();
        }

        public override Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
        {
            ConnectionOpened(connection, eventData);   // SQLite has no asynchronous calls
            return Task.CompletedTask;
        }
    }
}
