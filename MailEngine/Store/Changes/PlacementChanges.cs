using MailEngine.Store.Partitions;

namespace MailEngine.Store.Changes;

/// <summary>In which partition accounts live. In the default partition, which keeps the list; durable before the first thing that goes by it.</summary>
internal sealed class PlacementChange(IReadOnlyList<(long AccountId, int Partition)> homes) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        batch.Row(index =>
        {
            foreach ((long account, int partition) in homes)
                index.Run("INSERT OR REPLACE INTO placement(account, partition) VALUES(?1,?2)", account, partition);
        });
    }
}

/// <summary>A partition belongs to this store from now on; its number is never given to another.</summary>
internal sealed class PartitionKnownChange(PartitionIdentity identity) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        batch.Row(index => index.Run("INSERT OR REPLACE INTO partition(number, name, identity) VALUES(?1,?2,?3)", identity.Number, identity.Name, identity.Identity));
    }
}
