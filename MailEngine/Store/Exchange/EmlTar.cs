using System.Globalization;
using System.Text;

namespace MailEngine.Store.Exchange;

/// <summary>Names and lines that writer and reader of a tar of .eml share.</summary>
internal static class EmlTar
{
    /// <summary>First file of a mailbox's folder: UIDVALIDITY, UIDNEXT, special use or "-", subscribed or "-", name; by tabs.</summary>
    public const string MailboxFile = ".mailbox";
    /// <summary>Begins the names of files that tell of the messages behind them: file, UID, date, flags, keywords; by tabs, a line each.</summary>
    public const string ListFile = ".messages-";
    public const int ListedAtOnce = 1000;
    public const int MostListBytes = 64 << 20;

    public static string Folder(MailboxName name) => string.Join('/', name.Value.Split('/').Select(level =>
        level.StartsWith('.') ? "%2E" + level[1..].Replace("%", "%25", StringComparison.Ordinal) : level.Replace("%", "%25", StringComparison.Ordinal)));
}

/// <summary>Writes a tar file with a folder for each mailbox and an .eml for each message, octet for octet.</summary>
/// <remarks>What is known of the messages stands in lists of a thousand, each before its messages, so that an import needs to look neither ahead nor back.
/// So messages are held back until their list is written: as readers, without their octets.</remarks>
internal sealed class EmlTarWriter(string path) : IArchiveWriter
{
    readonly TarFileWriter _tar = new(path);
    readonly byte[] _block = new byte[LineEnds.BlockBytes];
    readonly List<(string File, ArchivedMessage Message, MessageReader Content)> _held = [];
    string _folder = "";
    int _lists;

    public void BeginMailbox(ArchivedMailbox box)
    {
        WriteHeld();
        _folder = EmlTar.Folder(box.Name);
        _lists = 0;
        WriteText(EmlTar.MailboxFile, string.Create(CultureInfo.InvariantCulture,
            $"{box.UidValidity}\t{box.UidNext}\t{(box.SpecialUse.Length > 0 ? box.SpecialUse : "-")}\t{(box.Subscribed ? "subscribed" : "-")}\t{box.Name}\n"));
    }

    public void Write(ArchivedMessage message, MessageReader content)
    {
        _held.Add((string.Create(CultureInfo.InvariantCulture, $"{message.Uid:D10}.eml"), message, content));
        if (_held.Count == EmlTar.ListedAtOnce)
            WriteHeld();
    }

    public void Complete()
    {
        WriteHeld();
        _tar.Complete();
    }

    public void Dispose()
    {
        foreach ((_, _, MessageReader content) in _held)
            content.Dispose();
        _tar.Dispose();
    }

    void WriteHeld()
    {
        if (_held.Count == 0)
            return;
        var list = new StringBuilder();
        foreach ((string file, ArchivedMessage m, _) in _held)
        {
            list.Append(CultureInfo.InvariantCulture,
                $"{file}\t{m.Uid}\t{m.InternalDate!.Value.ToUnixTimeSeconds()}\t{ArchiveText.Letters(m.Flags)}\t{string.Join(' ', m.Keywords)}\n");
        }
        WriteText(string.Create(CultureInfo.InvariantCulture, $"{EmlTar.ListFile}{++_lists:D5}"), list.ToString());
        foreach ((string file, ArchivedMessage message, MessageReader content) in _held)
        {
            _tar.Begin($"{_folder}/{file}", content.Length, message.InternalDate!.Value);
            LineEnds.Copy(content, asText: false, _block, _tar.Write);
            _tar.End();
            content.Dispose();
        }
        _held.Clear();
    }

    void WriteText(string file, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        _tar.Begin($"{_folder}/{file}", bytes.Length, DateTimeOffset.UnixEpoch);
        _tar.Write(bytes);
        _tar.End();
    }
}

/// <summary>Reads a tar of .eml: ours, or any that has .eml files in folders.</summary>
internal sealed class EmlTarReader(string path) : IArchiveReader
{
    // Ours has at most a thousand before their messages; one that was packed anew may have them all in front.
    const int MostKnown = 2_000_000;

    readonly Dictionary<string, ArchivedMessage> _known = new(StringComparer.Ordinal);
    string? _folder;

    public async Task ReadAsync(IArchiveSink sink, CancellationToken ct)
    {
        using var tar = new TarFileReader(path);
        byte[] block = new byte[LineEnds.BlockBytes];
        while (tar.MoveNext())
        {
            ct.ThrowIfCancellationRequested();
            (string folder, string file) = Place(tar);
            if (file == EmlTar.MailboxFile)
            {
                await sink.BeginMailboxAsync(MailboxOf(tar));
                _folder = folder;
                _known.Clear();
            }
            else if (file.StartsWith(EmlTar.ListFile, StringComparison.Ordinal))
            {
                ReadList(tar);
                if (_known.Count > MostKnown)
                    throw tar.Bad($"has lists of more than {MostKnown} messages before the messages themselves");
            }
            else if (file.EndsWith(".eml", StringComparison.OrdinalIgnoreCase))
            {
                if (folder != _folder)
                {
                    await sink.BeginMailboxAsync(new ArchivedMailbox(NameOf(tar, folder)));
                    _folder = folder;
                    _known.Clear();
                }
                sink.BeginMessage($"{path}: {tar.Name}");
                for (int count; (count = tar.Read(block)) > 0;)
                    sink.Write(block.AsSpan(0, count));
                await sink.EndMessageAsync(_known.Remove(file, out ArchivedMessage? known) ? known
                    : new ArchivedMessage(0, 0, [], tar.Time == default ? null : tar.Time));
            }
            else
            {
                throw tar.Bad($"has {tar.Name} in it, which is no .eml. Remove it from the archive");
            }
        }
    }

    // Nothing is ever written to these paths; but whoever packs ".." means harm, and hears so.
    static (string Folder, string File) Place(TarFileReader tar)
    {
        string name = tar.Name;
        if (name.Length is 0 or > 4096 || name[0] == '/' || name.Any(char.IsControl)
            || name.Split('/').Any(part => part is ".." or "." or ""))
            throw tar.Bad($"has a file named \"{new string([.. name.Take(100).Select(c => char.IsControl(c) ? '?' : c)])}\", which leads out of the archive or nowhere");
        int slash = name.LastIndexOf('/');
        return slash < 0 ? ("", name) : (name[..slash], name[(slash + 1)..]);
    }

    static MailboxName NameOf(TarFileReader tar, string folder) =>
        folder.Length == 0 ? MailboxName.Inbox
        : MailboxName.TryParse(folder.Replace("%2E", ".", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal), out MailboxName name) ? name
        : throw tar.Bad($"has a folder \"{folder}\", which cannot be the name of a mailbox");

    static ArchivedMailbox MailboxOf(TarFileReader tar)
    {
        string[] fields = Text(tar).TrimEnd('\n').Split('\t');
        return fields is [var validity, var next, var use, var subscribed, var name] && MailboxName.TryParse(name, out MailboxName parsed)
            ? new ArchivedMailbox(parsed, ArchiveText.Number(validity), ArchiveText.Number(next), use == "-" || use.Length > 20 ? "" : use, subscribed != "-")
            : throw tar.Bad($"says nothing of a mailbox in {tar.Name}");
    }

    void ReadList(TarFileReader tar)
    {
        foreach (string line in Text(tar).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split('\t') is not [var file, var uid, var date, var flags, var keywords])
                throw tar.Bad($"has a line in {tar.Name} that tells of no message");
            _known[file] = new ArchivedMessage(ArchiveText.Number(uid), ArchiveText.Flags(flags), ArchiveText.Keywords(keywords), ArchiveText.Date(date));
        }
    }

    static string Text(TarFileReader tar)
    {
        if (tar.Size > EmlTar.MostListBytes)
            throw tar.Bad($"has {tar.Name} with {tar.Size} octets, more than any list of messages");
        byte[] bytes = new byte[tar.Size];
        for (int at = 0, count; (count = tar.Read(bytes.AsSpan(at))) > 0;)
            at += count;
        return Encoding.UTF8.GetString(bytes);
    }
}
