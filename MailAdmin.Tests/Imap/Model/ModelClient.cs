using System.Globalization;
using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Imap.Model;

/// <summary>What a client has enabled.</summary>
enum ClientKind { Plain, CondStore, QResync, UidOnly }

/// <summary>A mail program that believes what it is told and nothing else, and fails where that contradicts itself.</summary>
/// <remarks>Its picture is a list by sequence number. It keeps HIGHESTMODSEQ by the rules of RFC 7162 §6.</remarks>
sealed class ModelClient(ImapRig rig, ClientKind kind, string name, Dictionary<(string, uint, ulong), string> history)
{
    /// <summary>A message as this client knows it; UID 0: only that it is there.</summary>
    public sealed class Known
    {
        public uint Uid { get; set; }
        public SortedSet<string> Flags { get; set; } = new(StringComparer.Ordinal);
        public ulong ModSeq { get; set; }
    }

    readonly List<string> _said = [];
    WireScript? _wire;
    int _tag;
    uint _uidValidity;
    ulong _highest;
    ulong _highestSeen;
    ulong? _highestTold;
    List<uint> _found = [];

    public ClientKind Kind => kind;

    public string Name => name;

    /// <summary>Null: none selected.</summary>
    public ModelMailbox? Box { get; private set; }

    public List<Known> Picture { get; } = [];

    public bool IsAware => kind != ClientKind.Plain;

    public bool UidsOnly => kind == ClientKind.UidOnly;

    public string Transcript => string.Join('\n', _said.TakeLast(60));

    public ulong HighestModSeq => _highest;

    /// <summary>Numbers of the last SEARCH.</summary>
    public IReadOnlyList<uint> Found => _found;

    public async Task ConnectAsync()
    {
        _wire = await rig.LogInAsync();
        if (kind is ClientKind.QResync or ClientKind.UidOnly)
            await RunAsync(kind == ClientKind.UidOnly ? "ENABLE QRESYNC UIDONLY IMAP4rev2" : "ENABLE QRESYNC");
    }

    public async Task DisconnectAsync()
    {
        if (_wire is not null)
            await _wire.DisposeAsync();
        _wire = null;
    }

    /// <summary>Opens a mailbox and reads all of it.</summary>
    public async Task SelectAsync(ModelMailbox box)
    {
        Picture.Clear();
        _highest = 0;
        Box = box;
        await RunAsync(kind == ClientKind.CondStore ? $"SELECT {box.Name} (CONDSTORE)" : $"SELECT {box.Name}");
        await FillAsync();
    }

    /// <summary>Opens the mailbox again after a time away, with what it remembers: RFC 7162 §6.</summary>
    public async Task CatchUpAsync(Random random)
    {
        Picture.RemoveAll(known => known.Uid == 0);
        ulong since = _highest;
        uint validity = _uidValidity;
        List<Known> remembered = [.. Picture];
        string match = "";
        if (remembered.Count > 2 && random.Next(2) == 0 && !UidsOnly)
        {
            int[] sample = [.. Enumerable.Range(0, remembered.Count).Where(_ => random.Next(3) == 0)];
            if (sample.Length > 0)
                match = $" ({NumberSet.Of(sample.Select(i => (uint)i + 1))} {NumberSet.Of(sample.Select(i => remembered[i].Uid))})";
        }
        string known = remembered.Count > 0 && random.Next(2) == 0 ? $" 1:{remembered[^1].Uid}" : "";
        Picture.Clear();
        _resync = remembered.ToDictionary(m => m.Uid);
        await RunAsync($"SELECT {Box!.Name} (QRESYNC ({validity} {since}{known}{match}))");
        Dictionary<uint, Known> all = _resync!;
        _resync = null;
        Assert.Equal(validity, _uidValidity);
        int exists = Picture.Count;
        Picture.Clear();
        // Of new messages some may have been told of and others not: their places are known when all of them are.
        uint last = remembered.Count == 0 ? 0 : remembered[^1].Uid;
        bool whole = all.Count == exists;
        Picture.AddRange(all.Values.Where(m => whole || m.Uid <= last).OrderBy(m => m.Uid));
        while (Picture.Count < exists)
            Picture.Add(new Known());
        Assert.True(Picture.Count == exists, $"{Name}: {exists} messages are there, {all.Count} are known after catching up");
        await FillAsync();
    }

    Dictionary<uint, Known>? _resync;

    /// <summary>Asks for messages of which it only knows that they are there.</summary>
    public async Task FillAsync()
    {
        int rounds = 0;
        for (int first = Picture.FindIndex(m => m.Uid == 0); first >= 0; first = Picture.FindIndex(m => m.Uid == 0))
        {
            Assert.True(++rounds <= 1000, $"{Name}: message {first + 1} is there and cannot be had");
            string items = IsAware ? "(UID FLAGS MODSEQ)" : "(UID FLAGS)";
            if (UidsOnly)
                await RunAsync($"UID FETCH {(first == 0 ? 1 : Picture[first - 1].Uid + 1)}:* {items}");
            else
                await RunAsync($"FETCH {first + 1}:{Picture.Count} {items}");
        }
    }

    /// <summary>Sends a command and believes all that comes up to its tagged answer, which it returns.</summary>
    public async Task<string> RunAsync(string command, string? literal = null)
    {
        string tag = $"{name}{++_tag}";
        _said.Add($"C: {tag} {command}");
        _found = [];
        if (command == "IDLE")
        {
            await _wire!.SendAsync($"{tag} IDLE\r\n");
            while (await ReadAsync() is var line && !line.StartsWith('+'))
                Believe(line);
            await _wire.SendAsync("DONE\r\n");
        }
        else
        {
            await _wire!.SendAsync($"{tag} {command}\r\n{literal}");
        }
        while (true)
        {
            string line = await ReadAsync();
            if (!line.StartsWith(tag + " ", StringComparison.Ordinal))
            {
                Believe(line);
                continue;
            }
            Note(line[(tag.Length + 1)..]);
            _highest = _highestTold ?? Math.Max(_highest, _highestSeen);
            _highestTold = null;
            _highestSeen = 0;
            return line[(tag.Length + 1)..];
        }
    }

    async Task<string> ReadAsync()
    {
        string line = await _wire!.ReadLineAsync();
        _said.Add("S: " + line);
        return line;
    }

    void Believe(string line)
    {
        if (line.StartsWith("* OK ", StringComparison.Ordinal))
        {
            Note(line[2..]);
            return;
        }
        string[] words = line.Split(' ', 4);
        if (words[1] == "VANISHED")
        {
            Vanished(words[2] == "(EARLIER)" ? words[3] : words[2], earlier: words[2] == "(EARLIER)");
            return;
        }
        if (words[1] is "SEARCH")
        {
            _found = [.. line[8..].Split(' ', StringSplitOptions.RemoveEmptyEntries).TakeWhile(w => w[0] != '(').Select(w => uint.Parse(w, CultureInfo.InvariantCulture))];
            return;
        }
        if (words[1] is "ESEARCH")
        {
            int all = line.IndexOf(" ALL ", StringComparison.Ordinal);
            _found = all < 0 ? [] : NumberSet.Parse(line[(all + 5)..].Split(' ')[0]);
            return;
        }
        if (!uint.TryParse(words[1], CultureInfo.InvariantCulture, out uint number))
            return;
        switch (words[2])
        {
            case "EXISTS":
                Assert.True(number >= Picture.Count, $"EXISTS {number} takes back messages: {Picture.Count}");
                while (Picture.Count < number)
                    Picture.Add(new Known());
                break;
            case "EXPUNGE":
                Assert.True(kind is not (ClientKind.QResync or ClientKind.UidOnly), "EXPUNGE instead of VANISHED");
                Assert.InRange(number, 1u, (uint)Picture.Count);
                Picture.RemoveAt((int)number - 1);
                break;
            case "FETCH" or "UIDFETCH":
                Assert.Equal(UidsOnly, words[2] == "UIDFETCH");
                Fetched(number, words[3]);
                break;
        }
    }

    /// <summary>Response codes.</summary>
    void Note(string text)
    {
        if (text.Contains("[HIGHESTMODSEQ ", StringComparison.Ordinal))
            _highestTold = CondStoreTests.NumberBehind(text, "[HIGHESTMODSEQ ");
        if (text.Contains("[UIDVALIDITY ", StringComparison.Ordinal))
            _uidValidity = (uint)CondStoreTests.NumberBehind(text, "[UIDVALIDITY ");
    }

    void Vanished(string set, bool earlier)
    {
        foreach (uint uid in NumberSet.Parse(set))
        {
            if (earlier)
            {
                _resync?.Remove(uid);
                Assert.DoesNotContain(Picture, m => m.Uid == uid && uid != 0);
                continue;
            }
            if (_resync is not null)
            {
                // Expunged while SELECT was being answered: EXISTS had counted it.
                _resync.Remove(uid);
                Picture.RemoveAt(Picture.Count - 1);
                continue;
            }
            // Every UID is one of a message that was announced: RFC 7162 §3.2.10.2.
            if (Picture.RemoveAll(m => m.Uid == uid) == 1)
                continue;
            // Announced by EXISTS, and gone before its UID was asked for: one of those at the end, behind all that have a UID.
            int unknown = Picture.FindIndex(m => m.Uid == 0);
            Assert.True(unknown >= 0 && Picture.Take(unknown).All(m => m.Uid < uid), $"{Name}: VANISHED {uid}, which was not there");
            Picture.RemoveAt(unknown);
        }
    }

    void Fetched(uint number, string items)
    {
        SortedSet<string>? flags = null;
        int start = items.IndexOf("FLAGS (", StringComparison.Ordinal);
        if (start >= 0)
        {
            string inside = items[(start + 7)..items.IndexOf(')', start)];
            flags = new SortedSet<string>(inside.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(f => f != "\\Recent"), StringComparer.Ordinal);
        }
        uint uid = UidsOnly ? number : items.Contains("UID ", StringComparison.Ordinal) ? (uint)CondStoreTests.NumberBehind(items, "UID ") : 0;
        ulong modSeq = items.Contains("MODSEQ (", StringComparison.Ordinal) ? CondStoreTests.ModSeqOf(items) : 0;
        _highestSeen = Math.Max(_highestSeen, modSeq);
        Known message = Find(number, uid);
        if (flags is not null)
            message.Flags = flags;
        if (modSeq == 0)
            return;
        Assert.True(modSeq >= message.ModSeq, $"{Name}: the mod-sequence of {message.Uid} went back");
        message.ModSeq = modSeq;
        // One mod-sequence of one message means one state of it, whoever is told.
        string state = string.Join(' ', message.Flags);
        if (flags is not null && !history.TryAdd((Box!.Name, message.Uid, modSeq), state))
            Assert.Equal(history[(Box.Name, message.Uid, modSeq)], state);
    }

    Known Find(uint number, uint uid)
    {
        if (_resync is not null)
        {
            Assert.NotEqual(0u, uid);
            if (!_resync.TryGetValue(uid, out Known? remembered))
                _resync.Add(uid, remembered = new Known { Uid = uid });
            return remembered;
        }
        if (UidsOnly)
        {
            Known? known = Picture.Find(m => m.Uid == uid) ?? Picture.Find(m => m.Uid == 0);
            Assert.True(known is not null, $"{Name}: UIDFETCH of {uid}, and no room for it");
            known.Uid = uid;
            Assert.Equal(Picture.Where(m => m.Uid != 0).Select(m => m.Uid).Order(), Picture.Where(m => m.Uid != 0).Select(m => m.Uid));
            return known;
        }
        Assert.InRange(number, 1u, (uint)Picture.Count);
        Known at = Picture[(int)number - 1];
        if (uid != 0)
        {
            Assert.True(at.Uid == 0 || at.Uid == uid, $"{Name}: number {number} was UID {at.Uid} and now is {uid}");
            at.Uid = uid;
        }
        return at;
    }

    public string Text => string.Join(", ", Picture.Select(m => ModelMailbox.Line(m.Uid, m.Flags)));
}
