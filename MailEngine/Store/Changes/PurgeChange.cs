namespace MailEngine.Store.Changes;

/// <summary>One step of a purge.</summary>
/// <param name="IsMore">Ask again: something was there to remove.</param>
internal readonly record struct PurgeOutcome(int Messages, int Mailboxes, bool IsMore);

/// <summary>Removes the rows of what is past its retention time: expunged messages, deleted mailboxes, remembered deliveries and answers. A step at a
/// time, so that deliveries do not wait; the bytes become garbage, which compaction gives back.</summary>
internal sealed class PurgeChange : StoreChange<PurgeOutcome>
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    const int AtMost = 500;   // rows a step: a few milliseconds
    PurgeOutcome _purged;

    public override bool Durable => false;

    protected override PurgeOutcome Outcome => _purged;

    protected override PurgeOutcome Fault => default;

    public override void Prepare(CommitBatch batch)
    {
        // From the batch's clock: whatever the same batch brings back is younger than this (RestoreMessagesChange).
        int mostDeliveries = batch.MostDeliveries;
        long before = batch.RetainedSince, now = batch.Now.ToUnixTimeSeconds();
        batch.Row(index =>
        {
            const string expunged = "SELECT id FROM expunged WHERE at<?1 ORDER BY at, id";
            index.Run($"DELETE FROM message WHERE id IN ({expunged} LIMIT {AtMost})", before);
            // What is forgotten here is remembered as "there was something": RFC 7162 §5.3.
            index.Run($"""
                INSERT INTO meta(key, value) SELECT 'forgotten ' || (id >> 32), max(modseq) FROM expunged
                WHERE id IN ({expunged} LIMIT {AtMost}) GROUP BY id >> 32
                ON CONFLICT(key) DO UPDATE SET value=max(value, excluded.value)
                """, before);
            index.Run($"DELETE FROM expunged WHERE id IN ({expunged} LIMIT {AtMost})", before);
            int messages = index.Database.Changes, mailboxes = 0;
            bool more = messages > 0;
            if (index.Database.ReadNumber($"SELECT id FROM mailbox WHERE deleted_at<{before} LIMIT 1") is { } box)
            {
                more = true;
                int rows = PurgeRows(index, "message", box);
                messages += rows;
                if (rows == 0 && PurgeRows(index, "expunged", box) == 0 && PurgeRows(index, "chunk", box) == 0)
                {
                    index.Run("DELETE FROM acl WHERE mailbox=?1", box);
                    index.Run("DELETE FROM url_key WHERE mailbox=?1", box);
                    index.Run("DELETE FROM seen WHERE mailbox=?1", box);
                    index.Run("DELETE FROM annotation WHERE mailbox=?1", box);
                    index.Run("DELETE FROM meta WHERE key='forgotten ' || ?1", box);
                    index.Run("DELETE FROM mailbox WHERE id=?1", box);
                    mailboxes = 1;
                }
            }
            // Kept in the order they came, which is the order they go in.
            index.Run($"""
                DELETE FROM delivered WHERE id IN (SELECT id FROM (SELECT id, expires FROM delivered ORDER BY id LIMIT {AtMost})
                    WHERE expires<?1 OR id <= (SELECT max(id) FROM delivered) - ?2)
                """, now, mostDeliveries);
            more |= index.Database.Changes > 0;
            index.Run($"DELETE FROM answered WHERE (account, sender, handle) IN (SELECT account, sender, handle FROM answered WHERE until<?1 LIMIT {AtMost})", now);
            more |= index.Database.Changes > 0;
            _purged = new PurgeOutcome(messages, mailboxes, more);
        });
    }

    static int PurgeRows(IndexWriter index, string table, long mailboxId)
    {
        index.Run($"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id>=?1 AND id<?2 LIMIT {AtMost})",
            IndexSchema.Key(mailboxId, 0), IndexSchema.Key(mailboxId + 1, 0));
        return index.Database.Changes;
    }
}
