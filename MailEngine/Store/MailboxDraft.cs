namespace MailEngine.Store;

/// <summary>The next snapshot of a mailbox while a batch is being worked out. Commit loop only; thrown away when the batch fails.</summary>
internal sealed class MailboxDraft
{
    readonly List<Chunk> _chunks;
    readonly HashSet<int> _touched = [];     // numbers of chunks to write
    readonly List<int> _dropped = [];        // numbers of chunks to delete
    List<string[]>? _keywordSets;            // copy on write
    MessageEntry[]? _tail;                   // the last chunk while it grows; its first _tailCount entries count
    int _tailCount;
    int _tailNumber;
    MailboxSnapshot? _built;

    public MailboxDraft(Mailbox mailbox)
    {
        Mailbox = mailbox;
        MailboxSnapshot from = mailbox.Current;
        Counters = from.Counters;
        _chunks = [.. from.Chunks];
        OldKeywordSets = from.KeywordSets;
    }

    public Mailbox Mailbox { get; }

    public MailboxCounters Counters { get; private set; }

    public bool IsChanged { get; private set; }

    /// <summary>Numbers of the chunks that are other than before.</summary>
    public IReadOnlySet<int> TouchedChunks => _touched;

    IReadOnlyList<string[]> OldKeywordSets { get; }

    public IReadOnlyList<string[]> KeywordSets => _keywordSets ?? OldKeywordSets;

    /// <summary>The state so far, to find messages in; asking for it ends the growth of the tail for now.</summary>
    public MailboxSnapshot Snapshot
    {
        get
        {
            if (_built is null)
            {
                SealTail();
                _built = new MailboxSnapshot(Counters, [.. _chunks], _keywordSets is null ? OldKeywordSets : [.. _keywordSets]);
            }
            return _built;
        }
    }

    /// <summary>Puts a message at the end and gives it the next UID.</summary>
    public uint Append(ref MessageEntry entry)
    {
        entry.Uid = Counters.UidNext;
        if (_tail is null || _tailCount == Chunk.Capacity)
            OpenTail();
        _tail![_tailCount++] = entry;
        _touched.Add(_tailNumber);
        Change(Counters with
        {
            UidNext = Counters.UidNext + 1,
            HighestModSeq = Math.Max(Counters.HighestModSeq, entry.ModSeq),
            Count = Counters.Count + 1,
            Unseen = Counters.Unseen + (entry.Flags.HasFlag(MessageFlags.Seen) ? 0 : 1),
            Bytes = Counters.Bytes + entry.Size,
        });
        return entry.Uid;
    }

    /// <summary>The next message gets this UID at least.</summary>
    /// <returns>True: UIDs are left out.</returns>
    public bool SkipTo(uint uid)
    {
        if (uid <= Counters.UidNext)
            return false;
        Change(Counters with { UidNext = uid });
        return true;
    }

    /// <summary>Something about the mailbox itself changed, no message.</summary>
    public void Raise(ulong modSeq) => Change(Counters with { HighestModSeq = modSeq });

    /// <summary>Changes messages in place. <paramref name="change"/> gets each entry and says whether it changed it.</summary>
    /// <param name="uids">Ascending; those that are not there are passed over.</param>
    public void Update(IReadOnlyList<uint> uids, ulong modSeq, EntryChange change)
    {
        MailboxSnapshot from = Snapshot;
        int unseen = 0, current = -1;
        bool any = false;
        MessageEntry[]? copy = null;
        foreach (uint uid in uids)
        {
            int index = from.IndexOf(uid);
            if (index < 0)
                continue;
            int chunk = from.ChunkOfIndex(index), place = index - from.FirstIndexOfChunk(chunk);
            MessageEntry entry = chunk == current ? copy![place] : from[index];
            bool wasSeen = entry.Flags.HasFlag(MessageFlags.Seen);
            if (!change(ref entry))
                continue;
            entry.ModSeq = modSeq;
            if (chunk != current)
            {
                copy = [.. _chunks[chunk].Entries];
                _chunks[chunk] = new Chunk(_chunks[chunk].Number, copy);
                _touched.Add(_chunks[chunk].Number);
                current = chunk;
            }
            copy![place] = entry;
            any = true;
            unseen += (wasSeen ? 1 : 0) - (entry.Flags.HasFlag(MessageFlags.Seen) ? 1 : 0);
        }
        if (any)
            Change(Counters with { Unseen = Counters.Unseen + unseen, HighestModSeq = Math.Max(Counters.HighestModSeq, modSeq) });
    }

    /// <summary>Puts entries in the place of those with their UIDs: the same messages, their bytes elsewhere. No client can see it, so
    /// mod-sequences stay.</summary>
    public void Repoint(IEnumerable<MessageEntry> entries)
    {
        MailboxSnapshot from = Snapshot;
        foreach (IGrouping<int, MessageEntry> some in entries.GroupBy(entry => from.IndexOf(entry.Uid) is var index and >= 0 ? from.ChunkOfIndex(index) : -1))
        {
            if (some.Key < 0)
                continue;
            Chunk old = _chunks[some.Key];
            MessageEntry[] copy = [.. old.Entries];
            foreach (MessageEntry entry in some)
                copy[from.IndexOf(entry.Uid) - from.FirstIndexOfChunk(some.Key)] = entry;
            _chunks[some.Key] = new Chunk(old.Number, copy);
            _touched.Add(old.Number);
        }
        Change(Counters);
    }

    /// <summary>Repair: all entries and counters anew.</summary>
    /// <param name="entries">By UID.</param>
    public void Rebuild(IReadOnlyList<MessageEntry> entries, IReadOnlyList<string[]> keywordSets, MailboxCounters counters)
    {
        SealTail();
        int number = Math.Max(counters.NextChunk, _chunks.Count == 0 ? 0 : _chunks[^1].Number + 1);
        _dropped.AddRange(_chunks.Select(chunk => chunk.Number));
        _touched.Clear();
        _chunks.Clear();
        foreach (MessageEntry[] some in entries.Chunk(Chunk.Capacity))
        {
            _touched.Add(number);
            _chunks.Add(new Chunk(number++, some));
        }
        _keywordSets = [.. keywordSets];
        Change(counters with { NextChunk = number });
    }

    /// <summary>Takes messages out.</summary>
    /// <param name="uids">Ascending; those that are not there are passed over.</param>
    /// <returns>What was taken out, in order.</returns>
    public List<MessageEntry> Remove(IReadOnlyList<uint> uids, ulong modSeq)
    {
        MailboxSnapshot from = Snapshot;
        var removed = new List<MessageEntry>();
        var byChunk = new SortedDictionary<int, List<int>>();
        foreach (uint uid in uids)
        {
            int index = from.IndexOf(uid);
            if (index < 0)
                continue;
            int chunk = from.ChunkOfIndex(index);
            if (!byChunk.TryGetValue(chunk, out List<int>? places))
                byChunk[chunk] = places = [];
            places.Add(index - from.FirstIndexOfChunk(chunk));
            removed.Add(from[index]);
        }
        if (removed.Count == 0)
            return removed;
        foreach ((int chunk, List<int> places) in byChunk.Reverse())
        {
            Chunk old = _chunks[chunk];
            if (places.Count == old.Entries.Length)
            {
                _chunks.RemoveAt(chunk);
                _dropped.Add(old.Number);
                _touched.Remove(old.Number);
                continue;
            }
            var left = new MessageEntry[old.Entries.Length - places.Count];
            for (int i = 0, next = 0, to = 0; i < old.Entries.Length; i++)
            {
                if (next < places.Count && places[next] == i)
                    next++;
                else
                    left[to++] = old.Entries[i];
            }
            _chunks[chunk] = new Chunk(old.Number, left);
            _touched.Add(old.Number);
        }
        long bytes = 0;
        int unseen = 0;
        foreach (MessageEntry entry in removed)
        {
            bytes += entry.Size;
            unseen += entry.Flags.HasFlag(MessageFlags.Seen) ? 0 : 1;
        }
        Change(Counters with
        {
            Count = Counters.Count - removed.Count,
            Bytes = Counters.Bytes - bytes,
            Unseen = Counters.Unseen - unseen,
            HighestModSeq = modSeq,
        });
        return removed;
    }

    /// <summary>All messages up to now have been announced as \Recent to one session. RFC 3501 §2.3.2</summary>
    public uint ClaimRecent()
    {
        uint from = Counters.RecentFrom;
        if (from != Counters.UidNext)
            Change(Counters with { RecentFrom = Counters.UidNext });
        return from;
    }

    /// <summary>Number of the set of these keywords, made when it is new. Keywords keep the case they were first seen in. RFC 9051 §2.3.2</summary>
    /// <returns>-1: the mailbox has more different sets than we keep.</returns>
    public int KeywordSet(IReadOnlyCollection<string> keywords)
    {
        const int most = 4096;
        if (keywords.Count == 0)
            return 0;
        string[] set = [.. keywords.Distinct(StringComparer.OrdinalIgnoreCase).Order(StringComparer.OrdinalIgnoreCase)];
        IReadOnlyList<string[]> sets = KeywordSets;
        for (int i = 1; i < sets.Count; i++)
        {
            if (sets[i].AsSpan().SequenceEqual(set, StringComparer.OrdinalIgnoreCase))
                return i;
        }
        if (sets.Count >= most)
            return -1;
        _keywordSets ??= [.. OldKeywordSets];
        _keywordSets.Add(set);
        _built = null;
        IsChanged = true;
        return _keywordSets.Count - 1;
    }

    /// <summary>Writes the rows of what changed, counters with them (S4).</summary>
    public void Write(IndexWriter index)
    {
        MailboxSnapshot next = Snapshot;
        foreach (int number in _dropped)
            index.DropChunk(Mailbox.Id, number);
        Write(index, Mailbox, next, _touched);
    }

    /// <summary>Writes some chunks of a mailbox as it was at a moment, and its counters (S4).</summary>
    /// <param name="numbers">Of the chunks to write.</param>
    public static void Write(IndexWriter index, Mailbox box, MailboxSnapshot now, IReadOnlySet<int> numbers)
    {
        int left = numbers.Count;   // most are at the end
        for (int i = now.Chunks.Length - 1; i >= 0 && left > 0; i--)
        {
            if (!numbers.Contains(now.Chunks[i].Number))
                continue;
            index.PutChunk(box.Id, box.AccountId, now.Chunks[i].Number, now.Chunks[i].Entries);
            left--;
        }
        index.UpdateMailbox(box.Id, now.Counters, KeywordText.Format(now.KeywordSets));
    }

    void Change(MailboxCounters next)
    {
        Counters = next;
        _built = null;
        IsChanged = true;
    }

    void OpenTail()
    {
        SealTail();
        _tail = new MessageEntry[Chunk.Capacity];
        if (_chunks.Count > 0 && _chunks[^1].Entries.Length < Chunk.Capacity)
        {
            Chunk last = _chunks[^1];
            last.Entries.CopyTo(_tail, 0);
            _tailCount = last.Entries.Length;
            _tailNumber = last.Number;
            _chunks.RemoveAt(_chunks.Count - 1);
            return;
        }
        _tailCount = 0;
        _tailNumber = Counters.NextChunk;
        Counters = Counters with { NextChunk = Counters.NextChunk + 1 };
    }

    void SealTail()
    {
        if (_tail is null)
            return;
        _chunks.Add(new Chunk(_tailNumber, _tailCount == Chunk.Capacity ? _tail : _tail[.._tailCount]));
        _tail = null;
        _tailCount = 0;
    }
}

/// <summary>Changes an entry in place; false: it was that way already.</summary>
internal delegate bool EntryChange(ref MessageEntry entry);
