using System.Collections.Concurrent;
using MailEngine.Accounts;
using MailEngine.Net;
using Microsoft.Extensions.Logging;

namespace MailEngine.Sasl;

/// <summary>Ends sessions of one protocol whose account may no longer go on: another password, suspended, service switched off.</summary>
/// <remarks>Every change of the directory asks once for each account that is logged in; answers come from the directory's cache. Changes
/// that come while a check runs lead to one more check after it.</remarks>
internal sealed class LoggedInSessions : IDisposable
{
    readonly ConcurrentDictionary<Connection, AccountEntry> _open = new();
    readonly Authenticator _authenticator;
    readonly MailServices _service;
    readonly ILogger _log;
    readonly IDisposable _subscription;
    int _pending;

    public LoggedInSessions(AccountDirectory directory, Authenticator authenticator, MailServices service, ILogger log)
    {
        _authenticator = authenticator;
        _service = service;
        _log = log;
        _subscription = directory.OnChange(Changed);
    }

    public void Add(Connection connection, AccountEntry account) => _open[connection] = account;

    public void Remove(Connection connection) => _open.TryRemove(connection, out _);

    public void Dispose() => _subscription.Dispose();

    void Changed()
    {
        if (Interlocked.Increment(ref _pending) == 1)
            _ = CheckAsync();
    }

    async Task CheckAsync()
    {
        int seen;
        do
        {
            seen = Volatile.Read(ref _pending);
            try
            {
                await CheckAllAsync();
            }
            catch (Exception e)   // the directory does not answer: sessions stay, the next change checks again
            {
                _log.RecheckFailed(e, _service);
            }
        }
        while (Interlocked.CompareExchange(ref _pending, 0, seen) != seen);
    }

    async Task CheckAllAsync()
    {
        var allowed = new Dictionary<(long, string, long?), bool>();   // a hundred sessions of one account ask once
        foreach ((Connection connection, AccountEntry account) in _open)
        {
            var key = (account.AccountId, account.SecurityStamp, account.AppPasswordId);
            if (!allowed.TryGetValue(key, out bool may))
                allowed[key] = may = await _authenticator.MayContinueAsync(account, _service, CancellationToken.None);
            if (!may)
                connection.End(EndReason.Ended);
        }
    }
}
