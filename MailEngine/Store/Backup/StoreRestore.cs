using System.Globalization;
using MailEngine.Io;
using MailEngine.Store.Partitions;
using Microsoft.Win32.SafeHandles;

namespace MailEngine.Store.Backup;

/// <summary>Puts a backup in the place of a data folder that nobody has open; what was there is kept aside.</summary>
/// <remarks>
/// Everything is made ready beside the old state; a marker, synced, is the one moment of change, and every start ends what a crash interrupted after
/// it. Ids go on far above those of the backup (S3): clients may have seen ids that were given after it. Recipients of the queue
/// come back on hold, because most will have been sent since. Partitions outside the data folder are made ready in <c>restoring</c> of their own
/// folder, on their own volume; what was there is kept beside it, also of those that the backup does not know.
/// </remarks>
public static class StoreRestore
{
    const string Marker = "restore.swap", Ready = "partitions.restoring", ReadyInside = "restoring", Aside = "before-restore-", Accounts = "accounts.db";

    /// <summary>Ends a restore that a crash interrupted; does nothing otherwise. Before anything of the data folder is opened.</summary>
    public static void Finish(string dataPath)
    {
        string marker = Path.Combine(dataPath, Marker);
        if (!File.Exists(marker))
            return;
        string[] lines = File.ReadAllLines(marker);   // name of the folder for what was there; folders of partitions elsewhere
        string aside = Path.Combine(dataPath, lines[0]);
        string partitions = Path.Combine(dataPath, "partitions"), ready = Path.Combine(dataPath, Ready), accounts = Path.Combine(dataPath, Accounts);
        Disk.CreateDirectory(aside);
        if (Directory.Exists(ready))
        {
            if (Directory.Exists(partitions))
                Directory.Move(partitions, Path.Combine(aside, "partitions"));
            Directory.Move(ready, partitions);
        }
        foreach (string folder in lines.Skip(1))
            Swap(folder, lines[0]);
        if (File.Exists(accounts + ".restoring"))
        {
            foreach (string suffix in new[] { "-shm", "-wal", "" })
            {
                if (File.Exists(accounts + suffix))
                    File.Move(accounts + suffix, Path.Combine(aside, Accounts + suffix), overwrite: true);
            }
            File.Move(accounts + ".restoring", accounts);
        }
        Disk.SyncDirectory(dataPath);
        File.Delete(marker);
        Disk.SyncDirectory(dataPath);
    }

    /// <summary>Puts what was made ready in a folder elsewhere into the place of what is there. Doing it again goes on where it ended.</summary>
    static void Swap(string folder, string asideName)
    {
        string aside = Path.Combine(folder, asideName), ready = Path.Combine(folder, ReadyInside), done = Path.Combine(aside, "done");
        if (File.Exists(done))
            return;
        Disk.CreateDirectory(aside);
        // What is ready is still all there as long as the old state is not put aside whole.
        string whole = Path.Combine(aside, "whole");
        if (!File.Exists(whole))
        {
            foreach (FileSystemInfo entry in new DirectoryInfo(folder).EnumerateFileSystemInfos())
            {
                if (entry.Name is not (ReadyInside or "lock") && !entry.Name.StartsWith(Aside, StringComparison.Ordinal))
                    Move(entry, aside);
            }
            File.WriteAllText(whole, "");
            Disk.SyncDirectory(aside);
        }
        if (Directory.Exists(ready))
        {
            foreach (FileSystemInfo entry in new DirectoryInfo(ready).EnumerateFileSystemInfos())
                Move(entry, folder);
            Directory.Delete(ready);
        }
        Disk.SyncDirectory(folder);
        File.WriteAllText(done, "");
    }

    static void Move(FileSystemInfo entry, string to)
    {
        if (entry is DirectoryInfo folder)
            folder.MoveTo(Path.Combine(to, entry.Name));
        else
            ((FileInfo)entry).MoveTo(Path.Combine(to, entry.Name), overwrite: true);
    }

    /// <param name="options">Says where partitions are that are not in the data folder.</param>
    /// <returns>The folder in which the old state is kept.</returns>
    /// <exception cref="StoreOpenException">The store is in use.</exception>
    /// <exception cref="IOException">There is no whole backup, or no room for it.</exception>
    public static string Run(string backup, string dataPath, DateTimeOffset now, CancellationToken ct, StoreOptions? options = null)
    {
        if (!File.Exists(Path.Combine(backup, BackupFolder.Complete)))
            throw new IOException($"{backup} holds no complete backup: {BackupFolder.Complete} is missing.");
        Disk.CreateDirectory(dataPath);
        Finish(dataPath);
        var locks = new List<IDisposable>();
        try
        {
            string partitions = Path.GetFullPath(Path.Combine(dataPath, "partitions"));
            Dictionary<string, string> elsewhere = PartitionFolders.Effective(options ?? new StoreOptions())
                .Select(partition => (partition.Name, Folder: PartitionFolders.Of(dataPath, partition)))
                .Where(partition => partition.Folder != Path.Combine(partitions, partition.Name)).ToDictionary(partition => partition.Name, partition => partition.Folder);
            foreach (string folder in (Directory.Exists(partitions) ? Directory.GetDirectories(partitions) : []).Concat(elsewhere.Values))
            {
                if (!Directory.Exists(folder) && !Directory.Exists(Path.GetDirectoryName(folder)))
                    throw new IOException($"{folder} is not there. Is the volume mounted?");
                Disk.CreateDirectory(folder);
                locks.Add(Partition.TakeLock(folder));
            }
            string ready = Path.Combine(dataPath, Ready);
            if (Directory.Exists(ready))
                Directory.Delete(ready, recursive: true);
            foreach (string from in Directory.GetDirectories(Path.Combine(backup, "partitions")))
            {
                string name = Path.GetFileName(from);
                string place = elsewhere.GetValueOrDefault(name) ?? Path.Combine(partitions, name);
                string to = elsewhere.ContainsKey(name) ? Path.Combine(place, ReadyInside) : Path.Combine(ready, name);
                if (Directory.Exists(to))
                    Directory.Delete(to, recursive: true);
                CopyPartition(from, to, Path.Combine(place, "index.db"), now, ct);
            }
            string accounts = Path.Combine(dataPath, Accounts + ".restoring");
            if (File.Exists(Path.Combine(backup, Accounts)))
                CopyFile(Path.Combine(backup, Accounts), accounts);
            CopyMissing(Path.Combine(backup, BackupFolder.Files), dataPath);
            string aside = string.Create(CultureInfo.InvariantCulture, $"{Aside}{now:yyyyMMdd-HHmmss}");
            File.Delete(Path.Combine(dataPath, Marker + ".new"));
            File.WriteAllLines(Path.Combine(dataPath, Marker + ".new"), [aside, .. elsewhere.Values]);
            using (SafeFileHandle marker = File.OpenHandle(Path.Combine(dataPath, Marker + ".new"), FileMode.Open, FileAccess.ReadWrite))
                Disk.SyncData(marker);
            File.Move(Path.Combine(dataPath, Marker + ".new"), Path.Combine(dataPath, Marker));
            Disk.SyncDirectory(dataPath);
            Finish(dataPath);
            return Path.Combine(dataPath, aside);
        }
        finally
        {
            locks.ForEach(held => held.Dispose());
        }
    }

    /// <summary>Certificates and keys that the data folder has not got.</summary>
    static void CopyMissing(string from, string to)
    {
        if (!Directory.Exists(from))
            return;
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            if (File.Exists(copy))
                continue;
            Disk.CreateDirectory(Path.GetDirectoryName(copy)!);
            CopyFile(file, copy);
        }
    }

    static void CopyPartition(string from, string to, string oldIndex, DateTimeOffset now, CancellationToken ct)
    {
        Disk.CreateDirectory(Path.Combine(to, "segments"));
        foreach (string segment in Directory.GetFiles(Path.Combine(from, "segments")))
        {
            ct.ThrowIfCancellationRequested();
            CopyFile(segment, Path.Combine(to, "segments", Path.GetFileName(segment)));
        }
        Disk.SyncDirectory(Path.Combine(to, "segments"));
        PartitionIdentity.Read(from)?.Write(to);
        string index = Path.Combine(to, "index.db");
        CopyFile(Path.Combine(from, "index.db"), index);
        RaiseIds(index, oldIndex, now);
        Disk.SyncDirectory(to);
    }

    /// <summary>S3: no id of the time between backup and restore is given again.</summary>
    static void RaiseIds(string index, string oldIndex, DateTimeOffset now)
    {
        const long gap = 1 << 20;
        const long modSeqGap = 1L << 32;
        using var db = new SqliteDatabase(index, SqliteOpen.ReadWrite);
        db.Execute(string.Create(CultureInfo.InvariantCulture, $"""
            BEGIN;
            UPDATE mailbox SET uidnext=uidnext+{gap};
            UPDATE account SET modseq=modseq+{modSeqGap};
            UPDATE meta SET value=value+{gap} WHERE key='next_mailbox';
            UPDATE meta SET value=max(value, {now.ToUnixTimeSeconds()}) WHERE key='uidvalidity';
            INSERT INTO meta(key, value) SELECT 'last_segment', coalesce(max(number), 0)+{gap} FROM segment WHERE true ON CONFLICT(key) DO UPDATE SET value=max(value, excluded.value);
            UPDATE sqlite_sequence SET seq=seq+{gap} WHERE name='queue';
            UPDATE queue SET state={(int)QueueState.Held};
            COMMIT;
            """));
        RaiseAbove(db, oldIndex);
        db.Checkpoint();
    }

    /// <summary>Where the old index can still be read it says exactly how far ids went.</summary>
    static void RaiseAbove(SqliteDatabase db, string oldIndex)
    {
        if (!File.Exists(oldIndex))
            return;
        try
        {
            using (SqliteStatement attach = db.Prepare("ATTACH ?1 AS old"))
                attach.Bind(1, oldIndex).Run();
            db.Execute("""
                UPDATE mailbox SET uidnext=max(uidnext, coalesce((SELECT o.uidnext FROM old.mailbox o WHERE o.id=mailbox.id), 0));
                UPDATE account SET modseq=max(modseq, coalesce((SELECT o.modseq FROM old.account o WHERE o.id=account.id), 0)+16777216);
                UPDATE meta SET value=max(value, coalesce((SELECT o.value FROM old.meta o WHERE o.key=meta.key), 0)) WHERE key IN ('next_mailbox', 'uidvalidity', 'last_segment');
                """);
            db.Execute("DETACH old");
        }
        catch (SqliteException)
        {
            // It is damaged, which is why there is a restore: the gaps do.
        }
    }

    static void CopyFile(string from, string to)
    {
        File.Delete(to);
        File.Copy(from, to);
        File.SetUnixFileMode(to, Disk.PrivateFile);
        using SafeFileHandle file = File.OpenHandle(to, FileMode.Open, FileAccess.ReadWrite);
        Disk.SyncData(file);
    }
}
