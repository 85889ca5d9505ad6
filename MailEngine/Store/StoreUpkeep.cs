using MailEngine.Io;
using MailEngine.Store.Backup;
using MailEngine.Store.Changes;
using MailEngine.Store.Exchange;
using MailEngine.Store.Partitions;
using MailEngine.Store.Repair;
using Microsoft.Extensions.Logging;

namespace MailEngine.Store;

/// <summary>Work on the whole store beside its users: purge and compaction by their clocks; repair, backup and moves when they are asked for.</summary>
/// <remarks>What needs bytes to stay where they are takes turns, in the order in which it was asked for.</remarks>
internal sealed class StoreUpkeep : IAsyncDisposable
{
    readonly PartitionSet _partitions;
    readonly StoreOptions _options;
    readonly ILogger _log;
    readonly ITimer _purge;
    readonly ITimer? _compaction;
    readonly Dictionary<Partition, Compactor> _compactors = [];
    readonly SemaphoreSlim _compacting = new(1, 1);
    readonly SemaphoreSlim _purging = new(1, 1);   // taken after the other, where both are
    readonly CancellationTokenSource _stop = new();
    bool _leftoversCleared;

    public StoreUpkeep(PartitionSet partitions, StoreOptions options, TimeProvider clock, ILogger log)
    {
        _partitions = partitions;
        _options = options;
        _log = log;
        _purge = clock.CreateTimer(_ => _ = PurgeAsync(), null, TimeSpan.FromMinutes(1), TimeSpan.FromHours(1));
        if (options.CompactionBytesPerSecond > 0)
            _compaction = clock.CreateTimer(_ => _ = CompactByItselfAsync(), null, options.CompactionInterval, options.CompactionInterval);
    }

    /// <summary>Called at every step of a move; null in the product.</summary>
    public Action<MoveStep>? MoveStepReached { get; set; }

    /// <inheritdoc cref="MailStore.PurgeAsync"/>
    public async Task PurgeAsync()
    {
        int messages = 0, mailboxes = 0;
        await _purging.WaitAsync();
        try
        {
            if (!_partitions.IsSingle && !_leftoversCleared)
                await MoveOf().ClearAllAsync(_stop.Token);
            _leftoversCleared = _partitions.Slots.All(slot => slot.Open is not null);
            foreach (Partition partition in _partitions.Open)
            {
                PurgeOutcome turn;
                do
                {
                    turn = await partition.CommitAsync(new PurgeChange());
                    messages += turn.Messages;
                    mailboxes += turn.Mailboxes;
                }
                while (turn.IsMore && !_stop.IsCancellationRequested);
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException)
        {
            if (fault is IOException)
                StoreLog.CompactionFailed(_log, fault.Message);
        }
        finally
        {
            _purging.Release();
        }
        if (messages + mailboxes > 0)
            StoreLog.Purged(_log, messages, mailboxes);
    }

    /// <inheritdoc cref="MailStore.RepairAsync"/>
    public async Task<RepairReport> RepairAsync(long accountId, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, _stop.Token);
        await _compacting.WaitAsync(stop.Token);   // what stands where must stay so meanwhile
        try
        {
            Partition partition = _partitions.Of(accountId);
            return await Task.Run(async () =>
            {
                if (await partition.CommitAsync(new SettleChange(), stop.Token) != StoreError.None)
                    throw new IOException("The index cannot be written just now. Look at the disk and try again; nothing was changed.");
                using DepositIndex deposits = DepositIndex.Read(partition.Segments, Path.Combine(partition.Folder, "repair.tmp"), accountId, stop.Token,
                    [.. partition.ReadBehind(r => r.Segments()).OrderBy(row => row.Key).Select(row => (row.Key, row.Value.Bytes))]);
                var repair = new AccountRepair(partition, deposits, new HashSet<long>(), lostMailboxes: false);
                await repair.RunAsync(accountId, stop.Token);
                return repair.Report;
            }, stop.Token);
        }
        catch (SqliteException fault) when (fault.IsDamaged)
        {
            throw new IOException($"The index file itself is damaged ({fault.Message}). Stop the server and run 'store repair', which makes a new one from the messages.", fault);
        }
        finally
        {
            _compacting.Release();
        }
    }

    /// <inheritdoc cref="MailStore.BackUpAsync"/>
    public async Task<BackupReport> BackUpAsync(string dataPath, string target, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, _stop.Token);
        await _compacting.WaitAsync(stop.Token);
        try
        {
            return await Task.Run(async () =>
            {
                Disk.CreateDirectory(target);
                BackupFolder.CopyTheRest(dataPath, target);
                var report = new BackupReport(0, 0, 0, []);
                foreach (PartitionSlot slot in _partitions.Slots)
                {
                    report = report.And(slot.Open is { } partition
                        ? await new PartitionBackup(partition).RunAsync(BackupFolder.OfPartition(target, slot.Name), stop.Token)
                        : new BackupReport(0, 0, 0, [$"partition {slot.Name} is not there; what an earlier run has of it stays"]));
                }
                BackupFolder.MarkComplete(target, _partitions.Default.Clock.GetUtcNow());
                return report;
            }, stop.Token);
        }
        finally
        {
            _compacting.Release();
        }
    }

    /// <inheritdoc cref="MailStore.CompactAsync"/>
    public async Task<CompactionReport> CompactAsync(CancellationToken ct = default)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, _stop.Token);
        await _compacting.WaitAsync(stop.Token);
        try
        {
            var report = new CompactionReport();
            foreach (Partition partition in _partitions.Open)
            {
                if (!_compactors.TryGetValue(partition, out Compactor? compactor))
                    _compactors.Add(partition, compactor = new Compactor(partition, _log));
                CompactionReport part = await compactor.RunAsync(stop.Token);
                report = new CompactionReport(report.Segments + part.Segments, report.FreedBytes + part.FreedBytes);
            }
            return report;
        }
        finally
        {
            _compacting.Release();
        }
    }

    async Task CompactByItselfAsync()
    {
        try
        {
            await CompactAsync();
        }
        catch (OperationCanceledException)
        {
        }
        catch (IOException fault)
        {
            StoreLog.CompactionFailed(_log, fault.Message);
        }
    }

    /// <inheritdoc cref="MailStore.MoveAccountAsync"/>
    public async Task<MoveReport> MoveAccountAsync(long accountId, string partition, IProgress<ExchangeProgress>? progress, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, _stop.Token);
        await _compacting.WaitAsync(stop.Token);   // what stands where must stay so meanwhile
        try
        {
            await _purging.WaitAsync(stop.Token);
            try
            {
                _leftoversCleared = false;   // the next purge looks whether all is as it should be
                return await MoveOf().RunAsync(accountId, partition, progress, stop.Token);
            }
            finally
            {
                _purging.Release();
            }
        }
        finally
        {
            _compacting.Release();
        }
    }

    AccountMove MoveOf() => new(_partitions, _partitions.Default.Clock, _options.MoveBytesPerSecond, MoveStepReached, _log);

    public async ValueTask DisposeAsync()
    {
        await _purge.DisposeAsync();
        if (_compaction is not null)
            await _compaction.DisposeAsync();
        await _stop.CancelAsync();
        await _compacting.WaitAsync();   // a pass in progress ends at its next step
        await _purging.WaitAsync();
        _compacting.Dispose();
        _purging.Dispose();
        _stop.Dispose();
    }
}
