using MailEngine.Mime;

namespace MailEngine.Store.Changes;

/// <summary>APPEND: all messages or none. RFC 9051 §6.3.12, RFC 3502 §6.3.11</summary>
/// <param name="user">Who puts them there; when he is not the owner \Seen is his alone.</param>
internal sealed class AppendChange(long mailboxId, MailboxUser user, long quotaBytes, IReadOnlyList<AppendItem> items) : StoreChange<AppendOutcome>
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => mailboxes.Contains(mailboxId);

    AppendOutcome _outcome;

    // Several messages are kept all or none, which one transaction sees to; and no record tells what another than the owner has seen.
    // UIDs that are left out are written down, too.
    public override bool InLog => items.Count == 1 && items[0].Uid == 0 && (user.Reader == 0 || !items[0].Flags.HasFlag(MessageFlags.Seen));

    public override bool BringsMail => true;

    public override long Bytes => items.Sum(item => item.Body.OwnRange is null ? item.Body.Length : 0);

    protected override AppendOutcome Outcome => _outcome;

    protected override AppendOutcome Fault => new(StoreError.Unavailable, 0, []);

    public override void Prepare(CommitBatch batch)
    {
        MailboxDraft? box = batch.Mailbox(mailboxId);
        _outcome = box is null ? new AppendOutcome(StoreError.NoSuchMailbox, 0, []) : Append(batch, box, user, quotaBytes, items, freed: 0, InLog);
    }

    /// <param name="freed">Octets that the same change takes out of the account.</param>
    /// <param name="inLog">The change is <see cref="StoreChange.InLog"/>.</param>
    internal static AppendOutcome Append(CommitBatch batch, MailboxDraft box, MailboxUser user, long quotaBytes, IReadOnlyList<AppendItem> items, long freed, bool inLog)
    {
        AclRights rights = user.RightsIn(batch, box);
        if (!rights.HasFlag(AclRights.Insert))
            return new AppendOutcome(StoreError.NoPermission, 0, []);
        FlagMask keep = FlagMask.Of(rights);   // flags without the right to them are left out: RFC 4314 §4
        long reader = user.Reader;
        long mailboxId = box.Mailbox.Id, accountId = box.Mailbox.AccountId;
        long size = items.Sum(item => item.Body.Length);
        // What goes in the same change is a message too.
        if (!batch.Account(accountId).HasRoom(items.Count - (freed > 0 ? 1 : 0), size - freed, quotaBytes))
            return new AppendOutcome(StoreError.OverQuota, 0, []);
        int[] keywords = [.. items.Select(item => box.KeywordSet(keep.Keywords ? item.Keywords : []))];
        if (keywords.Contains(-1))
            return new AppendOutcome(StoreError.Limit, 0, []);
        var uids = new uint[items.Count];
        for (int i = 0; i < items.Count; i++)
        {
            AppendItem item = items[i];
            BodyRange body = batch.Append(item.Body);
            var entry = new MessageEntry
            {
                InternalDate = (item.InternalDate ?? batch.Now).ToUnixTimeSeconds(),
                SentDate = item.Body.Summary.SentDate ?? long.MinValue,
                Flags = item.Flags & keep.Flags & ~(reader == 0 ? MessageFlags.None : MessageFlags.Seen),
                KeywordSet = keywords[i],
                BodySegment = body.Segment,
                BodyOffset = body.Offset,
                BodyLength = body.Length,
            };
            if (item.Uid != 0)
                batch.SkipTo(box, item.Uid);
            uint uid = uids[i] = batch.Deposit(box, ref entry, default, inLog);
            MessageSummary summary = item.Body.Summary;
            batch.Row(index => index.PutMessage(mailboxId, uid, accountId, summary), summary.Bytes);
        }
        if (reader != 0 && keep.Flags.HasFlag(MessageFlags.Seen) && items.Any(item => item.Flags.HasFlag(MessageFlags.Seen)))
            batch.SetSeen(box, reader, batch.SeenOf(box, reader).With([.. uids.Where((_, i) => items[i].Flags.HasFlag(MessageFlags.Seen))]));
        return new AppendOutcome(StoreError.None, box.Counters.UidValidity, uids);
    }
}
