namespace MailEngine.Store.Changes;

/// <summary>EXPUNGE, UID EXPUNGE, CLOSE: takes messages with \Deleted out; their rows are kept for the retention time. RFC 9051 §6.4.3, RFC 4315 §2.1</summary>
internal sealed class ExpungeChange(long mailboxId, MailboxUser user, IReadOnlyList<uint>? uids) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => mailboxes.Contains(mailboxId);

    public override void Prepare(CommitBatch batch)
    {
        MailboxDraft? box = batch.Mailbox(mailboxId);
        Result = box is null ? StoreError.NoSuchMailbox : user.May(batch, box, AclRights.Expunge) ? StoreError.None : StoreError.NoPermission;
        if (box is null || Result != StoreError.None)
            return;
        MailboxSnapshot now = box.Snapshot;
        var deleted = new List<uint>();
        if (uids is null)
        {
            foreach (Chunk chunk in now.Chunks)
            {
                foreach (ref readonly MessageEntry entry in chunk.Messages)
                {
                    if (entry.Flags.HasFlag(MessageFlags.Deleted))
                        deleted.Add(entry.Uid);
                }
            }
        }
        else
        {
            foreach (uint uid in uids)
            {
                if (now.IndexOf(uid) is var index and >= 0 && now[index].Flags.HasFlag(MessageFlags.Deleted))
                    deleted.Add(uid);
            }
        }
        Expunge(batch, box, deleted);
    }

    /// <param name="uids">Ascending.</param>
    internal static void Expunge(CommitBatch batch, MailboxDraft box, IReadOnlyList<uint> uids, ExpungeReason reason = ExpungeReason.Expunged)
    {
        if (uids.Count == 0)
            return;
        AccountDraft account = batch.Account(box.Mailbox.AccountId);
        ulong modSeq = account.NextModSeq();
        List<MessageEntry> gone = box.Remove(uids, modSeq);
        account.Add(-gone.Count, -gone.Sum(entry => entry.Size));
        long mailboxId = box.Mailbox.Id, accountId = box.Mailbox.AccountId, at = batch.Now.ToUnixTimeSeconds();
        batch.Row(index =>
        {
            foreach (MessageEntry entry in gone)
                index.PutExpunged(mailboxId, accountId, modSeq, at, entry with { Reserved = (uint)reason });
        });
    }
}
