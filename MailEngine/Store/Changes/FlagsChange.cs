namespace MailEngine.Store.Changes;

/// <summary>STORE: flags and keywords. Class D1: it survives the process, not a power cut. RFC 9051 §6.4.6</summary>
/// <remarks>\Seen of a reader who is not the owner is his own (<see cref="SeenState"/>). The message gets a new mod-sequence all the same,
/// so that his other clients find the change (RFC 7162 §3.1); to everybody else it looks as it did.</remarks>
/// <param name="reader">0: the owner.</param>
internal sealed class FlagsChange(long mailboxId, long reader, IReadOnlyList<uint> uids, FlagChange wanted) : SimpleChange
{
    public override bool Durable => false;

    public override void Prepare(CommitBatch batch)
    {
        MailboxDraft? box = batch.Mailbox(mailboxId);
        if (box is null)
        {
            Result = StoreError.NoSuchMailbox;
            return;
        }
        // All set numbers are found before anything is changed, so that a refusal changes nothing.
        var sets = new Dictionary<int, int>();
        MailboxSnapshot now = box.Snapshot;
        foreach (uint uid in uids)
        {
            if (now.IndexOf(uid) is var index and >= 0 && !sets.ContainsKey(now[index].KeywordSet))
            {
                int old = now[index].KeywordSet;
                int set = box.KeywordSet(Combine(now.KeywordSets[old]));
                if (set < 0)
                {
                    Result = StoreError.Limit;
                    return;
                }
                sets.Add(old, set);
            }
        }
        Result = StoreError.None;
        if (sets.Count == 0)
            return;
        SeenState? seen = reader == 0 || !wanted.May.Flags.HasFlag(MessageFlags.Seen) ? null : batch.SeenOf(box, reader);
        var seenNow = new List<uint>();
        var unseenNow = new List<uint>();
        MessageFlags may = wanted.May.Flags & ~(reader == 0 ? MessageFlags.None : MessageFlags.Seen);
        box.Update(uids, batch.Account(box.Mailbox.AccountId).NextModSeq(), (ref MessageEntry entry) =>
        {
            bool touched = seen is not null && ChangeSeen(seen, entry.Uid, seenNow, unseenNow);
            MessageFlags flags = (After(entry.Flags) & may) | (entry.Flags & ~may);
            int set = sets[entry.KeywordSet];
            if (!touched && flags == entry.Flags && set == entry.KeywordSet)
                return false;
            entry.Flags = flags;
            entry.KeywordSet = set;
            return true;
        });
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

    List<string> Combine(string[] old) => !wanted.May.Keywords ? [.. old] : wanted.Mode switch
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
