using MailEngine.Io;
using MailEngine.Mime;
using MailEngine.Store.Backup;
using MailEngine.Store.Changes;
using MailEngine.Store.Columns;
using MailEngine.Store.Repair;
using MailEngine.Store.TextSearch;
using Microsoft.Extensions.Logging;

namespace MailEngine.Store;

/// <summary>What mail: mailboxes, messages and the queue. The one door of the store.</summary>
/// <remarks>Every change is a <see cref="StoreChange"/> that a partition's commit loop carries out; when a task of this class has
/// ended, the change is durable (flag changes: class D1) and visible to all sessions. Faults of the disk come back as
/// <see cref="StoreError.Unavailable"/>, never as an exception; reading a lost or short segment throws <see cref="IOException"/>.</remarks>
public sealed class MailStore : IAsyncDisposable
{
    readonly Partition _partition;
    readonly StoreOptions _options;
    readonly string _dataPath;
    readonly ILogger _log;
    readonly ITimer _purge;
    readonly ITimer? _compaction;
    readonly Compactor _compactor;
    readonly SemaphoreSlim _compacting = new(1, 1);
    readonly CancellationTokenSource _stop = new();

    MailStore(string dataPath, Partition partition, StoreOptions options, TimeProvider clock, ILogger log)
    {
        _dataPath = dataPath;
        _partition = partition;
        _options = options;
        _log = log;
        _purge = clock.CreateTimer(_ => _ = PurgeAsync(), null, TimeSpan.FromMinutes(1), TimeSpan.FromHours(1));
        _compactor = new Compactor(partition, log);
        if (options.CompactionBytesPerSecond > 0)
            _compaction = clock.CreateTimer(_ => _ = CompactByItselfAsync(), null, options.CompactionInterval, options.CompactionInterval);
    }

    /// <summary>Most mailboxes of one account.</summary>
    public int MailboxesPerAccount { get; init; } = 10_000;

    /// <summary>Most identifiers in one access control list. A list is read whole with its mailbox's row.</summary>
    public int AclEntries { get; init; } = 1000;

    internal Partition Default => _partition;

    /// <exception cref="StoreOpenException">Its message is one line for the operator.</exception>
    /// <param name="limits">Mailboxes of an account, MIME parts and their depth; null: the defaults.</param>
    public static Task<MailStore> OpenAsync(string dataPath, StoreOptions options, TimeProvider clock, ILogger<MailStore> log, LimitOptions? limits = null) => Task.Run(() =>
    {
        limits ??= new LimitOptions();
        Partition partition = Partition.Open(Path.Combine(dataPath, "partitions", "default"), options, clock, log);
        partition.MimeLimits = MimeLimits.Of(limits);
        return new MailStore(dataPath, partition, options, clock, log) { MailboxesPerAccount = limits.MailboxesPerAccount };
    });

    internal MimeLimits MimeLimits => _partition.MimeLimits;

    /// <summary>Starts a message.</summary>
    /// <param name="inMemory">Octets of it that may be held in memory, <see cref="StoreOptions.InlineBodyBytes"/> at the most.</param>
    public BodyWriter NewBody(long inMemory = long.MaxValue) => new(_partition.Segments, (int)Math.Clamp(inMemory, 0, _options.InlineBodyBytes), _partition.MimeLimits);

    /// <summary>Keeps an accepted message: every deposit and every queue row in one commit (S1).</summary>
    public Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, CancellationToken ct) => AcceptAsync(acceptance, [], ct);

    /// <summary>The same, and removes queue rows that this message replaces (a report to their sender).</summary>
    public Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, IReadOnlyList<long> removeQueueIds, CancellationToken ct)
    {
        _ = acceptance.Body.Summary;   // on this thread, not in the loop
        return _partition.CommitAsync(new AcceptChange(acceptance, removeQueueIds), ct);
    }

    /// <summary>Mailboxes of an account, INBOX first, then by name, and names that are only subscribed. INBOX is always there.</summary>
    public async Task<IReadOnlyList<MailboxInfo>> ListAsync(long accountId)
    {
        (List<MailboxRow> rows, HashSet<string> subscribed) = _partition.Read(r => (r.MailboxesOf(accountId), r.Subscriptions(accountId)));
        if (!rows.Exists(row => row.Name.IsInbox))
        {
            await ProvisionAsync(accountId, []);
            (rows, subscribed) = _partition.Read(r => (r.MailboxesOf(accountId), r.Subscriptions(accountId)));
        }
        List<MailboxInfo> infos = [.. rows.Select(row => row.ToInfo(subscribed.Remove(row.Name.Value)))];
        foreach (string name in subscribed)
        {
            infos.Add(new MailboxInfo
            {
                Id = 0, Name = MailboxName.Parse(name), Subscribed = true, SpecialUse = "", UidValidity = 0, UidNext = 0, HighestModSeq = 0,
                Count = 0, Unseen = 0, Bytes = 0, RecentFrom = 0,
            });
        }
        infos.Sort((a, b) => a.Name.IsInbox != b.Name.IsInbox ? (a.Name.IsInbox ? -1 : 1) : string.CompareOrdinal(a.Name.Value, b.Name.Value));
        return infos;
    }

    /// <summary>Figures of one mailbox, from its row; null: no such mailbox. INBOX is made when it is not there.</summary>
    public async Task<MailboxInfo?> StatusAsync(long accountId, MailboxName name) => (await RowAsync(accountId, name))?.ToInfo(subscribed: false);

    /// <summary>Opens a mailbox; null: no such mailbox. INBOX is made when it is not there.</summary>
    public async Task<Mailbox?> OpenAsync(long accountId, MailboxName name)
    {
        MailboxRow? row = await RowAsync(accountId, name, settled: false);
        return row is null ? null : _partition.Open(row.Id);
    }

    /// <summary>Figures of one mailbox, from its row; null: no such mailbox. Makes nothing.</summary>
    public MailboxInfo? Find(long accountId, MailboxName name) => _partition.Read(r => r.Mailbox(accountId, name))?.ToInfo(subscribed: false);

    /// <summary>Opens a mailbox for somebody, who may be its owner or not. What he may do is <see cref="Mailbox.Rights"/>, which all that
    /// changes messages here is held to; whether he may open it at all is the caller's to ask.</summary>
    public async Task<Mailbox?> OpenAsync(long accountId, MailboxName name, AclSubject subject) =>
        await OpenAsync(accountId, name) is not { } box ? null
        : accountId == subject.Account.AccountId ? box
        : box.ViewOf(subject, () => _partition.ReadBehind(r => r.Seen(box.Id, subject.Account.AccountId)));

    /// <summary>Account number under which the mailboxes of a domain are kept, that belong to no account.</summary>
    public static long SharedTree(long domainId) => -domainId;

    /// <summary>Mailboxes of others whose access control lists name the subject, with whatever they say of him.</summary>
    public IReadOnlyList<MailboxInfo> NamedIn(AclSubject subject) => _partition.Read(r => (IReadOnlyList<MailboxInfo>)
        [.. r.MailboxesNaming(subject.Identifiers).Where(row => row.AccountId != subject.Account.AccountId).Select(row => row.ToInfo(subscribed: false))]);

    /// <summary>Most annotations that one user has, or all share, on one mailbox. RFC 5464 §4.1 wants 10 at least.</summary>
    public int AnnotationEntries { get; init; } = 200;

    /// <summary>Annotations of a mailbox that everybody shares, and the reader's own. <see cref="Annotation.OfServer"/>: the server's.</summary>
    public IReadOnlyList<Annotation> AnnotationsOf(long mailboxId, long reader) => _partition.ReadBehind(r => r.Annotations(mailboxId, reader));

    /// <summary>Sets and removes annotations, all or none; the rights to do so are the caller's to check.</summary>
    public Task<StoreError> SetAnnotationsAsync(long mailboxId, long reader, IReadOnlyList<Annotation> annotations) =>
        _partition.CommitAsync(new AnnotationChange(mailboxId, reader, annotations, AnnotationEntries));

    public AccountLimits LimitsOf(long accountId) => _partition.ReadBehind(r => r.Limits(accountId));

    /// <summary>The rights to do so are the caller's to check.</summary>
    public Task<StoreError> SetLimitsAsync(long accountId, AccountLimits limits) => _partition.CommitAsync(new LimitsChange(accountId, limits));

    /// <summary>Names an account is subscribed to, mailboxes or not.</summary>
    public IReadOnlySet<string> SubscriptionsOf(long accountId) => _partition.ReadBehind(r => r.Subscriptions(accountId));

    /// <summary>Mailboxes of an account or of a domain, in no order. Makes nothing.</summary>
    public IReadOnlyList<MailboxInfo> MailboxesOf(long accountId) =>
        _partition.Read(r => (IReadOnlyList<MailboxInfo>)[.. r.MailboxesOf(accountId).Select(row => row.ToInfo(subscribed: false))]);

    /// <summary>Changes the rights of an identifier; the rights to do so are the caller's to check.</summary>
    public Task<StoreError> SetAclAsync(long mailboxId, string identifier, AclChangeMode mode, AclRights rights) =>
        _partition.CommitAsync(new AclChange(mailboxId, identifier, mode, rights, AclEntries));

    async ValueTask<MailboxRow?> RowAsync(long accountId, MailboxName name, bool settled = true)
    {
        MailboxRow? row = settled ? _partition.Read(r => r.Mailbox(accountId, name)) : _partition.ReadBehind(r => r.Mailbox(accountId, name));
        if (row is not null || !name.IsInbox || accountId <= 0)
            return row;
        await ProvisionAsync(accountId, []);
        return _partition.Read(r => r.Mailbox(accountId, name));
    }

    /// <param name="specialUse">RFC 6154 attribute with its backslash; empty: none.</param>
    /// <param name="likeInbox">True: by somebody who is not the owner; a mailbox at the top then has INBOX's access control list.</param>
    public Task<StoreError> CreateAsync(long accountId, MailboxName name, string specialUse = "", bool likeInbox = false) =>
        _partition.CommitAsync(new CreateChange(accountId, name, specialUse, MailboxesPerAccount, likeInbox));

    public Task<StoreError> DeleteAsync(long accountId, MailboxName name) => _partition.CommitAsync(new DeleteChange(accountId, name));

    public Task<StoreError> RenameAsync(long accountId, MailboxName from, MailboxName to) =>
        _partition.CommitAsync(new RenameChange(accountId, from, to, MailboxesPerAccount));

    public Task<StoreError> SubscribeAsync(long accountId, MailboxName name, bool subscribed) =>
        _partition.CommitAsync(new SubscribeChange(accountId, name, subscribed));

    /// <summary>Makes INBOX and the given folders where they are missing, and subscribes them.</summary>
    public Task<StoreError> ProvisionAsync(long accountId, IReadOnlyList<(MailboxName Name, string SpecialUse)> folders) =>
        _partition.CommitAsync(new ProvisionChange(accountId, folders));

    /// <summary>Makes a mailbox that continues one of another server, with its UIDVALIDITY; one that never held a message is replaced.</summary>
    /// <returns><see cref="StoreError.AlreadyExists"/>: it is there and was in use.</returns>
    public Task<StoreError> AdoptAsync(long accountId, MailboxName name, string specialUse, uint uidValidity) =>
        _partition.CommitAsync(new AdoptChange(accountId, name, specialUse, uidValidity, MailboxesPerAccount));

    /// <summary>No message of the mailbox will get a UID below this one.</summary>
    public Task<StoreError> RaiseUidNextAsync(Mailbox box, uint uidNext) => _partition.CommitAsync(new RaiseUidNextChange(box.Id, uidNext));

    /// <summary>Takes all mail of an account out of sight; its bytes go after the retention time.</summary>
    public Task<StoreError> DeleteAccountAsync(long accountId) => _partition.CommitAsync(new DeleteAccountChange(accountId));

    /// <summary>Puts messages into a mailbox, all or none; flags without the right to them are left out. RFC 4314 §4</summary>
    /// <param name="quotaBytes">Most octets of the account; 0: no limit.</param>
    public Task<AppendOutcome> AppendAsync(Mailbox box, long quotaBytes, IReadOnlyList<AppendItem> items)
    {
        AclRights rights = box.Rights;
        if (!rights.HasFlag(AclRights.Insert))
            return Task.FromResult(new AppendOutcome(StoreError.NoPermission, 0, []));
        return _partition.CommitAsync(new AppendChange(box.Id, box.Reader, quotaBytes, Allowed(items, rights)));
    }

    /// <summary>Messages with the flags that may be set, worked out on this thread, not in the loop.</summary>
    static IReadOnlyList<AppendItem> Allowed(IReadOnlyList<AppendItem> items, AclRights rights)
    {
        FlagMask keep = FlagMask.Of(rights);
        foreach (AppendItem item in items)
            _ = item.Body.Summary;
        return keep == FlagMask.All ? items
            : [.. items.Select(item => item with { Flags = item.Flags & keep.Flags, Keywords = keep.Keywords ? item.Keywords : [] })];
    }

    /// <summary>Puts a message into a mailbox and takes another out of one, in one commit. RFC 8508 §3.4</summary>
    /// <param name="quotaBytes">Most octets of the target's account; 0: no limit.</param>
    public Task<AppendOutcome> ReplaceAsync(Mailbox from, uint uid, Mailbox to, long quotaBytes, AppendItem item)
    {
        // RFC 8508 §4.1
        AclRights there = to.Rights;
        if (!there.HasFlag(AclRights.Insert) || !from.Rights.HasFlag(AclRights.DeleteMessages | AclRights.Expunge))
            return Task.FromResult(new AppendOutcome(StoreError.NoPermission, 0, []));
        return _partition.CommitAsync(new ReplaceChange(from.Id, uid, to.Id, to.Reader, quotaBytes, Allowed([item], there)[0]));
    }

    /// <param name="uids">Those that are not there are passed over.</param>
    /// <param name="quotaBytes">Most octets of the target's account; 0: no limit.</param>
    public Task<CopyOutcome> CopyAsync(Mailbox from, IReadOnlyList<uint> uids, Mailbox to, long quotaBytes) => CopyAsync(from, uids, to, quotaBytes, move: false);

    /// <param name="uids">Those that are not there are passed over.</param>
    /// <param name="quotaBytes">Most octets of the target's account, where that is another than the source's; 0: no limit.</param>
    public Task<CopyOutcome> MoveAsync(Mailbox from, IReadOnlyList<uint> uids, Mailbox to, long quotaBytes = 0) => CopyAsync(from, uids, to, quotaBytes, move: true);

    // A move also needs what \Deleted and EXPUNGE need in the source: RFC 6851 §4.2.
    Task<CopyOutcome> CopyAsync(Mailbox from, IReadOnlyList<uint> uids, Mailbox to, long quotaBytes, bool move)
    {
        const AclRights leave = AclRights.DeleteMessages | AclRights.Expunge;
        AclRights there = to.Rights;
        if (!there.HasFlag(AclRights.Insert) || !from.Rights.HasFlag(move ? AclRights.Read | leave : AclRights.Read))
            return Task.FromResult(new CopyOutcome(StoreError.NoPermission, 0, [], []));
        return _partition.CommitAsync(new CopyChange(
            from.Id, Ascending(uids), to.Id, quotaBytes, move, new CopyReaders(from.Reader, to.Reader, FlagMask.Of(there))));
    }

    /// <summary>Changes flags and keywords of messages; those that are gone are passed over, and so are flags without the right to them.</summary>
    public async Task<StoreError> StoreFlagsAsync(Mailbox box, IReadOnlyList<uint> uids, FlagChange change) =>
        (await StoreFlagsAsync(box, uids, change, condition: null)).Error;

    /// <summary>The same, where a condition is met.</summary>
    public Task<FlagsOutcome> StoreFlagsAsync(Mailbox box, IReadOnlyList<uint> uids, FlagChange change, FlagsCondition? condition)
    {
        FlagMask may = FlagMask.Of(box.Rights);
        // RFC 4314 §4: NO only when none of the flags named may be changed.
        bool none = may.IsEmpty || (change.Mode != FlagChangeMode.Replace && (change.Flags & may.Flags) == 0
            && (change.Keywords.Count > 0 ? !may.Keywords : change.Flags != MessageFlags.None));
        return none
            ? Task.FromResult(new FlagsOutcome(StoreError.NoPermission, []))
            : _partition.CommitAsync(new FlagsChange(box.Id, box.Reader, Ascending(uids), may == FlagMask.All ? change : change with { May = may }, condition));
    }

    /// <summary>Takes out messages with \Deleted: of those named, or all (<paramref name="uids"/> null).</summary>
    public Task<StoreError> ExpungeAsync(Mailbox box, IReadOnlyList<uint>? uids) => box.Rights.HasFlag(AclRights.Expunge)
        ? _partition.CommitAsync(new ExpungeChange(box.Id, uids is null ? null : Ascending(uids)))
        : Task.FromResult(StoreError.NoPermission);

    /// <summary>What was expunged after a mod-sequence.</summary>
    public ExpungedSince ExpungedSince(Mailbox box, ulong modSeq) => _partition.Read(r => r.ExpungedSince(box.Id, modSeq));

    /// <summary>Gives <paramref name="take"/> every event in mailboxes of an account until the answer is disposed; see <see cref="AccountEvents"/>.</summary>
    internal IDisposable Watch(long accountId, Action<MailboxEvent> take) => _partition.Events.Watch(accountId, take);

    /// <summary>Key of a mailbox that its authorized URLs are made with, 64 hex digits; null: no URL of it is worth anything. RFC 4467 §2.2</summary>
    public string? FindUrlKey(Mailbox box) => _partition.Read(r => r.UrlKey(box.Id));

    /// <summary>The same; makes one where there is none. It is durable when the task ends.</summary>
    public async Task<(StoreError Error, string? Key)> UrlKeyAsync(Mailbox box)
    {
        if (FindUrlKey(box) is { } key)
            return (StoreError.None, key);
        StoreError error = await _partition.CommitAsync(new UrlKeyChange(box.Id));
        return (error, FindUrlKey(box));
    }

    /// <summary>Makes all authorized URLs of a mailbox worth nothing.</summary>
    /// <param name="box">Null: of all mailboxes of the account.</param>
    public Task<StoreError> ResetUrlKeysAsync(long accountId, Mailbox? box) => _partition.CommitAsync(new ResetUrlKeysChange(accountId, box?.Id));

    /// <summary>First UID that is \Recent for the caller; the messages are recent for nobody else after it. RFC 3501 §2.3.2</summary>
    public Task<uint> ClaimRecentAsync(Mailbox box)
    {
        MailboxSnapshot now = box.Current;
        return now.Counters.RecentFrom == now.UidNext ? Task.FromResult(now.UidNext) : _partition.CommitAsync(new ClaimRecentChange(box.Id, box.Reader));
    }

    public MessageReader OpenMessage(in MessageEntry entry) => new(_partition.Segments,
        new BodyRange(entry.PrefixSegment, entry.PrefixOffset, entry.PrefixLength),
        new BodyRange(entry.BodySegment, entry.BodyOffset, entry.BodyLength));

    /// <summary>Bytes of a queued message.</summary>
    public MessageReader OpenBody(BodyRange body) => new(_partition.Segments, default, body);

    /// <summary>What the messages of a mailbox are sorted, threaded and searched by; from memory after the first time.</summary>
    internal ColumnView OpenColumns(Mailbox box, MailboxSnapshot snapshot, ColumnSet wanted) => _partition.Columns.View(box, snapshot, wanted);

    /// <summary>Messages of a mailbox that may hold a text; null: the text index cannot say.</summary>
    /// <param name="folded">As <see cref="Mime.UnicodeCasemap"/> makes it.</param>
    internal TextCandidates? FindText(Mailbox box, uint uidValidity, string folded) => _partition.TextIndex?.Find(box.Id, uidValidity, folded);

    /// <summary>Ends when all messages there are now are in the text index.</summary>
    public Task WhenIndexedAsync() => _partition.WhenIndexedAsync();

    public DetailsReader OpenDetails(Mailbox box) => new(_partition, box);

    public Task<AccountUse> UseAsync(long accountId) => Task.FromResult(_partition.UseOf(accountId));

    /// <summary>Use of all accounts together.</summary>
    public AccountUse TotalUse() => _partition.Read(r => r.TotalUse());

    /// <summary>Something in the store changed. Called by the commit loop: must return at once.</summary>
    public event Action? Changed
    {
        add => _partition.Committed += value;
        remove => _partition.Committed -= value;
    }

    /// <summary>Use of several accounts; those without mail are missing from the answer.</summary>
    public IReadOnlyDictionary<long, AccountUse> UseOf(IReadOnlyCollection<long> accountIds) => _partition.Read(r =>
    {
        var uses = new Dictionary<long, AccountUse>();
        foreach (long id in accountIds)
        {
            if (r.Account(id) is { } use)
                uses[id] = new AccountUse(use.Messages, use.Bytes);
        }
        return uses;
    });

    /// <summary>All queue rows.</summary>
    public IReadOnlyList<QueueEntry> ReadQueue()
    {
        SegmentPin pin = _partition.Segments.Pin;
        return [.. _partition.Read(r => r.Queue()).Select(row => row with { Pin = pin })];
    }

    /// <summary>Those of some queue rows that are still there.</summary>
    public IReadOnlyList<QueueEntry> ReadQueue(IReadOnlyCollection<long> ids)
    {
        SegmentPin pin = _partition.Segments.Pin;
        return _partition.Read(r =>
        {
            var rows = new List<QueueEntry>(ids.Count);
            foreach (long id in ids)
                rows.AddRange(r.Queue(id, id).Select(row => row with { Pin = pin }));
            return rows;
        });
    }

    /// <summary>New states of rows, and rows that are done; durable when the task ends.</summary>
    public Task<StoreError> UpdateQueueAsync(IReadOnlyList<QueueEntry> changed, IReadOnlyList<long> removed) =>
        _partition.CommitAsync(new QueueChange(changed, removed));

    /// <summary>Proves rows ↔ bytes ↔ counters and reports in words. Reads only; may run beside everything else.</summary>
    /// <param name="accountId">One account, or null for all and the queue.</param>
    public Task<CheckReport> CheckAsync(long? accountId, CancellationToken ct) => Task.Run(() =>
    {
        _partition.Settle();
        return new StoreCheck(_partition).Run(accountId, ct);
    }, ct);

    /// <summary>Expunged messages of an account that can be brought back, the last expunged first.</summary>
    /// <param name="filter">Only those with it in sender, subject or mailbox name; empty: all. Case does not matter.</param>
    /// <param name="matchText">False: the filter looks at mailbox names alone.</param>
    public (IReadOnlyList<DeletedMessage> Page, int Total) DeletedMessages(long accountId, string filter, bool matchText, int skip, int take) =>
        new DeletedMail(_partition).Messages(accountId, filter, matchText, skip, take);

    /// <summary>Mailboxes of an account that were deleted and can be brought back, the last deleted first.</summary>
    public IReadOnlyList<DeletedMailbox> DeletedMailboxes(long accountId) => new DeletedMail(_partition).Mailboxes(accountId);

    /// <summary>Brings expunged messages back, a few hundred a commit: flags and dates as they were, new UIDs. Those of a deleted mailbox
    /// go to one of its name, made when it is not there.</summary>
    /// <param name="ids"><see cref="DeletedMessage.Id"/>; null: all of the account.</param>
    /// <param name="quotaBytes">Most octets of the account; 0: no limit.</param>
    /// <returns>How many there were, and what stopped it before the end.</returns>
    public async Task<RestoreOutcome> RestoreMessagesAsync(long accountId, IReadOnlyCollection<long>? ids, long quotaBytes)
    {
        int restored = 0;
        foreach (long[] some in (ids ?? new DeletedMail(_partition).AllIds(accountId)).Distinct().Order().Chunk(RestoreMessagesChange.AtMost))
        {
            RestoreOutcome outcome = await _partition.CommitAsync(new RestoreMessagesChange(accountId, some, quotaBytes, MailboxesPerAccount));
            restored += outcome.Messages;
            if (outcome.Error != StoreError.None)
                return outcome with { Messages = restored };
        }
        return new RestoreOutcome(StoreError.None, restored, null);
    }

    /// <summary>Brings a deleted mailbox back with all it held, same UIDs; under another name when its own is taken.</summary>
    public Task<RestoreOutcome> RestoreMailboxAsync(long accountId, long mailboxId, long quotaBytes) =>
        _partition.CommitAsync(new RestoreMailboxChange(accountId, mailboxId, quotaBytes, MailboxesPerAccount));

    /// <summary>Removes what is past its retention time, in small steps. Runs by itself every hour.</summary>
    public async Task PurgeAsync()
    {
        int messages = 0, mailboxes = 0;
        PurgeOutcome turn;
        do
        {
            turn = await _partition.CommitAsync(new PurgeChange());
            messages += turn.Messages;
            mailboxes += turn.Mailboxes;
        }
        while (turn.IsMore);
        if (messages + mailboxes > 0)
            StoreLog.Purged(_log, messages, mailboxes);
    }

    /// <summary>Holds the mailboxes of an account against the segments and puts right what differs, while everything else goes on. Doing it twice
    /// changes nothing the second time.</summary>
    /// <exception cref="IOException">The store cannot be written, or the index file itself is damaged: then the message says what to do.</exception>
    public async Task<RepairReport> RepairAsync(long accountId, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, _stop.Token);
        await _compacting.WaitAsync(stop.Token);   // what stands where must stay so meanwhile
        try
        {
            return await Task.Run(async () =>
            {
                if (await _partition.CommitAsync(new SettleChange(), stop.Token) != StoreError.None)
                    throw new IOException("The index cannot be written just now. Look at the disk and try again; nothing was changed.");
                using DepositIndex deposits = DepositIndex.Read(_partition.Segments, Path.Combine(_partition.Folder, "repair.tmp"), accountId, stop.Token,
                    [.. _partition.ReadBehind(r => r.Segments()).OrderBy(row => row.Key).Select(row => (row.Key, row.Value.Bytes))]);
                var repair = new AccountRepair(_partition, deposits, new HashSet<long>(), lostMailboxes: false);
                await repair.RunAsync(accountId, stop.Token);
                return repair.Report;
            }, stop.Token);
        }
        catch (SqliteException fault) when (fault.IsDamaged)
        {
            throw new IOException($"The index file itself is damaged ({fault.Message}). Stop the server and run 'store repair', which makes a new one from the messages.", fault);
        }
        finally
        {
            _compacting.Release();
        }
    }

    /// <summary>Brings a backup of the store and of accounts.db, certificates and keys up to date while everything goes on.</summary>
    /// <param name="target">The folder of the backup; what has not changed since the last run is not copied again.</param>
    /// <exception cref="IOException">It cannot be written; what was there of an earlier backup is whole.</exception>
    public async Task<BackupReport> BackUpAsync(string target, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, _stop.Token);
        await _compacting.WaitAsync(stop.Token);
        try
        {
            return await Task.Run(async () =>
            {
                Disk.CreateDirectory(target);
                BackupFolder.CopyTheRest(_dataPath, target);
                BackupReport report = await new PartitionBackup(_partition).RunAsync(Path.Combine(target, "partitions", Path.GetFileName(_partition.Folder)), stop.Token);
                BackupFolder.MarkComplete(target, _partition.Clock.GetUtcNow());
                return report;
            }, stop.Token);
        }
        finally
        {
            _compacting.Release();
        }
    }

    /// <summary>Adds to an account what a backup has of it and the store has not: mailboxes, messages with flags and dates, subscriptions.</summary>
    /// <returns>Messages added, and what of the backup cannot be read.</returns>
    /// <exception cref="IOException">There is no backup, or the store cannot be written; doing it again goes on where it ended.</exception>
    public async Task<(int Messages, IReadOnlyList<string> Faults)> RestoreAccountAsync(string backup, long accountId, CancellationToken ct)
    {
        string folder = Path.Combine(backup, "partitions", Path.GetFileName(_partition.Folder));
        if (!File.Exists(Path.Combine(folder, "index.db")))
            throw new IOException($"{backup} holds no backup.");
        return await Task.Run(() => new AccountRestore(this, _partition, folder).RunAsync(accountId, ct), ct);
    }

    /// <summary>Gives the disk back what garbage takes. Runs by itself, see <see cref="StoreOptions.CompactionInterval"/>; one at a time.</summary>
    public async Task<CompactionReport> CompactAsync(CancellationToken ct = default)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, _stop.Token);
        await _compacting.WaitAsync(stop.Token);
        try
        {
            return await _compactor.RunAsync(stop.Token);
        }
        finally
        {
            _compacting.Release();
        }
    }

    async Task CompactByItselfAsync()
    {
        try
        {
            await CompactAsync();
        }
        catch (OperationCanceledException)
        {
        }
        catch (IOException fault)
        {
            StoreLog.CompactionFailed(_log, fault.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _purge.DisposeAsync();
        if (_compaction is not null)
            await _compaction.DisposeAsync();
        await _stop.CancelAsync();
        await _compacting.WaitAsync();   // a pass in progress ends at its next step
        _compacting.Dispose();
        _stop.Dispose();
        await _partition.DisposeAsync();
    }

    static IReadOnlyList<uint> Ascending(IReadOnlyList<uint> uids)
    {
        for (int i = 1; i < uids.Count; i++)
        {
            if (uids[i] <= uids[i - 1])
                return [.. uids.Distinct().Order()];
        }
        return uids;
    }
}
