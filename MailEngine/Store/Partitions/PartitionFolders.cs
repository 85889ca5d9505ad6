using System.Globalization;
using MailEngine.Io;
using Microsoft.Win32.SafeHandles;

namespace MailEngine.Store.Partitions;

/// <summary>Where partitions are.</summary>
internal static class PartitionFolders
{
    public const string Default = "default";

    /// <summary>Full path of the folder of a partition.</summary>
    public static string Of(string dataPath, PartitionOptions partition) => Path.TrimEndingDirectorySeparator(
        Path.GetFullPath(partition.Folder.Length > 0 ? partition.Folder : Path.Combine(dataPath, "partitions", partition.Name)));

    /// <summary>All that the settings name; the one that must be there first.</summary>
    public static IReadOnlyList<PartitionOptions> Effective(StoreOptions options) =>
    [
        options.Partitions.FirstOrDefault(p => p.Name == Default) ?? new PartitionOptions { Name = Default },
        .. options.Partitions.Where(p => p.Name != Default),
    ];
}

/// <summary>Says in the folder itself which partition it is: the file <c>partition.id</c>, one line, number, name and identity by spaces.</summary>
/// <remarks>A volume that is not mounted leaves an empty folder behind, or another volume stands in its place: then this file is not there or says
/// something else, and nobody takes the emptiness for mail that is gone. docs/partitions.md</remarks>
/// <param name="Number">0: the default one. Given once, never to another. The ids of mailboxes made in it begin with it.</param>
/// <param name="Identity">Made at random with the folder.</param>
internal sealed record PartitionIdentity(int Number, string Name, string Identity)
{
    /// <summary>Partitions of one store: five bits of a mailbox id.</summary>
    public const int MostPartitions = 32;

    const string FileName = "partition.id";

    public static PartitionIdentity New(int number, string name) => new(number, name, Guid.NewGuid().ToString("N"));

    /// <summary>Null: the folder is not there, or is no partition.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static PartitionIdentity? Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return null;
        return File.ReadAllText(path).Trim().Split(' ') is [var number, var name, var identity]
            && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n < MostPartitions
            ? new PartitionIdentity(n, name, identity)
            : throw new IOException($"{path} is damaged: one line with number, name and identity is what should be in it.");
    }

    public void Write(string folder)
    {
        string path = Path.Combine(folder, FileName), fresh = path + ".new";
        File.Delete(fresh);
        using (SafeFileHandle file = Disk.CreateFile(fresh))
        {
            RandomAccess.Write(file, System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Number} {Name} {Identity}\n")), 0);
            Disk.SyncData(file);
        }
        File.Move(fresh, path, overwrite: true);
        Disk.SyncDirectory(folder);
    }
}

/// <summary>Which mailbox ids a partition gives: its number in the five high bits of 31, so that no two ever give the same one, whatever
/// became of the other. Mailboxes keep their ids when their account moves.</summary>
internal readonly record struct MailboxIdRange(int Number)
{
    const int Bits = 26;   // 67 million mailboxes made in one partition in all its life

    public long First => Math.Max(1, (long)Number << Bits);

    public long Last => ((long)(Number + 1) << Bits) - 1;

    public bool Contains(long mailboxId) => mailboxId >= First && mailboxId <= Last;
}
