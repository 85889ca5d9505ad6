namespace MailEngine.Store;

/// <summary>Who changes messages in a mailbox: its owner, or the reader of a view of it.</summary>
/// <remarks>What he may do is looked up in the commit loop, where no other change can come between: a right that is taken away before his
/// change is committed is taken away from it too. RFC 4314 §4</remarks>
/// <param name="Subject">Null: the owner.</param>
internal readonly record struct MailboxUser(AclSubject? Subject)
{
    public static MailboxUser Of(Mailbox box) => new(box.Reader == 0 ? null : box.Subject);

    /// <summary>Whose \Seen it is; 0: the owner's.</summary>
    public long Reader => Subject?.Account.AccountId ?? 0;

    /// <summary>Commit loop: changes of the list that this batch makes before are in it.</summary>
    public AclRights RightsIn(CommitBatch batch, MailboxDraft box)
    {
        Acl acl = batch.AclOf(box);
        return Subject is null ? acl.OwnerRights(box.Mailbox.AccountId) : acl.RightsOf(Subject);
    }

    /// <summary>He has all of these rights.</summary>
    public bool May(CommitBatch batch, MailboxDraft box, AclRights needed) => (RightsIn(batch, box) & needed) == needed;
}
