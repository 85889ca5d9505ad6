using MailEngine.Io;
using MailEngine.Mime;
using Microsoft.Extensions.Logging;

namespace MailEngine.Store.TextSearch;

/// <summary>Feeds search.db behind the commit loop, on a thread of its own, and makes it anew when it is lost or damaged.</summary>
/// <remarks>
/// A mailbox is indexed in UID order up to a UID that stands in the same transaction as the rows, so there is nothing to forget: what
/// is not indexed is what has a larger UID. Publishing only leaves the number of the mailbox here. The work waits a moment, so that
/// single deliveries are written together. Expunged messages are taken out by giving FTS5 the same text again (it keeps none itself).
/// </remarks>
internal sealed class TextIndexer : IDisposable
{
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);
    const int BatchMessages = 500;
    const int BatchBytes = 4 << 20;

    readonly Partition _partition;
    readonly ILogger _log;
    readonly TextIndex _index;
    readonly TextCollector _collector;
    readonly MessageText _text = new();
    readonly ByteBuffer _header = new(4096);
    readonly List<MimePart> _parts = [];
    readonly Lock _lock = new();
    readonly SortedSet<long> _waiting = [];
    readonly AutoResetEvent _wanted = new(false);
    readonly ManualResetEventSlim _stop = new();
    readonly Thread _thread;
    TaskCompletionSource? _idle;
    bool _working = true;
    TimeSpan _patience;
    volatile bool _off;
    SqliteDatabase? _db;
    int _batchMessages;
    long _batchBytes;
    SqliteStatement _insert = null!, _delete = null!, _state = null!, _putState = null!, _dropState = null!, _putPartial = null!, _dropPartial = null!;

    public TextIndexer(Partition partition, TextIndex index, ILogger log)
    {
        _partition = partition;
        _index = index;
        _log = log;
        _collector = new TextCollector(partition.Options.IndexedTextBytes);
        index.Damaged = () => _wanted.Set();
        _thread = new Thread(Run) { IsBackground = true, Name = "text indexer" };
    }

    public void Start() => _thread.Start();

    /// <summary>A mailbox has another snapshot. Commit loop: only notes it.</summary>
    public void Changed(long mailboxId)
    {
        if (_off)
            return;
        lock (_lock)
            _waiting.Add(mailboxId);
        _wanted.Set();
    }

    /// <summary>Ends when nothing waits to be indexed.</summary>
    public Task WhenIdle()
    {
        lock (_lock)
        {
            if (_waiting.Count == 0 && !_working)
                return Task.CompletedTask;
            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _idle.Task;
        }
    }

    public void Dispose()
    {
        _stop.Set();
        _wanted.Set();
        if (_thread.IsAlive)
            _thread.Join();
        _index.Dispose();
        _db?.Dispose();   // an open transaction is rolled back: its messages are indexed the next time
        _db = null;
        _collector.Dispose();
        _text.Dispose();
        _header.Dispose();
        _wanted.Dispose();
        _stop.Dispose();
        _idle?.TrySetResult();
    }

    void Run()
    {
        ProcessorShare.GiveWay();
        bool all = true;   // compare every mailbox: after the start, and after a new beginning
        while (!_stop.IsSet)
        {
            try
            {
                if (_db is null)
                {
                    if (!Open())
                    {
                        _off = true;   // this SQLite cannot do it: messages are scanned
                        Idle();
                        return;
                    }
                    all = true;
                }
                if (all)
                    NoteAll();
                all = false;
                _patience = _partition.Options.IndexPatience;
                while (!_stop.IsSet && Next() is { } mailboxId)
                    Index(mailboxId);
                if (_stop.IsSet)
                    break;
                Commit();
                if (_index.IsDamaged)
                    throw new SqliteException(11, "a search found it damaged");
                Idle();
                _wanted.WaitOne();
                _stop.Wait(_partition.Options.IndexDelay);
            }
            catch (SqliteException fault)
            {
                all = true;
                StartAnew(fault);
            }
            catch (Exception fault)   // index.db could not be read just now; and a fault of ours must not end the server, which does without an index
            {
                all = true;
                Rollback();
                StoreLog.TextIndexWaits(_log, fault);
                _stop.Wait(TimeSpan.FromMinutes(1));
            }
        }
        Idle();
    }

    /// <summary>Mail that comes in goes first: what is not indexed yet is scanned. For a while only, or a busy server would never index.</summary>
    void LetMailIn()
    {
        while (_partition.IsTakingMail && _patience > TimeSpan.Zero && !_stop.IsSet)
        {
            _stop.Wait(s_pause);
            _patience -= s_pause;
        }
    }

    long? Next()
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
                return null;
            _working = true;
            long first = _waiting.Min;
            _waiting.Remove(first);
            return first;
        }
    }

    void Idle()
    {
        lock (_lock)
        {
            if (_off)
                _waiting.Clear();
            if (_waiting.Count > 0 && !_stop.IsSet)
                return;
            _working = false;
            _idle?.TrySetResult();
            _idle = null;
        }
    }

    // -- the file --

    /// <summary>False: there is no FTS5 with trigrams.</summary>
    bool Open()
    {
        var db = new SqliteDatabase(_index.Path, SqliteOpen.Create);
        try
        {
            if (!HasTrigrams(db))
                return false;
            db.Execute("PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000;");   // a lost end is indexed again
            if (db.ReadNumber("PRAGMA user_version") != TextIndex.Version)
                Create(db);
            _insert = db.Prepare("INSERT INTO words(rowid, text) VALUES(?1, ?2)");
            _delete = db.Prepare("INSERT INTO words(words, rowid, text) VALUES('delete', ?1, ?2)");
            _state = db.Prepare("SELECT uidvalidity, upto, messages, removed FROM mailbox WHERE id=?1");
            _putState = db.Prepare("INSERT OR REPLACE INTO mailbox(id, uidvalidity, upto, messages, removed) VALUES(?1, ?2, ?3, ?4, ?5)");
            _dropState = db.Prepare("DELETE FROM mailbox WHERE id=?1");
            _putPartial = db.Prepare("INSERT OR REPLACE INTO partial(id) VALUES(?1)");
            _dropPartial = db.Prepare("DELETE FROM partial WHERE id=?1");
            _db = db;
        }
        finally
        {
            if (_db is null)
                db.Dispose();
        }
        _index.SetUsable(true);
        return true;
    }

    bool HasTrigrams(SqliteDatabase db)
    {
        try
        {
            db.Execute("CREATE VIRTUAL TABLE temp.probe USING fts5(text, tokenize='trigram'); DROP TABLE temp.probe;");
            return true;
        }
        catch (SqliteException fault) when (fault.PrimaryCode == 1)   // SQLITE_ERROR: no such module, no such tokenizer
        {
            StoreLog.NoTextIndex(_log, fault.Message);
            return false;
        }
    }

    static void Create(SqliteDatabase db) => db.Execute($"""
        BEGIN IMMEDIATE;
        DROP TABLE IF EXISTS words; DROP TABLE IF EXISTS mailbox; DROP TABLE IF EXISTS partial;
        CREATE VIRTUAL TABLE words USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram');
        CREATE TABLE mailbox(id INTEGER PRIMARY KEY, uidvalidity INTEGER NOT NULL, upto INTEGER NOT NULL,
            messages INTEGER NOT NULL, removed INTEGER NOT NULL);
        CREATE TABLE partial(id INTEGER PRIMARY KEY);
        PRAGMA user_version={TextIndex.Version};
        COMMIT;
        """);

    /// <summary>A file that is damaged is thrown away: all of it can be made again. A full disk is waited out.</summary>
    void StartAnew(SqliteException fault)
    {
        _index.SetUsable(false);
        _db?.Dispose();
        _db = null;
        _batchMessages = 0;
        if (fault.IsDamaged || fault.PrimaryCode == 1)   // 1: tables are missing
        {
            StoreLog.TextIndexLost(_log, _index.Path, fault.Message);
            foreach (string file in new[] { _index.Path, _index.Path + "-wal", _index.Path + "-shm" })
                File.Delete(file);
            return;
        }
        StoreLog.TextIndexWaits(_log, fault);
        _stop.Wait(TimeSpan.FromMinutes(1));
    }

    // -- the work --

    /// <summary>Notes mailboxes that are not as they were indexed, or gone.</summary>
    void NoteAll()
    {
        List<MailboxRow> rows = Read(reader => reader.AllMailboxes());
        var known = new Dictionary<long, State>();
        using (SqliteStatement states = _db!.Prepare("SELECT uidvalidity, upto, messages, removed, id FROM mailbox"))
        {
            while (states.Step())
                known.Add(states.Int64(4), ReadState(states));
        }
        lock (_lock)
        {
            foreach (MailboxRow row in rows)
            {
                bool indexed = known.Remove(row.Id, out State state);
                if (row.Deleted ? indexed : state.UpTo + 1 != row.Counters.UidNext || state.Messages != row.Counters.Count)
                    _waiting.Add(row.Id);
            }
            _waiting.UnionWith(known.Keys);
        }
    }

    /// <summary>What search.db holds of a mailbox.</summary>
    /// <param name="UpTo">Largest UID looked at.</param>
    /// <param name="Messages">Messages indexed and not taken out.</param>
    /// <param name="Removed">Expunges up to this mod-sequence are taken out.</param>
    readonly record struct State(uint UidValidity, uint UpTo, int Messages, ulong Removed);

    static State ReadState(SqliteStatement row) => new((uint)row.Int64(0), (uint)row.Int64(1), (int)row.Int64(2), (ulong)row.Int64(3));

    void PutState(long mailboxId, State state) => _putState
        .Bind(1, mailboxId).Bind(2, state.UidValidity).Bind(3, state.UpTo).Bind(4, state.Messages).Bind(5, (long)state.Removed).Run();

    void Index(long mailboxId)
    {
        if (_partition.IsShortOfSpace)
            throw new IOException("The disk is nearly full.");
        bool known = _state.Bind(1, mailboxId).Step();
        State before = known ? ReadState(_state) : default, state = before;
        _state.Reset();
        Mailbox? box;
        try
        {
            box = _partition.Open(mailboxId);
        }
        catch (SqliteException)   // a fault of index.db, which who opens the mailbox hears of: it stays as it is indexed
        {
            return;
        }
        if (box is null)
        {
            if (known)
                Forget(mailboxId, state.UpTo);
            return;
        }
        MailboxSnapshot snapshot = box.Current;
        if (!ReferenceEquals(snapshot.Segments, _partition.Segments))
            return;   // its account lives in another partition now, which has an index of its own
        if (!known)
            state = new State(snapshot.UidValidity, 0, 0, snapshot.HighestModSeq);
        if (state.UidValidity != snapshot.UidValidity || state.UpTo >= snapshot.UidNext)
        {
            // Another mailbox under a number that was in use: index.db was put back from a backup or made anew.
            throw new SqliteException(11, $"mailbox {mailboxId} is not the one that was indexed");
        }
        using var details = new DetailsReader(box);
        int live = snapshot.LowerBound(state.UpTo + 1);
        if (state.Messages != live)
        {
            Remove(mailboxId, details, state);
            state = state with { Messages = live, Removed = snapshot.HighestModSeq };
        }
        for (int index = live; index < snapshot.Count && !_stop.IsSet; index++)
        {
            Add(mailboxId, snapshot[index], details);
            state = state with { UpTo = snapshot[index].Uid, Messages = state.Messages + 1 };
            if (++_batchMessages >= BatchMessages || _batchBytes >= BatchBytes)
            {
                PutState(mailboxId, state);
                Commit();
            }
        }
        if (snapshot.Count == 0 || state.UpTo == snapshot[snapshot.Count - 1].Uid)
            state = state with { UpTo = snapshot.UidNext - 1 };   // those behind it came and went
        if (!known || state != before)
        {
            Begin();
            PutState(mailboxId, state);
        }
    }

    void Add(long mailboxId, in MessageEntry entry, DetailsReader details)
    {
        LetMailIn();
        Begin();
        long id = IndexSchema.Key(mailboxId, entry.Uid);
        bool whole = TryCollect(entry, details);
        _insert.Bind(1, id).BindText(2, _collector.Text).Run();
        if (!whole)
            _putPartial.Bind(1, id).Run();
        _batchBytes += _collector.Text.Length;
    }

    /// <summary>Takes messages out that were expunged since the last time.</summary>
    void Remove(long mailboxId, DetailsReader? details, State state)
    {
        Begin();
        foreach (ExpungedRow row in Read(reader => reader.ExpungedOf(mailboxId)))
        {
            if (_stop.IsSet)
                return;   // nothing of this is kept
            if (row.ModSeq > state.Removed && row.Entry.Uid <= state.UpTo)
                TakeOut(mailboxId, row.Entry, details);
        }
    }

    /// <summary>A deleted mailbox: its messages are found while its rows are kept.</summary>
    void Forget(long mailboxId, uint upTo)
    {
        Begin();
        foreach (Chunk chunk in Read(reader => reader.Chunks(mailboxId)))
        {
            foreach (ref readonly MessageEntry entry in chunk.Messages)
            {
                if (_stop.IsSet)
                    return;
                if (entry.Uid <= upTo)
                    TakeOut(mailboxId, entry, null);
            }
        }
        _dropState.Bind(1, mailboxId).Run();
    }

    void TakeOut(long mailboxId, in MessageEntry entry, DetailsReader? details)
    {
        long id = IndexSchema.Key(mailboxId, entry.Uid);
        _dropPartial.Bind(1, id).Run();
        // Without the bytes its words stay, and lead to a message that is in no snapshot: they cost room, not rightness.
        if (TryCollect(entry, details) || _collector.IsCut)
            _delete.Bind(1, id).BindText(2, _collector.Text).Run();
    }

    /// <summary>One transaction for many mailboxes: FTS5 writes what one transaction brings as one piece.</summary>
    void Begin()
    {
        if (!_db!.InTransaction)
            _db.Execute("BEGIN IMMEDIATE");
    }

    void Commit()
    {
        if (_db!.InTransaction)
            _db.Execute("COMMIT");
        _batchMessages = 0;
        _batchBytes = 0;
    }

    /// <summary>A fault of index.db is none of search.db: told apart, so that not the wrong file is made anew.</summary>
    T Read<T>(Func<IndexReader, T> query)
    {
        try
        {
            return _partition.Read(query);
        }
        catch (SqliteException fault)
        {
            throw new IOException(fault.Message, fault);
        }
    }

    void Rollback()
    {
        if (_db is { InTransaction: true } db)
            db.Execute("ROLLBACK");
    }

    /// <summary>Puts the text of a message into the collector: always the same for the same bytes.</summary>
    /// <returns>False: not all of it is there.</returns>
    bool TryCollect(in MessageEntry entry, DetailsReader? details)
    {
        _collector.Clear();
        try
        {
            using var reader = new MessageReader(_partition.Segments, new BodyRange(entry.PrefixSegment, entry.PrefixOffset, entry.PrefixLength),
                new BodyRange(entry.BodySegment, entry.BodyOffset, entry.BodyLength));
            if (details is null || !details.Seek(entry.Uid) || !new MimeLayout(details.Layout).TryRead(_parts))
            {
                var body = new byte[entry.BodyLength];
                reader.Read(entry.PrefixLength, body);
                new MimeLayout(MessageSummary.Of(body).Layout).TryRead(_parts);
            }
            const int maxHeader = 4 << 20;
            int length = (int)Math.Min(entry.PrefixLength + (long)_parts[0].BodyStart, maxHeader);
            _header.Clear();
            if (length > 0)
                _header.Advance(reader.Read(0, _header.GetSpan(length)[..length]));
            if (_text.Fields(_header.Written, _collector))
                _text.Parts(reader.Read, _parts, entry.PrefixLength, _collector);
            return !_collector.IsCut;
        }
        catch (IOException)   // this message cannot be read; the others can (S5)
        {
            _collector.Clear();
            return false;
        }
    }
}
