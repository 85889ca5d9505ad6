using MailEngine;
using MailEngine.Flow;
using MailEngine.Store;
using MailEngine.Store.Backup;
using MailEngine.Store.Exchange;
using MailEngine.Store.Partitions;
using MailEngine.Store.Repair;

namespace MailAdmin.Web.Services;

/// <summary>The store this process has open; without one, everything is empty.</summary>
/// <param name="mail">Sends what the server has to tell people; null: nothing is sent.</param>
/// <param name="queue">Of a running server, where rows may be on their way just now; null: nothing is sent, and the rows are changed directly.</param>
public sealed class LocalStoreDoor(MailStore? store, QueueControl? queue, StoreTaskRunner tasks, LimitOptions limits, TimeProvider clock, SystemMail? mail = null) : IStoreDoor
{
    static readonly IReadOnlyDictionary<long, AccountUse> s_noUse = new Dictionary<long, AccountUse>();

    public Task<IReadOnlyDictionary<long, AccountUse>> UseOfAsync(IReadOnlyCollection<long> accountIds) =>
        Task.FromResult(store is null || accountIds.Count == 0 ? s_noUse : store.UseOf(accountIds));

    public Task<AccountUse> TotalUseAsync() => Task.FromResult(store?.TotalUse() ?? default);

    public Task RunTasksAsync(CancellationToken ct) => tasks.RunAsync(ct);

    public Task<IReadOnlyList<QueueRow>> ReadQueueAsync() =>
        Task.FromResult<IReadOnlyList<QueueRow>>(queue is not null
            ? [.. queue.List().Select(v => QueueRow.Of(v.Row, v.IsActive))]
            : store is null ? [] : [.. store.ReadQueue().Select(row => QueueRow.Of(row, isActive: false))]);

    public async Task<bool> SendAsync(SystemMessage message, CancellationToken ct) => mail is not null && await mail.SendAsync(message, ct);

    public async Task<int> ChangeQueueAsync(QueueVerb verb, IReadOnlyCollection<long>? ids)
    {
        if (store is null)
            return 0;
        QueueEntry[] rows = [.. store.ReadQueue().Where(r => (ids is null || ids.Contains(r.Id)) && IsFor(verb, r))];
        if (rows.Length == 0)
            return 0;
        if (queue is not null)
        {
            long[] named = [.. rows.Select(r => r.Id)];
            return verb switch
            {
                QueueVerb.Hold => await queue.HoldAsync(named),
                QueueVerb.Release => await queue.ReleaseAsync(named),
                QueueVerb.Retry => await queue.RetryAsync(named),
                _ => await queue.RemoveAsync(named, tellSender: false),
            };
        }
        DateTimeOffset now = clock.GetUtcNow();
        StoreError error = verb == QueueVerb.Remove
            ? await store.UpdateQueueAsync([], [.. rows.Select(r => r.Id)])
            : await store.UpdateQueueAsync([.. rows.Select(r => verb == QueueVerb.Hold
                ? r with { State = QueueState.Held }
                : r with { State = QueueState.Waiting, NextAttempt = now })], []);
        return error == StoreError.None ? rows.Length : throw new IOException($"The store did not take the change ({error}). Look at the disk and try again.");
    }

    public Task<PageOf<DeletedMessageRow>> DeletedMessagesAsync(DeletedQuery query, CancellationToken ct) => Task.Run(() =>
    {
        (IReadOnlyList<DeletedMessage> page, int total) = store?.DeletedMessages(query.AccountId, query.Filter, query.ShowText, query.Skip, query.Take) ?? ([], 0);
        return new PageOf<DeletedMessageRow>([.. page.Select(m => new DeletedMessageRow(
            m.Id, m.Mailbox.Value, m.DeletedAt, m.ReceivedAt, m.Bytes, query.ShowText ? m.From : "", query.ShowText ? m.Subject : ""))], total);
    }, ct);

    public Task<IReadOnlyList<DeletedMailboxRow>> DeletedMailboxesAsync(long accountId, CancellationToken ct) => Task.Run<IReadOnlyList<DeletedMailboxRow>>(() =>
        [.. (store?.DeletedMailboxes(accountId) ?? []).Select(m => new DeletedMailboxRow(m.Id, m.Name.Value, m.DeletedAt, m.Messages, m.Bytes))], ct);

    public async Task<RestoreOutcome> RestoreAsync(RestoreOrder order, CancellationToken ct) =>
        store is null ? new RestoreOutcome(StoreError.Unavailable, 0, null)
        : order.Mailbox is { } mailbox ? await store.RestoreMailboxAsync(order.AccountId, mailbox, order.QuotaBytes)
        : await store.RestoreMessagesAsync(order.AccountId, order.Messages, order.QuotaBytes);

    public async Task<CheckReport> CheckAsync(long? accountId, CancellationToken ct) =>
        store is null ? new CheckReport(0, 0, 0, 0, 0, []) : await store.CheckAsync(accountId, ct);

    public async Task<BackupReport> BackUpAsync(string target, CancellationToken ct) =>
        store is null ? throw new IOException("There is no store to back up.") : await store.BackUpAsync(target, ct);

    public async Task<AccountRestored> RestoreAccountAsync(string backup, long accountId, CancellationToken ct)
    {
        (int messages, IReadOnlyList<string> faults) = store is null ? (0, []) : await store.RestoreAccountAsync(backup, accountId, ct);
        return new AccountRestored(messages, faults);
    }

    public async Task<RepairReport> RepairAsync(long accountId, CancellationToken ct) =>
        store is null ? new RepairReport([], []) : await store.RepairAsync(accountId, ct);

    public Task<IReadOnlyList<PartitionInfo>> PartitionsAsync() => Task.FromResult(store?.ReadPartitions() ?? []);

    public Task<string> PartitionOfAsync(long accountId) => Task.FromResult(store?.PartitionOf(accountId) ?? "");

    public Task<MoveReport> MoveAsync(MoveOrder order, IProgress<ExchangeProgress>? progress, CancellationToken ct) =>
        store is null ? throw new IOException("There is no store.") : store.MoveAccountAsync(order.AccountId, order.Partition, progress, ct);

    public Task<ExchangeReport> ExchangeAsync(ExchangeOrder order, IProgress<ExchangeProgress>? progress, CancellationToken ct) =>
        store is null ? throw new IOException("There is no store.")
        : order.IsImport ? new MailImport(store, limits, clock).RunAsync(
            new ImportOrder(order.AccountId, order.Path, order.Format, order.QuotaBytes, order.KeepUids), progress, ct)
        : new MailExport(store, clock).RunAsync(order.AccountId, order.Path, order.Format, progress, ct);

    // A held row is let go by Release alone.
    static bool IsFor(QueueVerb verb, QueueEntry row) => verb switch
    {
        QueueVerb.Retry => row.State == QueueState.Waiting,
        QueueVerb.Release => row.State == QueueState.Held,
        _ => true,
    };
}
