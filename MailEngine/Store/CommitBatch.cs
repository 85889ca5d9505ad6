using MailEngine.Io;
using MailEngine.Mime;

namespace MailEngine.Store;

/// <summary>Counters of one account while a batch is being worked out, and between batches in the partition's memory.</summary>
internal sealed class AccountDraft(long id, ulong modSeq, long messages, long bytes)
{
    public long Id => id;
    public ulong ModSeq { get; private set; } = modSeq;
    public long Messages { get; private set; } = messages;
    public long Bytes { get; private set; } = bytes;
    public AccountLimits Limits { get; set; }

    /// <summary>May so much more be put into its mailboxes? RFC 9208 §5</summary>
    /// <param name="quotaBytes">Most octets of the account; 0: no limit but the store's own.</param>
    public bool HasRoom(int messages, long bytes, long quotaBytes) =>
        (quotaBytes <= 0 || Bytes + bytes <= quotaBytes)
        && (Limits.Bytes is not { } most || Bytes + bytes <= most)
        && (Limits.Messages is not { } count || Messages + messages <= count);

    /// <summary>S3: per account, only ever up. RFC 7162 §3.1</summary>
    public ulong NextModSeq() => ++ModSeq;

    /// <summary>The next mod-sequence is above this one.</summary>
    public void Reach(ulong modSeq) => ModSeq = Math.Max(ModSeq, modSeq);

    public void Add(long messages, long bytes)
    {
        Messages += messages;
        Bytes += bytes;
    }

    public AccountDraft Copy() => new(Id, ModSeq, Messages, Bytes) { Limits = Limits };
}

/// <summary>Everything one turn of the commit loop will write, worked out in memory before the first byte goes to disk.</summary>
/// <remarks>Commit loop only. A change first decides (quota, names), then allocates UIDs and places here; it touches no disk. If the
/// batch fails, all of this is dropped and nothing happened.</remarks>
internal sealed class CommitBatch(Partition partition, bool inLog)
{
    readonly Dictionary<long, MailboxDraft> _mailboxes = [];
    readonly Dictionary<long, AccountDraft> _accounts = [];
    readonly Dictionary<(long, string), long> _names = [];   // 0: gone in this batch
    readonly Dictionary<long, Acl> _acls = [];
    readonly Dictionary<(long Mailbox, long Reader), SeenState> _seen = [];
    readonly Dictionary<UInt128, long> _delivered = [];
    readonly HashSet<AnswerKey> _answered = [];
    readonly HashSet<long> _dropped = [];
    bool _makesMailboxes;
    readonly HashSet<long> _restored = [];
    readonly HashSet<long> _hidden = [];   // drafts of mailboxes that were deleted before this batch
    readonly List<Action<IndexWriter>> _rows = [];
    readonly List<Action> _published = [];
    readonly List<ReadOnlyMemory<byte>> _pieces = [];
    readonly List<(uint Number, long Length)> _files = [];
    readonly List<Action> _keepFiles = [];
    readonly Dictionary<Body, BodyRange> _bodies = new(ReferenceEqualityComparer.Instance);
    static readonly byte[] s_padding = new byte[8];

    /// <summary>All its changes are <see cref="StoreChange.InLog"/>, and their rows may follow.</summary>
    public bool InLog => inLog;

    /// <summary>Bytes to append to the current segment.</summary>
    public long SegmentBytes { get; private set; }

    public IReadOnlyList<ReadOnlyMemory<byte>> Pieces => _pieces;

    public DateTimeOffset Now { get; } = partition.Clock.GetUtcNow();

    public bool HasRows => _rows.Count > 0 || _mailboxes.Values.Any(m => m.IsChanged) || _seen.Count > 0;

    /// <summary>True: it makes rows that no segment record can bring back.</summary>
    public bool NeedsIndex => _makesMailboxes || _seen.Count > 0;

    public IReadOnlyCollection<AccountDraft> Accounts => _accounts.Values;

    public IReadOnlyDictionary<(long, string), long> Names => _names;

    public IReadOnlyList<Action<IndexWriter>> Rows => _rows;

    /// <summary>Octets of the rows, about.</summary>
    public long RowBytes { get; private set; }

    public IEnumerable<MailboxDraft> ChangedMailboxes => _mailboxes.Values.Where(box => box.IsChanged);

    /// <summary>Deliveries to remember, with the time each is forgotten (Unix seconds).</summary>
    public IReadOnlyDictionary<UInt128, long> Delivered => _delivered;

    public MailboxDraft? Mailbox(long id)
    {
        if (_dropped.Contains(id) || _hidden.Contains(id))
            return null;
        if (_mailboxes.TryGetValue(id, out MailboxDraft? draft))
            return draft;
        Mailbox? box = partition.Load(id);
        if (box is null)
            return null;
        draft = new MailboxDraft(box);
        _mailboxes.Add(id, draft);
        return draft;
    }

    /// <summary>The same for changes of rows that a deleted mailbox has too, until its retention time is over. Its snapshots reach nobody.</summary>
    public MailboxDraft? MailboxOrDeleted(long id)
    {
        if (_mailboxes.TryGetValue(id, out MailboxDraft? draft))
            return draft;
        if (Mailbox(id) is { } live)
            return live;
        if (partition.LoopReader.Load(id, evenDeleted: true) is not { } box)
            return null;
        draft = new MailboxDraft(box);
        _mailboxes.Add(id, draft);
        _hidden.Add(id);
        return draft;
    }

    public AccountDraft Account(long id)
    {
        if (!_accounts.TryGetValue(id, out AccountDraft? draft))
            _accounts.Add(id, draft = partition.AccountCounters(id));
        return draft;
    }

    /// <summary>Id of a mailbox by name, earlier changes of this batch included; 0: none.</summary>
    public long FindMailbox(long accountId, MailboxName name) =>
        _names.TryGetValue((accountId, name.Value), out long id) ? id : partition.FindMailbox(accountId, name);

    /// <summary>Access control list of a mailbox, earlier changes of this batch included.</summary>
    public Acl AclOf(MailboxDraft box) => _acls.GetValueOrDefault(box.Mailbox.Id) ?? box.Mailbox.Acl;

    public void SetAcl(MailboxDraft box, Acl acl)
    {
        Mailbox mailbox = box.Mailbox;
        _acls[mailbox.Id] = acl;
        _rows.Add(index => index.PutAcl(mailbox.Id, mailbox.AccountId, acl));
        _published.Add(() => mailbox.PublishRights(acl));
    }

    /// <summary>What a reader who is not the owner has seen, earlier changes of this batch included.</summary>
    public SeenState SeenOf(MailboxDraft box, long reader) =>
        _seen.GetValueOrDefault((box.Mailbox.Id, reader)) ?? box.Mailbox.SeenOf(reader) ?? partition.LoopReader.Seen(box.Mailbox.Id, reader);

    public void SetSeen(MailboxDraft box, long reader, SeenState seen) => _seen[(box.Mailbox.Id, reader)] = seen;

    /// <summary>RFC 6154 attribute of a mailbox that was there before this batch; empty: none.</summary>
    public string SpecialUseOf(long id) => partition.LoopReader.Mailbox(id)?.SpecialUse ?? "";

    /// <summary>Makes a mailbox that is not there; it has the access control list of the one above it. RFC 4314 §4</summary>
    /// <remarks>Parents are the caller's business.</remarks>
    /// <param name="uidValidity">Of the mailbox that this one continues; 0: a new one.</param>
    public MailboxDraft CreateMailbox(long accountId, MailboxName name, string specialUse, Acl? acl = null, uint uidValidity = 0)
    {
        _makesMailboxes = true;
        long id = partition.NextMailboxId();
        uint last = partition.NextUidValidity(atLeast: uidValidity);
        uint validity = uidValidity != 0 ? uidValidity : last;
        AccountDraft account = Account(accountId);
        ulong modSeq = account.NextModSeq();
        var counters = new MailboxCounters(validity, 1, modSeq, 0, 0, 0, 0, 1);
        var box = new Mailbox(id, accountId, name, new MailboxSnapshot(counters, [], KeywordText.Parse("")));
        var draft = new MailboxDraft(box);
        _mailboxes.Add(id, draft);
        _names[(accountId, name.Value)] = id;
        _rows.Add(index =>
        {
            index.PutMailbox(id, accountId, name, specialUse, validity, modSeq);
            index.PutMeta("next_mailbox", id + 1);
            index.PutMeta("uidvalidity", last);
        });
        _published.Add(() => partition.Opened(box));
        if (acl is null && name.Parent is { } above && FindMailbox(accountId, above) is var parent and not 0 && Mailbox(parent) is { } over)
            acl = AclOf(over);
        if (acl is { Entries.Count: > 0 })
            SetAcl(draft, acl);
        return draft;
    }

    /// <summary>Repair: a mailbox whose rows cannot be read gets a state of its own.</summary>
    public MailboxDraft Adopt(Mailbox box, bool deleted)
    {
        var draft = new MailboxDraft(box);
        _mailboxes[box.Id] = draft;
        if (deleted)
            _hidden.Add(box.Id);
        else
            _published.Add(() => partition.Opened(box));
        return draft;
    }

    /// <summary>Repair: a mailbox that the index has lost, under the id its messages name.</summary>
    public MailboxDraft AdoptLost(long id, long accountId, MailboxName name, uint uidValidity)
    {
        partition.ReachMailboxId(id);
        ulong modSeq = Account(accountId).NextModSeq();
        long next = partition.NextFreeMailboxId;
        _names[(accountId, name.Value)] = id;
        _rows.Add(index =>
        {
            index.PutMailbox(id, accountId, name, "", uidValidity, modSeq);
            index.PutMeta("next_mailbox", next);
        });
        return Adopt(new Mailbox(id, accountId, name, new MailboxSnapshot(new MailboxCounters(uidValidity, 1, modSeq, 0, 0, 0, 0, 1), [], KeywordText.Parse(""))), deleted: false);
    }

    public void Rename(long accountId, MailboxName from, MailboxName? to, long id)
    {
        _names[(accountId, from.Value)] = 0;
        if (to is { } name)
            _names[(accountId, name.Value)] = id;
    }

    /// <summary>Live mailboxes of an account, changes of this batch included.</summary>
    public List<(long Id, MailboxName Name)> MailboxesOf(long accountId)
    {
        var names = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (MailboxRow row in partition.LoopReader.MailboxesOf(accountId))
            names[row.Name.Value] = row.Id;
        foreach (((long account, string name), long id) in _names)
        {
            if (account != accountId)
                continue;
            if (id == 0)
                names.Remove(name);
            else
                names[name] = id;
        }
        return [.. names.Select(pair => (pair.Value, MailboxName.Parse(pair.Key)))];
    }

    public List<(long Id, MailboxName Name)> MailboxesBelow(long accountId, MailboxName name) =>
        [.. MailboxesOf(accountId).Where(box => box.Name.IsBelow(name))];

    public int CountMailboxes(long accountId) => MailboxesOf(accountId).Count;

    /// <summary>A mailbox that is deleted by this batch: later changes of the batch do not find it.</summary>
    public void Drop(MailboxDraft box)
    {
        _dropped.Add(box.Mailbox.Id);
        _published.Add(() => partition.Forget(box.Mailbox));
    }

    /// <summary>Marks an expunged message or a deleted mailbox as brought back. False: another change of this batch did that.</summary>
    public bool Restore(long id) => _restored.Add(id);

    /// <summary>A deleted mailbox that is there again under this name, with what it holds.</summary>
    public void Undelete(MailboxRow row, MailboxName name)
    {
        _names[(row.AccountId, name.Value)] = row.Id;
        Account(row.AccountId).Add(row.Counters.Count, row.Counters.Bytes);
        Tell(row.AccountId, new MailboxEvent(MailboxEventKind.Created, row.Id, name));
    }

    // -- for accounts that move; when the batch is durable, on the loop's thread --

    public void Freeze(long accountId) => partition.Departures.Freeze(accountId,
        [.. partition.LoopReader.MailboxesOf(accountId).Concat(partition.LoopReader.DeletedMailboxesOf(accountId)).Select(row => row.Id)]);

    public void Release(long accountId, Partition? to) => partition.Departures.Release(accountId, to, partition);

    public void Cleared(long accountId) => partition.Departures.Cleared(accountId);

    public void ForgetAccount(long accountId) => partition.ForgetMoved(accountId);

    public void TakeOver(Partition source, long accountId) => partition.TakeOver(source, accountId);

    public void Remember(IReadOnlyList<(UInt128 Key, long Expires)> deliveries) => partition.Remember(deliveries);

    public uint LastUidValidity => partition.LastUidValidity;

    public void ReachUidValidity(uint uidValidity) => partition.ReachUidValidity(uidValidity);

    /// <summary>Rows committed before this batch.</summary>
    public IndexReader Committed => partition.LoopReader;

    /// <summary>Most remembered deliveries.</summary>
    public int MostDeliveries => partition.Options.DuplicateKeys;

    /// <summary>What was expunged or deleted before this is beyond bringing back. Unix seconds.</summary>
    public long RetainedSince => (Now - partition.Options.ExpungeRetention).ToUnixTimeSeconds();

    /// <summary>The new name, for sessions that have the mailbox open.</summary>
    public void RenameOpen(long id, MailboxName name)
    {
        if (partition.FindOpen(id) is { } box)
            box.Name = name;
    }

    /// <summary>Tells those who watch the account, once it is durable.</summary>
    public void Tell(long accountId, MailboxEvent happened) => _published.Add(() => partition.Events.Raise(accountId, happened));

    /// <param name="bytes">Octets it will write, when that may be many.</param>
    public void Row(Action<IndexWriter> write, long bytes = 0)
    {
        _rows.Add(write);
        RowBytes += bytes;
    }

    public void WhenPublished(Action action) => _published.Add(action);

    /// <summary>True: the same delivery was made before, or is made in this batch.</summary>
    public bool WasDelivered(UInt128 key) => _delivered.ContainsKey(key) || partition.WasDelivered(key);

    public void RememberDelivery(UInt128 key, long accountId)
    {
        long expires = (Now + partition.DuplicateWindow).ToUnixTimeSeconds();
        _delivered.Add(key, expires);
        _rows.Add(index => index.PutDelivered(key, expires, accountId));
    }

    /// <summary>Notes that a sender is answered. False: he was, and it is too soon to tell him again. RFC 5230 §4.1</summary>
    public bool RememberAnswer(AnswerKey key, DateTimeOffset until)
    {
        if (partition.LoopReader.AnsweredUntil(key) > Now.ToUnixTimeSeconds() || !_answered.Add(key))
            return false;
        long expires = until.ToUnixTimeSeconds();
        _rows.Add(index => index.Run(
            "INSERT OR REPLACE INTO answered(account, sender, handle, until) VALUES(?1,?2,?3,?4)", key.AccountId, key.Sender, key.Handle, expires));
        return true;
    }

    /// <summary>Notes that something was seen; a later end takes the place of an earlier one. RFC 7352 §3.3</summary>
    public void RememberSeen(AnswerKey key, DateTimeOffset until)
    {
        long expires = until.ToUnixTimeSeconds();
        _rows.Add(index => index.Run(
            "INSERT OR REPLACE INTO answered(account, sender, handle, until) VALUES(?1,?2,?3,?4)", key.AccountId, key.Sender, key.Handle, expires));
    }

    /// <summary>Puts the bytes of a message down, once for the whole batch.</summary>
    public BodyRange Append(Body body)
    {
        if (_bodies.TryGetValue(body, out BodyRange range))
            return range;
        if (body.RangeIn(partition.Segments) is { } own)
        {
            range = own;
            TakeFiles([(own.Segment, own.Offset + (long)own.Length)], () => body.MarkCommitted(partition.Segments));
        }
        else
        {
            range = AppendRecord(RecordKind.Body, [], body.Inline, body.Crc);
        }
        _bodies.Add(body, range);
        return range;
    }

    /// <summary>Synced files of their own that rows of this batch name.</summary>
    public IReadOnlyList<(uint Number, long Length)> Files => _files;

    /// <param name="files">Number and length of each.</param>
    /// <param name="keep">Called when they are no longer whoever's who wrote them, to be removed when the batch fails.</param>
    public void TakeFiles(IReadOnlyCollection<(uint Number, long Length)> files, Action keep)
    {
        foreach ((uint number, long length) in files)
            _rows.Add(index => index.PutSegment(number, length));
        _files.AddRange(files);
        _keepFiles.Add(keep);
    }

    /// <summary>Rows name them, or may do so.</summary>
    public void KeepFiles()
    {
        foreach (Action keep in _keepFiles)
            keep();
    }

    /// <summary>Gives a message to a mailbox: UID, mod-sequence, segment record, row.</summary>
    /// <param name="entry">Dates, flags, keyword set and body filled in; the rest is filled here.</param>
    /// <param name="prefix">Header fields of this delivery; empty: the entry's prefix place is taken as it is.</param>
    /// <param name="inLog">The change is <see cref="StoreChange.InLog"/>.</param>
    /// <param name="deliveryKey">See <see cref="RecentDeliveries"/>; 0: none.</param>
    /// <param name="movedFrom">MOVE: where it was until now.</param>
    public uint Deposit(MailboxDraft box, ref MessageEntry entry, ReadOnlyMemory<byte> prefix, bool inLog = false, UInt128 deliveryKey = default,
        (long Mailbox, uint Uid)? movedFrom = null)
    {
        AccountDraft account = Account(box.Mailbox.AccountId);
        entry.ModSeq = account.NextModSeq();
        entry.Uid = box.Counters.UidNext;
        entry.SaveDate = Now.ToUnixTimeSeconds();
        WriteDeposit(box, ref entry, prefix, inLog, deliveryKey, movedFrom);
        account.Add(1, entry.Size);
        return box.Append(ref entry);
    }

    /// <summary>The next message gets this UID at least. Those left out were messages elsewhere, where the mailbox comes from: to a client that
    /// knows them they are gone. RFC 7162 §5.3</summary>
    public void SkipTo(MailboxDraft box, uint uid)
    {
        long id = box.Mailbox.Id, modSeq = (long)box.Counters.HighestModSeq;
        if (box.SkipTo(uid))
            Row(index => index.PutMeta(IndexSchema.Forgotten(id), modSeq));
    }

    /// <summary>The segment record of a message: all that is needed to make its row again.</summary>
    public void WriteDeposit(MailboxDraft box, ref MessageEntry entry, ReadOnlyMemory<byte> prefix, bool inLog = false, UInt128 deliveryKey = default,
        (long Mailbox, uint Uid)? movedFrom = null)
    {
        if (!prefix.IsEmpty)
        {
            entry.PrefixSegment = 0;
            entry.PrefixOffset = 0;
            entry.PrefixLength = (uint)prefix.Length;
        }
        byte[] meta = SegmentRecord.DepositMeta(new DepositRecord(box.Mailbox.AccountId, box.Mailbox.Id, box.Counters.UidValidity, entry,
            box.Mailbox.Name.Value, string.Join(' ', (uint)entry.KeywordSet < (uint)box.KeywordSets.Count ? box.KeywordSets[entry.KeywordSet] : []),
            inLog, deliveryKey, movedFrom));
        BodyRange place = AppendRecord(RecordKind.Deposit, meta, prefix, Crc32C.Of(prefix.Span));
        if (!prefix.IsEmpty)
        {
            entry.PrefixSegment = place.Segment;
            entry.PrefixOffset = place.Offset;
        }
    }

    /// <summary>The segment record of flags that were changed: all that is needed to change the rows too.</summary>
    /// <param name="messages">By UID.</param>
    public void WriteFlags(MailboxDraft box, ulong modSeq, IReadOnlyList<(uint Uid, MessageFlags Flags)> messages)
    {
        byte[] payload = SegmentRecord.FlagsPayload(messages);
        AppendRecord(RecordKind.Flags, SegmentRecord.FlagsMeta(new FlagsRecord(box.Mailbox.AccountId, box.Mailbox.Id, box.Counters.UidValidity, modSeq)), payload, Crc32C.Of(payload));
    }

    /// <summary>Puts down the bytes of a message that is being moved to another segment.</summary>
    public BodyRange AppendBody(ReadOnlyMemory<byte> payload, uint crc) => AppendRecord(RecordKind.Body, [], payload, crc);

    /// <summary>After COMMIT: no row names these any more; whoever may still read them keeps them by his pin.</summary>
    public void Retire(IReadOnlyList<uint> numbers) => partition.Retire(numbers);

    public void AppendQueue(QueueEntry entry, BodyRange body)
    {
        byte[] payload = SegmentRecord.QueuePayload(entry);
        AppendRecord(RecordKind.Queue, SegmentRecord.QueueMeta(body), payload, Crc32C.Of(payload));
    }

    /// <summary>All rows, in one transaction that the caller opened.</summary>
    public void Write(IndexWriter index)
    {
        foreach (Action<IndexWriter> row in _rows)
            row(index);
        foreach (MailboxDraft box in _mailboxes.Values)
        {
            if (box.IsChanged)
                box.Write(index);
        }
        foreach (((long mailbox, long reader), SeenState seen) in _seen)
        {
            if (_mailboxes.TryGetValue(mailbox, out MailboxDraft? box) && !_dropped.Contains(mailbox))
                index.PutSeen(mailbox, reader, box.Mailbox.AccountId, seen.Compact(box.Snapshot));
        }
        foreach (AccountDraft account in _accounts.Values)
            index.PutAccount(account.Id, account.ModSeq, account.Messages, account.Bytes);
        if (SegmentBytes > 0)
            index.PutSegment(partition.Segments.CurrentNumber, partition.Segments.CurrentLength);
    }

    /// <summary>After COMMIT: nothing here may fail or wait.</summary>
    public void Publish()
    {
        KeepFiles();
        foreach (Action action in _published)
            action();
        foreach (((long mailbox, long reader), SeenState seen) in _seen)
        {
            if (_mailboxes.TryGetValue(mailbox, out MailboxDraft? box))
                box.Mailbox.PublishSeen(reader, seen);
        }
        foreach (MailboxDraft box in _mailboxes.Values)
        {
            if (box.IsChanged && !_dropped.Contains(box.Mailbox.Id) && !_hidden.Contains(box.Mailbox.Id))
                partition.Publish(box.Mailbox, box.Snapshot);
        }
    }

    BodyRange AppendRecord(RecordKind kind, byte[] meta, ReadOnlyMemory<byte> payload, uint payloadCrc)
    {
        SegmentFiles segments = partition.Segments;
        if (SegmentBytes == 0)
            segments.EnsureCurrent();
        byte[] header = new byte[SegmentRecord.HeaderBytes + meta.Length];
        SegmentRecord.WriteHeader(header, kind, meta, (uint)payload.Length, payloadCrc);
        meta.CopyTo(header, SegmentRecord.HeaderBytes);
        long start = segments.CurrentLength + SegmentBytes;
        long plain = header.Length + (long)payload.Length, padded = SegmentRecord.Padded(plain);
        _pieces.Add(header);
        if (!payload.IsEmpty)
            _pieces.Add(payload);
        if (padded > plain)
            _pieces.Add(s_padding.AsMemory(0, (int)(padded - plain)));
        SegmentBytes += padded;
        return new BodyRange(segments.CurrentNumber, (uint)(start + header.Length), (uint)payload.Length);
    }
}
