namespace MailEngine.Store.Changes;

/// <summary>New state of queue rows, and rows that are done with.</summary>
internal sealed class QueueChange(IReadOnlyList<QueueEntry> changed, IReadOnlyList<long> removed) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        foreach (QueueEntry entry in changed)
            batch.Row(index => index.UpdateQueue(entry));
        foreach (long id in removed)
            batch.Row(index => index.DropQueue(id));
    }
}
