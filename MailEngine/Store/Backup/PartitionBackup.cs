using MailEngine.Io;
using Microsoft.Win32.SafeHandles;

namespace MailEngine.Store.Backup;

/// <summary>What a backup copied.</summary>
/// <param name="Segments">Files the backup needs, <paramref name="Copied"/> of them new since the last run.</param>
/// <param name="Missing">Segments that are lost; their messages are not in the backup.</param>
public sealed record BackupReport(int Segments, int Copied, long CopiedBytes, IReadOnlyList<string> Missing)
{
    internal BackupReport And(BackupReport other) =>
        new(Segments + other.Segments, Copied + other.Copied, CopiedBytes + other.CopiedBytes, [.. Missing, .. other.Missing]);
}

/// <summary>Copies a partition that works on meanwhile into a folder that a later run brings up to date.</summary>
/// <remarks>
/// The index first, of one moment (SQLite's backup interface), then every segment it names, as far as it names it: what comes later is not in this
/// backup. A segment that takes no more is linked where the file system can, else copied, once. The new index takes the old one's place
/// when all its segments are there, and only then go segments that it no longer names: whenever this is interrupted, the folder
/// holds the last backup whole. The caller keeps compaction away.
/// </remarks>
internal sealed class PartitionBackup(Partition partition)
{
    public async Task<BackupReport> RunAsync(string target, CancellationToken ct)
    {
        string segments = Path.Combine(target, "segments"), fresh = Path.Combine(target, "index.db.new"), index = Path.Combine(target, "index.db");
        Disk.CreateDirectory(segments);
        if (await partition.CommitAsync(new SettleChange(), ct) != StoreError.None)
            throw new IOException("The index cannot be written just now, so a backup would miss mail. Look at the disk and try again.");
        Delete(fresh);
        using (var source = new SqliteDatabase(partition.IndexPath, SqliteOpen.ReadOnly))
            source.BackUpTo(fresh);
        List<(uint Number, long Bytes)> wanted;
        using (var copy = new IndexReader(new SqliteDatabase(fresh, SqliteOpen.ReadWrite)))
        {
            wanted = [.. copy.Segments().Where(row => row.Value.Bytes > 0).OrderBy(row => row.Key).Select(row => (row.Key, row.Value.Bytes))];
            copy.Database.Execute("PRAGMA journal_mode=DELETE");   // one file, also on a medium that cannot be written to later
        }
        Sync(fresh);
        int copied = 0;
        long bytes = 0;
        var missing = new List<string>();
        foreach ((uint number, long length) in wanted)
        {
            ct.ThrowIfCancellationRequested();
            string to = Path.Combine(segments, Path.GetFileName(partition.Segments.PathOf(number)));
            if (new FileInfo(to) is { Exists: true } there && there.Length >= length)
                continue;
            try
            {
                Copy(number, length, to, ct);
                copied++;
                bytes += length;
            }
            catch (FileNotFoundException)
            {
                missing.Add($"segment {number} is lost; its messages are not in the backup");
            }
        }
        Disk.SyncDirectory(segments);
        if (partition.Identity.Identity.Length > 0)
            partition.Identity.Write(target);
        File.Move(fresh, index, overwrite: true);
        Disk.SyncDirectory(target);
        HashSet<string> named = [.. wanted.Select(row => Path.GetFileName(partition.Segments.PathOf(row.Number)))];
        foreach (string file in Directory.GetFiles(segments))
        {
            if (!named.Contains(Path.GetFileName(file)))
                File.Delete(file);
        }
        return new BackupReport(wanted.Count, copied, bytes, missing);
    }

    void Copy(uint number, long length, string to, CancellationToken ct)
    {
        string from = partition.Segments.PathOf(number), fresh = to + ".new";
        File.Delete(fresh);
        SafeFileHandle source = partition.Segments.Open(number);
        // What is linked must never change again: a segment that takes no more, and of which the index names all.
        bool isSealed = number != partition.Segments.CurrentNumber && RandomAccess.GetLength(source) == length;
        if (!isSealed || !Disk.TryLink(from, fresh))
        {
            using SafeFileHandle copy = Disk.CreateFile(fresh);
            byte[] buffer = new byte[1 << 20];
            for (long done = 0; done < length;)
            {
                ct.ThrowIfCancellationRequested();
                int count = RandomAccess.Read(source, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - done)), done);
                if (count == 0)
                    break;   // shorter than the index says: what is there is kept, the check of the store names the rest
                RandomAccess.Write(copy, buffer.AsSpan(0, count), done);
                done += count;
            }
            Disk.SyncData(copy);
        }
        File.Move(fresh, to, overwrite: true);
    }

    static void Sync(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        Disk.SyncData(file);
    }

    static void Delete(string path)
    {
        foreach (string suffix in new[] { "", "-wal", "-shm", "-journal" })
            File.Delete(path + suffix);
    }
}
