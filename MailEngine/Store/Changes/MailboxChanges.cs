namespace MailEngine.Store.Changes;

/// <summary>CREATE: the mailbox and every missing one above it. RFC 9051 §6.3.4</summary>
/// <param name="likeInbox">True: by somebody who is not the owner. A mailbox at the top then has INBOX's access control list, since INBOX
/// is what stands above it for him; otherwise he could not use what he made.</param>
internal sealed class CreateChange(long accountId, MailboxName name, string specialUse, int mostMailboxes, bool likeInbox = false) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => account == accountId;

    public override void Prepare(CommitBatch batch)
    {
        if (name.IsInbox || batch.FindMailbox(accountId, name) != 0)
        {
            Result = StoreError.AlreadyExists;
            return;
        }
        Acl? atTop = likeInbox && batch.FindMailbox(accountId, MailboxName.Inbox) is var inbox and not 0 && batch.Mailbox(inbox) is { } box ? batch.AclOf(box) : null;
        Result = MakeParents(batch, accountId, name, mostMailboxes, atTop);
        if (Result == StoreError.None)
            batch.CreateMailbox(accountId, name, specialUse, name.Parent is null ? atTop : null);
    }

    internal static StoreError MakeParents(CommitBatch batch, long accountId, MailboxName name, int mostMailboxes, Acl? atTop = null, int adds = 1)
    {
        if (batch.CountMailboxes(accountId) >= mostMailboxes)
            return StoreError.Limit;
        var missing = new Stack<MailboxName>();
        for (MailboxName? parent = name.Parent; parent is { } above; parent = above.Parent)
        {
            if (batch.FindMailbox(accountId, above) == 0)
                missing.Push(above);
        }
        // The folders of a new account are given to it, whatever its limit says later.
        if (mostMailboxes < int.MaxValue && batch.Account(accountId).Limits.Mailboxes is { } limit && batch.CountMailboxes(accountId) + missing.Count + adds > limit)
            return StoreError.OverQuota;
        foreach (MailboxName parent in missing)
            batch.CreateMailbox(accountId, parent, "", parent.Parent is null ? atTop : null);
        return StoreError.None;
    }
}

/// <summary>DELETE: the mailbox goes out of sight; its rows stay for the retention time. RFC 9051 §6.3.5</summary>
internal sealed class DeleteChange(long accountId, MailboxName name) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => account == accountId;

    public override void Prepare(CommitBatch batch)
    {
        long id = batch.FindMailbox(accountId, name);
        MailboxDraft? box = id == 0 ? null : batch.Mailbox(id);
        if (name.IsInbox || box is null)
        {
            Result = name.IsInbox ? StoreError.NotAllowed : StoreError.NoSuchMailbox;
            return;
        }
        if (batch.MailboxesBelow(accountId, name).Count > 0)
        {
            Result = StoreError.HasChildren;
            return;
        }
        Result = StoreError.None;
        Delete(batch, accountId, name, box);
    }

    internal static void Delete(CommitBatch batch, long accountId, MailboxName name, MailboxDraft box)
    {
        AccountDraft account = batch.Account(accountId);
        account.NextModSeq();
        account.Add(-box.Counters.Count, -box.Counters.Bytes);
        long id = box.Mailbox.Id, at = batch.Now.ToUnixTimeSeconds();
        batch.Rename(accountId, name, null, 0);
        batch.Drop(box);
        batch.Row(index =>
        {
            index.Run("UPDATE mailbox SET deleted_at=?2 WHERE id=?1", id, at);
            index.Run("DELETE FROM acl WHERE mailbox=?1", id);   // RFC 4314 §4: who may see it must not outlive it
        });
    }
}

/// <summary>RENAME: the mailbox and all below it. Renaming INBOX moves its messages to a new mailbox and leaves it empty. RFC 9051 §6.3.6</summary>
internal sealed class RenameChange(long accountId, MailboxName from, MailboxName to, int mostMailboxes) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => account == accountId;

    public override void Prepare(CommitBatch batch)
    {
        long id = batch.FindMailbox(accountId, from);
        if (id == 0)
        {
            Result = StoreError.NoSuchMailbox;
            return;
        }
        if (to.IsInbox || batch.FindMailbox(accountId, to) != 0)
        {
            Result = StoreError.AlreadyExists;
            return;
        }
        if (to.IsBelow(from) && !from.IsInbox)
        {
            Result = StoreError.NotAllowed;
            return;
        }
        if ((Result = CreateChange.MakeParents(batch, accountId, to, mostMailboxes, adds: from.IsInbox ? 1 : 0)) != StoreError.None)
            return;
        if (from.IsInbox)
        {
            if (batch.Mailbox(id) is not { } inbox)
                return;
            MailboxDraft target = batch.CreateMailbox(accountId, to, "");
            MailboxSnapshot all = inbox.Snapshot;
            uint[] uids = new uint[all.Count];
            for (int i = 0; i < uids.Length; i++)
                uids[i] = all[i].Uid;
            CopyChange.Copy(batch, inbox, target, uids, 0, move: true, CopyReaders.Owners);
            long copy = target.Mailbox.Id;
            batch.Row(index => index.Run(   // RFC 5464 §4.1: both have them
                "INSERT INTO annotation(mailbox, reader, entry, account, value) SELECT ?2, reader, entry, account, value FROM annotation WHERE mailbox=?1", id, copy));
            return;
        }
        Move(batch, id, from, to);
        batch.Tell(accountId, new MailboxEvent(MailboxEventKind.Renamed, id, to, from));   // and none for those below it: RFC 5465 §5.4
        foreach ((long child, MailboxName name) in batch.MailboxesBelow(accountId, from))
            Move(batch, child, name, name.Moved(from, to));
    }

    void Move(CommitBatch batch, long id, MailboxName old, MailboxName next)
    {
        batch.Rename(accountId, old, next, id);
        batch.Row(index => index.Run("UPDATE mailbox SET name=?2 WHERE id=?1", id, next.Value));
        batch.WhenPublished(() => batch.RenameOpen(id, next));
    }
}

/// <summary>SUBSCRIBE and UNSUBSCRIBE: a name on the account's list, mailbox or not. RFC 9051 §6.3.7</summary>
internal sealed class SubscribeChange(long accountId, MailboxName name, bool subscribed) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => account == accountId;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        batch.Row(index => index.Run(
            subscribed ? "INSERT OR IGNORE INTO subscription(account, name) VALUES(?1,?2)" : "DELETE FROM subscription WHERE account=?1 AND name=?2",
            accountId, name.Value));
        batch.Tell(accountId, new MailboxEvent(subscribed ? MailboxEventKind.Subscribed : MailboxEventKind.Unsubscribed, 0, name));
    }
}

/// <summary>INBOX and the standard folders of an account, subscribed; those that are there stay as they are.</summary>
internal sealed class ProvisionChange(long accountId, IReadOnlyList<(MailboxName Name, string SpecialUse)> folders) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => account == accountId;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        foreach ((MailboxName name, string use) in folders.Prepend((MailboxName.Inbox, "")))
        {
            if (batch.FindMailbox(accountId, name) == 0)
            {
                CreateChange.MakeParents(batch, accountId, name, int.MaxValue);
                batch.CreateMailbox(accountId, name, use);
            }
            batch.Row(index => index.Run("INSERT OR IGNORE INTO subscription(account, name) VALUES(?1,?2)", accountId, name.Value));
        }
    }
}

/// <summary>All mailboxes and subscriptions of an account that is no more.</summary>
internal sealed class DeleteAccountChange(long accountId) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => account == accountId;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        foreach ((long id, MailboxName name) in batch.MailboxesOf(accountId))
        {
            if (batch.Mailbox(id) is { } box)
                DeleteChange.Delete(batch, accountId, name, box);
        }
        batch.Row(index =>
        {
            index.Run("DELETE FROM subscription WHERE account=?1", accountId);
            index.Run("DELETE FROM quota WHERE account=?1", accountId);
        });
        ForgetReaderChange.Forget(batch, accountId);
    }
}

/// <summary>What other accounts' mailboxes know of an account that is no more: in their access control lists, what it had seen, its annotations.
/// In every partition.</summary>
internal sealed class ForgetReaderChange(long accountId) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        Forget(batch, accountId);
    }

    internal static void Forget(CommitBatch batch, long accountId)
    {
        if (accountId <= 0)   // a domain's tree stands in nobody's list
            return;
        string identifier = AclIdentifier.OfAccount(accountId);
        batch.Row(index =>
        {
            index.Run("DELETE FROM acl WHERE identifier IN (?1, ?2)", identifier, "-" + identifier);
            index.Run("DELETE FROM seen WHERE reader=?1", accountId);
            index.Run("DELETE FROM annotation WHERE reader=?1", accountId);
            index.Run("DELETE FROM answered WHERE account=?1", accountId);
        });
    }
}
