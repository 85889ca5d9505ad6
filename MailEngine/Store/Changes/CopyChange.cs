namespace MailEngine.Store.Changes;

/// <summary>COPY and MOVE: new rows for the same bytes; MOVE takes the old rows out in the same commit. RFC 9051 §6.4.7, RFC 6851 §3.3</summary>
/// <param name="source">Who takes them; <paramref name="target"/> is the same, who puts them there.</param>
internal sealed class CopyChange(long fromId, MailboxUser source, IReadOnlyList<uint> uids, long toId, MailboxUser target, long quotaBytes, bool move)
    : StoreChange<CopyOutcome>
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => mailboxes.Contains(fromId) || mailboxes.Contains(toId);

    public override bool MayFollow => false;

    CopyOutcome _outcome;

    protected override CopyOutcome Outcome => _outcome;

    protected override CopyOutcome Fault => new(StoreError.Unavailable, 0, [], []);

    public override void Prepare(CommitBatch batch)
    {
        // A move also needs what \Deleted and EXPUNGE need in the source: RFC 6851 §4.2.
        const AclRights leave = AclRights.DeleteMessages | AclRights.Expunge;
        MailboxDraft? from = batch.Mailbox(fromId), to = batch.Mailbox(toId);
        _outcome = from is null || to is null ? new CopyOutcome(StoreError.NoSuchMailbox, 0, [], [])
            : !target.May(batch, to, AclRights.Insert) || !source.May(batch, from, move ? AclRights.Read | leave : AclRights.Read)
                ? new CopyOutcome(StoreError.NoPermission, 0, [], [])
            : Copy(batch, from, to, uids, quotaBytes, move, new CopyReaders(source.Reader, target.Reader, FlagMask.Of(target.RightsIn(batch, to))));
    }

    /// <param name="uids">Ascending.</param>
    /// <param name="readers">Whose \Seen it is on either side when that is not the owner's, and flags that may be kept.</param>
    internal static CopyOutcome Copy(CommitBatch batch, MailboxDraft from, MailboxDraft to, IReadOnlyList<uint> uids, long quotaBytes, bool move,
        CopyReaders readers)
    {
        MailboxSnapshot source = from.Snapshot;
        var found = new List<MessageEntry>(uids.Count);
        long size = 0;
        foreach (uint uid in uids)
        {
            if (source.IndexOf(uid) is var index and >= 0)
            {
                found.Add(source[index]);
                size += source[index].Size;
            }
        }
        // A move inside one account changes nothing in what it holds.
        bool grows = !move || from.Mailbox.AccountId != to.Mailbox.AccountId;
        if (grows && found.Count > 0 && !batch.Account(to.Mailbox.AccountId).HasRoom(found.Count, size, quotaBytes))
            return new CopyOutcome(StoreError.OverQuota, 0, [], []);

        Dress(batch, from, found, readers);
        var sets = new Dictionary<int, int>();
        foreach (int set in found.Select(entry => entry.KeywordSet).Distinct())
        {
            int target = to.KeywordSet(source.KeywordSets[set]);
            if (target < 0)
                return new CopyOutcome(StoreError.Limit, 0, [], []);
            sets.Add(set, target);
        }
        long fromId = from.Mailbox.Id, toId = to.Mailbox.Id, account = to.Mailbox.AccountId, sourceAccount = from.Mailbox.AccountId;
        uint validity = from.Counters.UidValidity;
        var sourceUids = new uint[found.Count];
        var targetUids = new uint[found.Count];
        var seen = new List<uint>();
        for (int i = 0; i < found.Count; i++)
        {
            MessageEntry entry = found[i];
            uint old = sourceUids[i] = entry.Uid;
            entry.KeywordSet = sets[entry.KeywordSet];
            bool isSeen = entry.Flags.HasFlag(MessageFlags.Seen);
            // What the owner has seen stays seen by him when somebody else moves it about in his mailboxes.
            bool ownerSaw = account == from.Mailbox.AccountId && source[source.IndexOf(old)].Flags.HasFlag(MessageFlags.Seen);
            if (readers.To != 0)
                entry.Flags = (entry.Flags & ~MessageFlags.Seen) | (ownerSaw ? MessageFlags.Seen : 0);
            uint uid = targetUids[i] = batch.Deposit(to, ref entry, default, movedFrom: move ? (fromId, old) : null);
            if (readers.To != 0 && isSeen)
                seen.Add(uid);
            batch.Row(index => index.CopyMessage(fromId, old, toId, uid, account, EmailId.Of(sourceAccount, validity, old)));
        }
        if (seen.Count > 0)
            batch.SetSeen(to, readers.To, batch.SeenOf(to, readers.To).With(seen));
        if (move)
            ExpungeChange.Expunge(batch, from, sourceUids, ExpungeReason.Moved);
        return new CopyOutcome(StoreError.None, to.Counters.UidValidity, sourceUids, targetUids);
    }

    /// <summary>The messages as their reader sees them, with the flags that he may set in the target. RFC 4314 §4 (COPY)</summary>
    static void Dress(CommitBatch batch, MailboxDraft from, List<MessageEntry> found, CopyReaders readers)
    {
        SeenState? seen = readers.From == 0 ? null : batch.SeenOf(from, readers.From);
        if (seen is null && readers.Keep == FlagMask.All)
            return;
        foreach (ref MessageEntry entry in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(found))
        {
            if (seen is not null)
                entry.Flags = (entry.Flags & ~MessageFlags.Seen) | (seen.Contains(entry.Uid) ? MessageFlags.Seen : 0);
            entry.Flags &= readers.Keep.Flags;
            if (!readers.Keep.Keywords)
                entry.KeywordSet = 0;
        }
    }
}

/// <summary>Who copies, where he is not the owner.</summary>
/// <param name="From">Reader of the source; 0: its owner.</param>
/// <param name="To">Reader of the target; 0: its owner.</param>
/// <param name="Keep">Flags that may be set in the target.</param>
internal readonly record struct CopyReaders(long From, long To, FlagMask Keep)
{
    public static CopyReaders Owners { get; } = new(0, 0, FlagMask.All);
}
