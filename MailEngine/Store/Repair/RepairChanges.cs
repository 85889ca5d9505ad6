using MailEngine.Mime;

namespace MailEngine.Store.Repair;

/// <summary>Puts a mailbox into the state that a plan gives it.</summary>
/// <param name="unlisted">Segments that hold mail of it and that the index has no row of: a backup would miss them.</param>
/// <remarks>Refuses with <see cref="StoreError.Duplicate"/> when the mailbox has moved on since the plan was made: make another one.</remarks>
internal sealed class RepairMailboxChange(
    long accountId, long mailboxId, MailboxState was, MailboxPlan plan, DepositRecord? newest,
    IReadOnlyDictionary<uint, (MessageSummary Summary, string? EmailId)> summaries,
    IReadOnlyList<(uint Number, long Length)> unlisted) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => account == accountId;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.Duplicate;
        MailboxDraft? box;
        if (was.Snapshot is { } planned)
        {
            box = batch.MailboxOrDeleted(mailboxId);
            if (box is null || !box.Snapshot.IsSame(planned))
                return;
        }
        else
        {
            // Nobody can change a mailbox that cannot be opened, so the plan is still right.
            box = Adopt(batch);
        }
        if (!was.IsReadable)
            batch.Row(index => index.Run("DELETE FROM chunk WHERE id>=?1 AND id<?2", IndexSchema.Key(mailboxId, 0), IndexSchema.Key(mailboxId + 1, 0)));
        Result = StoreError.None;
        MailboxCounters counters = box.Counters;
        if (plan.Faults.Count > 0)
        {
            // Flags of what comes back may be other than clients remember them: they are told of a change.
            AccountDraft account = batch.Account(accountId);
            // S3: the counter was lost; flags and expunges after the newest record took some, and clients have seen them.
            const ulong gap = 1 << 24;
            if (plan.NewestModSeq >= account.ModSeq)
                account.Reach(plan.NewestModSeq + gap);
            ulong modSeq = account.NextModSeq();
            MessageEntry[] entries = [.. plan.Entries.Select(entry => plan.Added.Contains(entry.Uid) || plan.Mended.Contains(entry.Uid) ? entry with { ModSeq = modSeq } : entry)];
            box.Rebuild(entries, plan.KeywordSets, counters with
            {
                UidNext = plan.UidNext,
                Count = entries.Length,
                Unseen = plan.Unseen,
                Bytes = plan.Bytes,
                HighestModSeq = Math.Max(counters.HighestModSeq, Math.Max(modSeq, entries.Length == 0 ? 0 : entries.Max(entry => entry.ModSeq))),
            });
            // Which messages went before is not known for sure: RFC 7162 §5.3.
            long forgotten = (long)box.Counters.HighestModSeq;
            batch.Row(index => index.PutMeta(IndexSchema.Forgotten(mailboxId), forgotten));
        }
        uint validity = counters.UidValidity;
        batch.Row(index =>
        {
            foreach ((uint uid, (MessageSummary summary, string? name)) in summaries)
            {
                index.PutMessage(mailboxId, uid, accountId, summary);
                if (name is not null && name != EmailId.Of(accountId, validity, uid))
                    index.Run("UPDATE message SET email_id=?2 WHERE id=?1", IndexSchema.Key(mailboxId, uid), name);
            }
            foreach ((uint number, long length) in unlisted)
                index.CloseSegment(number, length);
        });
    }

    /// <summary>A draft for a mailbox that the index has no readable rows of, or does not know at all.</summary>
    MailboxDraft Adopt(CommitBatch batch)
    {
        if (was.Row is { } row)
            return batch.Adopt(
                new Mailbox(row.Id, row.AccountId, row.Name, new MailboxSnapshot(row.Counters, [], was.KeywordSets)) { Acl = row.Acl }, row.Deleted);
        // Its name as the newest message has it; two mailboxes cannot have one name.
        MailboxName wanted = MailboxName.TryParse(newest?.MailboxName, out MailboxName parsed) ? parsed : MailboxName.Parse($"Recovered {mailboxId}");
        MailboxName name = wanted;
        for (int i = 1; batch.FindMailbox(accountId, name) != 0; i++)
        {
            if (!MailboxName.TryParse($"{wanted} (recovered {i})", out name))
                name = MailboxName.Parse($"Recovered {mailboxId} ({i})");
        }
        return batch.AdoptLost(mailboxId, accountId, name, newest?.UidValidity ?? 1);
    }
}

/// <summary>The counters of an account are the sum of those of its mailboxes (S4), and its mod-sequence is above all of theirs (S3).</summary>
internal sealed class RecountChange(long accountId) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => account == accountId;

    /// <summary>True: they were other.</summary>
    public bool HasChanged { get; private set; }

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        long messages = 0, bytes = 0;
        ulong modSeq = 0;
        foreach ((long id, _) in batch.MailboxesOf(accountId))
        {
            MailboxCounters counters = batch.Mailbox(id)?.Counters ?? default;
            messages += counters.Count;
            bytes += counters.Bytes;
            modSeq = Math.Max(modSeq, counters.HighestModSeq);
        }
        AccountDraft account = batch.Account(accountId);
        HasChanged = account.Messages != messages || account.Bytes != bytes;
        account.Add(messages - account.Messages, bytes - account.Bytes);
        account.Reach(modSeq);
        if (HasChanged)
            batch.Row(_ => { });   // the account's own row is written with any other
    }
}

/// <summary>Queue rows that only the segments know. Held: some may have been sent already.</summary>
internal sealed class RecoverQueueChange(IReadOnlyList<QueueEntry> rows) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        batch.Row(index =>
        {
            foreach (QueueEntry row in rows)
                index.PutQueue(row with { State = QueueState.Held }, row.Body);
        });
    }
}
