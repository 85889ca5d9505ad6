namespace MailEngine.Store.Changes;

/// <summary>STORE: flags and keywords. Class D1: it survives the process, not a power cut. RFC 9051 §6.4.6</summary>
/// <remarks>\Seen of a reader who is not the owner is his own (<see cref="SeenState"/>). The message gets a new mod-sequence all the same,
/// so that his other clients find the change (RFC 7162 §3.1); to everybody else it looks as it did. The condition of STORE is looked at
/// here, where no other change can come between: RFC 7162 §3.1.3.</remarks>
internal sealed class FlagsChange(long mailboxId, MailboxUser user, IReadOnlyList<uint> uids, FlagChange wanted, FlagsCondition? condition)
    : StoreChange<FlagsOutcome>
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => mailboxes.Contains(mailboxId);

    readonly List<uint> _modified = [];
    StoreError _error;

    protected override FlagsOutcome Outcome => new(_error, _modified);

    protected override FlagsOutcome Fault => new(StoreError.Unavailable, []);

    public override bool Durable => false;

    // The record knows flags alone, and the owner's.
    public override bool InLog => user.Reader == 0 && wanted.Mode != FlagChangeMode.Replace && wanted.Keywords.Count == 0;

    public override void Prepare(CommitBatch batch)
    {
        MailboxDraft? box = batch.Mailbox(mailboxId);
        if (box is null)
        {
            _error = StoreError.NoSuchMailbox;
            return;
        }
        _modified.Clear();
        FlagMask mask = FlagMask.Of(user.RightsIn(batch, box));   // the others stay as they are: RFC 4314 §4
        if (wanted.IsBeyond(mask))
        {
            _error = StoreError.NoPermission;
            return;
        }
        long reader = user.Reader;
        // All set numbers are found before anything is changed, so that a refusal changes nothing.
        var sets = new Dictionary<int, int>();
        MailboxSnapshot now = box.Snapshot;
        IReadOnlyList<uint> chosen = condition is null ? uids : Unchanged(now, condition);
        foreach (uint uid in chosen)
        {
            if (now.IndexOf(uid) is var index and >= 0 && !sets.ContainsKey(now[index].KeywordSet))
            {
                int old = now[index].KeywordSet;
                int set = mask.Keywords ? box.KeywordSet(Combine(now.KeywordSets[old])) : old;
                if (set < 0)
                {
                    _error = StoreError.Limit;
                    return;
                }
                sets.Add(old, set);
            }
        }
        _error = StoreError.None;
        if (sets.Count == 0)
            return;
        SeenState? seen = reader == 0 || !mask.Flags.HasFlag(MessageFlags.Seen) ? null : batch.SeenOf(box, reader);
        var seenNow = new List<uint>();
        var unseenNow = new List<uint>();
        MessageFlags may = mask.Flags & ~(reader == 0 ? MessageFlags.None : MessageFlags.Seen);
        List<(uint, MessageFlags)>? changed = batch.InLog ? [] : null;
        ulong modSeq = batch.Account(box.Mailbox.AccountId).NextModSeq();
        box.Update(chosen, modSeq, (ref MessageEntry entry) =>
        {
            bool touched = seen is not null && ChangeSeen(seen, entry.Uid, seenNow, unseenNow);
            MessageFlags flags = (After(entry.Flags) & may) | (entry.Flags & ~may);
            int set = sets[entry.KeywordSet];
            if (!touched && flags == entry.Flags && set == entry.KeywordSet)
                return false;
            entry.Flags = flags;
            entry.KeywordSet = set;
            changed?.Add((entry.Uid, flags));
            return true;
        });
        if (changed is { Count: > 0 })
            batch.WriteFlags(box, modSeq, changed);
        if (seenNow.Count + unseenNow.Count > 0)
            batch.SetSeen(box, reader, seen!.With(seenNow).Without(unseenNow));
    }

    MessageFlags After(MessageFlags before) => wanted.Mode switch
    {
        FlagChangeMode.Replace => wanted.Flags,
        FlagChangeMode.Add => before | wanted.Flags,
        _ => before & ~wanted.Flags,
    };

    bool ChangeSeen(SeenState seen, uint uid, List<uint> seenNow, List<uint> unseenNow)
    {
        bool was = seen.Contains(uid), next = After(was ? MessageFlags.Seen : MessageFlags.None).HasFlag(MessageFlags.Seen);
        if (was != next)
            (next ? seenNow : unseenNow).Add(uid);
        return was != next;
    }

    /// <summary>Those that meet the condition; the others are noted.</summary>
    List<uint> Unchanged(MailboxSnapshot now, FlagsCondition condition)
    {
        var chosen = new List<uint>(uids.Count);
        foreach (uint uid in uids)
        {
            int index = now.IndexOf(uid);
            if (index < 0)
                continue;
            bool met = now[index].ModSeq <= condition.UnchangedSince || IsOtherChange(now, now[index], condition);
            (met ? chosen : _modified).Add(uid);
        }
        return chosen;
    }

    /// <summary>Others changed the message since, but none of the flags that are to be set or cleared. RFC 7162 §3.1.12</summary>
    bool IsOtherChange(MailboxSnapshot now, in MessageEntry entry, FlagsCondition condition)
    {
        // The \Seen of a reader who is not the owner does not stand in the entry.
        bool isOwn = user.Reader != 0 && wanted.Flags.HasFlag(MessageFlags.Seen);
        int index = isOwn || wanted.Mode == FlagChangeMode.Replace ? -1 : condition.Known.IndexOf(entry.Uid);
        if (index < 0 || condition.Known[index].ModSeq > condition.UnchangedSince)
            return false;
        if (((condition.Known[index].Flags ^ entry.Flags) & wanted.Flags) != 0)
            return false;
        string[] was = condition.Known.KeywordSets[condition.Known[index].KeywordSet], has = now.KeywordSets[entry.KeywordSet];
        foreach (string keyword in wanted.Keywords)
        {
            if (was.Contains(keyword, StringComparer.OrdinalIgnoreCase) != has.Contains(keyword, StringComparer.OrdinalIgnoreCase))
                return false;
        }
        return true;
    }

    List<string> Combine(string[] old) => wanted.Mode switch
    {
        FlagChangeMode.Replace => [.. wanted.Keywords],
        FlagChangeMode.Add => [.. old, .. wanted.Keywords],
        _ => [.. old.Except(wanted.Keywords, StringComparer.OrdinalIgnoreCase)],
    };
}

/// <summary>A session takes the \Recent messages of a mailbox. RFC 3501 §2.3.2</summary>
/// <param name="reader">0: the owner.</param>
internal sealed class ClaimRecentChange(long mailboxId, long reader) : StoreChange<uint>
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => mailboxes.Contains(mailboxId);

    uint _from;

    public override bool Durable => false;

    protected override uint Outcome => _from;

    protected override uint Fault => uint.MaxValue;   // none is recent: a lost \Recent harms nobody

    public override void Prepare(CommitBatch batch)
    {
        MailboxDraft? box = batch.Mailbox(mailboxId);
        if (box is null || reader == 0)
        {
            _from = box?.ClaimRecent() ?? uint.MaxValue;
            return;
        }
        SeenState seen = batch.SeenOf(box, reader);
        _from = seen.RecentFrom;
        if (_from != box.Counters.UidNext)
            batch.SetSeen(box, reader, seen.WithRecentFrom(box.Counters.UidNext));
    }
}
