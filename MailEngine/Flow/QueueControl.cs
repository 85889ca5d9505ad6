using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>A queue row for people.</summary>
/// <param name="IsActive">It is being sent at this moment.</param>
public sealed record QueueView(QueueEntry Row, bool IsActive);

/// <summary>What an administrator does with the queue: look, hold, release, retry, remove. For panel and CLI.</summary>
/// <remarks>Each change is durable before the method returns. Rows that are being sent at that moment are left alone, except that hold
/// takes hold of them when the attempt is over; the number of rows changed says so.</remarks>
public sealed class QueueControl(QueueScheduler scheduler, MailStore store, TraceLog trace, TimeProvider clock)
{
    static readonly Reply s_removed = new(550, "5.7.1", "Removed from the queue by the administrator");

    /// <inheritdoc cref="QueueScheduler.Changed"/>
    public event Action? Changed
    {
        add => scheduler.Changed += value;
        remove => scheduler.Changed -= value;
    }

    /// <inheritdoc cref="QueueScheduler.Count"/>
    public int Count => scheduler.Count;

    /// <summary>All rows, oldest first.</summary>
    public IReadOnlyList<QueueView> List() => [.. store.ReadQueue().Select(r => new QueueView(r, scheduler.IsActive(r.Id)))];

    /// <summary>Keeps rows back until they are released.</summary>
    public Task<int> HoldAsync(IReadOnlyCollection<long> ids) => ChangeAsync(ids, holdActive: true, row => row with { State = QueueState.Held });

    /// <summary>Lets held rows go again, at once.</summary>
    public Task<int> ReleaseAsync(IReadOnlyCollection<long> ids) => ChangeAsync(ids, holdActive: false,
        row => row with { State = QueueState.Waiting, NextAttempt = clock.GetUtcNow() });

    /// <summary>Tries rows now that would wait longer; held ones stay held. Null: all of them.</summary>
    public Task<int> RetryAsync(IReadOnlyCollection<long>? ids) => ChangeAsync(ids ?? [.. store.ReadQueue().Select(r => r.Id)], holdActive: false,
        row => row.State == QueueState.Held ? row : row with { NextAttempt = clock.GetUtcNow() });

    /// <summary>Takes rows out.</summary>
    /// <param name="tellSender">True: as a failed delivery, with a report; false: without a word.</param>
    public async Task<int> RemoveAsync(IReadOnlyCollection<long> ids, bool tellSender)
    {
        List<long> claimed = scheduler.Claim(ids, holdActive: false);
        IReadOnlyList<QueueEntry> rows = store.ReadQueue(claimed);
        List<QueueEntry> left = [.. rows];
        try
        {
            if (tellSender)
            {
                foreach (IGrouping<string, QueueEntry> message in rows.GroupBy(r => r.MessageKey))
                {
                    var job = new QueueJob(default, [.. message]);
                    List<QueueEntry> still = await scheduler.Settlement.SettleAsync(job, JobOutcome.ForAll(job, s_removed, ""), CancellationToken.None);
                    left.RemoveAll(r => r.MessageKey == message.Key && !still.Exists(s => s.Id == r.Id));
                }
            }
            else if (await store.UpdateQueueAsync([], claimed) == StoreError.None)
            {
                left.Clear();
                foreach (QueueEntry row in rows)
                {
                    trace.Add(new TraceEvent(clock.GetUtcNow(), TraceStep.Removed, row.MessageKey, "", row.ReversePath, row.Recipient.ToString(), "local",
                        s_removed.Text));
                }
            }
        }
        finally
        {
            scheduler.EndClaim(claimed, left);
        }
        return rows.Count - left.Count;
    }

    async Task<int> ChangeAsync(IReadOnlyCollection<long> ids, bool holdActive, Func<QueueEntry, QueueEntry> change)
    {
        List<long> claimed = scheduler.Claim(ids, holdActive);
        IReadOnlyList<QueueEntry> rows = store.ReadQueue(claimed);
        IReadOnlyList<QueueEntry> result = rows;
        try
        {
            List<QueueEntry> changed = [.. rows.Select(change)];
            if (await store.UpdateQueueAsync(changed, []) != StoreError.None)
                return 0;
            result = changed;
            return changed.Count;
        }
        finally
        {
            scheduler.EndClaim(claimed, result);
        }
    }
}
