using MailEngine.Io;
using MailEngine.Store.Partitions;
using Microsoft.Win32.SafeHandles;

namespace MailEngine.Store.Backup;

/// <summary>Layout of a backup, and the parts of the data folder that are not mail.</summary>
/// <remarks>docs/formats/backup.md. Left out: what is made anew (search index, trace), what belongs to the running process.</remarks>
internal static class BackupFolder
{
    /// <summary>There once a backup has been completed.</summary>
    public const string Complete = "backup.complete";

    /// <summary>Folder of the small files beside the databases.</summary>
    public const string Files = "files";

    static readonly string[] s_leftOut = ["accounts.db", "trace.db", "search.db", "control.sock", "lmtp.sock", "restore.swap"];

    /// <summary>Folder of a partition in a backup.</summary>
    public static string OfPartition(string backup, string name) => Path.Combine(backup, "partitions", name);

    /// <summary>Folder of the partition in which an account lived when the backup was made; null: there is no backup.</summary>
    public static string? PartitionOf(string backup, long accountId)
    {
        string first = OfPartition(backup, PartitionFolders.Default);
        if (!File.Exists(Path.Combine(first, "index.db")))
            return null;
        using var db = new SqliteDatabase(Path.Combine(first, "index.db"), SqliteOpen.ReadOnly);
        if (db.ReadNumber("SELECT count(*) FROM sqlite_schema WHERE name='placement'") == 0)
            return first;   // made before there were several partitions
        using SqliteStatement query = db.Prepare("SELECT name FROM partition JOIN placement ON placement.partition=number WHERE account=?1");
        return query.Bind(1, accountId).Step() ? OfPartition(backup, query.Text(0)) : first;
    }

    /// <summary>Copies accounts.db as of one moment, and small files beside it: certificates, keys.</summary>
    public static void CopyTheRest(string dataPath, string target)
    {
        string accounts = Path.Combine(dataPath, "accounts.db");
        if (File.Exists(accounts))
        {
            string fresh = Path.Combine(target, "accounts.db.new");
            File.Delete(fresh);
            using (var source = new SqliteDatabase(accounts, SqliteOpen.ReadOnly))
                source.BackUpTo(fresh);
            using (var copy = new SqliteDatabase(fresh, SqliteOpen.ReadWrite))
                copy.Execute("PRAGMA journal_mode=DELETE");
            File.Move(fresh, Path.Combine(target, "accounts.db"), overwrite: true);
        }
        CopySmallFiles(dataPath, Path.Combine(target, Files));
    }

    public static void MarkComplete(string target, DateTimeOffset now)
    {
        File.WriteAllText(Path.Combine(target, Complete), $"{now:O}\n");
        using (SafeFileHandle file = File.OpenHandle(Path.Combine(target, Complete), FileMode.Open, FileAccess.ReadWrite))
            Disk.SyncData(file);
        Disk.SyncDirectory(target);
    }

    static void CopySmallFiles(string from, string to)
    {
        const long large = 1 << 20;
        Disk.CreateDirectory(to);
        foreach (FileSystemInfo entry in new DirectoryInfo(from).EnumerateFileSystemInfos())
        {
            if (s_leftOut.Any(name => entry.Name.StartsWith(name, StringComparison.Ordinal)) || entry.Name.StartsWith("partitions", StringComparison.Ordinal)
                || entry.Name.StartsWith("before-restore", StringComparison.Ordinal) || entry.LinkTarget is not null)
                continue;
            string copy = Path.Combine(to, entry.Name);
            if (entry is DirectoryInfo folder)
                CopySmallFiles(folder.FullName, copy);
            else if (entry is FileInfo { Length: < large } file)
                file.CopyTo(copy, overwrite: true);
        }
    }
}
