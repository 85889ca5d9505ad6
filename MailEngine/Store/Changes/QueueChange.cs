namespace MailEngine.Store.Changes;

/// <summary>New state of queue rows, and rows that are done with.</summary>
internal sealed class QueueChange(IReadOnlyList<QueueEntry> changed, IReadOnlyList<long> removed) : SimpleChange
{
    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        foreach (QueueEntry entry in changed)
            batch.Row(index => index.UpdateQueue(entry));
        foreach (long id in removed)
            batch.Row(index => index.DropQueue(id));
    }
}

/// <summary>Removes what is past its retention time: expunged messages, deleted mailboxes, remembered deliveries.</summary>
internal sealed class PurgeChange(DateTimeOffset expungedBefore) : StoreChange<(int Messages, int Mailboxes)>
{
    const int AtMost = 2000;   // rows a turn, so that deliveries do not wait
    (int, int) _purged;

    public override bool Durable => false;

    protected override (int Messages, int Mailboxes) Outcome => _purged;

    protected override (int Messages, int Mailboxes) Fault => (0, 0);

    public override void Prepare(CommitBatch batch) => batch.Row(index =>
    {
        long before = expungedBefore.ToUnixTimeSeconds();
        index.Run($"DELETE FROM message WHERE id IN (SELECT id FROM expunged WHERE at<?1 LIMIT {AtMost})", before);
        index.Run($"DELETE FROM expunged WHERE id IN (SELECT id FROM expunged WHERE at<?1 LIMIT {AtMost})", before);
        int messages = index.Database.Changes, mailboxes = 0;
        if (index.Database.ReadNumber($"SELECT id FROM mailbox WHERE deleted_at<{before} LIMIT 1") is { } box)
        {
            long first = IndexSchema.Key(box, 0), next = IndexSchema.Key(box + 1, 0);
            index.Run("DELETE FROM chunk WHERE id>=?1 AND id<?2", first, next);
            index.Run("DELETE FROM message WHERE id>=?1 AND id<?2", first, next);
            index.Run("DELETE FROM expunged WHERE id>=?1 AND id<?2", first, next);
            index.Run("DELETE FROM acl WHERE mailbox=?1", box);
            index.Run("DELETE FROM mailbox WHERE id=?1", box);
            mailboxes = 1;
        }
        index.Run($"DELETE FROM delivered WHERE key IN (SELECT key FROM delivered WHERE expires<?1 LIMIT {AtMost})", batch.Now.ToUnixTimeSeconds());
        _purged = (messages, mailboxes);
    });
}
