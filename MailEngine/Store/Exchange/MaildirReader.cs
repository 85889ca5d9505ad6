using System.Globalization;
using System.Text;
using MailEngine.Mime;

namespace MailEngine.Store.Exchange;

/// <summary>Reads Maildir++ of any server: ours, Dovecot's with its UIDs and keywords, Courier's. Nothing outside the folder is looked at.</summary>
internal sealed class MaildirReader(string root) : IArchiveReader
{
    const int MostListBytes = 256 << 20;   // dovecot-uidlist of some two million messages

    public async Task ReadAsync(IArchiveSink sink, CancellationToken ct)
    {
        if (!Directory.Exists(Path.Combine(root, "cur")))
            throw new ArchiveException($"{root} is no Maildir: there is no folder \"cur\" in it.");
        Dictionary<string, ArchivedMailbox> manifest = ArchiveFolders.ReadManifest(root);
        await ReadFolderAsync(".", manifest, sink, ct);
        foreach (string path in Directory.EnumerateDirectories(root, ".*").Order(StringComparer.Ordinal))
        {
            ArchiveFolders.RefuseLink(path);
            string name = Path.GetFileName(path);
            if (Directory.Exists(Path.Combine(path, "cur")))
                await ReadFolderAsync(name, manifest, sink, ct);
        }
    }

    async Task ReadFolderAsync(string name, Dictionary<string, ArchivedMailbox> manifest, IArchiveSink sink, CancellationToken ct)
    {
        string folder = Path.Combine(root, name);
        var uids = new Dictionary<string, uint>(StringComparer.Ordinal);
        (uint validity, uint next) = ReadUids(Path.Combine(folder, "dovecot-uidlist"), uids);
        ArchivedMailbox box = manifest.TryGetValue(name, out ArchivedMailbox? known) ? known : new ArchivedMailbox(NameOf(name));
        await sink.BeginMailboxAsync(box with { UidValidity = validity, UidNext = next });
        string[] letters = ReadKeywords(Path.Combine(folder, "dovecot-keywords"));
        Dictionary<uint, string[]> more = ReadMoreKeywords(Path.Combine(folder, "mailadmin-keywords"));
        // All of a folder is held to bring it into order: only what the order needs.
        var files = new List<(uint Uid, string Name, bool IsNew)>();
        foreach (string part in new[] { "cur", "new" })
        {
            string at = Path.Combine(folder, part);
            if (!Directory.Exists(at))
                continue;
            ArchiveFolders.RefuseLink(at);
            foreach (string path in Directory.EnumerateFileSystemEntries(at))
            {
                string file = Path.GetFileName(path);
                if (file.StartsWith('.'))
                    continue;
                int info = file.IndexOf(":2,", StringComparison.Ordinal);
                files.Add((uids.GetValueOrDefault(info < 0 ? file : file[..info], uint.MaxValue), file, part == "new"));
            }
        }
        files.Sort(static (a, b) => a.Uid != b.Uid ? a.Uid.CompareTo(b.Uid) : string.CompareOrdinal(a.Name, b.Name));
        byte[] block = new byte[LineEnds.BlockBytes];
        foreach ((uint uid, string file, bool isNew) in files)
        {
            ct.ThrowIfCancellationRequested();
            string path = Path.Combine(folder, isNew ? "new" : "cur", file);
            using FileStream content = ArchiveFolders.Open(path);
            Copy(content, path, file, sink, block);
            int info = file.IndexOf(":2,", StringComparison.Ordinal);
            string flags = info < 0 ? "" : file[(info + 3)..];
            uint known2 = uid == uint.MaxValue ? 0 : uid;
            string[] keywords = [.. flags.Where(c => c is >= 'a' and <= 'z' && c - 'a' < letters.Length).Select(c => letters[c - 'a']), .. more.GetValueOrDefault(known2, [])];
            await sink.EndMessageAsync(new ArchivedMessage(known2, ArchiveText.Flags(flags), keywords, File.GetLastWriteTimeUtc(path)));
        }
    }

    static void Copy(FileStream content, string path, string file, IArchiveSink sink, byte[] block)
    {
        long? size = SizeIn(file, ",S="), whole = SizeIn(file, ",W=");
        if (size is { } said && said != content.Length)
            throw new ArchiveException($"{path} has {content.Length} octets and says that it has {said}: it was cut off or changed.");
        sink.BeginMessage(path);
        long written = 0;
        bool known = size is not null && whole is not null;
        bool asItIs = known && size == whole;
        byte last = 0;
        for (int count; (count = content.Read(block)) > 0;)
        {
            ReadOnlySpan<byte> bytes = block.AsSpan(0, count);
            if (asItIs)
                Out(bytes);
            else if (known)
                LineEnds.ToMail(bytes, Out);
            else
                ToMailUnlessItIs(bytes);
            last = bytes[^1];
        }
        if (whole is { } all && all != written)
            throw new ArchiveException($"{path} makes a message of {written} octets and says that it is one of {all}: it was changed.");

        void Out(ReadOnlySpan<byte> bytes)
        {
            written += bytes.Length;
            sink.Write(bytes);
        }

        // A file of another program: LF becomes CRLF where it is not one yet.
        void ToMailUnlessItIs(ReadOnlySpan<byte> bytes)
        {
            byte before = last;
            while (bytes.IndexOf((byte)'\n') is var lf and >= 0)
            {
                Out(bytes[..lf]);
                Out((lf > 0 ? bytes[lf - 1] : before) == (byte)'\r' ? "\n"u8 : "\r\n"u8);
                bytes = bytes[(lf + 1)..];
                before = (byte)'\n';
            }
            Out(bytes);
        }
    }

    static long? SizeIn(string file, string key)
    {
        int at = file.IndexOf(key, StringComparison.Ordinal);
        if (at < 0)
            return null;
        int end = at + key.Length;
        while (end < file.Length && char.IsAsciiDigit(file[end]))
            end++;
        return long.TryParse(file.AsSpan(at + key.Length, end - at - key.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long size) ? size : null;
    }

    MailboxName NameOf(string folder)
    {
        if (folder == ".")
            return MailboxName.Inbox;
        string[] levels = folder[1..].Split('.');
        for (int i = 0; i < levels.Length; i++)
        {
            // Some programs write plain UTF-8; what is no modified UTF-7 is taken for that.
            if (ModifiedUtf7.TryDecode(Encoding.UTF8.GetBytes(levels[i].Replace("&AC4-", ".", StringComparison.Ordinal)), out string level))
                levels[i] = level;
        }
        return !levels.Any(l => l.Contains('/', StringComparison.Ordinal)) && MailboxName.TryParse(string.Join('/', levels), out MailboxName name)
            ? name
            : throw new ArchiveException($"{Path.Combine(root, folder)} cannot be the name of a mailbox. Rename the folder.");
    }

    // "3 V<uidvalidity> N<next uid> ..." and "<uid> [...]:<name of the file up to its flags>".
    static (uint Validity, uint Next) ReadUids(string path, Dictionary<string, uint> uids)
    {
        if (!File.Exists(path))
            return (0, 0);
        uint validity = 0, next = 0;
        using StreamReader reader = Text(path);
        string[] head = (reader.ReadLine() ?? "").Split(' ');
        if (head[0] != "3")
            return (0, 0);
        foreach (string word in head.Skip(1).Where(w => w.Length > 1))
        {
            if (word[0] == 'V')
                validity = ArchiveText.Number(word[1..]);
            else if (word[0] == 'N')
                next = ArchiveText.Number(word[1..]);
        }
        uint before = 0;
        while (reader.ReadLine() is { } line)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal), space = line.IndexOf(' ', StringComparison.Ordinal);
            uint uid = space > 0 ? ArchiveText.Number(line[..space]) : 0;
            if (colon < 0 || uid <= before || uid == uint.MaxValue)
                throw new ArchiveException($"{path}: the line \"{(line.Length > 80 ? line[..80] : line)}\" does not name a file by a UID above the one before. Remove the list to import without UIDs.");
            before = uid;
            string name = line[(colon + 1)..];
            int info = name.IndexOf(":2,", StringComparison.Ordinal);
            uids[info < 0 ? name : name[..info]] = uid;
        }
        return (validity, Math.Max(next, before + 1));
    }

    static string[] ReadKeywords(string path)
    {
        string[] letters = [];
        if (!File.Exists(path))
            return letters;
        letters = new string[26];
        Array.Fill(letters, "");
        using StreamReader reader = Text(path);
        while (reader.ReadLine() is { } line)
        {
            if (line.Split(' ') is [var number, var keyword] && ArchiveText.Number(number) is < 26 and var at && ArchiveText.IsKeyword(keyword))
                letters[at] = keyword;
        }
        return letters;
    }

    static Dictionary<uint, string[]> ReadMoreKeywords(string path)
    {
        var more = new Dictionary<uint, string[]>();
        if (!File.Exists(path))
            return more;
        using StreamReader reader = Text(path);
        while (reader.ReadLine() is { } line)
        {
            if (line.IndexOf(' ', StringComparison.Ordinal) is var space and > 0)
                more[ArchiveText.Number(line[..space])] = ArchiveText.Keywords(line[space..]);
        }
        return more;
    }

    static StreamReader Text(string path)
    {
        FileStream file = ArchiveFolders.Open(path);
        if (file.Length <= MostListBytes)
            return new StreamReader(file, Encoding.UTF8);
        file.Dispose();
        throw new ArchiveException($"{path} is larger than any list of that kind.");
    }
}
