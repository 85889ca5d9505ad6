namespace MailEngine.Store.Changes;

/// <summary>A mailbox that continues one of another server: it is made with that one's UIDVALIDITY. One that is there but never held a message is
/// replaced; sessions that have it open are told that it is gone.</summary>
internal sealed class AdoptChange(long accountId, MailboxName name, string specialUse, uint uidValidity, int mostMailboxes) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => account == accountId;

    public override void Prepare(CommitBatch batch)
    {
        string use = specialUse;
        Acl? acl = null;
        if (batch.FindMailbox(accountId, name) is var id and not 0)
        {
            if (batch.Mailbox(id) is not { Counters: { UidNext: 1, Count: 0 } } unused)
            {
                Result = StoreError.AlreadyExists;
                return;
            }
            acl = batch.AclOf(unused);
            if (batch.SpecialUseOf(id) is { Length: > 0 } present)
                use = present;
            DeleteChange.Delete(batch, accountId, name, unused);
        }
        else if ((Result = CreateChange.MakeParents(batch, accountId, name, mostMailboxes)) != StoreError.None)
        {
            return;
        }
        Result = StoreError.None;
        batch.CreateMailbox(accountId, name, use, acl, uidValidity);
    }
}

/// <summary>UIDs below this one are never given again: the archive that was taken in had given them. RFC 9051 §2.3.1.1</summary>
internal sealed class RaiseUidNextChange(long mailboxId, uint uidNext) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => mailboxes.Contains(mailboxId);

    public override void Prepare(CommitBatch batch)
    {
        MailboxDraft? box = batch.Mailbox(mailboxId);
        Result = box is null ? StoreError.NoSuchMailbox : StoreError.None;
        if (box is not null)
            batch.SkipTo(box, uidNext);
    }
}
