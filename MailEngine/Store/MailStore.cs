using MailEngine.Io;
using MailEngine.Mime;
using MailEngine.Store.Backup;
using MailEngine.Store.Changes;
using MailEngine.Store.Columns;
using MailEngine.Store.Exchange;
using MailEngine.Store.Partitions;
using MailEngine.Store.Repair;
using MailEngine.Store.TextSearch;
using Microsoft.Extensions.Logging;

namespace MailEngine.Store;

/// <summary>What mail: mailboxes, messages and the queue. The one door of the store.</summary>
/// <remarks>Every change is a <see cref="StoreChange"/> that a partition's commit loop carries out; when a task of this class has
/// ended, the change is durable (flag changes: class D1) and visible to all sessions. Faults of the disk come back as
/// <see cref="StoreError.Unavailable"/>, never as an exception; reading a lost or short segment throws <see cref="IOException"/>.</remarks>
#pragma warning disable CA1822   // What an opened mailbox can answer by itself is asked of the store all the same: one door.
public sealed class MailStore : IAsyncDisposable
{
    readonly PartitionSet _partitions;
    readonly StoreOptions _options;
    readonly string _dataPath;
    readonly StoreUpkeep _upkeep;
    readonly ITimer? _missing;

    MailStore(string dataPath, PartitionSet partitions, StoreOptions options, TimeProvider clock, ILogger log)
    {
        _dataPath = dataPath;
        _partitions = partitions;
        _options = options;
        _upkeep = new StoreUpkeep(partitions, options, clock, log);
        if (partitions.Slots.Any(slot => slot.Open is null))
            _missing = clock.CreateTimer(_ => partitions.OpenMissing(), null, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
    }

    /// <summary>Most mailboxes of one account.</summary>
    public int MailboxesPerAccount { get; init; } = 10_000;

    /// <summary>Most identifiers in one access control list. A list is read whole with its mailbox's row.</summary>
    public int AclEntries { get; init; } = 1000;

    internal Partition Default => _partitions.Default;

    internal PartitionSet Partitions => _partitions;

    /// <summary>Domain of an account, or (negative) of a domain's own mailboxes, for the rule that places new accounts; null: none.</summary>
    public Func<long, ValueTask<string?>>? DomainOf
    {
        get => _partitions.DomainOf;
        set => _partitions.DomainOf = value;
    }

    /// <exception cref="StoreOpenException">Its message is one line for the operator.</exception>
    /// <param name="limits">Mailboxes of an account, MIME parts and their depth; null: the defaults.</param>
    public static Task<MailStore> OpenAsync(string dataPath, StoreOptions options, TimeProvider clock, ILogger<MailStore> log, LimitOptions? limits = null) => Task.Run(() =>
    {
        limits ??= new LimitOptions();
        var partitions = PartitionSet.OpenAll(dataPath, options, clock, log, MimeLimits.Of(limits));
        return new MailStore(dataPath, partitions, options, clock, log) { MailboxesPerAccount = limits.MailboxesPerAccount };
    });

    internal MimeLimits MimeLimits => _partitions.Default.MimeLimits;

    /// <summary>Starts a message.</summary>
    /// <param name="inMemory">Octets of it that may be held in memory, <see cref="StoreOptions.InlineBodyBytes"/> at the most.</param>
    /// <param name="accountId">Whose it will be, as far as is known: a large message is written to his partition at once; 0: nobody's in particular.</param>
    public BodyWriter NewBody(long inMemory = long.MaxValue, long accountId = 0)
    {
        Partition partition = _partitions.SlotOf(accountId).Open ?? _partitions.Default;
        return new BodyWriter(partition.Segments, (int)Math.Clamp(inMemory, 0, _options.InlineBodyBytes), partition.MimeLimits);
    }

    /// <summary>Keeps an accepted message: every deposit and every queue row in one commit (S1).</summary>
    public Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, CancellationToken ct) => AcceptAsync(acceptance, [], ct);

    /// <summary>The same, and removes queue rows that this message replaces (a report to their sender).</summary>
    public Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, IReadOnlyList<long> removeQueueIds, CancellationToken ct)
    {
        _ = acceptance.Body.Summary;   // on this thread, not in the loop
        foreach (Deposit deposit in acceptance.Deposits)
            _ = deposit.Body?.Summary;
        foreach (AutomaticAnswer answer in acceptance.Answers)
            _ = answer.Filed is null ? null : answer.Body.Summary;
        acceptance = acceptance with { MostMailboxes = MailboxesPerAccount };
        return _partitions.IsSingle ? _partitions.Default.CommitAsync(new AcceptChange(acceptance, removeQueueIds), ct)
            : new SplitDelivery(_partitions).AcceptAsync(acceptance, removeQueueIds, ct);
    }

    /// <summary>True: the sender was told this for the account, and not long ago.</summary>
    public bool WasAnswered(AnswerKey key) => _partitions.Default.ReadBehind(r => r.AnsweredUntil(key)) > _partitions.Default.Clock.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>A domain has another name: access control lists that name it, or an address in it, name it by the new one. Twice does no harm.</summary>
    public Task<StoreError> RenameDomainAsync(string from, string to) => AclDomainRename.RunAsync(_partitions, from, to);

    /// <summary>Hands a change to the partition of an account.</summary>
    Task<T> CommitAsync<T>(long accountId, StoreChange<T> change) =>
        _partitions.IsSingle ? _partitions.Default.CommitAsync(change) : FindAndCommitAsync(accountId, change);

    async Task<T> FindAndCommitAsync<T>(long accountId, StoreChange<T> change)
    {
        if (await _partitions.ForChangesAsync(accountId) is { } home)
            return await home.CommitAsync(change);
        change.Fail();
        return await change.Done;
    }

    /// <summary>Reads rows of an account; see <see cref="Partition.Read"/>. Who moved meanwhile is read again where he lives now.</summary>
    /// <exception cref="PartitionMissingException">His partition is not there.</exception>
    T Read<T>(long accountId, Func<IndexReader, T> query, bool settled = true)
    {
        while (true)
        {
            Partition home = _partitions.Of(accountId);
            T rows = settled ? home.Read(query) : home.ReadBehind(query);
            if (_partitions.IsHome(home, accountId))
                return rows;
        }
    }

    /// <summary>The same, of a mailbox that is open.</summary>
    static T Read<T>(Mailbox box, Func<IndexReader, T> query)
    {
        while (true)
        {
            Partition home = box.Home;
            T rows = home.Read(query);
            if (ReferenceEquals(home, box.Home))
                return rows;
        }
    }

    /// <summary>Mailboxes of an account, INBOX first, then by name, and names that are only subscribed. INBOX is always there.</summary>
    public async Task<IReadOnlyList<MailboxInfo>> ListAsync(long accountId)
    {
        (List<MailboxRow> rows, HashSet<string> subscribed) = Read(accountId, r => (r.MailboxesOf(accountId), r.Subscriptions(accountId)));
        if (!rows.Exists(row => row.Name.IsInbox))
        {
            await ProvisionAsync(accountId, []);
            (rows, subscribed) = Read(accountId, r => (r.MailboxesOf(accountId), r.Subscriptions(accountId)));
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
        if (row is null || _partitions.IsSingle)
            return row is null ? null : _partitions.Default.Open(row.Id);
        while (true)
        {
            long handovers = _partitions.Handovers;
            Partition home = _partitions.Of(accountId);
            Mailbox? box = home.Open(row.Id);
            if (handovers % 2 == 0 && handovers == _partitions.Handovers && _partitions.IsHome(home, accountId))
                return box;
            await Task.Delay(1);
        }
    }

    /// <summary>Figures of one mailbox, from its row; null: no such mailbox. Makes nothing.</summary>
    public MailboxInfo? Find(long accountId, MailboxName name) => Read(accountId, r => r.Mailbox(accountId, name))?.ToInfo(subscribed: false);

    /// <summary>Opens a mailbox for somebody, who may be its owner or not. What he may do is <see cref="Mailbox.Rights"/>, which all that
    /// changes messages here is held to; whether he may open it at all is the caller's to ask.</summary>
    public async Task<Mailbox?> OpenAsync(long accountId, MailboxName name, AclSubject subject) =>
        await OpenAsync(accountId, name) is not { } box ? null
        : accountId == subject.Account.AccountId ? box
        : box.ViewOf(subject, () => Read(box, r => r.Seen(box.Id, subject.Account.AccountId)));

    /// <summary>Account number under which the mailboxes of a domain are kept, that belong to no account.</summary>
    public static long SharedTree(long domainId) => -domainId;

    /// <summary>Mailboxes of others whose access control lists name the subject, with whatever they say of him.</summary>
    public IReadOnlyList<MailboxInfo> NamedIn(AclSubject subject)
    {
        var named = new List<MailboxInfo>();
        // Those of a partition that is not there are missing from the list, as all that is in it is.
        foreach (Partition partition in _partitions.Open)
        {
            foreach (MailboxRow row in partition.Read(r => r.MailboxesNaming(subject.Identifiers)))
            {
                if (row.AccountId != subject.Account.AccountId && _partitions.IsHome(partition, row.AccountId))
                    named.Add(row.ToInfo(subscribed: false));
            }
        }
        return named;
    }

    /// <summary>Most annotations that one user has, or all share, on one mailbox. RFC 5464 §4.1 wants 10 at least.</summary>
    public int AnnotationEntries { get; init; } = 200;

    /// <summary>Annotations of a mailbox that everybody shares, and the reader's own. <see cref="Annotation.OfServer"/>: the server's.</summary>
    public IReadOnlyList<Annotation> AnnotationsOf(long mailboxId, long reader) =>
        HomeOf(mailboxId)?.ReadBehind(r => r.Annotations(mailboxId, reader)) ?? [];

    /// <summary>Partition of a mailbox, or (<see cref="Annotation.OfServer"/>) of what belongs to none; null: there is no such mailbox.</summary>
    Partition? HomeOf(long mailboxId) => mailboxId == Annotation.OfServer ? _partitions.Default : _partitions.OfMailbox(mailboxId);

    Task<StoreError> CommitToMailboxAsync(long mailboxId, SimpleChange change) =>
        HomeOf(mailboxId)?.CommitAsync(change) ?? Task.FromResult(StoreError.NoSuchMailbox);

    /// <summary>Sets and removes annotations, all or none; the rights to do so are the caller's to check.</summary>
    /// <param name="by">Stands in the event that this leads to.</param>
    public async Task<StoreError> SetAnnotationsAsync(long mailboxId, long reader, IReadOnlyList<Annotation> annotations, object? by = null)
    {
        StoreError error = await CommitToMailboxAsync(mailboxId, new AnnotationChange(mailboxId, reader, annotations, AnnotationEntries, by));
        Interlocked.Increment(ref _annotationsStamp);
        return error;
    }

    /// <summary>Moves with every change of annotations: what was read after it was asked for is right as long as it is the same.</summary>
    public long AnnotationsStamp => Volatile.Read(ref _annotationsStamp);

    long _annotationsStamp;

    public AccountLimits LimitsOf(long accountId) => Read(accountId, r => r.Limits(accountId), settled: false);

    /// <summary>The rights to do so are the caller's to check.</summary>
    public Task<StoreError> SetLimitsAsync(long accountId, AccountLimits limits) => CommitAsync(accountId, new LimitsChange(accountId, limits));

    /// <summary>Names an account is subscribed to, mailboxes or not.</summary>
    public IReadOnlySet<string> SubscriptionsOf(long accountId) => Read(accountId, r => r.Subscriptions(accountId), settled: false);

    /// <summary>Mailboxes of an account or of a domain, in no order. Makes nothing.</summary>
    public IReadOnlyList<MailboxInfo> MailboxesOf(long accountId) =>
        Read(accountId, r => (IReadOnlyList<MailboxInfo>)[.. r.MailboxesOf(accountId).Select(row => row.ToInfo(subscribed: false))]);

    /// <summary>Changes the rights of an identifier; the rights to do so are the caller's to check.</summary>
    public Task<StoreError> SetAclAsync(long mailboxId, string identifier, AclChangeMode mode, AclRights rights) =>
        CommitToMailboxAsync(mailboxId, new AclChange(mailboxId, identifier, mode, rights, AclEntries));

    async ValueTask<MailboxRow?> RowAsync(long accountId, MailboxName name, bool settled = true)
    {
        MailboxRow? row = Read(accountId, r => r.Mailbox(accountId, name), settled);
        if (row is not null || !name.IsInbox || accountId <= 0)
            return row;
        await ProvisionAsync(accountId, []);
        return Read(accountId, r => r.Mailbox(accountId, name));
    }

    /// <param name="specialUse">RFC 6154 attribute with its backslash; empty: none.</param>
    /// <param name="likeInbox">True: by somebody who is not the owner; a mailbox at the top then has INBOX's access control list.</param>
    public Task<StoreError> CreateAsync(long accountId, MailboxName name, string specialUse = "", bool likeInbox = false) =>
        CommitAsync(accountId, new CreateChange(accountId, name, specialUse, MailboxesPerAccount, likeInbox));

    public Task<StoreError> DeleteAsync(long accountId, MailboxName name) => CommitAsync(accountId, new DeleteChange(accountId, name));

    public Task<StoreError> RenameAsync(long accountId, MailboxName from, MailboxName to) =>
        CommitAsync(accountId, new RenameChange(accountId, from, to, MailboxesPerAccount));

    public Task<StoreError> SubscribeAsync(long accountId, MailboxName name, bool subscribed) =>
        CommitAsync(accountId, new SubscribeChange(accountId, name, subscribed));

    /// <summary>Makes INBOX and the given folders where they are missing, and subscribes them.</summary>
    public Task<StoreError> ProvisionAsync(long accountId, IReadOnlyList<(MailboxName Name, string SpecialUse)> folders) =>
        CommitAsync(accountId, new ProvisionChange(accountId, folders));

    /// <summary>Makes a mailbox that continues one of another server, with its UIDVALIDITY; one that never held a message is replaced.</summary>
    /// <returns><see cref="StoreError.AlreadyExists"/>: it is there and was in use.</returns>
    public Task<StoreError> AdoptAsync(long accountId, MailboxName name, string specialUse, uint uidValidity) =>
        CommitAsync(accountId, new AdoptChange(accountId, name, specialUse, uidValidity, MailboxesPerAccount));

    /// <summary>No message of the mailbox will get a UID below this one.</summary>
    public Task<StoreError> RaiseUidNextAsync(Mailbox box, uint uidNext) => box.Home.CommitAsync(new RaiseUidNextChange(box.Id, uidNext));

    /// <summary>Takes all mail of an account out of sight; its bytes go after the retention time.</summary>
    public async Task<StoreError> DeleteAccountAsync(long accountId)
    {
        foreach (PartitionSlot slot in _partitions.Slots.Where(slot => !ReferenceEquals(slot, _partitions.SlotOf(accountId))))
        {
            // One that is not there must forget it too: ask again when it is.
            if (slot.Open is not { } other || await other.CommitAsync(new ForgetReaderChange(accountId)) != StoreError.None)
                return StoreError.Unavailable;
        }
        return _partitions.SlotOf(accountId).Open is { } home ? await home.CommitAsync(new DeleteAccountChange(accountId)) : StoreError.Unavailable;
    }

    /// <summary>Puts messages into a mailbox, all or none; flags without the right to them are left out. RFC 4314 §4</summary>
    /// <param name="quotaBytes">Most octets of the account; 0: no limit.</param>
    public Task<AppendOutcome> AppendAsync(Mailbox box, long quotaBytes, IReadOnlyList<AppendItem> items)
    {
        foreach (AppendItem item in items)
            _ = item.Body.Summary;   // on this thread, not in the loop
        return _partitions.IsSingle ? box.Home.CommitAsync(new AppendChange(box.Id, MailboxUser.Of(box), quotaBytes, items))
            : PlaceAndAppendAsync(box, MailboxUser.Of(box), quotaBytes, items);
    }

    /// <summary>A large message that was written to another partition is copied here, not in the commit loop.</summary>
    static async Task<AppendOutcome> PlaceAndAppendAsync(Mailbox box, MailboxUser user, long quotaBytes, IReadOnlyList<AppendItem> items)
    {
        try
        {
            foreach (AppendItem item in items.Where(item => item.Body.OwnRange is not null))
                await Task.Run(() => item.Body.RangeIn(box.Home.Segments));
        }
        catch (IOException)
        {
            return new AppendOutcome(StoreError.Unavailable, 0, []);
        }
        return await box.Home.CommitAsync(new AppendChange(box.Id, user, quotaBytes, items));
    }

    /// <summary>Puts a message into a mailbox and takes another out of one, in one commit. RFC 8508 §3.4</summary>
    /// <param name="quotaBytes">Most octets of the target's account; 0: no limit.</param>
    public Task<AppendOutcome> ReplaceAsync(Mailbox from, uint uid, Mailbox to, long quotaBytes, AppendItem item)
    {
        _ = item.Body.Summary;
        return _partitions.IsSingle ? from.Home.CommitAsync(new ReplaceChange(from.Id, MailboxUser.Of(from), uid, to.Id, MailboxUser.Of(to), quotaBytes, item))
            : ReplaceAcrossAsync(from, uid, to, quotaBytes, item);
    }

    static async Task<AppendOutcome> ReplaceAcrossAsync(Mailbox from, uint uid, Mailbox to, long quotaBytes, AppendItem item)
    {
        MailboxUser leaver = MailboxUser.Of(from), user = MailboxUser.Of(to);
        while (ReferenceEquals(from.Home, to.Home))
        {
            var change = new ReplaceChange(from.Id, leaver, uid, to.Id, user, quotaBytes, item);
            AppendOutcome outcome = await from.Home.CommitAsync(change);
            if (!change.IsDiverted)
                return outcome;
        }
        if (!from.Rights.HasFlag(AclRights.DeleteMessages | AclRights.Expunge))   // RFC 8508 §4.1
            return new AppendOutcome(StoreError.NoPermission, 0, []);
        if (from.Current.IndexOf(uid) < 0)
            return new AppendOutcome(StoreError.NoSuchMessage, 0, []);
        // The new one first: whatever happens then, the client has one of them.
        AppendOutcome appended = await PlaceAndAppendAsync(to, user, quotaBytes, [item]);
        if (appended.Error != StoreError.None)
            return appended;
        StoreError left = await from.Home.CommitAsync(new TakeOutChange(from.Id, leaver, [uid], ExpungeReason.Expunged));
        return left is StoreError.None or StoreError.NoSuchMailbox ? appended : new AppendOutcome(left, 0, []);
    }

    /// <param name="uids">Those that are not there are passed over.</param>
    /// <param name="quotaBytes">Most octets of the target's account; 0: no limit.</param>
    public Task<CopyOutcome> CopyAsync(Mailbox from, IReadOnlyList<uint> uids, Mailbox to, long quotaBytes) => CopyAsync(from, uids, to, quotaBytes, move: false);

    /// <param name="uids">Those that are not there are passed over.</param>
    /// <param name="quotaBytes">Most octets of the target's account, where that is another than the source's; 0: no limit.</param>
    public Task<CopyOutcome> MoveAsync(Mailbox from, IReadOnlyList<uint> uids, Mailbox to, long quotaBytes = 0) => CopyAsync(from, uids, to, quotaBytes, move: true);

    Task<CopyOutcome> CopyAsync(Mailbox from, IReadOnlyList<uint> uids, Mailbox to, long quotaBytes, bool move)
    {
        uids = Ascending(uids);
        return _partitions.IsSingle ? from.Home.CommitAsync(new CopyChange(from.Id, MailboxUser.Of(from), uids, to.Id, MailboxUser.Of(to), quotaBytes, move))
            : CopyAcrossAsync(from, uids, to, quotaBytes, move);
    }

    static async Task<CopyOutcome> CopyAcrossAsync(Mailbox from, IReadOnlyList<uint> uids, Mailbox to, long quotaBytes, bool move)
    {
        while (ReferenceEquals(from.Home, to.Home))
        {
            var change = new CopyChange(from.Id, MailboxUser.Of(from), uids, to.Id, MailboxUser.Of(to), quotaBytes, move);
            CopyOutcome outcome = await from.Home.CommitAsync(change);
            if (!change.IsDiverted)
                return outcome;
        }
        return await CrossCopy.RunAsync(from, uids, to, quotaBytes, move);
    }

    /// <summary>Changes flags and keywords of messages; those that are gone are passed over, and so are flags without the right to them.</summary>
    public async Task<StoreError> StoreFlagsAsync(Mailbox box, IReadOnlyList<uint> uids, FlagChange change) =>
        (await StoreFlagsAsync(box, uids, change, condition: null)).Error;

    /// <summary>The same, where a condition is met.</summary>
    public Task<FlagsOutcome> StoreFlagsAsync(Mailbox box, IReadOnlyList<uint> uids, FlagChange change, FlagsCondition? condition) =>
        box.Home.CommitAsync(new FlagsChange(box.Id, MailboxUser.Of(box), Ascending(uids), change, condition));

    /// <summary>Takes out messages with \Deleted: of those named, or all (<paramref name="uids"/> null).</summary>
    public Task<StoreError> ExpungeAsync(Mailbox box, IReadOnlyList<uint>? uids) =>
        box.Home.CommitAsync(new ExpungeChange(box.Id, MailboxUser.Of(box), uids is null ? null : Ascending(uids)));

    /// <summary>Takes messages of one account out, \Deleted or not: all in one commit, or none. Those that are gone already are passed over.</summary>
    public Task<StoreError> TakeOutAsync(IReadOnlyList<(Mailbox Box, IReadOnlyList<uint> Uids)> messages) =>
        CommitAsync(messages[0].Box.AccountId, new TakeOutTogetherChange([.. messages.Select(m => (m.Box.Id, MailboxUser.Of(m.Box), Ascending(m.Uids)))]));

    /// <summary>Messages of a mailbox that were first put elsewhere, with the names they have from there: <see cref="EmailId"/>.</summary>
    internal IReadOnlyList<(uint Uid, string EmailId)> EmailIdsOf(Mailbox box) => Read(box, r => r.EmailIdsOf(box.Id));

    /// <summary>What was expunged after a mod-sequence.</summary>
    public ExpungedSince ExpungedSince(Mailbox box, ulong modSeq) => Read(box, r => r.ExpungedSince(box.Id, modSeq));

    /// <summary>Gives <paramref name="take"/> every event in mailboxes of an account until the answer is disposed; see <see cref="AccountEvents"/>.</summary>
    internal IDisposable Watch(long accountId, Action<MailboxEvent> take) => _partitions.Default.Events.Watch(accountId, take);

    /// <summary>Key of a mailbox that its authorized URLs are made with, 64 hex digits; null: no URL of it is worth anything. RFC 4467 §2.2</summary>
    public string? FindUrlKey(Mailbox box) => Read(box, r => r.UrlKey(box.Id));

    /// <summary>The same; makes one where there is none. It is durable when the task ends.</summary>
    public async Task<(StoreError Error, string? Key)> UrlKeyAsync(Mailbox box)
    {
        if (FindUrlKey(box) is { } key)
            return (StoreError.None, key);
        StoreError error = await box.Home.CommitAsync(new UrlKeyChange(box.Id));
        return (error, FindUrlKey(box));
    }

    /// <summary>Makes all authorized URLs of a mailbox worth nothing.</summary>
    /// <param name="box">Null: of all mailboxes of the account.</param>
    public Task<StoreError> ResetUrlKeysAsync(long accountId, Mailbox? box) => CommitAsync(accountId, new ResetUrlKeysChange(accountId, box?.Id));

    /// <summary>First UID that is \Recent for the caller; the messages are recent for nobody else after it. RFC 3501 §2.3.2</summary>
    public Task<uint> ClaimRecentAsync(Mailbox box)
    {
        MailboxSnapshot now = box.Current;
        return now.Counters.RecentFrom == now.UidNext ? Task.FromResult(now.UidNext) : box.Home.CommitAsync(new ClaimRecentChange(box.Id, box.Reader));
    }

    /// <param name="snapshot">One that has the entry: it knows where the places are that the entry names.</param>
    public MessageReader OpenMessage(MailboxSnapshot snapshot, in MessageEntry entry) => new(snapshot.Segments,
        new BodyRange(entry.PrefixSegment, entry.PrefixOffset, entry.PrefixLength),
        new BodyRange(entry.BodySegment, entry.BodyOffset, entry.BodyLength));

    /// <summary>Bytes of a queued message.</summary>
    public MessageReader OpenBody(BodyRange body) => new(_partitions.Default.Segments, default, body);

    /// <summary>What the messages of a mailbox are sorted, threaded and searched by; from memory after the first time.</summary>
    internal ColumnView OpenColumns(Mailbox box, MailboxSnapshot snapshot, ColumnSet wanted) => box.Home.Columns.View(box, snapshot, wanted);

    /// <summary>Messages of a mailbox that may hold a text; null: the text index cannot say.</summary>
    /// <param name="folded">As <see cref="Mime.UnicodeCasemap"/> makes it.</param>
    internal TextCandidates? FindText(Mailbox box, uint uidValidity, string folded) => box.Home.TextIndex?.Find(box.Id, uidValidity, folded);

    /// <summary>Ends when all messages there are now are in the text index.</summary>
    public Task WhenIndexedAsync() => Task.WhenAll(_partitions.Open.Select(partition => partition.WhenIndexedAsync()));

    public DetailsReader OpenDetails(Mailbox box) => new(box);

    public Task<AccountUse> UseAsync(long accountId) => Task.FromResult(_partitions.SlotOf(accountId).Open?.UseOf(accountId) ?? default);

    /// <summary>Use of all accounts together.</summary>
    public AccountUse TotalUse()
    {
        long messages = 0, bytes = 0;
        foreach (Partition partition in _partitions.Open)
        {
            AccountUse use = partition.Read(r => r.TotalUse());
            messages += use.Messages;
            bytes += use.Bytes;
        }
        return new AccountUse(messages, bytes);
    }

    /// <summary>Something in the store changed. Called by the commit loop: must return at once.</summary>
    public event Action? Changed
    {
        add => _partitions.Committed += value;
        remove => _partitions.Committed -= value;
    }

    /// <summary>Use of several accounts; those without mail are missing from the answer.</summary>
    public IReadOnlyDictionary<long, AccountUse> UseOf(IReadOnlyCollection<long> accountIds)
    {
        var uses = new Dictionary<long, AccountUse>();
        foreach (IGrouping<PartitionSlot, long> some in accountIds.GroupBy(_partitions.SlotOf))
        {
            some.Key.Open?.Read(r =>
            {
                foreach (long id in some)
                {
                    if (r.Account(id) is { } use)
                        uses[id] = new AccountUse(use.Messages, use.Bytes);
                }
                return 0;
            });
        }
        return uses;
    }

    /// <summary>All queue rows.</summary>
    public IReadOnlyList<QueueEntry> ReadQueue()
    {
        SegmentPin pin = _partitions.Default.Segments.Pin;
        return [.. _partitions.Default.Read(r => r.Queue()).Select(row => row with { Pin = pin })];
    }

    /// <summary>Those of some queue rows that are still there.</summary>
    public IReadOnlyList<QueueEntry> ReadQueue(IReadOnlyCollection<long> ids)
    {
        SegmentPin pin = _partitions.Default.Segments.Pin;
        return _partitions.Default.Read(r =>
        {
            var rows = new List<QueueEntry>(ids.Count);
            foreach (long id in ids)
                rows.AddRange(r.Queue(id, id).Select(row => row with { Pin = pin }));
            return rows;
        });
    }

    /// <summary>New states of rows, and rows that are done; durable when the task ends.</summary>
    public Task<StoreError> UpdateQueueAsync(IReadOnlyList<QueueEntry> changed, IReadOnlyList<long> removed) =>
        _partitions.Default.CommitAsync(new QueueChange(changed, removed));

    /// <summary>Proves rows ↔ bytes ↔ counters and reports in words. Reads only; may run beside everything else.</summary>
    /// <param name="accountId">One account, or null for all and the queue.</param>
    public Task<CheckReport> CheckAsync(long? accountId, CancellationToken ct) => Task.Run(() =>
    {
        var report = new CheckReport(0, 0, 0, 0, 0, []);
        foreach (PartitionSlot slot in accountId is { } one ? [_partitions.SlotOf(one)] : _partitions.Slots)
        {
            if (slot.Open is { } partition)
            {
                partition.Settle();
                report = report.And(new StoreCheck(partition, account => _partitions.IsHome(partition, account)).Run(accountId, ct));
            }
            else
            {
                report = report.And(new CheckReport(0, 0, 0, 0, 0, [$"partition {slot.Name} is not there, and nothing in it was looked at: {slot.Fault}"]));
            }
        }
        return report;
    }, ct);

    /// <summary>Expunged messages of an account that can be brought back, the last expunged first.</summary>
    /// <param name="filter">Only those with it in sender, subject or mailbox name; empty: all. Case does not matter.</param>
    /// <param name="matchText">False: the filter looks at mailbox names alone.</param>
    public (IReadOnlyList<DeletedMessage> Page, int Total) DeletedMessages(long accountId, string filter, bool matchText, int skip, int take) =>
        new DeletedMail(_partitions.Of(accountId)).Messages(accountId, filter, matchText, skip, take);

    /// <summary>Mailboxes of an account that were deleted and can be brought back, the last deleted first.</summary>
    public IReadOnlyList<DeletedMailbox> DeletedMailboxes(long accountId) => new DeletedMail(_partitions.Of(accountId)).Mailboxes(accountId);

    /// <summary>Brings expunged messages back, a few hundred a commit: flags and dates as they were, new UIDs. Those of a deleted mailbox
    /// go to one of its name, made when it is not there.</summary>
    /// <param name="ids"><see cref="DeletedMessage.Id"/>; null: all of the account.</param>
    /// <param name="quotaBytes">Most octets of the account; 0: no limit.</param>
    /// <returns>How many there were, and what stopped it before the end.</returns>
    public async Task<RestoreOutcome> RestoreMessagesAsync(long accountId, IReadOnlyCollection<long>? ids, long quotaBytes)
    {
        int restored = 0;
        foreach (long[] some in (ids ?? new DeletedMail(_partitions.Of(accountId)).AllIds(accountId)).Distinct().Order().Chunk(RestoreMessagesChange.AtMost))
        {
            RestoreOutcome outcome = await CommitAsync(accountId, new RestoreMessagesChange(accountId, some, quotaBytes, MailboxesPerAccount));
            restored += outcome.Messages;
            if (outcome.Error != StoreError.None)
                return outcome with { Messages = restored };
        }
        return new RestoreOutcome(StoreError.None, restored, null);
    }

    /// <summary>Brings a deleted mailbox back with all it held, same UIDs; under another name when its own is taken.</summary>
    public Task<RestoreOutcome> RestoreMailboxAsync(long accountId, long mailboxId, long quotaBytes) =>
        CommitAsync(accountId, new RestoreMailboxChange(accountId, mailboxId, quotaBytes, MailboxesPerAccount));

    /// <summary>Removes what is past its retention time, in small steps. Runs by itself every hour.</summary>
    public Task PurgeAsync() => _upkeep.PurgeAsync();

    /// <summary>Holds the mailboxes of an account against the segments and puts right what differs, while everything else goes on. Doing it twice
    /// changes nothing the second time.</summary>
    /// <exception cref="IOException">The store cannot be written, or the index file itself is damaged: then the message says what to do.</exception>
    public Task<RepairReport> RepairAsync(long accountId, CancellationToken ct) => _upkeep.RepairAsync(accountId, ct);

    /// <summary>Brings a backup of the store and of accounts.db, certificates and keys up to date while everything goes on.</summary>
    /// <param name="target">The folder of the backup; what has not changed since the last run is not copied again.</param>
    /// <exception cref="IOException">It cannot be written; what was there of an earlier backup is whole.</exception>
    public Task<BackupReport> BackUpAsync(string target, CancellationToken ct) => _upkeep.BackUpAsync(_dataPath, target, ct);

    /// <summary>Gives the disk back what garbage takes. Runs by itself, see <see cref="StoreOptions.CompactionInterval"/>; one at a time.</summary>
    public Task<CompactionReport> CompactAsync(CancellationToken ct = default) => _upkeep.CompactAsync(ct);

    /// <summary>Moves an account to another partition while everything goes on; one at a time.</summary>
    /// <param name="partition">Its name.</param>
    /// <exception cref="IOException">It cannot be moved, and why; the account is where it was, and whole.</exception>
    public Task<MoveReport> MoveAccountAsync(long accountId, string partition, IProgress<ExchangeProgress>? progress, CancellationToken ct) =>
        _upkeep.MoveAccountAsync(accountId, partition, progress, ct);

    /// <summary>Called at every step of a move; null in the product.</summary>
    internal Action<MoveStep>? MoveStepReached
    {
        get => _upkeep.MoveStepReached;
        set => _upkeep.MoveStepReached = value;
    }

    /// <summary>Adds to an account what a backup has of it and the store has not: mailboxes, messages with flags and dates, subscriptions.</summary>
    /// <returns>Messages added, and what of the backup cannot be read.</returns>
    /// <exception cref="IOException">There is no backup, or the store cannot be written; doing it again goes on where it ended.</exception>
    public async Task<(int Messages, IReadOnlyList<string> Faults)> RestoreAccountAsync(string backup, long accountId, CancellationToken ct)
    {
        string folder = BackupFolder.PartitionOf(backup, accountId) ?? throw new IOException($"{backup} holds no backup.");
        return await Task.Run(async () => await new AccountRestore(this, (await _partitions.ForChangesAsync(accountId)) ?? _partitions.Of(accountId), folder).RunAsync(accountId, ct), ct);
    }

    /// <summary>Name of the partition that an account lives in.</summary>
    public string PartitionOf(long accountId) => _partitions.SlotOf(accountId).Name;

    /// <summary>All partitions, with what is in them.</summary>
    public IReadOnlyList<PartitionInfo> ReadPartitions() => [.. _partitions.Slots.Select(slot => new PartitionInfo(
        slot.Name, slot.Folder, slot.Open is null ? slot.Fault : "", slot.Open?.Read(r => r.CountAccounts()) ?? _partitions.CountIn(slot),
        slot.Open?.Read(r => r.TotalUse()).Bytes ?? 0, slot.FreeBytes, slot.Options.Closed))];

    public async ValueTask DisposeAsync()
    {
        if (_missing is not null)
            await _missing.DisposeAsync();
        await _upkeep.DisposeAsync();
        await _partitions.DisposeAsync();
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
