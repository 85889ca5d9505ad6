using MailEngine.Io;
using MailEngine.Mime;
using MailEngine.Store.Partitions;

namespace MailEngine.Store.Changes;

/// <summary>A message on its way from a mailbox of another partition.</summary>
/// <param name="Uid">In the source.</param>
/// <param name="Entry">Dates and flags as they are to be in the target.</param>
/// <param name="Payload">Its bytes, checked; null: they are in the target's partition already, where <paramref name="Entry"/> says.</param>
internal sealed record Incoming(uint Uid, MessageEntry Entry, IReadOnlyList<string> Keywords, ReadOnlyMemory<byte> Prefix, byte[]? Payload);

/// <summary>COPY from a mailbox of another partition: all messages or none. Its rows are those of the source, its bytes were brought here before.</summary>
/// <param name="user">Who puts them there.</param>
/// <param name="seen">UIDs of the source that he has seen; of the owner the flags say so.</param>
internal sealed class CopyInChange(
    Mailbox from, long toId, MailboxUser user, long quotaBytes, IReadOnlyList<Incoming> messages, IReadOnlySet<uint> seen, TransferSegments? transfer, bool move) : StoreChange<CopyOutcome>
{
    CopyOutcome _outcome;

    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => mailboxes.Contains(toId);

    public override bool MayFollow => false;

    public override bool BringsMail => true;

    public override long Bytes => messages.Sum(message => (long)(message.Payload?.Length ?? 0));

    protected override CopyOutcome Outcome => _outcome;

    protected override CopyOutcome Fault => new(StoreError.Unavailable, 0, [], []);

    public override void Prepare(CommitBatch batch)
    {
        if (batch.Mailbox(toId) is not { } to)
        {
            _outcome = new CopyOutcome(StoreError.NoSuchMailbox, 0, [], []);
            return;
        }
        if (!user.May(batch, to, AclRights.Insert))
        {
            _outcome = new CopyOutcome(StoreError.NoPermission, 0, [], []);
            return;
        }
        long account = to.Mailbox.AccountId, reader = user.Reader;
        if (messages.Count > 0 && !batch.Account(account).HasRoom(messages.Count, messages.Sum(message => message.Entry.Size), quotaBytes))
        {
            _outcome = new CopyOutcome(StoreError.OverQuota, 0, [], []);
            return;
        }
        int[] keywords = [.. messages.Select(message => to.KeywordSet(message.Keywords))];
        if (keywords.Contains(-1))
        {
            _outcome = new CopyOutcome(StoreError.Limit, 0, [], []);
            return;
        }
        var uids = new uint[messages.Count];
        for (int i = 0; i < uids.Length; i++)
        {
            Incoming message = messages[i];
            MessageEntry entry = message.Entry;
            entry.KeywordSet = keywords[i];
            if (message.Payload is { } payload)
            {
                BodyRange body = batch.AppendBody(payload, Crc32C.Of(payload));
                (entry.BodySegment, entry.BodyOffset) = (body.Segment, body.Offset);
            }
            (entry.PrefixSegment, entry.PrefixOffset, entry.PrefixLength) = (0, 0, 0);
            uids[i] = batch.Deposit(to, ref entry, message.Prefix, movedFrom: move ? (from.Id, message.Uid) : null);
        }
        if (transfer is not null)
            batch.TakeFiles(transfer.Sealed, transfer.MarkCommitted);
        if (reader != 0 && seen.Count > 0)
            batch.SetSeen(to, reader, batch.SeenOf(to, reader).With([.. uids.Where((_, i) => seen.Contains(messages[i].Uid))]));
        batch.Row(index => WriteDetails(index, account, uids));
        _outcome = new CopyOutcome(StoreError.None, to.Counters.UidValidity, [.. messages.Select(message => message.Uid)], uids);
    }

    /// <summary>Rows of table message, out of the one index into the other.</summary>
    void WriteDetails(IndexWriter index, long account, uint[] uids)
    {
        var lost = new List<int>();
        from.Home.ReadBehind(reader =>
        {
            using SqliteStatement query = MessageRows.Query(reader.Database);
            for (int i = 0; i < uids.Length; i++)
            {
                string emailId = EmailId.Of(from.AccountId, from.Current.UidValidity, messages[i].Uid);
                if (!MessageRows.TryCopy(query, IndexSchema.Key(from.Id, messages[i].Uid), index, IndexSchema.Key(toId, uids[i]), account, emailId))
                    lost.Add(i);
            }
            return 0;
        });
        foreach (int i in lost.Where(i => messages[i].Payload is not null))   // of others the text is worked out when it is asked for
            index.PutMessage(toId, uids[i], account, MessageSummary.Of(messages[i].Payload));
    }
}

/// <summary>Messages leave a mailbox because they are somewhere else now, durably: the second half of a MOVE or REPLACE to another partition.</summary>
internal sealed class TakeOutChange(long mailboxId, MailboxUser user, IReadOnlyList<uint> uids, ExpungeReason reason) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => mailboxes.Contains(mailboxId);

    public override void Prepare(CommitBatch batch)
    {
        MailboxDraft? box = batch.Mailbox(mailboxId);
        Result = box is null ? StoreError.NoSuchMailbox
            : user.May(batch, box, AclRights.DeleteMessages | AclRights.Expunge) ? StoreError.None : StoreError.NoPermission;
        if (box is not null && Result == StoreError.None)
            ExpungeChange.Expunge(batch, box, [.. uids.Where(uid => box.Snapshot.IndexOf(uid) >= 0)], reason);
    }
}
