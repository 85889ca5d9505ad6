namespace MailEngine.Store.Changes;

/// <summary>STORE: flags and keywords. Class D1: it survives the process, not a power cut. RFC 9051 §6.4.6</summary>
internal sealed class FlagsChange(long mailboxId, IReadOnlyList<uint> uids, FlagChange wanted) : SimpleChange
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
        box.Update(uids, batch.Account(box.Mailbox.AccountId).NextModSeq(), (ref MessageEntry entry) =>
        {
            MessageFlags flags = wanted.Mode switch
            {
                FlagChangeMode.Replace => wanted.Flags,
                FlagChangeMode.Add => entry.Flags | wanted.Flags,
                _ => entry.Flags & ~wanted.Flags,
            };
            int set = sets[entry.KeywordSet];
            if (flags == entry.Flags && set == entry.KeywordSet)
                return false;
            entry.Flags = flags;
            entry.KeywordSet = set;
            return true;
        });
    }

    List<string> Combine(string[] old) => wanted.Mode switch
    {
        FlagChangeMode.Replace => [.. wanted.Keywords],
        FlagChangeMode.Add => [.. old, .. wanted.Keywords],
        _ => [.. old.Except(wanted.Keywords, StringComparer.OrdinalIgnoreCase)],
    };
}

/// <summary>A session takes the \Recent messages of a mailbox. RFC 3501 §2.3.2</summary>
internal sealed class ClaimRecentChange(long mailboxId) : StoreChange<uint>
{
    uint _from;

    public override bool Durable => false;

    protected override uint Outcome => _from;

    protected override uint Fault => uint.MaxValue;   // none is recent: a lost \Recent harms nobody

    public override void Prepare(CommitBatch batch) => _from = batch.Mailbox(mailboxId)?.ClaimRecent() ?? uint.MaxValue;
}
