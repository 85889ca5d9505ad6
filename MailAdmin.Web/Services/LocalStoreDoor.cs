using MailEngine.Store;

namespace MailAdmin.Web.Services;

/// <summary>The store this process has open; without one, everything is empty.</summary>
public sealed class LocalStoreDoor(MailStore? store, StoreTaskRunner tasks, TimeProvider clock) : IStoreDoor
{
    static readonly IReadOnlyDictionary<long, AccountUse> s_noUse = new Dictionary<long, AccountUse>();

    public Task<IReadOnlyDictionary<long, AccountUse>> UseOfAsync(IReadOnlyCollection<long> accountIds) =>
        Task.FromResult(store is null || accountIds.Count == 0 ? s_noUse : store.UseOf(accountIds));

    public Task RunTasksAsync(CancellationToken ct) => tasks.RunAsync(ct);

    public Task<IReadOnlyList<QueueRow>> ReadQueueAsync() =>
        Task.FromResult<IReadOnlyList<QueueRow>>(store is null ? [] : [.. store.ReadQueue().Select(QueueRow.Of)]);

    public async Task<int> ChangeQueueAsync(QueueVerb verb, IReadOnlyCollection<long>? ids)
    {
        if (store is null)
            return 0;
        QueueEntry[] rows = [.. store.ReadQueue().Where(r => ids is null || ids.Contains(r.Id))];
        DateTimeOffset now = clock.GetUtcNow();
        StoreError error = verb switch
        {
            QueueVerb.Remove => await store.UpdateQueueAsync([], [.. rows.Select(r => r.Id)]),
            QueueVerb.Hold => await store.UpdateQueueAsync([.. rows.Select(r => r with { State = QueueState.Held })], []),
            // A held row is let go by Release alone.
            QueueVerb.Retry => await store.UpdateQueueAsync([.. rows.Where(r => r.State == QueueState.Waiting).Select(r => r with { NextAttempt = now })], []),
            _ => await store.UpdateQueueAsync([.. rows.Where(r => r.State == QueueState.Held).Select(r => r with { State = QueueState.Waiting, NextAttempt = now })], []),
        };
        return error == StoreError.None ? rows.Length : throw new IOException($"The store did not take the change: {error}.");
    }

    public async Task<CheckReport> CheckAsync(CancellationToken ct) =>
        store is null ? new CheckReport(0, 0, 0, 0, 0, []) : await store.CheckAsync(null, ct);
}
