using MailEngine.Store.Partitions;

namespace MailEngine.Store.Changes;

/// <summary>One mailbox's list names a domain by its new name. Those of deleted mailboxes too: they may come back.</summary>
internal sealed class AclDomainRename(long mailboxId, string from, string to) : SimpleChange
{
    /// <summary>All lists of all partitions.</summary>
    /// <returns><see cref="StoreError.Unavailable"/>: a partition is not there; ask again when it is.</returns>
    public static async Task<StoreError> RunAsync(PartitionSet partitions, string from, string to)
    {
        StoreError outcome = partitions.Slots.All(slot => slot.Open is not null) ? StoreError.None : StoreError.Unavailable;
        foreach (Partition partition in partitions.Open)
        {
            foreach (long mailbox in partition.Read(r => r.MailboxesNamingDomain(from)))
            {
                if (await partition.CommitAsync(new AclDomainRename(mailbox, from, to)) == StoreError.Unavailable)
                    outcome = StoreError.Unavailable;
            }
        }
        return outcome;
    }

    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => mailboxes.Contains(mailboxId);

    public override void Prepare(CommitBatch batch)
    {
        if (batch.MailboxOrDeleted(mailboxId) is not { } box)
        {
            Result = StoreError.NoSuchMailbox;
            return;
        }
        Acl acl = batch.AclOf(box);
        foreach (AclEntry entry in acl.Entries)
        {
            if (!entry.Identifier.TrimStart('-').StartsWith('$') || !entry.Identifier.EndsWith("@" + from, StringComparison.Ordinal))
                continue;
            string renamed = entry.Identifier[..^from.Length] + to;
            acl = acl.Without(entry.Identifier).With(renamed, acl.RightsAt(renamed) | entry.Rights);
        }
        Result = StoreError.None;
        batch.SetAcl(box, acl);
    }
}
