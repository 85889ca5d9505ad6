using System.Globalization;
using System.Text;
using MailEngine.Mime;

namespace MailEngine.Store.Exchange;

/// <summary>Writes Maildir++: INBOX is the folder itself, other mailboxes are ".A.B" in it, with LF at the ends of lines.</summary>
/// <remarks>Flags stand in the file name, the internal date is the file's time, UIDs and UIDVALIDITY stand in dovecot-uidlist, the first 26 keywords in
/// dovecot-keywords, further ones in mailadmin-keywords. S= is the size of the file, W= that of the message: when both are the same the file has
/// the octets of the message as they are. docs/formats/exchange.md</remarks>
internal sealed class MaildirWriter : IArchiveWriter
{
    const int LongestName = 255;   // octets of a file name
    readonly string _root;
    readonly byte[] _block = new byte[LineEnds.BlockBytes];
    readonly List<(string, ArchivedMailbox)> _boxes = [];
    readonly List<string> _keywords = [];
    string _folder = "";
    ArchivedMailbox? _box;
    StreamWriter? _uids;
    StreamWriter? _moreKeywords;

    public MaildirWriter(string root)
    {
        _root = root;
        ArchiveFolders.Create(root);
    }

    public void BeginMailbox(ArchivedMailbox box)
    {
        EndMailbox();
        string name = box.Name.IsInbox ? "." : FolderOf(box.Name);
        // The name on the disk has an end; the manifest has the whole name.
        if (Encoding.UTF8.GetByteCount(name) > LongestName)
            name = string.Create(CultureInfo.InvariantCulture, $".long-name-{_boxes.Count}");
        _folder = Path.Combine(_root, name);
        _box = box;
        _boxes.Add((name, box));
        foreach (string part in new[] { "cur", "new", "tmp" })
            ArchiveFolders.CreateFolder(Path.Combine(_folder, part));
        if (!box.Name.IsInbox)
            File.WriteAllBytes(Path.Combine(_folder, "maildirfolder"), []);
        _uids = new StreamWriter(ArchiveFolders.CreateFile(Path.Combine(_folder, "dovecot-uidlist")));
        _uids.Write(string.Create(CultureInfo.InvariantCulture, $"3 V{box.UidValidity} N{box.UidNext}\n"));
    }

    public void Write(ArchivedMessage message, MessageReader content)
    {
        using MessageReader owned = content;
        (bool isText, long lines) = LineEnds.Look(content, _block);
        long size = content.Length - (isText ? lines : 0);
        string name = string.Create(CultureInfo.InvariantCulture,
            $"{message.InternalDate!.Value.ToUnixTimeSeconds()}.U{message.Uid}V{_box!.UidValidity}.mailadmin,S={size},W={content.Length}");
        string path = Path.Combine(_folder, "cur", $"{name}:2,{ArchiveText.Letters(message.Flags)}{KeywordLetters(message)}");
        using (FileStream file = ArchiveFolders.CreateFile(path))
            LineEnds.Copy(content, isText, _block, file.Write);
        File.SetLastWriteTimeUtc(path, message.InternalDate.Value.UtcDateTime);
        _uids!.Write(string.Create(CultureInfo.InvariantCulture, $"{message.Uid} :{name}\n"));
    }

    public void Complete()
    {
        EndMailbox();
        ArchiveFolders.WriteManifest(_root, _boxes);
        File.WriteAllLines(Path.Combine(_root, "subscriptions"), _boxes.Where(b => b.Item2.Subscribed).Select(b => b.Item2.Name.Value.Replace('/', '.')));
        ArchiveFolders.Complete(_root);
    }

    public void Dispose() => EndMailbox();

    /// <summary>".A.B", in modified UTF-7; dots within a level, which would be another one, as the shift sequence of their own.</summary>
    internal static string FolderOf(MailboxName name) =>
        "." + string.Join('.', name.Value.Split('/').Select(level => ModifiedUtf7.Encode(level).Replace(".", "&AC4-", StringComparison.Ordinal)));

    string KeywordLetters(ArchivedMessage message)
    {
        var letters = new StringBuilder();
        List<string>? more = null;
        foreach (string keyword in message.Keywords)
        {
            int number = _keywords.IndexOf(keyword);
            if (number < 0 && _keywords.Count < 26)
            {
                number = _keywords.Count;
                _keywords.Add(keyword);
            }
            if (number < 0)
                (more ??= []).Add(keyword);
            else
                letters.Append((char)('a' + number));
        }
        if (more is not null)
        {
            _moreKeywords ??= new StreamWriter(ArchiveFolders.CreateFile(Path.Combine(_folder, "mailadmin-keywords")));
            _moreKeywords.Write(string.Create(CultureInfo.InvariantCulture, $"{message.Uid} {string.Join(' ', more)}\n"));
        }
        return string.Concat(letters.ToString().Order());
    }

    void EndMailbox()
    {
        _uids?.Dispose();
        _moreKeywords?.Dispose();
        (_uids, _moreKeywords) = (null, null);
        if (_keywords.Count > 0)
            File.WriteAllLines(Path.Combine(_folder, "dovecot-keywords"), _keywords.Select((keyword, i) => string.Create(CultureInfo.InvariantCulture, $"{i} {keyword}")));
        _keywords.Clear();
    }
}
