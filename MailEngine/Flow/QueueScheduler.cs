using MailEngine.Dns;
using MailEngine.Net;
using MailEngine.Store;
using Microsoft.Extensions.Logging;

namespace MailEngine.Flow;

/// <summary>Knows when each queue row is due and hands the due ones out. The rows themselves stay in the store.</summary>
/// <remarks>
/// An item is waiting (in the heap), held, or active (being sent, or being changed by an administrator). Only waiting ones are handed
/// out; who made an item active puts it back. Due times are kept on the monotonic clock: a jump of the wall clock moves nothing
/// (fault case C9). One lock guards items and heap; nothing is awaited under it.
/// </remarks>
public sealed class QueueScheduler : IAsyncDisposable
{
    const int MostAtOnce = 1000;
    static readonly TimeSpan s_afterFault = TimeSpan.FromMinutes(1);

    sealed class Item
    {
        public long Due;          // timestamp of the clock
        public bool Active;
        public bool Held;
        public bool HoldWanted;   // by an administrator, while it was being sent
    }

    readonly MailStore _store;
    readonly Router _router;
    readonly EngineOptions _options;
    readonly TimeProvider _clock;
    readonly ILogger _log;
    readonly QueueWorkers _workers;
    readonly Lock _lock = new();
    readonly Dictionary<long, Item> _items = [];
    readonly PriorityQueue<(long Id, long Due), long> _heap = new();
    readonly CancellationTokenSource _stop = new();
    TaskCompletionSource _bell = new(TaskCreationOptions.RunContinuationsAsynchronously);
    Task? _loop;

    public QueueScheduler(MailStore store, Router router, Delivery delivery, Resolver resolver, TraceLog trace, ServerName hostname,
        EngineOptions options, TimeProvider clock, ILogger<QueueScheduler> log)
    {
        _store = store;
        _router = router;
        _options = options;
        _clock = clock;
        _log = log;
        var reports = new Reports(router, delivery, store, new DeliveryReport(hostname), trace, clock, log);
        Settlement = new QueueSettlement(store, reports, new RetryPlan(options.Queue), options, trace, clock, log);
        _workers = new QueueWorkers(
            new OutboundClient(new NextHops(resolver, options, hostname), store, hostname, options, log),
            new LocalDelivery(router, delivery, store, clock), Settlement, options.Queue, OnSettled, clock, log, _stop.Token);
        delivery.Queued = Add;
    }

    internal QueueSettlement Settlement { get; }

    /// <summary>Some row came, went or changed its state. Called on whatever thread did it, without a lock; must return at once.</summary>
    public event Action? Changed;

    /// <summary>Rows that wait, are held or are being sent.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _items.Count;
        }
    }

    /// <summary>Loads what waits in the store and begins to work.</summary>
    public void Start()
    {
        foreach (QueueEntry row in _store.ReadQueue())
            Add(row);
        FlowLog.QueueLoaded(_log, Count);
        _loop = Task.Run(LoopAsync);
    }

    void Add(QueueEntry row)
    {
        lock (_lock)
        {
            if (_items.ContainsKey(row.Id))
                return;
            var item = new Item { Held = row.State == QueueState.Held };
            _items[row.Id] = item;
            if (!item.Held)
                Schedule_NeedsLock(row.Id, item, row.NextAttempt);
        }
        Changed?.Invoke();
    }

    void Schedule_NeedsLock(long id, Item item, DateTimeOffset at)
    {
        TimeSpan wait = at - _clock.GetUtcNow();
        item.Due = _clock.GetTimestamp() + (long)(Math.Max(0, wait.TotalSeconds) * _clock.TimestampFrequency);
        _heap.Enqueue((id, item.Due), item.Due);
        _bell.TrySetResult();
    }

    async Task LoopAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Task bell;
            List<long> due;
            TimeSpan wait;
            lock (_lock)
            {
                if (_bell.Task.IsCompleted)
                    _bell = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                bell = _bell.Task;
                (due, wait) = TakeDue_NeedsLock();
            }
            try
            {
                if (due.Count > 0)
                {
                    await DispatchAsync(due);
                    continue;
                }
                using var timer = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                Task delay = Task.Delay(wait, _clock, timer.Token);
                await Task.WhenAny(bell, delay);
                await timer.CancelAsync();
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                FlowLog.QueueFailed(_log, e);
                PutBack(due, s_afterFault);
            }
        }
    }

    (List<long> Due, TimeSpan Wait) TakeDue_NeedsLock()
    {
        long now = _clock.GetTimestamp();
        var due = new List<long>();
        while (_heap.TryPeek(out (long Id, long Due) next, out _))
        {
            // An entry of the heap counts only when the item still has that due time: others are left-overs of changes.
            bool counts = _items.TryGetValue(next.Id, out Item? item) && item is { Active: false, Held: false } && item.Due == next.Due;
            if (counts && next.Due > now)
            {
                TimeSpan wait = TimeSpan.FromSeconds((next.Due - now) / (double)_clock.TimestampFrequency);
                return (due, wait < TimeSpan.FromHours(1) ? wait + TimeSpan.FromMilliseconds(1) : TimeSpan.FromHours(1));
            }
            if (due.Count >= MostAtOnce)
                break;
            _heap.Dequeue();
            if (!counts)
                continue;
            item!.Active = true;
            due.Add(next.Id);
        }
        return (due, TimeSpan.FromHours(1));
    }

    async Task DispatchAsync(List<long> due)
    {
        IReadOnlyList<QueueEntry> rows = _store.ReadQueue(due);
        var jobs = new Dictionary<(NextHop, string), List<QueueEntry>>();
        var found = new HashSet<long>();
        foreach (QueueEntry row in rows)
        {
            found.Add(row.Id);
            Route route;
            try
            {
                route = await _router.RouteAsync(row.Recipient, mayRelay: true, _stop.Token);
            }
            catch (Exception e) when (!_stop.IsCancellationRequested)
            {
                FlowLog.QueueFailed(_log, e);   // this one waits; the others go (fault case C13)
                PutBack([row.Id], s_afterFault);
                continue;
            }
            NextHop hop = route switch
            {
                Route.Relay { Host.Length: > 0 } relay => new NextHop(NextHop.By.Host, relay.Host),
                Route.Relay when _options.Relayhosts.Count > 0 => new NextHop(NextHop.By.Relayhosts, ""),
                Route.Relay => new NextHop(NextHop.By.Mx, row.Recipient.Domain.Value),
                _ => new NextHop(NextHop.By.Local, ""),
            };
            if (!jobs.TryGetValue((hop, row.MessageKey), out List<QueueEntry>? together))
                jobs[(hop, row.MessageKey)] = together = [];
            together.Add(row);
        }
        foreach (((NextHop hop, _), List<QueueEntry> together) in jobs)
        {
            for (int at = 0; at < together.Count; at += QueueJob.MostRows)
                _workers.Add(new QueueJob(hop, together[at..Math.Min(together.Count, at + QueueJob.MostRows)]));
        }
        lock (_lock)
        {
            foreach (long id in due)
            {
                if (!found.Contains(id))
                    _items.Remove(id);   // the row is gone
            }
        }
        Changed?.Invoke();
    }

    // Called by the workers, once for each job.
    void OnSettled(QueueJob job, IReadOnlyList<QueueEntry> waiting)
    {
        var hold = new List<QueueEntry>();
        lock (_lock)
        {
            foreach (QueueEntry row in job.Rows)
            {
                if (_items.TryGetValue(row.Id, out Item? item) && !waiting.Any(w => w.Id == row.Id))
                    _items.Remove(row.Id);
            }
            foreach (QueueEntry row in waiting)
            {
                if (!_items.TryGetValue(row.Id, out Item? item))
                    continue;
                item.Active = false;
                if (item.HoldWanted)
                {
                    (item.Held, item.HoldWanted) = (true, false);
                    hold.Add(row with { State = QueueState.Held });
                }
                else
                {
                    Schedule_NeedsLock(row.Id, item, row.NextAttempt);
                }
            }
        }
        if (hold.Count > 0)
            _ = _store.UpdateQueueAsync(hold, []);   // held in memory already; a crash now only forgets the wish
        Changed?.Invoke();
    }

    void PutBack(List<long> ids, TimeSpan wait)
    {
        lock (_lock)
        {
            foreach (long id in ids)
            {
                if (!_items.TryGetValue(id, out Item? item))
                    continue;
                item.Active = false;
                Schedule_NeedsLock(id, item, _clock.GetUtcNow() + wait);
            }
        }
    }

    // -- for QueueControl

    internal bool IsActive(long id)
    {
        lock (_lock)
            return _items.TryGetValue(id, out Item? item) && item.Active;
    }

    /// <summary>Makes items active for an administrator's change; those being sent are left out.</summary>
    /// <param name="holdActive">True: those being sent are held once that is over.</param>
    internal List<long> Claim(IEnumerable<long> ids, bool holdActive)
    {
        var claimed = new List<long>();
        lock (_lock)
        {
            foreach (long id in ids)
            {
                if (!_items.TryGetValue(id, out Item? item))
                    continue;
                if (item.Active)
                {
                    item.HoldWanted |= holdActive;
                    continue;
                }
                item.Active = true;
                claimed.Add(id);
            }
        }
        return claimed;
    }

    /// <summary>Ends a claim: the items are as these rows say; claimed ones without a row are gone.</summary>
    internal void EndClaim(IEnumerable<long> claimed, IReadOnlyCollection<QueueEntry> rows)
    {
        lock (_lock)
        {
            foreach (QueueEntry row in rows)
            {
                if (!_items.TryGetValue(row.Id, out Item? item))
                    continue;
                item.Active = false;
                item.Held = row.State == QueueState.Held;
                if (!item.Held)
                    Schedule_NeedsLock(row.Id, item, row.NextAttempt);
            }
            foreach (long id in claimed)
            {
                if (_items.TryGetValue(id, out Item? item) && item.Active)
                    _items.Remove(id);
            }
        }
        Changed?.Invoke();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_loop is not null)
            await _loop;
        await _workers.DisposeAsync();
        _stop.Dispose();
    }
}
