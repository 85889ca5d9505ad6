using System.Globalization;
using System.Text.RegularExpressions;
using MailEngine.Store;

namespace MailAdmin.Tests.Rig;

/// <summary>Reads what <see cref="StoreLoad"/> was answered and holds the store to it.</summary>
/// <remarks>Kept over many rounds on one folder, so that an id used a second time in a later round is seen (S3).</remarks>
sealed partial class StoreWitness
{
    readonly Dictionary<(long Mailbox, uint Uid, uint Validity), string> _uids = [];
    readonly HashSet<string> _queue = [], _moved = [], _across = [], _expunged = [], _flagged = [], _answered = [], _created = [], _granted = [], _annotated = [];
    readonly Dictionary<string, long> _inWork = [];
    ulong _modSeq;
    int _read;

    /// <summary>Messages that were moved to the other account.</summary>
    public int MovedAcross => _across.Count;

    /// <summary>Senders who were told that somebody is away.</summary>
    public int Answered { get; private set; }

    public int Acknowledged => _uids.Count + _queue.Count;

    /// <summary>Takes the lines that are new since the last call; a torn last line was never an answer.</summary>
    /// <param name="text">All lines so far.</param>
    /// <param name="durableFlags">False after a power cut: flags are class D1.</param>
    public void Hear(string text, bool durableFlags = true)
    {
        foreach (string line in text[_read..].Split('\n')[..^1])
        {
            string[] word = line.Split(' ');
            switch (word[0])
            {
                case "D" or "X":
                    (long, uint, uint) key = (Number(word[1]), (uint)Number(word[2]), (uint)Number(word[3]));
                    Assert.True(_uids.TryAdd(key, word[4]), $"UID {key} was given to {word[4]} and before to {_uids.GetValueOrDefault(key)} (S3)");
                    if (word[0] == "X")
                        _expunged.Add(word[4]);
                    break;
                case "Q":
                    Assert.True(_queue.Add(word[2]));
                    break;
                case "M":
                    _moved.Add(word[1]);
                    break;
                case "Y":
                    _across.Add(word[1]);
                    break;
                case "F" when durableFlags:
                    _flagged.Add($"{word[1]} {word[2]}");
                    break;
                case "G" when durableFlags:
                    _answered.Add($"{word[1]} {word[2]}");
                    break;
                case "C":
                    _created.Add(word[1]);
                    break;
                case "A":
                    _granted.Add($"{word[1]} {word[2]} lr");
                    break;
                case "N":
                    _annotated.Add($"{word[1]} {word[2]}");
                    break;
                case "S":
                    _modSeq = Math.Max(_modSeq, ulong.Parse(word[2], CultureInfo.InvariantCulture));
                    break;
            }
        }
        _read = text.LastIndexOf('\n') + 1;
    }

    /// <summary>Everything acknowledged is there once and whole; nothing else is wrong with the store.</summary>
    public async Task CheckAsync(StoreRig rig)
    {
        CheckReport report = await rig.Store.CheckAsync(null, default);
        Assert.True(report.IsWhole, string.Join('\n', report.Faults));

        var places = new Dictionary<string, List<string>>();
        var found = new Dictionary<(long, uint, uint), string>();
        HashSet<string> flagged = [], answered = [];
        ulong modSeq = 0;
        foreach (long account in new[] { StoreLoad.Account, StoreLoad.Other })
        {
            IReadOnlyList<MailboxInfo> boxes = await rig.Store.ListAsync(account);
            if (account == StoreLoad.Other)
            {
                Assert.Subset(boxes.Select(b => b.Name.Value).ToHashSet(), _created);
                Assert.Subset(boxes.SelectMany(b => b.Acl.Entries.Select(e => $"{b.Name} {e.Identifier} {AclText.Format(e.Rights)}")).ToHashSet(), _granted);
                Assert.Subset(boxes.SelectMany(b => rig.Store.AnnotationsOf(b.Id, account)
                    .Select(a => FormattableString.Invariant($"{b.Id} {System.Text.Encoding.ASCII.GetString(a.Value!)}"))).ToHashSet(), _annotated);
            }
            foreach (MailboxInfo info in boxes.Where(b => b.Count > 0))
            {
                Mailbox box = (await rig.Store.OpenAsync(account, info.Name))!;
                MailboxSnapshot now = box.Current;
                for (int i = 0; i < now.Count; i++)
                {
                    MessageEntry entry = now[i];
                    string id = Subject().Match(rig.Store.Read(now, i)).Groups[1].Value;
                    found.Add((box.Id, entry.Uid, box.Current.UidValidity), id);
                    if (!places.TryGetValue(id, out List<string>? at))
                        places[id] = at = [];
                    at.Add($"{account}/{info.Name}");
                    if (entry.Flags.HasFlag(MessageFlags.Flagged) && box.Current.KeywordSets[entry.KeywordSet].Contains("kept"))
                        flagged.Add($"{box.Id} {entry.Uid}");
                    if ((entry.Flags & (MessageFlags.Answered | MessageFlags.Draft)) == MessageFlags.Answered)
                        answered.Add($"{box.Id} {entry.Uid}");
                    if (account == StoreLoad.Account)
                        modSeq = Math.Max(modSeq, entry.ModSeq);
                }
            }
        }
        foreach (((long, uint, uint) key, string id) in _uids)
        {
            if (_expunged.Contains(id))
            {
                Assert.False(places.ContainsKey(id), $"{id} was expunged and is there again");
                continue;
            }
            Assert.True(places.TryGetValue(id, out List<string>? at), $"acknowledged {id} is lost (S1)");
            Assert.Equal(at!.Distinct().Count(), at!.Count);   // once in each mailbox
            if (found.TryGetValue(key, out string? there))
                Assert.Equal(id, there);
            else
                Assert.Contains(at, place => place.EndsWith("/Done", StringComparison.Ordinal) || place.EndsWith("/Across", StringComparison.Ordinal));
            if (_moved.Contains(id))
                Assert.Equal([$"{StoreLoad.Account}/Done"], at);
            // Killed between the two partitions it may be in both, never in neither: RFC 6851 §3.3. Once it was said to be done, in one.
            if (_across.Contains(id))
                Assert.Equal([$"{StoreLoad.Other}/Across"], at);
        }
        Assert.Subset(flagged, _flagged);
        Assert.Subset(answered, _answered);
        var queued = rig.Store.ReadQueue().Select(q => q.MessageKey).ToHashSet();
        Assert.Subset(queued, _queue);
        // What a script leads to is one commit: all of it or nothing. With several partitions what is sent on comes after the copy, never without it.
        bool isOneCommit = rig.Store.ReadPartitions().Count == 1;
        foreach (string id in queued.Where(key => key.StartsWith("on", StringComparison.Ordinal)).Select(key => key[2..])
            .Concat(places.Keys.Where(id => id.StartsWith("script", StringComparison.Ordinal)).Select(id => id[6..])).Distinct())
        {
            bool sentOn = queued.Contains("on" + id), remembered = rig.Store.WasAnswered(StoreLoad.SeenKey(id));
            Assert.Equal(sentOn, remembered);
            Assert.True(places.ContainsKey("script" + id) == sentOn || (!isOneCommit && !sentOn), $"what the script of {id} led to is there in part");
        }

        // One commit: the answer is in the queue, and remembered, exactly when a message of its sender is there; never twice.
        ILookup<string, QueueEntry> told = rig.Store.ReadQueue().ToLookup(q => q.MessageKey);
        string[] senders = [.. places.Keys.Where(id => id.StartsWith('V')).Select(id => id[..id.IndexOf('/', StringComparison.Ordinal)]).Distinct()];
        foreach (string sender in senders)
        {
            Assert.True(told[sender].Count() == 1, $"{sender} wrote and was told {told[sender].Count()} times");
            Assert.True(rig.Store.WasAnswered(StoreLoad.AnswerOf(sender)), $"that {sender} was told is forgotten");
        }
        Assert.Empty(told.Select(q => q.Key).Where(key => key.StartsWith('V')).Except(senders));
        Answered = senders.Length;

        // S3: the next mod-sequence is above every one that a client may have seen.
        await rig.Store.CreateAsync(StoreLoad.Account, MailboxName.Parse("Trash"));   // the process may have died before it was made
        await rig.DeliverAsync(StoreRig.Mail("after"), StoreRig.To(StoreLoad.Account, "Trash"));
        Mailbox trash = (await rig.Store.OpenAsync(StoreLoad.Account, MailboxName.Parse("Trash")))!;
        Assert.True(trash.Current.HighestModSeq > Math.Max(modSeq, _modSeq));
        await rig.Store.StoreFlagsAsync(trash, [trash.Current.UidNext - 1], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        await rig.Store.ExpungeAsync(trash, null);
    }

    static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex("Subject: ([^\r]+)\r\n")]
    private static partial Regex Subject();
}
