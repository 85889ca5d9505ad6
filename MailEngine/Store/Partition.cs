using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using MailEngine.Io;
using MailEngine.Mime;
using MailEngine.Store.Columns;
using MailEngine.Store.Partitions;
using MailEngine.Store.Repair;
using MailEngine.Store.TextSearch;
using Microsoft.Extensions.Logging;

namespace MailEngine.Store;

/// <summary>The steps of a commit, for the tests that kill the process between them.</summary>
internal enum CommitStep { Taken, Appended, Synced, RowsWritten, Committed, Published, Completed, FilesRemoved }

/// <summary>One folder on one volume: segments, index.db, and the only thread that decides what is written to them.</summary>
/// <remarks>
/// The commit loop takes everything that waits and does, in this order and no other: work out in memory, append bodies, sync the
/// segment (S2), one transaction of rows and counters (S4) whose COMMIT syncs the log (S1), publish snapshots, tell the callers.
/// Rows of deliveries, whose segment says all, follow behind it (<see cref="RowSettler"/>).
/// Readers use connections of their own and never wait for the loop. docs/durability.md
/// </remarks>
internal sealed class Partition : IAsyncDisposable
{
    const long BatchBytes = 64L << 20;
    const int BatchChanges = 2048;

    readonly StoreOptions _options;
    readonly ILogger _log;
    readonly Inflow _inflow = new();
    IndexWarmUp? _warmUp;
    bool _synced;   // what the batch has appended is on the disk
    readonly RowSettler _index;
    readonly IndexWriter _indexWriter;   // before the loop starts; then by _index alone
    readonly IndexReader _loopReader;
    readonly ConcurrentBag<IndexReader> _readers = [];
    readonly Channel<StoreChange> _waiting;
    readonly MailboxCache _mailboxes;
    readonly RecentDeliveries _delivered;
    readonly DiskReserve _reserve;
    readonly Dictionary<uint, long> _failedSegments = [];   // not yet closed in the index
    bool _inDoubt;   // a commit failed: the index must say what holds before anything else is taken
    (uint Segment, long Length) _whole;                     // up to here all records are committed
    readonly Dictionary<long, AccountDraft> _accounts = [];
    readonly Dictionary<(long, string), long> _names = [];
    readonly Thread _loop;
    readonly FileStream _lockFile;
    readonly TextIndexer? _textIndexer;
    long _nextMailboxId;
    uint _lastUidValidity;
    bool _appending;   // bytes of this batch may be in the segment without rows
    volatile bool _stopped;

    Partition(string folder, FileStream lockFile, StoreOptions options, MimeLimits limits, TimeProvider clock, ILogger log, string indexName)
    {
        _lockFile = lockFile;
        MimeLimits = limits;
        _options = options;
        _log = log;
        Clock = clock;
        Folder = folder;
        IndexPath = Path.Combine(folder, indexName);
        _mailboxes = new MailboxCache(options.CachedMessages);
        _delivered = new RecentDeliveries(options.DuplicateKeys);
        _reserve = new DiskReserve(Path.Combine(folder, "reserve"), options.ReserveBytes);
        Columns = new ColumnCache(this, options.ColumnBytes);
        _waiting = Channel.CreateBounded<StoreChange>(new BoundedChannelOptions(options.PendingChanges) { SingleReader = true });
        var db = new SqliteDatabase(IndexPath, SqliteOpen.Create);
        SqliteDatabase? reading = null;
        try
        {
            IndexSchema.Prepare(db);
            _indexWriter = new IndexWriter(db, options.Sync);
            reading = new SqliteDatabase(IndexPath, SqliteOpen.ReadOnly);   // its own: another thread writes at any time
            _loopReader = new IndexReader(reading);
            Identity = PartitionIdentity.Read(folder) ?? new PartitionIdentity(0, Path.GetFileName(folder), "");
            _nextMailboxId = Math.Max(MailboxIds.First, db.ReadNumber("SELECT value FROM meta WHERE key='next_mailbox'") ?? 1);
            _lastUidValidity = (uint)(db.ReadNumber("SELECT value FROM meta WHERE key='uidvalidity'") ?? 0);
            long lastSegment = Math.Max(
                db.ReadNumber("SELECT max(number) FROM segment") ?? 0, db.ReadNumber("SELECT value FROM meta WHERE key='last_segment'") ?? 0);
            Segments = new SegmentFiles(Path.Combine(folder, "segments"), (uint)lastSegment, options);
        }
        catch
        {
            reading?.Dispose();
            db.Dispose();
            throw;
        }
        if (options.TextIndex && indexName == "index.db")   // not for one that is being rebuilt beside it
        {
            TextIndex = new TextIndex(Path.Combine(folder, "search.db"));
            _textIndexer = new TextIndexer(this, TextIndex, log);
        }
        _index = new RowSettler(_indexWriter, options, _reserve, folder, log, step => StepReached?.Invoke(step));
        _loop = new Thread(Run) { IsBackground = true, Name = "commit loop" };
    }

    public string Folder { get; }

    /// <summary>Which partition this is, as its folder says.</summary>
    public PartitionIdentity Identity { get; }

    MailboxIdRange MailboxIds => new(Identity.Number);

    public string IndexPath { get; }

    public SegmentFiles Segments { get; }

    /// <summary>How far messages are taken apart whose rows are made from now on.</summary>
    public MimeLimits MimeLimits { get; }

    /// <summary>What happens in mailboxes, for whoever watches.</summary>
    public AccountEvents Events { get; init; } = new();

    public ColumnCache Columns { get; }

    /// <summary>The disk is nearly full: what is left is for mail that was taken and for deleting.</summary>
    public bool IsShortOfSpace => _reserve.IsGiven;

    /// <summary>Null: switched off.</summary>
    public TextIndex? TextIndex { get; }

    public TimeProvider Clock { get; }

    public TimeSpan DuplicateWindow => _options.DuplicateWindow;

    public StoreOptions Options => _options;

    /// <summary>A batch is durable and visible. Called by the commit loop; must return at once.</summary>
    public event Action? Committed;

    /// <summary>Accounts that are leaving or have left. Commit loop only.</summary>
    internal Departures Departures { get; } = new();

    /// <summary>Called at every step of every batch; null in the product.</summary>
    public Action<CommitStep>? StepReached { get; set; }

    /// <exception cref="StoreOpenException">In use, damaged, or made by a newer version; the message is for the operator.</exception>
    /// <param name="limits">How far messages are taken apart.</param>
    /// <param name="events">Shared by all partitions of a store: an account is watched wherever it lives.</param>
    /// <param name="indexName">Another one while it is being rebuilt beside the old one.</param>
    internal static Partition Open(string folder, StoreOptions options, MimeLimits limits, TimeProvider clock, ILogger log, AccountEvents? events = null, string indexName = "index.db")
    {
        var watch = Stopwatch.StartNew();
        FileStream? lockFile = null;
        try
        {
            Disk.CreateDirectory(folder);
            lockFile = TakeLock(folder);
            IndexSwap.Finish(folder);
            var partition = new Partition(folder, lockFile, options, limits, clock, log, indexName) { Events = events ?? new AccountEvents() };
            int segments = partition.CheckSegments();
            partition.Replay();
            partition._loop.Start();
            partition._index.Start();
            partition._warmUp = new IndexWarmUp(partition.IndexPath, options.WarmUpBytes);
            partition._textIndexer?.Start();
            StoreLog.Opened(log, folder, partition._loopReader.Database.ReadNumber("SELECT count(*) FROM mailbox") ?? 0, segments, watch.ElapsedMilliseconds);
            return partition;
        }
        catch (SqliteException fault) when (fault.IsDamaged)
        {
            lockFile?.Dispose();
            throw new StoreOpenException(
                $"The mail index {Path.Combine(folder, "index.db")} is damaged ({fault.Message}). The messages themselves are in {Path.Combine(folder, "segments")} and untouched: delete nothing and run 'store repair', which makes a new index and keeps this one; or restore a backup.", fault);
        }
        catch (SqliteException fault) when (fault.IsFull)
        {
            lockFile?.Dispose();
            throw new StoreOpenException($"The disk under {folder} is full ({fault.Message}). Free some space and start again; nothing acknowledged is lost.", fault);
        }
        catch (Exception fault) when (fault is IOException and not StoreOpenException or UnauthorizedAccessException)
        {
            lockFile?.Dispose();
            throw new StoreOpenException($"The mail store {folder} cannot be opened: {fault.Message}", fault);
        }
    }

    /// <summary>Hands a change to the loop; waits while too many are waiting already.</summary>
    public async Task<T> CommitAsync<T>(StoreChange<T> change, CancellationToken ct = default)
    {
        try
        {
            await _waiting.Writer.WriteAsync(change, ct);
        }
        catch (ChannelClosedException)
        {
            change.Fail();
        }
        // No token from here on: what was handed over is done or not done, and the caller must know which.
        return await change.Done;
    }

    /// <summary>What is read ahead after a start has been read.</summary>
    internal bool IsWarm => _warmUp is { IsDone: true };

    /// <summary>True while mail comes in a stream. Any thread.</summary>
    public bool IsTakingMail => _inflow.IsStream;

    /// <summary>Runs a query that sees everything that was acknowledged. Not on the loop's thread.</summary>
    public T Read<T>(Func<IndexReader, T> query)
    {
        Settle();
        return ReadBehind(query);
    }

    /// <summary>Writes the rows that wait, so that every connection sees them.</summary>
    public void Settle()
    {
        if (_index.Settle())
            return;
        // This blocks, perhaps the one thread of a page's circuit: what is waited for must not go on by the caller's context, as the rest of
        // an async method would. When the index cannot be written, the mailboxes in memory are still right, and what can be read is read.
        Task.Run(() => CommitAsync(new SettleChange())).GetAwaiter().GetResult();
    }

    /// <summary>What an account holds now.</summary>
    public AccountUse UseOf(long accountId)
    {
        if (_index.TryGetUse(accountId, out AccountUse use))
            return use;
        (_, long messages, long bytes) = ReadBehind(r => r.Account(accountId)) ?? default;
        return new AccountUse(messages, bytes);
    }

    /// <summary>Runs a query on a pooled connection; rows and counters of the newest messages may be missing.</summary>
    public T ReadBehind<T>(Func<IndexReader, T> query)
    {
        if (!_readers.TryTake(out IndexReader? reader))
            reader = new IndexReader(new SqliteDatabase(IndexPath, SqliteOpen.ReadOnly));
        bool whole = false;
        try
        {
            T result = query(reader);
            whole = true;
            return result;
        }
        finally
        {
            // A connection whose query threw may be in the middle of something: it is not used again.
            if (whole && !_stopped)
                _readers.Add(reader);
            else
                reader.Dispose();
        }
    }

    /// <summary>Opens a mailbox for a session. Any thread.</summary>
    public Mailbox? Open(long mailboxId) => _mailboxes.GetOrLoad(mailboxId, id => Read(reader => LoadPinned(reader, id)));

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await Task.Run(_loop.Join);
        _stopped = true;
        if (_textIndexer is { } indexer)
            await Task.Run(indexer.Dispose);
        while (_readers.TryTake(out IndexReader? reader))
            reader.Dispose();
        _loopReader.Dispose();   // the writer closes last: it takes the log away
        await Task.Run(_index.Dispose);
        _warmUp?.Dispose();
        Segments.Dispose();
        await _lockFile.DisposeAsync();
    }

    // -- for CommitBatch, on the loop's thread --

    internal Mailbox? Load(long id) => _mailboxes.GetOrLoad(id, box => LoadPinned(_loopReader, box));

    internal AccountDraft AccountCounters(long id)
    {
        if (_accounts.TryGetValue(id, out AccountDraft? known))
            return known.Copy();
        (ulong modSeq, long messages, long bytes) = _loopReader.Account(id) ?? (0, 0, 0);
        // S3: flag changes are not synced (D1), so a power cut may have taken back mod-sequences that clients have seen. The log is
        // synced long before this many were given out; a gap in them costs nothing.
        const ulong lostAtMost = 1 << 24;
        return new AccountDraft(id, modSeq + lostAtMost, messages, bytes) { Limits = _loopReader.Limits(id) };
    }

    internal long FindMailbox(long accountId, MailboxName name)
    {
        if (_names.TryGetValue((accountId, name.Value), out long id))
            return id;
        id = _loopReader.Mailbox(accountId, name)?.Id ?? 0;
        if (id != 0)
            Remember(accountId, name.Value, id);
        return id;
    }

    /// <exception cref="InvalidOperationException">All ids of this partition were given.</exception>
    internal long NextMailboxId() => _nextMailboxId <= MailboxIds.Last ? _nextMailboxId++
        : throw new InvalidOperationException($"Partition {Identity.Name} has given all its mailbox ids: put new accounts into another one.");

    /// <summary>Ids of this partition from here on were never given. Any thread.</summary>
    internal long NextFreeMailboxId => Volatile.Read(ref _nextMailboxId);

    /// <summary>True: this partition would have to give this id yet. Any thread.</summary>
    internal bool HasYetToGive(long mailboxId) => MailboxIds.Contains(mailboxId) && mailboxId >= NextFreeMailboxId;

    internal void ReachMailboxId(long id)
    {
        if (HasYetToGive(id))
            _nextMailboxId = id + 1;
    }

    /// <summary>RFC 9051 §2.3.1.1: greater than any given before in this partition, so a name used again never looks the same.</summary>
    /// <param name="atLeast">One that comes from elsewhere: it counts as given.</param>
    internal uint NextUidValidity(uint atLeast = 0) =>
        _lastUidValidity = Math.Max(Math.Max(atLeast, _lastUidValidity + 1), (uint)Math.Min(uint.MaxValue - 1, Clock.GetUtcNow().ToUnixTimeSeconds()));

    internal bool WasDelivered(UInt128 key) => _delivered.Contains(key);

    internal IndexReader LoopReader => _loopReader;

    internal Mailbox? FindOpen(long id) => _mailboxes.Find(id);

    internal void Opened(Mailbox box)
    {
        box.Home = this;
        box.Current.Pin ??= Segments.Pin;   // before anybody can find it: the text index looks at once, on a thread of its own
        _mailboxes.Add(box);
        Events.Raise(box.AccountId, new MailboxEvent(MailboxEventKind.Created, box.Id, box.Name));
    }

    internal void Publish(Mailbox box, MailboxSnapshot next)
    {
        MailboxCounters before = box.Current.Counters, now = next.Counters;
        next.Pin = Segments.Pin;
        _mailboxes.Publish(box, next);
        if (before.UidNext != now.UidNext || before.Count != now.Count)
            _textIndexer?.Changed(box.Id);
        if (!Events.AreWatched || before.HighestModSeq == now.HighestModSeq)
            return;
        bool messages = before.UidNext != now.UidNext || before.Count != now.Count;
        Events.Raise(box.AccountId, new MailboxEvent(messages ? MailboxEventKind.Messages : MailboxEventKind.Flags, box.Id, box.Name, Counters: now));
    }

    internal void Retire(IReadOnlyList<uint> numbers) => _mailboxes.Repin(Segments.Retire(numbers));

    Mailbox? LoadPinned(IndexReader reader, long id)
    {
        SegmentPin pin = Segments.Pin;   // before the rows are read: what they name is kept from here on
        Mailbox? box = reader.Load(id);
        if (box is not null)
        {
            box.Current.Pin = pin;
            box.Home = this;
        }
        return box;
    }

    /// <summary>Ends when all messages there are now are in the text index.</summary>
    internal Task WhenIndexedAsync() => _textIndexer?.WhenIdle() ?? Task.CompletedTask;

    internal void Forget(Mailbox box)
    {
        _mailboxes.Remove(box.Id);
        box.PublishDeleted();
        Events.Raise(box.AccountId, new MailboxEvent(MailboxEventKind.Deleted, box.Id, box.Name));
        _textIndexer?.Changed(box.Id);
    }

    internal void ForgetAccount(long id) => _accounts.Remove(id);

    // -- for accounts that move between partitions --

    /// <summary>Takes a change over that another partition was asked for. Any thread; waits for nobody.</summary>
    internal void Forward(StoreChange change)
    {
        if (!_waiting.Writer.TryWrite(change))
            _ = ForwardLaterAsync(change);
    }

    async Task ForwardLaterAsync(StoreChange change)
    {
        try
        {
            await _waiting.Writer.WriteAsync(change);
        }
        catch (ChannelClosedException)
        {
            change.Fail();
        }
    }

    /// <summary>Highest UIDVALIDITY given so far. Any thread.</summary>
    internal uint LastUidValidity => Volatile.Read(ref _lastUidValidity);

    internal void ReachUidValidity(uint uidValidity) => _lastUidValidity = Math.Max(_lastUidValidity, uidValidity);

    internal void Remember(IReadOnlyList<(UInt128 Key, long Expires)> deliveries)
    {
        foreach ((UInt128 key, long expires) in deliveries)
            _delivered.Add(key, expires);
    }

    /// <summary>Nothing that is remembered of the account here is true any more.</summary>
    internal void ForgetMoved(long accountId)
    {
        _accounts.Remove(accountId);
        foreach ((long, string) name in _names.Keys.Where(name => name.Item1 == accountId).ToList())
            _names.Remove(name);
        foreach (MailboxRow row in _loopReader.MailboxesOf(accountId).Concat(_loopReader.DeletedMailboxesOf(accountId)))
            _textIndexer?.Changed(row.Id);
    }

    /// <summary>The account's rows are whole here; its mailboxes that somebody has open go on with them. Nobody changes any of it meanwhile.</summary>
    internal void TakeOver(Partition source, long accountId)
    {
        Departures.Arrived(accountId);
        ForgetMoved(accountId);
        foreach (MailboxRow row in _loopReader.MailboxesOf(accountId))
        {
            _mailboxes.Remove(row.Id);   // of an earlier stay
            if (source._mailboxes.Find(row.Id) is not { } box)
                continue;
            source._mailboxes.Remove(row.Id);
            box.Home = this;
            try
            {
                MailboxSnapshot here = LoadPinned(_loopReader, row.Id)!.Current;
                _mailboxes.Replace(box);
                _mailboxes.Publish(box, here);
            }
            catch (SqliteException fault)   // a new fault of this disk: who has it open opens it again and hears
            {
                StoreLog.MailboxDamaged(_log, row.Id, fault.Message);
                box.PublishDeleted();
            }
        }
    }

    void Run()
    {
        var batch = new List<StoreChange>();
        while (true)
        {
            if (!_waiting.Reader.TryRead(out StoreChange? first))
            {
                if (!WaitForWork())
                    return;
                continue;
            }
            batch.Clear();
            batch.Add(first);
            long bytes = first.Bytes;
            int before;
            do
            {
                before = batch.Count;
                while (bytes < BatchBytes && batch.Count < BatchChanges && _waiting.Reader.TryRead(out StoreChange? next))
                {
                    batch.Add(next);
                    bytes += next.Bytes;
                }
                // On a busy machine others get the processor here and bring what they have, so that one sync serves more of them;
                // on an idle one this returns at once.
                Thread.Yield();
            }
            while (batch.Count > before);
            Commit(batch);
        }
    }

    /// <returns>False: the partition closes.</returns>
    bool WaitForWork()
    {
        // A thread of its own may block; the writer that ends the wait wakes it directly.
        ValueTask<bool> work = _waiting.Reader.WaitToReadAsync();
        return work.IsCompleted ? work.Result : work.AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Commits a batch; when it fails for a reason of one change, each change alone (S5).</summary>
    void Commit(List<StoreChange> changes)
    {
        if (Departures.Any)
            Departures.TakeOut(changes);
        if (changes.Count == 0)
            return;
        try
        {
            CommitTogether(changes);
        }
        catch (Exception fault)
        {
            Undo();
            if (IsFull(fault) && _reserve.Release())
            {
                StoreLog.DiskFull(_log, Folder);
                Commit(changes);
                return;
            }
            bool disk = fault is IOException and not SqliteException { IsDamaged: true };
            if (disk)
                StoreLog.BatchFailed(_log, changes.Count, fault.Message, fault);
            else if (changes.Count == 1)
                StoreLog.ChangeFailed(_log, changes[0].GetType().Name, fault);
            if (disk || changes.Count == 1)
            {
                foreach (StoreChange change in changes)
                    change.Fail();
                return;
            }
            foreach (StoreChange change in changes)
                Commit([change]);
        }
    }

    void CommitTogether(List<StoreChange> changes)
    {
        if (!_reserve.IsHeld && changes.Exists(change => change.BringsMail) && !_reserve.TryHold())
        {
            RefuseMail(changes);
            if (changes.Count == 0)
                return;
        }
        bool inLog = !_inDoubt && !_index.HasFailed && changes.TrueForAll(change => change.InLog);
        if (!inLog)
            SettleNow();
        var batch = new CommitBatch(this, inLog);
        bool durable = false, sync = !inLog;
        foreach (StoreChange change in changes)
        {
            change.Prepare(batch);
            durable |= change.Durable && !change.InLog;
            sync |= change.Durable;
            if (change.BringsMail)
                _inflow.Note();
        }
        StepReached?.Invoke(CommitStep.Taken);
        if (batch.SegmentBytes > 0)
        {
            (_appending, _synced) = (true, false);
            Segments.Append(batch.Pieces, batch.SegmentBytes);   // bytes nobody points at yet: a crash here leaves garbage, no promise
            StepReached?.Invoke(CommitStep.Appended);
            if (sync)                                            // flags alone (D1) outlive the process without
            {
                Segments.Sync();                                 // S2; S1 for what is in the log
                _synced = true;
            }
            StepReached?.Invoke(CommitStep.Synced);
        }
        if (inLog && !batch.NeedsIndex)
        {
            if (batch.HasRows)
                _index.Absorb(batch, Segments.CurrentNumber, Segments.SyncedLength);
        }
        else if (batch.HasRows)
        {
            WriteIndex(durable || batch.NeedsIndex, batch);
        }
        _appending = false;
        _whole = (Segments.CurrentNumber, Segments.CurrentLength);

        // Nothing below may fail or wait on a client. A crash here loses no promise: the rows are there, callers were not told.
        foreach (AccountDraft account in batch.Accounts)
            _accounts[account.Id] = account;
        if (_accounts.Count > 200_000 && !_index.Any)
            _accounts.Clear();
        foreach ((UInt128 key, long expires) in batch.Delivered)
            _delivered.Add(key, expires);
        _delivered.Forget(batch.Now.ToUnixTimeSeconds());
        foreach (((long account, string name), long id) in batch.Names)
            Remember(account, name, id);
        batch.Publish();
        StepReached?.Invoke(CommitStep.Published);
        foreach (StoreChange change in changes)
            change.Complete();                                   // only now may a session answer 250 or OK
        StepReached?.Invoke(CommitStep.Completed);
        Committed?.Invoke();
        _index.Throttle();
    }

    /// <summary>S4, S1. A COMMIT that failed may have left its frames in the log, where they count after a power cut or a kill until the next one
    /// has written over them: what they name must stay. Its files come on the list of the index, so that compaction removes what no row names.</summary>
    void WriteIndex(bool durable, CommitBatch batch)
    {
        try
        {
            _index.Write(durable, batch.Write);
        }
        catch
        {
            _inDoubt = true;
            batch.KeepFiles();
            foreach ((uint number, long length) in batch.Files)
                _failedSegments[number] = length;
            throw;
        }
    }

    /// <summary>Writes the rows that wait. Their messages are durable by their segment, so this syncs only after a commit that failed.</summary>
    void SettleNow()
    {
        if (!_index.Any && !_inDoubt)
            return;
        _index.Write(durable: _inDoubt, index =>
        {
            if (_inDoubt)
                index.PutMeta("last_segment", Segments.LastNumber);   // an empty transaction would leave the log as it is
            foreach ((uint segment, long length) in _failedSegments)
                index.CloseSegment(segment, length);
        });
        _failedSegments.Clear();
        _inDoubt = false;
    }

    /// <summary>The disk is nearly full: what is left serves reading, deleting and what was taken before.</summary>
    static void RefuseMail(List<StoreChange> changes)
    {
        foreach (StoreChange change in changes)
        {
            if (change.BringsMail)
                change.Fail();
        }
        changes.RemoveAll(change => change.BringsMail);
    }

    static bool IsFull(Exception fault)
    {
        const int noSpace = 28;   // ENOSPC
        return fault is SqliteException { IsFull: true } || (fault is IOException and not SqliteException && fault.HResult == noSpace);
    }

    void Undo()
    {
        if (_appending && Segments.CurrentNumber != 0)
        {
            // Its callers are told that nothing was kept, so no start may make rows of it. The index says so before anything else is taken.
            long committed = Segments.CurrentNumber == _whole.Segment ? _whole.Length : 0;
            _failedSegments[Segments.CurrentNumber] = Math.Min(committed, Segments.SyncedLength);   // flags behind it have their rows by then
            _inDoubt = true;
            // What a failed COMMIT may name stays, when it is on the disk: see WriteIndex.
            Segments.Poison(_synced ? Segments.CurrentLength : committed);
        }
        _appending = false;
    }

    void Remember(long accountId, string name, long id)
    {
        if (id == 0)
        {
            _names.Remove((accountId, name));
            return;
        }
        if (_names.Count > 200_000)
            _names.Clear();
        _names[(accountId, name)] = id;
    }

    /// <summary>Every segment that rows name must be there and long enough; what is not is said once and the rest works on (S5).</summary>
    int CheckSegments()
    {
        Dictionary<uint, (long Bytes, bool Closed)> segments = _loopReader.Segments();
        foreach ((uint number, (long bytes, _)) in segments)
        {
            if (bytes == 0)
                continue;   // retired: the next compaction removes what is left of it
            var file = new FileInfo(Segments.PathOf(number));
            if (!file.Exists)
                StoreLog.SegmentMissing(_log, file.FullName);
            else if (file.Length < bytes)
                StoreLog.SegmentShort(_log, file.FullName, file.Length, bytes);
        }
        return segments.Count;
    }

    void Replay()
    {
        _loopReader.Delivered(_options.DuplicateKeys, _delivered.Add);
        int made;
        try
        {
            made = NewReplay().Run();
        }
        catch (SqliteException fault) when (fault.IsFull && _reserve.Release())
        {
            StoreLog.DiskFull(_log, Folder);
            made = NewReplay().Run();
        }
        if (made > 0)
            StoreLog.Replayed(_log, made);
        _reserve.TryHold();

        SegmentReplay NewReplay() => new(Segments, _loopReader, _indexWriter, _delivered, _options, MimeLimits, _log);
    }

    internal static FileStream TakeLock(string folder)
    {
        string path = Path.Combine(folder, "lock");
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException fault)
        {
            throw new StoreOpenException($"The mail store {folder} is in use by another process. Stop that one first, or give this one its own Mail:DataPath.", fault);
        }
    }
}
