using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Sasl;

namespace MailAdmin.Web.Services;

/// <summary>Takes requests for a new password from people who are not signed in.</summary>
/// <remarks>Whoever asks is answered before anything is looked up, so neither the words nor the time of the answer tell whether there is such an
/// account. What networks ask for is counted; what goes to one account is counted by <see cref="RecoveryService"/>.</remarks>
public sealed class PasswordRequests(RecoveryService recovery, EngineOptions options, TimeProvider clock, ILogger<PasswordRequests> log) : BackgroundService
{
    // More than this wait only when somebody floods us; he does not notice what is left out.
    const int MostWaiting = 256;
    const int MostNetworks = 100_000;
    static readonly TimeSpan s_countedFor = TimeSpan.FromHours(1);

    readonly Channel<(string Login, string Client)> _waiting = Channel.CreateBounded<(string, string)>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    readonly ConcurrentDictionary<string, (int Count, DateTimeOffset Until)> _asked = new(StringComparer.Ordinal);

    /// <returns>False: this network has asked too often for now.</returns>
    public bool Ask(string login, IPAddress? client)
    {
        string network = LoginNetwork.Of(client);
        if (network != LoginNetwork.Local && Count(network) > options.Links.AsksPerNetwork)
            return false;
        // Longer than any name: nobody's.
        if (login.Length <= Account.MaxLogin)
            _waiting.Writer.TryWrite((login, client?.ToString() ?? ""));
        return true;
    }

    int Count(string network)
    {
        DateTimeOffset now = clock.GetUtcNow();
        if (_asked.Count >= MostNetworks)
        {
            foreach ((string old, (int Count, DateTimeOffset Until) asked) in _asked)
            {
                if (asked.Until <= now)
                    _asked.TryRemove(old, out _);
            }
            if (_asked.Count >= MostNetworks)
                _asked.Clear();
        }
        return _asked.AddOrUpdate(network, (1, now + s_countedFor), (_, asked) => asked.Until > now ? (asked.Count + 1, asked.Until) : (1, now + s_countedFor)).Count;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach ((string login, string client) in _waiting.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await recovery.MailLinkAsync(login, client, stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)   // top of the work: whoever waits asks again
            {
                log.LinkNotMailed(e);
            }
        }
    }
}
