using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>How much there is of everything that an administrator looks after.</summary>
/// <param name="Queued">Recipients that wait in the queue; null: the actor does not look after it.</param>
/// <param name="UsedBytes">Octets of all mail of these accounts.</param>
public sealed record Overview(int Domains, int Accounts, int Addresses, int? Queued, long Messages, long UsedBytes);

/// <summary>The figures of the start page: of the server, or of the domains that the actor sees.</summary>
/// <param name="store">Null: this process has no store open.</param>
/// <param name="queue">Null: nothing is sent.</param>
public sealed class OverviewService(Changes changes, IStoreDoor door, AccountDirectory directory, MailStore? store, QueueControl? queue)
{
    public Task<ServiceResult<Overview>> GetAsync(Actor actor, CancellationToken ct = default) =>
        changes.ReadAsync<Overview>(actor, async (db, rights) =>
        {
            if (!rights.IsAdmin)
                return ServiceResult.Forbidden();
            Reach reach = rights.Where(Permissions.See);
            int domains = await db.Domains.Within(reach).CountAsync(ct);
            int addresses = await db.Addresses.Within(reach).CountAsync(ct);
            if (reach.All)
            {
                AccountUse total = await door.TotalUseAsync();
                return new Overview(domains, await db.Accounts.CountAsync(ct), addresses, rights.May(Permissions.SeeServer) ? queue?.Count ?? 0 : null, total.Messages, total.Bytes);
            }
            long[] accounts = await db.Accounts.Within(reach).Select(a => a.Id).ToArrayAsync(ct);
            IReadOnlyDictionary<long, AccountUse> use = await door.UseOfAsync(accounts);
            return new Overview(domains, accounts.Length, addresses, null, use.Values.Sum(u => u.Messages), use.Values.Sum(u => u.Bytes));
        }, ct);

    /// <summary>Calls back whenever some figure may be another one, from any thread; <paramref name="changed"/> must return at once.</summary>
    /// <returns>Dispose it to hear no more.</returns>
    public IDisposable OnChange(Action changed) => new Subscription(changed, directory, store, queue);

    sealed class Subscription : IDisposable
    {
        readonly Action _changed;
        readonly MailStore? _store;
        readonly QueueControl? _queue;
        readonly IDisposable _accounts;

        public Subscription(Action changed, AccountDirectory directory, MailStore? store, QueueControl? queue)
        {
            (_changed, _store, _queue) = (changed, store, queue);
            _accounts = directory.OnChange(changed);
            if (store is not null)
                store.Changed += changed;
            if (queue is not null)
                queue.Changed += changed;
        }

        public void Dispose()
        {
            _accounts.Dispose();
            if (_store is not null)
                _store.Changed -= _changed;
            if (_queue is not null)
                _queue.Changed -= _changed;
        }
    }
}
