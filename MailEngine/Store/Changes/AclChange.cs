namespace MailEngine.Store.Changes;

/// <summary>SETACL and DELETEACL: rights of one identifier on one mailbox. RFC 4314 §3.1 and §3.2</summary>
internal sealed class AclChange(long mailboxId, string identifier, AclChangeMode mode, AclRights rights, int mostEntries) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => mailboxes.Contains(mailboxId);

    public override void Prepare(CommitBatch batch)
    {
        if (batch.Mailbox(mailboxId) is not { } box)
        {
            Result = StoreError.NoSuchMailbox;
            return;
        }
        Acl acl = batch.AclOf(box);
        bool isOwner = identifier == AclIdentifier.OfAccount(box.Mailbox.AccountId);
        AclRights before = isOwner ? acl.OwnerRights(box.Mailbox.AccountId) : acl.RightsAt(identifier);
        AclRights after = mode switch
        {
            AclChangeMode.Add => before | rights,
            AclChangeMode.Remove => before & ~rights,
            _ => rights,
        };
        // An owner without an entry has all rights: with all of them he needs none.
        Acl next = mode == AclChangeMode.Delete || (isOwner && after == AclRights.All)
            ? acl.Without(identifier)
            : acl.With(identifier, after, keepEmpty: isOwner);
        if (next.Entries.Count > mostEntries)
        {
            Result = StoreError.Limit;
            return;
        }
        Result = StoreError.None;
        batch.SetAcl(box, next);
    }
}
