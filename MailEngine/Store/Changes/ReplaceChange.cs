namespace MailEngine.Store.Changes;

/// <summary>REPLACE: a new message in, the old one out, both or neither. RFC 8508 §3.4</summary>
/// <param name="leaver">Who takes it out.</param>
/// <param name="user">As of <see cref="AppendChange"/>, in the target.</param>
internal sealed class ReplaceChange(long fromId, MailboxUser leaver, uint uid, long toId, MailboxUser user, long quotaBytes, AppendItem item) : StoreChange<AppendOutcome>
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => mailboxes.Contains(fromId) || mailboxes.Contains(toId);

    public override bool MayFollow => false;

    AppendOutcome _outcome;

    public override bool BringsMail => true;

    public override long Bytes => item.Body.OwnRange is null ? item.Body.Length : 0;

    protected override AppendOutcome Outcome => _outcome;

    protected override AppendOutcome Fault => new(StoreError.Unavailable, 0, []);

    public override void Prepare(CommitBatch batch)
    {
        MailboxDraft? from = batch.Mailbox(fromId), to = batch.Mailbox(toId);
        if (from is null || to is null)
        {
            _outcome = new AppendOutcome(StoreError.NoSuchMailbox, 0, []);
            return;
        }
        if (!leaver.May(batch, from, AclRights.DeleteMessages | AclRights.Expunge))   // RFC 8508 §4.1
        {
            _outcome = new AppendOutcome(StoreError.NoPermission, 0, []);
            return;
        }
        MailboxSnapshot now = from.Snapshot;
        int index = now.IndexOf(uid);
        if (index < 0)
        {
            _outcome = new AppendOutcome(StoreError.NoSuchMessage, 0, []);
            return;
        }
        // Only the difference counts against the quota: RFC 8508 §3.4.
        long freed = from.Mailbox.AccountId == to.Mailbox.AccountId ? now[index].Size : 0;
        _outcome = AppendChange.Append(batch, to, user, quotaBytes, [item], freed, inLog: false);
        if (_outcome.Error == StoreError.None)
            ExpungeChange.Expunge(batch, from, [uid]);
    }
}
