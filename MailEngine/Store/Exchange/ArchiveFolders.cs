using System.Text;

namespace MailEngine.Store.Exchange;

/// <summary>Files and folders of archives that are folders: made for their owner alone, read without following any link.</summary>
internal static class ArchiveFolders
{
    public const string Manifest = "mailadmin-mailboxes";
    const string Unfinished = "mailadmin-export-unfinished";
    const int MostManifestBytes = 16 << 20;

    /// <summary>Makes the folder of a new archive, marked as unfinished.</summary>
    /// <exception cref="ArchiveException">There is something already.</exception>
    public static void Create(string path)
    {
        if (File.Exists(path) || (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any()))
            throw new ArchiveException($"{path} exists already. Name a new folder: an export never changes what is there.");
        CreateFolder(path);
        File.WriteAllText(Path.Combine(path, Unfinished), "This export has not been finished.\n");
    }

    public static void CreateFolder(string path) =>
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

    public static void Complete(string path) => File.Delete(Path.Combine(path, Unfinished));

    public static FileStream CreateFile(string path) => new(path, new FileStreamOptions
    {
        Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 1 << 16, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });

    /// <summary>Opens a file of an archive for reading.</summary>
    /// <exception cref="ArchiveException">A link, a device, or not to be read.</exception>
    public static FileStream Open(string path)
    {
        RefuseLink(path);
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArchiveException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A link could lead out of the archive, to any file that the server may read.</summary>
    public static void RefuseLink(string path)
    {
        FileAttributes attributes = File.GetAttributes(path);
        if (attributes.HasFlag(FileAttributes.ReparsePoint))
            throw new ArchiveException($"{path} is a link. An archive must hold its files itself: replace it by what it leads to.");
        if (attributes.HasFlag(FileAttributes.Device))
            throw new ArchiveException($"{path} is no plain file.");
    }

    /// <summary>A line a mailbox: path below the root, UIDVALIDITY, UIDNEXT, special use or "-", subscribed or "-", name.</summary>
    public static void WriteManifest(string root, IEnumerable<(string Path, ArchivedMailbox Box)> boxes)
    {
        using FileStream file = CreateFile(Path.Combine(root, Manifest));
        using var writer = new StreamWriter(file);
        foreach ((string path, ArchivedMailbox box) in boxes)
            writer.Write($"{path}\t{box.UidValidity}\t{box.UidNext}\t{(box.SpecialUse.Length > 0 ? box.SpecialUse : "-")}\t{(box.Subscribed ? "subscribed" : "-")}\t{box.Name}\n");
    }

    /// <summary>By path; empty when there is none.</summary>
    public static Dictionary<string, ArchivedMailbox> ReadManifest(string root)
    {
        var boxes = new Dictionary<string, ArchivedMailbox>(StringComparer.Ordinal);
        string path = Path.Combine(root, Manifest);
        if (!File.Exists(path))
            return boxes;
        using FileStream file = Open(path);
        if (file.Length > MostManifestBytes)
            throw new ArchiveException($"{path} is larger than any list of mailboxes.");
        using var reader = new StreamReader(file, Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            if (line.Split('\t') is not [var at, var validity, var next, var use, var subscribed, var name] || !MailboxName.TryParse(name, out MailboxName parsed))
                throw new ArchiveException($"{path}: \"{(line.Length > 80 ? line[..80] : line)}\" is no mailbox of an export.");
            boxes[at] = new ArchivedMailbox(parsed, ArchiveText.Number(validity), ArchiveText.Number(next), IsSpecialUse(use) ? use : "", subscribed != "-");
        }
        return boxes;
    }

    // RFC 6154 §2
    static bool IsSpecialUse(string use) => use is "\\All" or "\\Archive" or "\\Drafts" or "\\Flagged" or "\\Junk" or "\\Sent" or "\\Trash";
}
