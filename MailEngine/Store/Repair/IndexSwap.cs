using MailEngine.Io;
using Microsoft.Win32.SafeHandles;

namespace MailEngine.Store.Repair;

/// <summary>Puts a new index.db in the place of the old one so that a crash leaves the one or the other, whole.</summary>
/// <remarks>The log of the old index must not be read into the new one, so two names change. The marker makes it one step: as long as it is not
/// there nothing has changed; once it is, every start ends the swap before it opens anything.</remarks>
internal static class IndexSwap
{
    public const string NewName = "index.db.new";
    const string Marker = "index.swap";

    /// <summary>Ends a swap that a crash interrupted; does nothing otherwise.</summary>
    public static void Finish(string folder)
    {
        string marker = Path.Combine(folder, Marker), fresh = Path.Combine(folder, NewName), index = Path.Combine(folder, "index.db");
        if (!File.Exists(marker))
            return;
        if (File.Exists(fresh))
        {
            File.Delete(index + "-wal");
            File.Delete(index + "-shm");
            File.Move(fresh, index, overwrite: true);
        }
        Disk.SyncDirectory(folder);
        File.Delete(marker);
        Disk.SyncDirectory(folder);
    }

    /// <summary>Makes <see cref="NewName"/>, which is complete and closed, the index.</summary>
    public static void Run(string folder)
    {
        using (SafeFileHandle fresh = File.OpenHandle(Path.Combine(folder, NewName), FileMode.Open, FileAccess.ReadWrite))
            Disk.SyncData(fresh);
        File.Delete(Path.Combine(folder, Marker));
        using (SafeFileHandle marker = Disk.CreateFile(Path.Combine(folder, Marker)))
            Disk.SyncData(marker);
        Disk.SyncDirectory(folder);
        Finish(folder);
    }

    /// <summary>Keeps the old index aside, whole with its log, under a name of its own.</summary>
    /// <returns>The folder it is in; null: there is none.</returns>
    public static string? KeepOld(string folder, DateTimeOffset now)
    {
        string index = Path.Combine(folder, "index.db");
        if (!File.Exists(index))
            return null;
        string aside = Path.Combine(folder, $"index.damaged-{now:yyyyMMdd-HHmmss}");
        for (int i = 2; Directory.Exists(aside); i++)
            aside = Path.Combine(folder, FormattableString.Invariant($"index.damaged-{now:yyyyMMdd-HHmmss}-{i}"));
        Disk.CreateDirectory(aside);
        foreach (string suffix in new[] { "", "-wal" })
        {
            if (!File.Exists(index + suffix))
                continue;
            File.Copy(index + suffix, Path.Combine(aside, "index.db" + suffix));
            using SafeFileHandle copy = File.OpenHandle(Path.Combine(aside, "index.db" + suffix), FileMode.Open, FileAccess.ReadWrite);
            Disk.SyncData(copy);
        }
        Disk.SyncDirectory(aside);
        return aside;
    }
}
