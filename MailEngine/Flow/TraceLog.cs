using System.Threading.Channels;
using MailEngine.Io;
using Microsoft.Extensions.Logging;

namespace MailEngine.Flow;

/// <summary>The file <c>trace.db</c>: every step of every message, kept 30 days.</summary>
/// <remarks>
/// Written in batches by one thread; a step is there a moment after it happened. Losing the file loses no mail, so nothing is synced
/// and a full channel or a broken disk drops events (counted, logged) rather than slowing mail down. The writer's connection is touched by
/// its thread alone, the reader's by one question at a time. Indexes begin with the time in steps of ten minutes: what is written goes to
/// few pages, and a question looks into each step of the thirty days. That of accounts is of the few rows that scripts make.
/// </remarks>
public sealed class TraceLog : IAsyncDisposable
{
    const int MostInBatch = 16384;
    static readonly TimeSpan s_keep = TimeSpan.FromDays(30);
    static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(500), s_look = TimeSpan.FromMilliseconds(50);
    readonly Channel<TraceEvent> _events = Channel.CreateBounded<TraceEvent>(
        new BoundedChannelOptions(65536) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    readonly SqliteDatabase _writer;
    readonly SqliteDatabase _reader;
    readonly SqliteStatement _insert;
    readonly SemaphoreSlim _question = new(1);
    readonly TimeProvider _clock;
    readonly ILogger<TraceLog> _log;
    readonly Thread _loop;
    readonly ManualResetEventSlim _hurry = new();
    long _dropped;
    long _written;
    long _offered;
    TaskCompletionSource? _caughtUp;
    DateTimeOffset _prunedAt;

    /// <exception cref="SqliteException">The file cannot be opened.</exception>
    public TraceLog(string dataPath, TimeProvider clock, ILogger<TraceLog> log)
    {
        _clock = clock;
        _log = log;
        string path = Path.Combine(dataPath, "trace.db");
        _writer = new SqliteDatabase(path, SqliteOpen.Create);
        _writer.Execute("""
            PRAGMA synchronous=OFF;
            PRAGMA cache_size=-16384;
            CREATE TABLE IF NOT EXISTS event (
                id INTEGER PRIMARY KEY, time INTEGER NOT NULL, step INTEGER NOT NULL, message_key TEXT NOT NULL, message_id TEXT NOT NULL,
                reverse_path TEXT NOT NULL, recipient TEXT NOT NULL, peer TEXT NOT NULL, text TEXT NOT NULL, account INTEGER NOT NULL DEFAULT 0);
            DROP INDEX IF EXISTS event_by_key;
            DROP INDEX IF EXISTS event_by_message_id;
            DROP INDEX IF EXISTS event_by_recipient;
            CREATE INDEX IF NOT EXISTS event_time_key ON event (time / 600000, message_key);
            CREATE INDEX IF NOT EXISTS event_time_message_id ON event (time / 600000, message_id) WHERE message_id <> '';
            CREATE INDEX IF NOT EXISTS event_time_recipient ON event (time / 600000, recipient);
            """);
        if (!HasAccounts(_writer))
            _writer.Execute("ALTER TABLE event ADD COLUMN account INTEGER NOT NULL DEFAULT 0");   // a file of an older version
        _writer.Execute("CREATE INDEX IF NOT EXISTS event_account ON event (account, id) WHERE account <> 0");
        _insert = _writer.Prepare("INSERT INTO event (time, step, message_key, message_id, reverse_path, recipient, peer, text, account) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
        _reader = new SqliteDatabase(path, SqliteOpen.ReadOnly);
        _loop = new Thread(WriteLoop) { IsBackground = true, Name = "trace" };
        _loop.Start();
    }

    /// <summary>Events that were not kept since the start.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Notes a step. Never waits and never fails.</summary>
    public void Add(TraceEvent step)
    {
        if (_events.Writer.TryWrite(step))
            Interlocked.Increment(ref _offered);
        else
            Interlocked.Increment(ref _dropped);
    }

    static bool HasAccounts(SqliteDatabase file)
    {
        using SqliteStatement columns = file.Prepare("SELECT 1 FROM pragma_table_info('event') WHERE name = 'account'");
        return columns.Step();
    }

    /// <summary>All steps that match, oldest first, at most <paramref name="most"/> of the newest.</summary>
    /// <param name="what">An id of a 250 answer, a Message-ID with or without angle brackets, or an address of a recipient or sender.</param>
    public Task<IReadOnlyList<TraceEvent>> FindAsync(string what, int most = 500, CancellationToken ct = default) =>
        AskAsync(() => Find(what.Trim().Trim('<', '>'), most), ct);

    /// <summary>What the scripts of an account did and said, oldest first, at most <paramref name="most"/> of the newest.</summary>
    public Task<IReadOnlyList<TraceEvent>> OfAccountAsync(long accountId, int most = 500, CancellationToken ct = default) =>
        AskAsync(() =>
        {
            using SqliteStatement query = _reader.Prepare(
                "SELECT time, step, message_key, message_id, reverse_path, recipient, peer, text, account FROM event INDEXED BY event_account WHERE account = ?1 AND account <> 0 ORDER BY id DESC LIMIT ?2");
            return Read(query.Bind(1, accountId).Bind(2, (long)most));
        }, ct);

    async Task<IReadOnlyList<TraceEvent>> AskAsync(Func<List<TraceEvent>> question, CancellationToken ct)
    {
        await CatchUpAsync(ct);
        await _question.WaitAsync(ct);
        try
        {
            return await Task.Run(question, ct);
        }
        finally
        {
            _question.Release();
        }
    }

    List<TraceEvent> Find(string what, int most)
    {
        // A Message-ID or a recipient leads to the message; of that one all steps are shown.
        using SqliteStatement query = _reader.Prepare("""
            WITH RECURSIVE
                step(at) AS (SELECT min(time / 600000) FROM event UNION ALL SELECT at + 1 FROM step WHERE at < (SELECT max(time / 600000) FROM event)),
                key(name) AS MATERIALIZED (
                    SELECT DISTINCT e.message_key FROM step CROSS JOIN event e INDEXED BY event_time_message_id ON e.time / 600000 = step.at AND e.message_id = ?1
                    WHERE e.message_id <> '' AND e.message_key <> ''
                    UNION SELECT ?2 WHERE ?2 <> '')
            SELECT time, step, message_key, message_id, reverse_path, recipient, peer, text, account FROM event WHERE id IN (
                SELECT e.id FROM key CROSS JOIN step CROSS JOIN event e INDEXED BY event_time_key ON e.time / 600000 = step.at AND e.message_key = key.name
                UNION SELECT e.id FROM step CROSS JOIN event e INDEXED BY event_time_recipient ON e.time / 600000 = step.at AND e.recipient = ?3)
            ORDER BY id DESC LIMIT ?4
            """);
        return Read(query.Bind(1, what).Bind(2, what.ToUpperInvariant()).Bind(3, what.ToLowerInvariant()).Bind(4, (long)most));
    }

    static List<TraceEvent> Read(SqliteStatement query)
    {
        var found = new List<TraceEvent>();
        while (query.Step())
        {
            found.Add(new TraceEvent(DateTimeOffset.FromUnixTimeMilliseconds(query.Int64(0)), (TraceStep)query.Int64(1), query.Text(2), query.Text(3),
                query.Text(4), query.Text(5), query.Text(6), query.Text(7))
            { AccountId = query.Int64(8) });
        }
        found.Reverse();
        return found;
    }

    async Task CatchUpAsync(CancellationToken ct)
    {
        Task wait;
        lock (_events)
        {
            if (Interlocked.Read(ref _written) >= Interlocked.Read(ref _offered))
                return;
            _caughtUp ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            wait = _caughtUp.Task;
        }
        _hurry.Set();
        // A busy server is never quite caught up; two seconds are fresh enough for a person.
        await Task.WhenAny(wait, Task.Delay(TimeSpan.FromSeconds(2), ct));
    }

    void WriteLoop()
    {
        var batch = new List<TraceEvent>(1024);
        while (_events.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            Gather();
            while (batch.Count < MostInBatch && _events.Reader.TryRead(out TraceEvent? step))
                batch.Add(step);
            try
            {
                Write(batch);
            }
            catch (SqliteException e)
            {
                Interlocked.Add(ref _dropped, batch.Count);
                FlowLog.TraceLost(_log, batch.Count, e.Message);
            }
            lock (_events)
            {
                _written += batch.Count;
                if (_caughtUp is not null && _written >= Interlocked.Read(ref _offered))
                {
                    _caughtUp.SetResult();
                    _caughtUp = null;
                }
            }
            batch.Clear();
        }
    }

    /// <summary>Waits for more, so that many go into one transaction; not while somebody asks.</summary>
    void Gather()
    {
        for (TimeSpan waited = TimeSpan.Zero; waited < s_gather && _events.Reader.Count < MostInBatch; waited += s_look)
        {
            if (_hurry.Wait(s_look))
                break;
        }
        _hurry.Reset();
    }

    void Write(List<TraceEvent> batch)
    {
        _writer.Execute("BEGIN");
        try
        {
            foreach (TraceEvent e in batch)
            {
                _insert.Bind(1, e.Time.ToUnixTimeMilliseconds()).Bind(2, (long)e.Step).Bind(3, e.MessageKey).Bind(4, e.MessageId)
                    .Bind(5, e.ReversePath).Bind(6, e.Recipient.ToLowerInvariant()).Bind(7, e.Peer).Bind(8, e.Text).Bind(9, e.AccountId).Run();
            }
            DateTimeOffset now = _clock.GetUtcNow();
            if (now - _prunedAt > TimeSpan.FromHours(1))
            {
                _prunedAt = now;
                // Ids grow with time, so the oldest rows are the first ones: no index on time is needed.
                long before = (now - s_keep).ToUnixTimeMilliseconds();
                _writer.Execute(string.Create(System.Globalization.CultureInfo.InvariantCulture,
                    $"DELETE FROM event WHERE id < (SELECT coalesce((SELECT id FROM event WHERE time >= {before} ORDER BY id LIMIT 1), 0))"));
            }
            _writer.Execute("COMMIT");
        }
        catch (SqliteException)
        {
            if (_writer.InTransaction)
                _writer.Execute("ROLLBACK");
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _events.Writer.TryComplete();
        _hurry.Set();
        await Task.Run(_loop.Join);
        _writer.Dispose();
        _reader.Dispose();
        _question.Dispose();
        _hurry.Dispose();
    }
}
