namespace MailEngine.Store.Changes;

/// <summary>Undelete of messages: new UIDs in the mailbox they were in, flags and dates as they were, no byte copied. All or none.</summary>
/// <remarks>The row in table expunged stays: clients that sync by QRESYNC must still hear that the old UID is gone (RFC 7162 §3.2.10).
/// \Deleted is left off, or the next EXPUNGE would take the message away again.</remarks>
internal sealed class RestoreMessagesChange(long accountId, IReadOnlyList<long> ids, long quotaBytes, int mostMailboxes) : StoreChange<RestoreOutcome>
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => account == accountId;

    /// <summary>Messages a commit, so that deliveries do not wait.</summary>
    public const int AtMost = 500;

    RestoreOutcome _outcome;

    protected override RestoreOutcome Outcome => _outcome;

    protected override RestoreOutcome Fault => new(StoreError.Unavailable, 0, null);

    public override void Prepare(CommitBatch batch)
    {
        var found = new List<ExpungedRow>();
        foreach (long id in ids)
        {
            if (batch.Committed.Expunged(id) is { Reason: ExpungeReason.Expunged } row && row.AccountId == accountId && row.At >= batch.RetainedSince)
                found.Add(row);
        }
        if (!batch.Account(accountId).HasRoom(found.Count, found.Sum(row => row.Entry.Size), quotaBytes))
        {
            _outcome = new RestoreOutcome(StoreError.OverQuota, 0, null);
            return;
        }
        // Places are decided before the first row is written down, so that a refusal changes nothing.
        var places = new Dictionary<long, (MailboxDraft To, Dictionary<int, int> Sets)>();
        foreach (IGrouping<long, ExpungedRow> box in found.GroupBy(row => IndexSchema.MailboxOf(row.Id)))
        {
            (StoreError error, MailboxDraft? to, IReadOnlyList<string[]> keywords) = Target(batch, box.Key);
            var sets = new Dictionary<int, int>();
            foreach (int set in box.Select(row => row.Entry.KeywordSet).Distinct())
                sets[set] = to is null ? -1 : to.KeywordSet((uint)set < (uint)keywords.Count ? keywords[set] : []);
            if (to is null || sets.ContainsValue(-1))
            {
                _outcome = new RestoreOutcome(error == StoreError.None ? StoreError.Limit : error, 0, null);
                return;
            }
            places[box.Key] = (to, sets);
        }
        int restored = 0;
        foreach (ExpungedRow row in found.Where(row => batch.Restore(row.Id)))
        {
            (MailboxDraft to, Dictionary<int, int> sets) = places[IndexSchema.MailboxOf(row.Id)];
            MessageEntry entry = row.Entry;
            entry.Reserved = 0;
            entry.Flags &= ~MessageFlags.Deleted;
            entry.KeywordSet = sets[entry.KeywordSet];
            uint uid = batch.Deposit(to, ref entry, default);
            long mailboxId = to.Mailbox.Id;
            string emailId = EmailId.Of(accountId, batch.Committed.Mailbox(IndexSchema.MailboxOf(row.Id))?.Counters.UidValidity ?? 0, IndexSchema.NumberOf(row.Id));
            batch.Row(index =>
            {
                index.CopyMessage(IndexSchema.MailboxOf(row.Id), IndexSchema.NumberOf(row.Id), mailboxId, uid, accountId, emailId);
                index.PutExpunged(IndexSchema.MailboxOf(row.Id), accountId, row.ModSeq, row.At, row.Entry with { Reserved = (uint)ExpungeReason.Restored });
            });
            restored++;
        }
        _outcome = new RestoreOutcome(StoreError.None, restored, null);
    }

    /// <summary>The mailbox itself, else one of its name, else a new one of its name.</summary>
    (StoreError Error, MailboxDraft? To, IReadOnlyList<string[]> Keywords) Target(CommitBatch batch, long mailboxId)
    {
        MailboxRow? row = batch.Committed.Mailbox(mailboxId);
        MailboxName name = row?.Name ?? MailboxName.Inbox;
        IReadOnlyList<string[]> keywords = KeywordText.Parse(row?.Keywords ?? "");
        if (batch.Mailbox(mailboxId) is { } same)
            return (StoreError.None, same, same.KeywordSets);
        if (batch.FindMailbox(accountId, name) is var id and not 0)
            return (StoreError.None, batch.Mailbox(id), keywords);
        StoreError error = CreateChange.MakeParents(batch, accountId, name, mostMailboxes);
        return error == StoreError.None ? (error, batch.CreateMailbox(accountId, name, ""), keywords) : (error, null, keywords);
    }
}

/// <summary>Undelete of a mailbox: its row is in sight again, with all messages under their UIDs.</summary>
/// <remarks>UIDVALIDITY stays (RFC 9051 §2.3.1.1 wants a new one only where UIDs do not persist, and these do).</remarks>
internal sealed class RestoreMailboxChange(long accountId, long mailboxId, long quotaBytes, int mostMailboxes) : StoreChange<RestoreOutcome>
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => account == accountId;

    RestoreOutcome _outcome;

    protected override RestoreOutcome Outcome => _outcome;

    protected override RestoreOutcome Fault => new(StoreError.Unavailable, 0, null);

    public override void Prepare(CommitBatch batch)
    {
        MailboxRow? row = batch.Committed.Mailbox(mailboxId);
        StoreError error = Check(batch, row);
        if (error == StoreError.None)
            error = CreateChange.MakeParents(batch, accountId, row!.Name, mostMailboxes);
        if (error != StoreError.None || !batch.Restore(mailboxId))
        {
            _outcome = new RestoreOutcome(error == StoreError.None ? StoreError.NoSuchMailbox : error, 0, null);
            return;
        }
        MailboxName name = FreeName(batch, row!.Name);
        // RFC 6154 §2 lets one mailbox have a use; the one that took it over keeps it.
        bool useIsTaken = row.SpecialUse.Length > 0 && batch.Committed.MailboxesOf(accountId).Exists(other => other.SpecialUse == row.SpecialUse);
        batch.Undelete(row, name);
        batch.Row(index => index.Run("UPDATE mailbox SET deleted_at=NULL, name=?2, special_use=?3 WHERE id=?1", mailboxId, name.Value, useIsTaken ? "" : row.SpecialUse));
        _outcome = new RestoreOutcome(StoreError.None, row.Counters.Count, name.Value);
    }

    StoreError Check(CommitBatch batch, MailboxRow? row) =>
        row?.DeletedAt is not { } at || row.AccountId != accountId || at < batch.RetainedSince ? StoreError.NoSuchMailbox
        : !batch.Account(accountId).HasRoom(row.Counters.Count, row.Counters.Bytes, quotaBytes) ? StoreError.OverQuota
        : StoreError.None;

    MailboxName FreeName(CommitBatch batch, MailboxName wanted)
    {
        MailboxName name = wanted;
        for (int i = 1; batch.FindMailbox(accountId, name) != 0; i++)
        {
            string addition = i == 1 ? " (restored)" : FormattableString.Invariant($" (restored {i})");
            if (!MailboxName.TryParse(wanted.Value + addition, out name))
                name = MailboxName.Parse("Restored" + addition);   // the name itself fills its limit
        }
        return name;
    }
}
