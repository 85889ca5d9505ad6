using System.Collections.Concurrent;
using System.Data.Common;
using System.Text.Json;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;

namespace MailEngine.Sasl;

/// <summary>Writes down log-ins, good and bad, in batches: a password guesser must not be able to make us write to disk at his pace.</summary>
/// <remarks>Losing the last seconds of it in a crash loses no mail and no right.</remarks>
sealed class LoginJournal : IAsyncDisposable
{
    static readonly TimeSpan s_flushEvery = TimeSpan.FromSeconds(10);

    // The last log-in is shown to people; clients log in every minute.
    static readonly TimeSpan s_sameLogin = TimeSpan.FromMinutes(5);
    static readonly TimeSpan s_networkIsKnownFor = TimeSpan.FromDays(90);

    // Rows of one batch; what is more is counted in one last row.
    const int MaxFailureRows = 100;
    const int MaxFailures = 10_000;

    readonly AccountsDatabase _database;
    readonly ILogger _log;
    readonly CancellationTokenSource _stop = new();
    readonly Task _loop;
    readonly SemaphoreSlim _flushing = new(1, 1);
    readonly ConcurrentDictionary<(long Account, string Network), DateTimeOffset> _written = new();
    ConcurrentDictionary<(long Account, string Network), DateTimeOffset> _logins = new();
    readonly ConcurrentDictionary<(long Account, MailServices Service), DateTimeOffset> _writtenServices = new();
    ConcurrentDictionary<(long Account, MailServices Service), (DateTimeOffset At, string Network)> _services = new();
    readonly ConcurrentDictionary<long, DateTimeOffset> _appsWritten = new();
    ConcurrentDictionary<long, (DateTimeOffset Time, string Network)> _apps = new();
    ConcurrentDictionary<(string User, string Network), Failure> _failures = new();
    int _overflow;

    public LoginJournal(AccountsDatabase database, ILogger log, Action everyFlush)
    {
        _database = database;
        _log = log;
        _loop = RunAsync(everyFlush);
    }

    public void Succeeded(long accountId, string network, MailServices service, long? appPassword = null)
    {
        DateTimeOffset now = _database.Clock.GetUtcNow();
        if (appPassword is { } app && (!_appsWritten.TryGetValue(app, out DateTimeOffset before) || now - before >= s_sameLogin || before > now))
            _apps[app] = (now, network);
        if (!_written.TryGetValue((accountId, network), out DateTimeOffset last) || now - last >= s_sameLogin || last > now)
            _logins[(accountId, network)] = now;
        if (!_writtenServices.TryGetValue((accountId, service), out last) || now - last >= s_sameLogin || last > now)
            _services[(accountId, service)] = (now, network);
    }

    public void Failed(string user, string network, MailServices service, AuthFailure reason)
    {
        if (_failures.Count >= MaxFailures && !_failures.ContainsKey((user, network)))
        {
            Interlocked.Increment(ref _overflow);
            return;
        }
        _failures.GetOrAdd((user, network), _ => new Failure(service, reason)).Add();
    }

    /// <summary>True when the account has logged in from there since the process started; asks no database.</summary>
    public bool WasSeen(long accountId, string network) =>
        _written.ContainsKey((accountId, network)) || _logins.ContainsKey((accountId, network));

    /// <summary>True when the account has logged in from there within the last months.</summary>
    public async ValueTask<bool> IsKnownAsync(long accountId, string network, CancellationToken ct)
    {
        if (WasSeen(accountId, network))
            return true;
        DateTimeOffset oldest = _database.Clock.GetUtcNow() - s_networkIsKnownFor;
        await using AccountsContext db = _database.NewContext();
        return await db.KnownNetworks.AnyAsync(n => n.AccountId == accountId && n.Network == network && n.LastSeen > oldest, ct);
    }

    /// <summary>Replaces a hash that was right but old-fashioned, unless the password was changed meanwhile.</summary>
    public async Task RehashAsync(long accountId, string oldHash, string newHash)
    {
        try
        {
            int rows = await _database.WriteAsync(
                db => db.Accounts.Where(a => a.Id == accountId && a.PasswordHash == oldHash)
                    .ExecuteUpdateAsync(s => s.SetProperty(a => a.PasswordHash, newHash)),
                keep: rows => rows > 0);
            if (rows > 0)
                _log.Rehashed(accountId);
        }
        catch (Exception e) when (e is DbException or ObjectDisposedException)
        {
            _log.JournalFailed(e.Message);   // the next log-in tries again
        }
    }

    /// <summary>Writes what has gathered.</summary>
    public async Task FlushAsync()
    {
        await _flushing.WaitAsync();
        try
        {
            var logins = Interlocked.Exchange(ref _logins, new());
            var services = Interlocked.Exchange(ref _services, new());
            var apps = Interlocked.Exchange(ref _apps, new());
            var failures = Interlocked.Exchange(ref _failures, new());
            int overflow = Interlocked.Exchange(ref _overflow, 0);
            if (logins.IsEmpty && services.IsEmpty && failures.IsEmpty && apps.IsEmpty)
                return;
            foreach (var ((user, network), f) in failures.Take(MaxFailureRows))
                _log.LoginFailed(user, network, f.Service.ToString(), f.Reason.ToString(), f.Count);
            int more = failures.Skip(MaxFailureRows).Sum(f => f.Value.Count) + overflow;
            if (more > 0)
                _log.ManyLoginsFailed(Math.Max(0, failures.Count - MaxFailureRows), more);
            try
            {
                await _database.WriteQuietlyAsync(async db =>
                {
                    await WriteAsync(db, logins, services, failures, more);
                    foreach (var (id, (time, network)) in apps)
                        await db.AppPasswords.Where(p => p.Id == id).ExecuteUpdateAsync(s => s.SetProperty(p => p.LastUsedAt, time).SetProperty(p => p.LastNetwork, network));
                });
            }
            catch (Exception e) when (e is DbException or DbUpdateException or ObjectDisposedException)
            {
                _log.JournalFailed(e.Message);
                return;
            }
            if (_written.Count > 200_000)
                _written.Clear();
            foreach (var (key, time) in logins)
                _written[key] = time;
            if (_writtenServices.Count > 200_000)
                _writtenServices.Clear();
            foreach (var (key, login) in services)
                _writtenServices[key] = login.At;
            if (_appsWritten.Count > 200_000)
                _appsWritten.Clear();
            foreach (var (id, (time, _)) in apps)
                _appsWritten[id] = time;
        }
        finally
        {
            _flushing.Release();
        }
    }

    async Task WriteAsync(
        AccountsContext db,
        ConcurrentDictionary<(long Account, string Network), DateTimeOffset> logins,
        ConcurrentDictionary<(long Account, MailServices Service), (DateTimeOffset At, string Network)> services,
        ConcurrentDictionary<(string User, string Network), Failure> failures,
        int more)
    {
        foreach (var ((account, network), time) in logins)
        {
            int rows = await db.Accounts.Where(a => a.Id == account)
                .ExecuteUpdateAsync(s => s.SetProperty(a => a.LastLoginAt, time));
            if (rows == 0)
                continue;   // deleted meanwhile
            rows = await db.KnownNetworks.Where(n => n.AccountId == account && n.Network == network)
                .ExecuteUpdateAsync(s => s.SetProperty(n => n.LastSeen, time));
            if (rows == 0)
                db.KnownNetworks.Add(new KnownNetwork { AccountId = account, Network = network, LastSeen = time });
        }
        foreach (var ((account, service), login) in services)
        {
            int rows = await db.LastLogins.Where(l => l.AccountId == account && l.Service == service)
                .ExecuteUpdateAsync(s => s.SetProperty(l => l.At, login.At).SetProperty(l => l.Network, login.Network));
            if (rows == 0 && await db.Accounts.AnyAsync(a => a.Id == account))
                db.LastLogins.Add(new LastLogin { AccountId = account, Service = service, At = login.At, Network = login.Network });
        }
        DateTimeOffset now = _database.Clock.GetUtcNow();
        var shown = failures.Take(MaxFailureRows).ToArray();
        string[] users = [.. shown.Select(f => f.Key.User).Distinct()];
        Dictionary<string, long> accounts = await db.Accounts.Where(a => users.Contains(a.NormalizedUserName)).ToDictionaryAsync(a => a.NormalizedUserName!, a => a.Id);
        foreach (var ((user, network), f) in shown)
            db.Record(FailureEntry(now, user, accounts.TryGetValue(user, out long account) ? account : null, network, f.Service.ToString(), f.Reason.ToString(), f.Count));
        if (more > 0)
            db.Record(FailureEntry(now, "(others)", null, "", "", "", more));
        DateTimeOffset oldest = now - s_networkIsKnownFor;
        await db.SaveChangesAsync();
        await db.KnownNetworks.Where(n => n.LastSeen < oldest).ExecuteDeleteAsync();
    }

    static AuditEntry FailureEntry(DateTimeOffset now, string user, long? account, string network, string service, string reason, int times) => new()
    {
        Time = now,
        Actor = "engine",
        Action = "login.failed",
        Object = user,
        AccountId = account,
        After = JsonSerializer.Serialize(new { service, reason, times }),
        Client = network,
    };

    async Task RunAsync(Action everyFlush)
    {
        using var timer = new PeriodicTimer(s_flushEvery, _database.Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                everyFlush();
                await FlushAsync();
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        await FlushAsync();
        _stop.Dispose();
        _flushing.Dispose();
    }

    sealed class Failure(MailServices service, AuthFailure reason)
    {
        int _count;

        public MailServices Service => service;
        public AuthFailure Reason => reason;
        public int Count => Volatile.Read(ref _count);
        public void Add() => Interlocked.Increment(ref _count);
    }
}
