using MailEngine.Mime;

namespace MailEngine.Store.Changes;

/// <summary>One accepted message: its bytes, all its deposits, all its queue rows; and queue rows that it replaces (a report).</summary>
internal sealed class AcceptChange(Acceptance acceptance, IReadOnlyList<long> removeQueueIds) : StoreChange<AcceptOutcome>
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes)
    {
        foreach (Deposit deposit in acceptance.Deposits)
        {
            if (deposit.Owner.AccountId == account)
                return true;
        }
        return false;
    }

    public override bool MayFollow => InLog && acceptance.Deposits.Count == 1;

    DepositOutcome[] _deposits = [];
    long[] _queueIds = [];
    long[] _answerIds = [];

    public override bool InLog => acceptance.Queue.Count == 0 && removeQueueIds.Count == 0 && acceptance.Answers.Count == 0 && acceptance.Sightings.Count == 0
        && !MakesMailboxes;

    bool MakesMailboxes
    {
        get
        {
            foreach (Deposit deposit in acceptance.Deposits)
            {
                if (deposit.Create is not null)
                    return true;
            }
            return false;
        }
    }

    public override bool BringsMail => true;

    public override long Bytes
    {
        get
        {
            long bytes = BytesOf(acceptance.Body);
            foreach (Deposit deposit in acceptance.Deposits)
                bytes += deposit.Body is { } own ? BytesOf(own) : 0;
            return bytes;
        }
    }

    static long BytesOf(Body body) => body.OwnRange is null ? body.Length : 0;

    protected override AcceptOutcome Outcome => new(StoreError.None, _deposits, _queueIds) { AnswerIds = _answerIds };

    protected override AcceptOutcome Fault => new(StoreError.Unavailable, [], []);

    public override void Prepare(CommitBatch batch)
    {
        _deposits = new DepositOutcome[acceptance.Deposits.Count];
        for (int i = 0; i < _deposits.Length; i++)
            _deposits[i] = Deposit(batch, acceptance.Deposits[i]);
        if (acceptance.Queue.Count > 0)
        {
            BodyRange body = batch.Append(acceptance.Body);
            _queueIds = new long[acceptance.Queue.Count];
            for (int i = 0; i < _queueIds.Length; i++)
            {
                QueueEntry entry = acceptance.Queue[i];
                int place = i;
                batch.AppendQueue(entry, body);
                batch.Row(index => _queueIds[place] = index.PutQueue(entry, body));
            }
        }
        _answerIds = new long[acceptance.Answers.Count];
        for (int i = 0; i < _answerIds.Length; i++)
            Answer(batch, acceptance.Answers[i], i);
        foreach (Sighting sighting in acceptance.Sightings)
        {
            if (sighting.Deposits.All(place => _deposits[place].Error is StoreError.None or StoreError.Duplicate))
                batch.RememberSeen(sighting.Key, sighting.Until);
        }
        foreach (long id in removeQueueIds)
            batch.Row(index => index.DropQueue(id));
    }

    // A copy that was there already, or found no room, has told its owner nothing: nothing is told of him.
    void Answer(CommitBatch batch, AutomaticAnswer answer, int place)
    {
        if (answer.Deposit == AutomaticAnswer.Never || (answer.Deposit >= 0 && _deposits[answer.Deposit].Error != StoreError.None)
            || !batch.RememberAnswer(answer.Key, answer.Until))
            return;
        BodyRange body = batch.Append(answer.Body);
        batch.AppendQueue(answer.Row, body);
        batch.Row(index => _answerIds[place] = index.PutQueue(answer.Row, body));
        // Where there is no room for it the answer goes all the same.
        if (answer.Filed is { } copy)
            _ = Deposit(batch, copy with { Body = answer.Body });
    }

    DepositOutcome Deposit(CommitBatch batch, Deposit deposit)
    {
        UInt128 key = deposit.DuplicateKey is { } wanted ? RecentDeliveries.KeyOf(wanted) : 0;
        if (key != 0 && batch.WasDelivered(key))
            return new DepositOutcome(StoreError.Duplicate, 0, 0, 0);
        long accountId = deposit.Owner.AccountId;
        long id = batch.FindMailbox(accountId, deposit.Mailbox);
        MailboxDraft? box = id != 0 ? batch.Mailbox(id) : deposit.Mailbox.IsInbox ? batch.CreateMailbox(accountId, deposit.Mailbox, "") : null;
        bool inInbox = false;
        if (box is null && deposit.Create is { } use)
        {
            inInbox = CreateChange.MakeParents(batch, accountId, deposit.Mailbox, acceptance.MostMailboxes) != StoreError.None;
            box = inInbox ? Inbox(batch, accountId) : Make(batch, accountId, deposit.Mailbox, use);
        }
        if (box is null)
            return new DepositOutcome(StoreError.NoSuchMailbox, 0, 0, 0);
        Body bytes = deposit.Body ?? acceptance.Body;
        long size = bytes.Length + deposit.Prefix.Length;
        if (!batch.Account(accountId).HasRoom(1, size, deposit.Owner.QuotaBytes))
            return new DepositOutcome(StoreError.OverQuota, 0, 0, 0);
        int keywords = box.KeywordSet(deposit.Keywords);
        BodyRange body = batch.Append(bytes);
        var entry = new MessageEntry
        {
            InternalDate = deposit.InternalDate.ToUnixTimeSeconds(),
            SentDate = bytes.Summary.SentDate ?? long.MinValue,
            Flags = deposit.Flags,
            KeywordSet = Math.Max(keywords, 0),
            BodySegment = body.Segment,
            BodyOffset = body.Offset,
            BodyLength = body.Length,
        };
        uint uid = batch.Deposit(box, ref entry, deposit.Prefix, InLog, key);
        long mailboxId = box.Mailbox.Id;
        MessageSummary summary = bytes.Summary;
        batch.Row(index => index.PutMessage(mailboxId, uid, accountId, summary), summary.Bytes);
        if (key != 0)
            batch.RememberDelivery(key, accountId);
        return new DepositOutcome(StoreError.None, mailboxId, box.Counters.UidValidity, uid) { InInbox = inInbox };
    }

    static MailboxDraft? Inbox(CommitBatch batch, long accountId) => batch.FindMailbox(accountId, MailboxName.Inbox) is var id and not 0
        ? batch.Mailbox(id) : batch.CreateMailbox(accountId, MailboxName.Inbox, "");

    static MailboxDraft Make(CommitBatch batch, long accountId, MailboxName name, string use)
    {
        MailboxDraft box = batch.CreateMailbox(accountId, name, use);
        batch.Row(index => index.Run("INSERT OR IGNORE INTO subscription(account, name) VALUES(?1,?2)", accountId, name.Value));
        batch.Tell(accountId, new MailboxEvent(MailboxEventKind.Subscribed, 0, name));
        return box;
    }
}
