using System.Diagnostics;
using MailEngine.Io;
using Microsoft.Extensions.Logging;

namespace MailEngine.Store;

/// <summary>The one door through which index.db is written; and the thread that writes rows of deliveries behind the commit loop.</summary>
/// <remarks>
/// A deposit's segment record is enough to make its rows again, so the sync of the segment alone makes it durable (S1). Its rows wait in one
/// set while those of another are written: when enough wait, when nothing has come for a moment, when somebody must read them. Whatever else
/// the loop commits takes all that waits with it, so rows reach the index in the order of the commits. docs/durability.md
/// </remarks>
internal sealed class RowSettler : IDisposable
{
    const int PagesBeforeCheckpoint = 2000;         // 8 MB of log: moved in the background
    const int PagesBeforeOwnCheckpoint = 16_000;    // 64 MB: whoever writes helps, so that the log can start anew
    static readonly TimeSpan s_waitAtMost = TimeSpan.FromMilliseconds(500);
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(10);

    readonly IndexWriter _index;   // its lock is held from BEGIN to COMMIT; taken before _gate
    readonly Lock _writing = new();
    readonly object _gate = new();
    readonly StoreOptions _options;
    readonly DiskReserve _reserve;
    readonly string _folder;
    readonly ILogger _log;
    readonly Action<CommitStep> _step;
    readonly AutoResetEvent _checkpointWanted = new(false);
    readonly Thread _settler, _checkpointer;
    PendingRows _waiting = new(), _taken = new();   // the second is full only while it is written, or when that failed
    long _absorbed, _settled, _since;
    bool _asked;
    volatile bool _any, _failed, _stopped;

    /// <param name="step">Hears of every step; for tests.</param>
    public RowSettler(IndexWriter index, StoreOptions options, DiskReserve reserve, string folder, ILogger log, Action<CommitStep> step)
    {
        (_index, _options, _reserve, _folder, _log, _step) = (index, options, reserve, folder, log, step);
        // Whatever waits must fit into the reserve, twice over, with room for deleting.
        MostBytes = options.ReserveBytes > 0 ? options.ReserveBytes / 8 : 2L << 20;
        _settler = new Thread(Run) { IsBackground = true, Name = "row settler" };
        _checkpointer = new Thread(RunCheckpoints) { IsBackground = true, Name = "checkpointer" };
    }

    /// <summary>Octets of rows that wait, about, before they are written.</summary>
    long MostBytes { get; }

    /// <summary>True when index.db is behind the mailboxes in memory. Any thread.</summary>
    public bool Any => _any;

    /// <summary>True: rows could not be written. The commit loop must manage it before it takes anything else.</summary>
    public bool HasFailed => _failed;

    public void Start()
    {
        _settler.Start();
        _checkpointer.Start();
    }

    /// <summary>What an account holds, when its row is not up to date. Any thread.</summary>
    public bool TryGetUse(long accountId, out AccountUse use)
    {
        use = default;
        if (!_any)
            return false;
        lock (_gate)
            return _waiting.TryGetUse(accountId, out use) || _taken.TryGetUse(accountId, out use);
    }

    /// <summary>Takes over the rows of a batch whose records are as durable as they must be, before anybody hears of it. Commit loop only.</summary>
    /// <param name="synced">Octets of the segment that are on the disk.</param>
    public void Absorb(CommitBatch batch, uint segment, long synced)
    {
        lock (_gate)
        {
            _waiting.Absorb(batch, segment, synced);
            _absorbed++;
            if (!_any || IsFull)
                Monitor.PulseAll(_gate);
            if (!_any)
                _since = Stopwatch.GetTimestamp();
            _any = true;
        }
    }

    /// <summary>Waits while more rows wait than should: mail comes faster than they can be written. Commit loop only.</summary>
    public void Throttle()
    {
        lock (_gate)
        {
            while (IsFull && !_failed)
                Monitor.Wait(_gate);
        }
    }

    /// <summary>Returns when the rows of everything that was acknowledged until now are written. Any thread but the loop's.</summary>
    /// <returns>False: they cannot be written.</returns>
    public bool Settle()
    {
        if (!_any)
            return true;
        lock (_gate)
        {
            long wanted = _absorbed;
            while (_settled < wanted && !_failed && !_stopped)
            {
                _asked = true;
                Monitor.PulseAll(_gate);
                Monitor.Wait(_gate);
            }
            return _settled >= wanted;
        }
    }

    /// <summary>One transaction of all that waits and of <paramref name="rows"/>. Commit loop only.</summary>
    /// <param name="durable">COMMIT waits for the disk.</param>
    /// <exception cref="SqliteException">Nothing of it was written.</exception>
    public void Write(bool durable, Action<IndexWriter>? rows = null)
    {
        lock (_writing)
        {
            Transact(durable, index =>
            {
                _taken.Write(index);
                _waiting.Write(index);
                rows?.Invoke(index);
            });
            lock (_gate)
            {
                _taken.Clear();
                _waiting.Clear();
                _settled = _absorbed;
                _any = _failed = false;
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Writes what waits and ends; nobody may commit any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }
        _settler.Join();
        WriteTaken();
        _checkpointWanted.Set();
        _checkpointer.Join();
        _checkpointWanted.Dispose();
        Checkpoint(_index.Database);   // when it fails the log stays, and is read at the next start
        _index.Dispose();
    }

    bool IsFull => _waiting.Rows >= _options.PendingRows || _waiting.Bytes >= MostBytes;

    void Run()
    {
        while (WaitUntilDue())
            WriteTaken();
    }

    /// <returns>False: the partition closes.</returns>
    bool WaitUntilDue()
    {
        lock (_gate)
        {
            while ((!_any || _failed) && !_stopped)
                Monitor.Wait(_gate);
            long seen = -1;
            while (!_asked && !IsFull && !_stopped && seen != _absorbed && Stopwatch.GetElapsedTime(_since) < s_waitAtMost)
            {
                seen = _absorbed;
                Monitor.Wait(_gate, s_pause);
            }
            _asked = false;
            return !_stopped;
        }
    }

    /// <summary>Writes the rows that wait. Their messages are durable by their segment, so nothing is synced.</summary>
    void WriteTaken()
    {
        lock (_writing)
        {
            long upTo;
            lock (_gate)
            {
                if (!_any || _failed)
                    return;
                (_taken, _waiting) = (_waiting, _taken);
                upTo = _absorbed;
                _since = Stopwatch.GetTimestamp();
                Monitor.PulseAll(_gate);   // there is room again
            }
            bool written = TryWriteTaken();
            lock (_gate)
            {
                if (written)
                {
                    _taken.Clear();
                    _settled = upTo;
                    _any = _absorbed > upTo;
                }
                _failed = !written;
                Monitor.PulseAll(_gate);
            }
        }
    }

    bool TryWriteTaken()
    {
        while (true)
        {
            try
            {
                Transact(durable: false, _taken.Write);
                return true;
            }
            catch (SqliteException fault) when (fault.IsFull && _reserve.Release())
            {
                StoreLog.DiskFull(_log, _folder);
            }
            catch (SqliteException fault)
            {
                StoreLog.SettlingFailed(_log, _index.Database.Path, _taken.Rows, fault);
                return false;
            }
        }
    }

    void Transact(bool durable, Action<IndexWriter> write)
    {
        _index.Begin(durable);
        try
        {
            write(_index);                                       // S4: counters with the rows
            _step(CommitStep.RowsWritten);
            _index.Commit();                                     // S1
        }
        catch
        {
            RollBack();
            throw;
        }
        _step(CommitStep.Committed);
        if (_index.Database.LogFrames > PagesBeforeCheckpoint)
            _checkpointWanted.Set();
        if (_index.Database.LogFrames > PagesBeforeOwnCheckpoint)
            Checkpoint(_index.Database);
    }

    void RollBack()
    {
        try
        {
            _index.Rollback();
        }
        catch (SqliteException fault)
        {
            StoreLog.ChangeFailed(_log, "ROLLBACK", fault);
        }
    }

    void RunCheckpoints()
    {
        SqliteDatabase? db = null;
        while (_checkpointWanted.WaitOne() && !_stopped)
        {
            try
            {
                if (db is null)
                {
                    db = new SqliteDatabase(_index.Database.Path, SqliteOpen.ReadWrite);
                    db.Execute(_options.Sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
                }
            }
            catch (SqliteException fault)
            {
                StoreLog.CheckpointFailed(_log, _index.Database.Path, fault);
                continue;
            }
            Checkpoint(db);
        }
        db?.Dispose();
    }

    void Checkpoint(SqliteDatabase db)
    {
        try
        {
            db.Checkpoint();
        }
        catch (SqliteException fault)
        {
            StoreLog.CheckpointFailed(_log, db.Path, fault);
        }
    }
}
