namespace MailEngine.Store.Changes;

/// <summary>Messages leave several mailboxes of one account, all of them or none: the UPDATE state of POP3. RFC 1939 §6</summary>
/// <remarks>Mailboxes and messages that are gone meanwhile are passed over: what was to leave has left.</remarks>
internal sealed class TakeOutTogetherChange(IReadOnlyList<(long MailboxId, MailboxUser User, IReadOnlyList<uint> Uids)> parts) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => parts.Any(part => mailboxes.Contains(part.MailboxId));

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        foreach ((long mailboxId, MailboxUser user, _) in parts)
        {
            if (batch.Mailbox(mailboxId) is { } box && !user.May(batch, box, AclRights.DeleteMessages | AclRights.Expunge))
                Result = StoreError.NoPermission;
        }
        if (Result != StoreError.None)
            return;
        foreach ((long mailboxId, _, IReadOnlyList<uint> uids) in parts)
        {
            if (batch.Mailbox(mailboxId) is { } box)
                ExpungeChange.Expunge(batch, box, [.. uids.Where(uid => box.Snapshot.IndexOf(uid) >= 0)]);
        }
    }
}
