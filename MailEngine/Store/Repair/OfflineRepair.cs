using MailEngine.Io;
using MailEngine.Mime;
using MailEngine.Store.Partitions;
using Microsoft.Extensions.Logging;

namespace MailEngine.Store.Repair;

/// <summary>Repairs a whole store that nobody has open.</summary>
/// <remarks>
/// An index that SQLite can read is repaired in place, account by account, in transactions. One that it cannot read, or that is gone, is built
/// anew beside the old one from the segments and what can be salvaged, and put in its place at the end (<see cref="IndexSwap"/>); the old one
/// is kept. Until then nothing of the old state is touched.
/// </remarks>
public static class OfflineRepair
{
    /// <param name="limits">MIME parts and their depth; null: the defaults.</param>
    /// <exception cref="StoreOpenException">The store is in use, or cannot be written to.</exception>
    public static async Task<RepairReport> RunAsync(
        string dataPath, StoreOptions options, TimeProvider clock, ILogger log, CancellationToken ct, LimitOptions? limits = null)
    {
        MimeLimits mime = MimeLimits.Of(limits ?? new LimitOptions());
        var done = new List<string>();
        var lost = new List<string>();
        foreach (string folder in PartitionFolders.Effective(options).Select(partition => PartitionFolders.Of(dataPath, partition)))
        {
            if (!File.Exists(Path.Combine(folder, "index.db")) && !Directory.Exists(Path.Combine(folder, "segments")))
            {
                lost.Add($"partition {folder} is not there; nothing in it was looked at");
                continue;
            }
            RepairReport report = await Task.Run(() => RunPartitionAsync(folder, options, mime, clock, log, ct), ct);
            done.AddRange(report.Done);
            lost.AddRange(report.Lost);
        }
        return new RepairReport(done, lost);
    }

    static async Task<RepairReport> RunPartitionAsync(string folder, StoreOptions options, MimeLimits mime, TimeProvider clock, ILogger log, CancellationToken ct)
    {
        string scratch = Path.Combine(folder, "repair.tmp");
        var done = new List<string>();
        DepositIndex deposits;
        IndexSalvage? salvage = null;
        using (Partition.TakeLock(folder))
        {
            IndexSwap.Finish(folder);
            IReadOnlyList<(uint, long)> files;
            using (var segments = new SegmentFiles(Path.Combine(folder, "segments"), 0, options))
            {
                files = segments.Files();
                deposits = DepositIndex.Read(segments, scratch, accountId: null, ct);
            }
            try
            {
                if (Damage(folder) is { } damage)
                {
                    salvage = Rebuild(folder, deposits, files, clock.GetUtcNow(), out string? aside);
                    done.Add(aside is null ? $"{damage}; a new one was made from the segments" : $"{damage}; a new one was made from the segments and what could be read; the old one is kept in {aside}");
                }
            }
            catch
            {
                deposits.Dispose();
                throw;
            }
        }
        using (deposits)
        {
            string name = salvage is null ? "index.db" : IndexSwap.NewName;
            Partition partition = Partition.Open(folder, options, mime, clock, log, indexName: name);
            AccountRepair repair;
            try
            {
                repair = new AccountRepair(partition, deposits, salvage?.Incomplete ?? [], salvage?.LostMailboxes ?? false);
                foreach (long account in Accounts(partition, deposits))
                    await repair.RunAsync(account, ct);
                if (salvage?.LostQueue == true && await RecoverQueueAsync(partition, deposits, clock.GetUtcNow()) is var rows and > 0)
                    done.Add($"{rows} recipients of the queue were found in the segments; they are on hold, because some may have been sent: look at 'queue list', then 'queue release' or 'queue remove'");
            }
            finally
            {
                await partition.DisposeAsync();
            }
            if (salvage is not null)
            {
                using (Partition.TakeLock(folder))
                    IndexSwap.Run(folder);
            }
            return new RepairReport([.. done, .. repair.Report.Done], repair.Report.Lost);
        }
    }

    /// <summary>What keeps SQLite from reading the index; null: nothing.</summary>
    static string? Damage(string folder)
    {
        string path = Path.Combine(folder, "index.db");
        if (!File.Exists(path))
            return $"{path} is gone";
        try
        {
            using var db = new SqliteDatabase(path, SqliteOpen.ReadOnly);   // a look must not write to what may be damaged
            using SqliteStatement check = db.Prepare("PRAGMA quick_check(1)");
            if (check.Step() && check.Text(0) is var found and not "ok")
                return $"{path} is damaged ({found})";
            return (db.ReadNumber("PRAGMA user_version") ?? 0) == 0 ? $"{path} is empty" : null;
        }
        catch (SqliteException fault) when (fault.IsDamaged)
        {
            return $"{path} is damaged";
        }
    }

    static IndexSalvage Rebuild(string folder, DepositIndex deposits, IReadOnlyList<(uint, long)> files, DateTimeOffset now, out string? aside)
    {
        string fresh = Path.Combine(folder, IndexSwap.NewName);
        foreach (string suffix in new[] { "", "-wal", "-shm" })
            File.Delete(fresh + suffix);   // of a repair that was interrupted
        aside = IndexSwap.KeepOld(folder, now);
        // SQLite writes to what it opens: the copy that is kept stays as it is.
        string copy = Path.Combine(folder, "salvage.tmp");
        try
        {
            foreach (string suffix in new[] { "", "-wal" })
            {
                File.Delete(copy + suffix);
                if (aside is not null && File.Exists(Path.Combine(aside, "index.db" + suffix)))
                    File.Copy(Path.Combine(aside, "index.db" + suffix), copy + suffix);
            }
            return IndexSalvage.Copy(copy, fresh, deposits, files, now);
        }
        finally
        {
            foreach (string suffix in new[] { "", "-wal", "-shm" })
                File.Delete(copy + suffix);
        }
    }

    static List<long> Accounts(Partition partition, DepositIndex deposits)
    {
        var accounts = new SortedSet<long>(deposits.Mailboxes().Values);
        foreach (MailboxRow row in partition.Read(reader => reader.AllMailboxes()))
            accounts.Add(row.AccountId);
        return [.. accounts];
    }

    static async Task<int> RecoverQueueAsync(Partition partition, DepositIndex deposits, DateTimeOffset now)
    {
        TimeSpan giveUp = TimeSpan.FromDays(5);   // RFC 5321 §4.5.4.1: older ones were returned to their senders by then
        var places = new BodyPlaces(partition.Segments, partition.MimeLimits);
        HashSet<(string, string)> there = [.. partition.Read(reader => reader.Queue()).Select(row => (row.MessageKey, row.Recipient.ToString()))];
        List<QueueEntry> found = [.. deposits.Queued().Where(row => row.QueuedAt > now - giveUp && places.IsWhole(row.Body) && there.Add((row.MessageKey, row.Recipient.ToString())))];
        if (found.Count > 0 && await partition.CommitAsync(new RecoverQueueChange(found)) != StoreError.None)
            throw new IOException("The store could not write the queue that was recovered. Look at the disk and try again; nothing was changed.");
        return found.Count;
    }
}
