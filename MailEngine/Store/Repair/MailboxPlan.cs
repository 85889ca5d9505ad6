namespace MailEngine.Store.Repair;

/// <summary>What the index says of one mailbox.</summary>
/// <param name="Row">Null: the index does not know it.</param>
/// <param name="Entries">Those that can be read, in any order.</param>
/// <param name="Snapshot">The state they were taken from; null: the mailbox cannot be opened.</param>
/// <param name="IsWhole">False: rows of it are lost, so a message that is not in <paramref name="Entries"/> may belong there all the same.</param>
/// <param name="Gone">UIDs that were expunged, as far as it is known.</param>
/// <param name="IsReadable">False: its chunks in index.db cannot be read and are written anew.</param>
internal sealed record MailboxState(
    MailboxRow? Row, IReadOnlyList<MessageEntry> Entries, IReadOnlyList<string[]> KeywordSets, MailboxSnapshot? Snapshot, bool IsWhole, IReadOnlySet<uint> Gone,
    bool IsReadable = true);

/// <summary>What a mailbox should be, from the index and the segments together, and why.</summary>
/// <remarks>
/// The index is believed where it can be read and its bytes are where it says. A deposit record mends an entry whose places are wrong, and brings a
/// message back that the index cannot know of: one newer than the index, or one whose row is lost and that was not expunged as far as
/// anybody knows. A message whose bytes are lost stays where the index has it, so that its UID is not taken for expunged and a segment that
/// comes back from a backup makes it readable again.
/// </remarks>
internal sealed class MailboxPlan
{
    /// <summary>UIDs left out after a mailbox whose row was lost: some may have been given that no segment tells of (S3).</summary>
    const uint UidGap = 1 << 16;

    readonly List<string[]> _sets;

    MailboxPlan(IEnumerable<string[]> sets) => _sets = [.. sets];

    public List<MessageEntry> Entries { get; } = [];
    public IReadOnlyList<string[]> KeywordSets => _sets;
    public uint UidNext { get; private set; }

    /// <summary>The newest mod-sequence that index and segments tell of.</summary>
    public ulong NewestModSeq { get; private set; }

    public int Unseen { get; private set; }
    public long Bytes { get; private set; }

    /// <summary>UIDs of messages that the index did not have.</summary>
    public HashSet<uint> Added { get; } = [];

    /// <summary>UIDs whose entries are other than they were.</summary>
    public HashSet<uint> Mended { get; } = [];

    /// <summary>UIDs of messages whose bytes are nowhere.</summary>
    public List<uint> Lost { get; } = [];

    /// <summary>What is wrong with the index, in words; empty: nothing is to be done.</summary>
    public List<string> Faults { get; } = [];

    /// <param name="deposits">Of this mailbox, by UID.</param>
    public static MailboxPlan Make(MailboxState state, IReadOnlyList<DepositRecord> deposits, Func<uint, bool> wasMoved, BodyPlaces places)
    {
        var plan = new MailboxPlan(state.KeywordSets.Count == 0 ? [[]] : state.KeywordSets);
        Dictionary<uint, DepositRecord> known = deposits.ToDictionary(deposit => deposit.Entry.Uid);
        var entries = new SortedDictionary<uint, MessageEntry>();
        uint last = 0;
        foreach (MessageEntry entry in state.Entries)
        {
            if (entry.Uid == 0 || !entries.TryAdd(entry.Uid, plan.Mend(entry, known, places)))
                plan.Faults.Add($"UID {entry.Uid} is there twice or is no UID");
            else if (entry.Uid < last)
                plan.Faults.Add($"UID {entry.Uid} is out of order");
            last = entry.Uid;
        }
        uint next = state.Row?.Counters.UidNext ?? 0;
        foreach (DepositRecord deposit in deposits)
        {
            uint uid = deposit.Entry.Uid;
            bool mayBeMissing = state.Row is null || uid >= next || !state.IsWhole;
            if (!mayBeMissing || entries.ContainsKey(uid) || state.Gone.Contains(uid) || wasMoved(uid))
                continue;
            if (!places.AreWhole(deposit.Entry))
            {
                plan.Lost.Add(uid);
                continue;
            }
            MessageEntry entry = deposit.Entry;
            entry.KeywordSet = plan.SetOf(deposit.Keywords);
            entry.SentDate = places.Summarize(entry.Body)?.SentDate ?? long.MinValue;
            entries.Add(uid, entry);
            plan.Added.Add(uid);
        }
        foreach (MessageEntry entry in entries.Values)
        {
            plan.Entries.Add(entry);
            plan.Bytes += entry.Size;
            plan.Unseen += entry.Flags.HasFlag(MessageFlags.Seen) ? 0 : 1;
        }
        plan.NewestModSeq = deposits.Select(deposit => deposit.Entry.ModSeq).Concat(entries.Values.Select(entry => entry.ModSeq)).DefaultIfEmpty().Max();
        uint beyond = Math.Max(entries.Count == 0 ? 0 : entries.Keys.Max(), deposits.Count == 0 ? 0 : deposits.Max(deposit => deposit.Entry.Uid));
        plan.UidNext = Math.Max(next, beyond + (state.Row is null ? UidGap : 1));
        if (plan.Added.Count > 0)
            plan.Faults.Add($"{plan.Added.Count} messages of the segments are not in the index");
        if (state.Row is { } row)
            plan.Compare(row.Counters, state);
        return plan;
    }

    void Compare(MailboxCounters counters, MailboxState state)
    {
        if (!state.IsReadable)
            Faults.Add("its rows cannot be read");
        if (counters.Count != Entries.Count || counters.Unseen != Unseen || counters.Bytes != Bytes)
            Faults.Add($"the counters say {counters.Count} messages, {counters.Unseen} unseen, {counters.Bytes} bytes; a recount gives {Entries.Count}, {Unseen}, {Bytes}");
        if (counters.UidNext != UidNext)
            Faults.Add($"UIDNEXT is {counters.UidNext} and must be {UidNext}");
        if (Mended.Count > 0)
            Faults.Add($"{Mended.Count} messages had a wrong place, date or keyword");
    }

    MessageEntry Mend(MessageEntry entry, Dictionary<uint, DepositRecord> known, BodyPlaces places)
    {
        MessageEntry was = entry;
        entry.Reserved = 0;
        entry.Flags &= MessageFlags.All;
        if ((uint)entry.KeywordSet >= (uint)_sets.Count)
            entry.KeywordSet = 0;
        if (known.TryGetValue(entry.Uid, out DepositRecord deposit))
        {
            // What never changes is in the record, under its CRC.
            entry.InternalDate = deposit.Entry.InternalDate;
            if (!entry.StandsWhere(deposit.Entry) && (!places.AreWhole(entry) || entry.Size != deposit.Entry.Size) && places.AreWhole(deposit.Entry))
            {
                (entry.PrefixSegment, entry.PrefixOffset, entry.PrefixLength) = (deposit.Entry.PrefixSegment, deposit.Entry.PrefixOffset, deposit.Entry.PrefixLength);
                (entry.BodySegment, entry.BodyOffset, entry.BodyLength) = (deposit.Entry.BodySegment, deposit.Entry.BodyOffset, deposit.Entry.BodyLength);
            }
        }
        if (!places.AreWhole(entry))
            Lost.Add(entry.Uid);
        if (!SameAs(entry, was))
            Mended.Add(entry.Uid);
        return entry;
    }

    static bool SameAs(in MessageEntry a, in MessageEntry b) =>
        a.StandsWhere(b) && a.InternalDate == b.InternalDate && a.Flags == b.Flags && a.KeywordSet == b.KeywordSet && a.Reserved == b.Reserved;

    int SetOf(string keywords)
    {
        string[] set = [.. keywords.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.OrdinalIgnoreCase)];
        if (set.Length == 0)
            return 0;
        for (int i = 1; i < _sets.Count; i++)
        {
            if (_sets[i].AsSpan().SequenceEqual(set, StringComparer.OrdinalIgnoreCase))
                return i;
        }
        _sets.Add(set);
        return _sets.Count - 1;
    }
}
