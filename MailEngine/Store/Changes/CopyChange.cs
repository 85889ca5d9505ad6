namespace MailEngine.Store.Changes;

/// <summary>COPY and MOVE: new rows for the same bytes; MOVE takes the old rows out in the same commit. RFC 9051 §6.4.7, RFC 6851 §3.3</summary>
internal sealed class CopyChange(long fromId, IReadOnlyList<uint> uids, long toId, long quotaBytes, bool move) : StoreChange<CopyOutcome>
{
    CopyOutcome _outcome;

    protected override CopyOutcome Outcome => _outcome;

    protected override CopyOutcome Fault => new(StoreError.Unavailable, 0, [], []);

    public override void Prepare(CommitBatch batch)
    {
        MailboxDraft? from = batch.Mailbox(fromId), to = batch.Mailbox(toId);
        _outcome = from is null || to is null
            ? new CopyOutcome(StoreError.NoSuchMailbox, 0, [], [])
            : Copy(batch, from, to, uids, quotaBytes, move);
    }

    /// <param name="uids">Ascending.</param>
    internal static CopyOutcome Copy(CommitBatch batch, MailboxDraft from, MailboxDraft to, IReadOnlyList<uint> uids, long quotaBytes, bool move)
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
        if (grows && quotaBytes > 0 && batch.Account(to.Mailbox.AccountId).Bytes + size > quotaBytes)
            return new CopyOutcome(StoreError.OverQuota, 0, [], []);

        var sets = new Dictionary<int, int>();
        foreach (int set in found.Select(entry => entry.KeywordSet).Distinct())
        {
            int target = to.KeywordSet(source.KeywordSets[set]);
            if (target < 0)
                return new CopyOutcome(StoreError.Limit, 0, [], []);
            sets.Add(set, target);
        }
        long fromId = from.Mailbox.Id, toId = to.Mailbox.Id, account = to.Mailbox.AccountId;
        var sourceUids = new uint[found.Count];
        var targetUids = new uint[found.Count];
        for (int i = 0; i < found.Count; i++)
        {
            MessageEntry entry = found[i];
            uint old = sourceUids[i] = entry.Uid;
            entry.KeywordSet = sets[entry.KeywordSet];
            uint uid = targetUids[i] = batch.Deposit(to, ref entry, default);
            batch.Row(index => index.CopyMessage(fromId, old, toId, uid, account));
        }
        if (move)
            ExpungeChange.Expunge(batch, from, sourceUids, ExpungeReason.Moved);
        return new CopyOutcome(StoreError.None, to.Counters.UidValidity, sourceUids, targetUids);
    }
}
