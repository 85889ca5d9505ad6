using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace MailEngine.Io;

/// <summary>SQLite said no. <see cref="PrimaryCode"/> tells disk full and damage apart from the rest.</summary>
public sealed class SqliteException(int code, string message) : StorageException(message)
{
    /// <summary>Extended result code, see the SQLite documentation "Result and Error Codes".</summary>
    public int Code { get; } = code;

    public int PrimaryCode => Code & 0xFF;

    /// <summary>SQLITE_FULL: no space left.</summary>
    public bool IsFull => PrimaryCode == 13;

    /// <summary>SQLITE_CORRUPT or SQLITE_NOTADB: the file is damaged.</summary>
    public bool IsDamaged => PrimaryCode is 11 or 26;
}

/// <summary>How a database is opened.</summary>
public enum SqliteOpen { ReadOnly, ReadWrite, Create }

/// <summary>One connection to an SQLite file, for use by one thread at a time.</summary>
/// <remarks>The raw interface, because the mail path needs no parameters by name, no boxing and no command objects. Statements
/// made by <see cref="Prepare"/> belong to the connection and end with it.</remarks>
public sealed unsafe class SqliteDatabase : IDisposable
{
    readonly List<SqliteStatement> _statements = [];
    GCHandle _self;
    nint _db;

    /// <summary>Opens the file in WAL mode.</summary>
    /// <param name="path">The file; made when <paramref name="mode"/> is <see cref="SqliteOpen.Create"/>.</param>
    /// <param name="pageSize">For a new file only; bytes.</param>
    /// <exception cref="SqliteException">It cannot be opened, or is no database.</exception>
    public SqliteDatabase(string path, SqliteOpen mode, int pageSize = 4096)
    {
        const int readOnly = 1, readWrite = 2, create = 4, noMutex = 0x8000;
        int flags = noMutex | (mode switch { SqliteOpen.ReadOnly => readOnly, SqliteOpen.ReadWrite => readWrite, _ => readWrite | create });
        Path = path;
        int code = NativeSqlite.sqlite3_open_v2(path, out _db, flags, 0);
        try
        {
            if (code != 0)
                throw Error(code);
            _ = NativeSqlite.sqlite3_extended_result_codes(_db, 1);
            _ = NativeSqlite.sqlite3_busy_timeout(_db, 10_000);
            if (mode != SqliteOpen.ReadOnly)
                Execute($"PRAGMA page_size={pageSize}; PRAGMA journal_mode=WAL;");
            Execute("PRAGMA temp_store=MEMORY;");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    /// <summary>Frames in the write-ahead log after the last commit of this connection; only kept after <see cref="WatchLog"/>.</summary>
    public int LogFrames { get; private set; }

    /// <summary>Rows the last statement touched.</summary>
    public int Changes => NativeSqlite.sqlite3_changes(_db);

    public long LastInsertId => NativeSqlite.sqlite3_last_insert_rowid(_db);

    /// <summary>True between BEGIN and COMMIT or ROLLBACK.</summary>
    public bool InTransaction => NativeSqlite.sqlite3_get_autocommit(_db) == 0;

    /// <summary>Runs one or more statements whose rows nobody wants.</summary>
    public void Execute(string sql)
    {
        int code = NativeSqlite.sqlite3_exec(_db, sql, 0, 0, 0);
        if (code != 0)
            throw Error(code);
    }

    /// <summary>Makes a statement to be run many times.</summary>
    public SqliteStatement Prepare(string sql)
    {
        const uint persistent = 1;
        byte[] text = Encoding.UTF8.GetBytes(sql);
        nint statement;
        fixed (byte* start = text)
        {
            int code = NativeSqlite.sqlite3_prepare_v3(_db, start, text.Length, persistent, out statement, null);
            if (code != 0)
                throw Error(code);
        }
        var prepared = new SqliteStatement(this, statement);
        _statements.Add(prepared);
        return prepared;
    }

    /// <summary>First column of the first row of a query, as a number; null when there is no row.</summary>
    public long? ReadNumber(string sql)
    {
        using SqliteStatement query = Prepare(sql);
        return query.Step() ? query.Int64(0) : null;
    }

    /// <summary>Copies the whole database as of one moment into a new file; others may write meanwhile.</summary>
    /// <exception cref="SqliteException">It cannot be read, or the copy not written.</exception>
    public void BackUpTo(string path)
    {
        const int all = -1, done = 101;
        using var copy = new SqliteDatabase(path, SqliteOpen.Create);
        nint backup = NativeSqlite.sqlite3_backup_init(copy._db, "main", _db, "main");
        if (backup == 0)
            throw copy.Error(0);
        int step = NativeSqlite.sqlite3_backup_step(backup, all);   // one reading transaction
        int finish = NativeSqlite.sqlite3_backup_finish(backup);
        if (step != done || finish != 0)
            throw copy.Error(step != done ? step : finish);
        copy.Checkpoint();
    }

    /// <summary>Moves log frames into the file without waiting for readers (SQLITE_CHECKPOINT_PASSIVE).</summary>
    /// <returns>True when every frame was moved: the next write starts the log anew.</returns>
    public bool Checkpoint()
    {
        const int passive = 0, busy = 5;
        int code = NativeSqlite.sqlite3_wal_checkpoint_v2(_db, null, passive, out int frames, out int moved);
        if (code is not (0 or busy))
            throw Error(code);
        return frames == moved;
    }

    /// <summary>Switches SQLite's own checkpoints off and keeps <see cref="LogFrames"/> up to date instead.</summary>
    public void WatchLog()
    {
        Execute("PRAGMA wal_autocheckpoint=0;");
        _self = GCHandle.Alloc(this, GCHandleType.Weak);
        NativeSqlite.sqlite3_wal_hook(_db, &OnCommit, GCHandle.ToIntPtr(_self));
    }

    public void Dispose()
    {
        if (_db == 0)
            return;
        foreach (SqliteStatement statement in _statements)
            statement.Finish();
        _statements.Clear();
        _ = NativeSqlite.sqlite3_close_v2(_db);
        _db = 0;
        if (_self.IsAllocated)
            _self.Free();
    }

    internal void Forget(SqliteStatement statement) => _statements.Remove(statement);

    internal SqliteException Error(int code)
    {
        string text = _db == 0 ? "" : Marshal.PtrToStringUTF8((nint)NativeSqlite.sqlite3_errmsg(_db)) ?? "";
        int extended = _db == 0 ? code : NativeSqlite.sqlite3_extended_errcode(_db);
        return new SqliteException(extended == 0 ? code : extended, $"{Path}: {text} (SQLite {extended})");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static int OnCommit(nint argument, nint db, byte* name, int frames)
    {
        if (GCHandle.FromIntPtr(argument).Target is SqliteDatabase self)
            self.LogFrames = frames;
        return 0;
    }
}
