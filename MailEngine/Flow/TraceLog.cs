using System.Threading.Channels;
using MailEngine.Io;
using Microsoft.Extensions.Logging;

namespace MailEngine.Flow;

/// <summary>The file <c>trace.db</c>: every step of every message, kept 30 days.</summary>
/// <remarks>
/// Written in batches by one task; a step is there a moment after it happened. Losing the file loses no mail, so nothing is synced
/// and a full channel or a broken disk drops events (counted, logged) rather than slowing mail down. One lock per connection:
/// the writer's is touched by its task alone, the reader's by one question at a time.
/// </remarks>
public sealed class TraceLog : IAsyncDisposable
{
    static readonly TimeSpan s_keep = TimeSpan.FromDays(30);
    readonly Channel<TraceEvent> _events = Channel.CreateBounded<TraceEvent>(
        new BoundedChannelOptions(65536) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    readonly SqliteDatabase _writer;
    readonly SqliteDatabase _reader;
    readonly SqliteStatement _insert;
    readonly SemaphoreSlim _question = new(1);
    readonly TimeProvider _clock;
    readonly ILogger<TraceLog> _log;
    readonly Task _loop;
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
            CREATE TABLE IF NOT EXISTS event (
                id INTEGER PRIMARY KEY, time INTEGER NOT NULL, step INTEGER NOT NULL, message_key TEXT NOT NULL, message_id TEXT NOT NULL,
                reverse_path TEXT NOT NULL, recipient TEXT NOT NULL, peer TEXT NOT NULL, text TEXT NOT NULL);
            CREATE INDEX IF NOT EXISTS event_by_key ON event (message_key);
            CREATE INDEX IF NOT EXISTS event_by_message_id ON event (message_id) WHERE message_id <> '';
            CREATE INDEX IF NOT EXISTS event_by_recipient ON event (recipient, time);
            """);
        _insert = _writer.Prepare("INSERT INTO event (time, step, message_key, message_id, reverse_path, recipient, peer, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        _reader = new SqliteDatabase(path, SqliteOpen.ReadOnly);
        _loop = Task.Run(WriteLoopAsync);
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

    /// <summary>All steps that match, oldest first, at most <paramref name="most"/> of the newest.</summary>
    /// <param name="what">An id of a 250 answer, a Message-ID with or without angle brackets, or an address of a recipient or sender.</param>
    public async Task<IReadOnlyList<TraceEvent>> FindAsync(string what, int most = 500, CancellationToken ct = default)
    {
        await CatchUpAsync(ct);
        await _question.WaitAsync(ct);
        try
        {
            string bare = what.Trim().Trim('<', '>');
            return await Task.Run(() => Find(bare, most), ct);
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
            SELECT time, step, message_key, message_id, reverse_path, recipient, peer, text FROM event WHERE id IN (
                SELECT id FROM event WHERE message_key = ?2
                UNION SELECT id FROM event WHERE recipient = ?3
                UNION SELECT e.id FROM event e WHERE e.message_key <> '' AND e.message_key IN (SELECT message_key FROM event WHERE message_id = ?1 AND message_id <> ''))
            ORDER BY id DESC LIMIT ?4
            """);
        query.Bind(1, what).Bind(2, what.ToUpperInvariant()).Bind(3, what.ToLowerInvariant()).Bind(4, (long)most);
        var found = new List<TraceEvent>();
        while (query.Step())
        {
            found.Add(new TraceEvent(DateTimeOffset.FromUnixTimeMilliseconds(query.Int64(0)), (TraceStep)query.Int64(1), query.Text(2), query.Text(3),
                query.Text(4), query.Text(5), query.Text(6), query.Text(7)));
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
        // A busy server is never quite caught up; two seconds are fresh enough for a person.
        await Task.WhenAny(wait, Task.Delay(TimeSpan.FromSeconds(2), ct));
    }

    async Task WriteLoopAsync()
    {
        var batch = new List<TraceEvent>(1024);
        while (await _events.Reader.WaitToReadAsync())
        {
            while (batch.Count < 1024 && _events.Reader.TryRead(out TraceEvent? step))
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

    void Write(List<TraceEvent> batch)
    {
        _writer.Execute("BEGIN");
        try
        {
            foreach (TraceEvent e in batch)
            {
                _insert.Bind(1, e.Time.ToUnixTimeMilliseconds()).Bind(2, (long)e.Step).Bind(3, e.MessageKey).Bind(4, e.MessageId)
                    .Bind(5, e.ReversePath).Bind(6, e.Recipient.ToLowerInvariant()).Bind(7, e.Peer).Bind(8, e.Text).Run();
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
        await _loop;
        _writer.Dispose();
        _reader.Dispose();
        _question.Dispose();
    }
}
