using Microsoft.Extensions.Logging;

namespace MailEngine.Flow;

/// <summary>Runs jobs: some connections for each next hop, a bounded number in all, each carrying one message after the other.</summary>
/// <remarks>How many connections a next hop gets follows success: it starts with two, grows by one with each message that went, and
/// falls to one when no host could be reached. One lock guards all lists; nothing is awaited under it.</remarks>
sealed class QueueWorkers(
    OutboundClient client, LocalDelivery local, QueueSettlement settlement, QueueOptions options, Action<QueueJob, IReadOnlyList<Store.QueueEntry>> settled,
    TimeProvider clock, ILogger log, CancellationToken stop) : IAsyncDisposable
{
    static readonly TimeSpan s_afterFault = TimeSpan.FromMinutes(1);
    const int JobsOfOneTurn = 100;   // then another next hop gets the place

    sealed class Destination
    {
        public readonly Queue<QueueJob> Waiting = new();
        public int Workers;
        public int Allowed = 2;
    }

    readonly Lock _lock = new();
    readonly Dictionary<NextHop, Destination> _destinations = [];
    readonly HashSet<Task> _running = [];
    readonly SemaphoreSlim _places = new(Math.Max(1, options.Concurrency));

    // Once a message was sent that must be written down, also while the server stops; but a broken disk must not keep it for ever.
    readonly CancellationTokenSource _tooLate = new();

    public void Add(QueueJob job)
    {
        lock (_lock)
        {
            if (!_destinations.TryGetValue(job.Hop, out Destination? destination))
                _destinations[job.Hop] = destination = new Destination();
            destination.Waiting.Enqueue(job);
            StartWorker_NeedsLock(job.Hop, destination);
        }
    }

    /// <summary>Ends when all workers have ended; the caller has cancelled the token.</summary>
    public async ValueTask DisposeAsync()
    {
        _tooLate.CancelAfter(TimeSpan.FromSeconds(20));
        while (true)
        {
            Task[] running;
            lock (_lock)
                running = [.. _running];
            if (running.Length == 0)
            {
                _places.Dispose();
                _tooLate.Dispose();
                return;
            }
            await Task.WhenAll(running);
        }
    }

    void StartWorker_NeedsLock(NextHop hop, Destination destination)
    {
        if (stop.IsCancellationRequested || destination.Workers >= Math.Min(destination.Allowed, Math.Max(1, options.ConcurrencyPerDestination)))
            return;
        destination.Workers++;
        Task? worker = null;
        worker = Task.Run(async () =>
        {
            try
            {
                await WorkAsync(destination);
            }
            catch (OperationCanceledException)
            {
                // The server stops; the rows are all there.
            }
            catch (Exception e)
            {
                FlowLog.QueueFailed(log, e);
            }
            lock (_lock)
            {
                _running.Remove(worker!);
                destination.Workers--;
                if (destination.Waiting.Count > 0)
                    StartWorker_NeedsLock(hop, destination);
                else if (destination.Workers == 0)
                    _destinations.Remove(hop);
            }
        }, CancellationToken.None);
        _running.Add(worker);
    }

    async Task WorkAsync(Destination destination)
    {
        await _places.WaitAsync(stop);
        OutboundConnection? connection = null;
        try
        {
            for (int jobs = 0; jobs < JobsOfOneTurn && !stop.IsCancellationRequested && Take(destination) is { } job; jobs++)
            {
                JobOutcome outcome;
                (outcome, connection) = await RunAsync(job, connection);
                await SettleAsync(job, outcome);
                List<QueueJob> others = Learn(destination, job.Hop, outcome);
                foreach (QueueJob other in others)
                    await SettleAsync(other, JobOutcome.ForAll(other, outcome.Attempts[0].Reply, outcome.Attempts[0].Host));
            }
        }
        finally
        {
            if (connection is not null)
                await connection.DisposeAsync();
            _places.Release();
        }
    }

    async Task<(JobOutcome, OutboundConnection?)> RunAsync(QueueJob job, OutboundConnection? connection)
    {
        try
        {
            return job.Hop.Kind == NextHop.By.Local
                ? (await local.DeliverAsync(job, stop), null)
                : await client.SendAsync(job, connection, stop);
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            // One bad message must not hold up the others (fault case C13): it waits, and is given up in the end.
            FlowLog.QueueFailed(log, e);
            return (JobOutcome.ForAll(job, Reply.Internal, ""), null);
        }
    }

    async Task SettleAsync(QueueJob job, JobOutcome outcome)
    {
        IReadOnlyList<Store.QueueEntry> waiting;
        try
        {
            waiting = await settlement.SettleAsync(job, outcome, _tooLate.Token);
        }
        catch (Exception e) when (!_tooLate.IsCancellationRequested)
        {
            // Neither must a message that cannot be written down (fault case C13). Its rows are as they were, or gone: the scheduler looks.
            FlowLog.QueueFailed(log, e);
            DateTimeOffset later = clock.GetUtcNow() + s_afterFault;
            waiting = [.. job.Rows.Select(row => row with { NextAttempt = later })];
        }
        settled(job, waiting);
    }

    QueueJob? Take(Destination destination)
    {
        lock (_lock)
            return destination.Waiting.TryDequeue(out QueueJob? job) ? job : null;
    }

    // Returns the jobs that wait for a next hop that is dead: they need not find that out one by one.
    List<QueueJob> Learn(Destination destination, NextHop hop, JobOutcome outcome)
    {
        lock (_lock)
        {
            if (!outcome.IsHostTrouble)
            {
                destination.Allowed++;
                if (destination.Waiting.Count > 0)
                    StartWorker_NeedsLock(hop, destination);
                return [];
            }
            destination.Allowed = 1;
            List<QueueJob> rest = [.. destination.Waiting];
            destination.Waiting.Clear();
            return rest;
        }
    }
}
