using System.Text;

namespace MailEngine.Io;

/// <summary>A prepared statement: bind, step, read columns, reset. Parameters count from 1, columns from 0.</summary>
public sealed unsafe class SqliteStatement : IDisposable
{
    const int Row = 100, Done = 101;
    static readonly nint s_copy = -1;   // SQLITE_TRANSIENT
    readonly SqliteDatabase _db;
    nint _statement;

    internal SqliteStatement(SqliteDatabase db, nint statement)
    {
        _db = db;
        _statement = statement;
    }

    public SqliteStatement Bind(int parameter, long value)
    {
        Check(NativeSqlite.sqlite3_bind_int64(_statement, parameter, value));
        return this;
    }

    public SqliteStatement Bind(int parameter, long? value) => value is { } number ? Bind(parameter, number) : BindNull(parameter);

    public SqliteStatement Bind(int parameter, ReadOnlySpan<byte> blob)
    {
        byte empty = 0;
        fixed (byte* start = blob)
            Check(NativeSqlite.sqlite3_bind_blob(_statement, parameter, start == null ? &empty : start, blob.Length, s_copy));
        return this;
    }

    public SqliteStatement Bind(int parameter, string text)
    {
        int most = Encoding.UTF8.GetMaxByteCount(text.Length);
        Span<byte> utf8 = most <= 1024 ? stackalloc byte[1024] : new byte[most];
        int length = Encoding.UTF8.GetBytes(text, utf8);
        fixed (byte* start = utf8)
            Check(NativeSqlite.sqlite3_bind_text(_statement, parameter, start, length, s_copy));
        return this;
    }

    /// <param name="utf8">Text, not a blob.</param>
    public SqliteStatement BindText(int parameter, ReadOnlySpan<byte> utf8)
    {
        byte empty = 0;
        fixed (byte* start = utf8)
            Check(NativeSqlite.sqlite3_bind_text(_statement, parameter, start == null ? &empty : start, utf8.Length, s_copy));
        return this;
    }

    public SqliteStatement BindNull(int parameter)
    {
        Check(NativeSqlite.sqlite3_bind_null(_statement, parameter));
        return this;
    }

    /// <summary>Binds a column of another statement's row as it is, whatever its type.</summary>
    public SqliteStatement BindColumn(int parameter, SqliteStatement row, int column)
    {
        const int integer = 1, text = 3, none = 5;
        return NativeSqlite.sqlite3_column_type(row._statement, column) switch
        {
            integer => Bind(parameter, row.Int64(column)),
            text => BindText(parameter, row.Blob(column)),
            none => BindNull(parameter),
            _ => Bind(parameter, row.Blob(column)),   // we store no floating point
        };
    }

    /// <summary>True: there is a row to read.</summary>
    /// <exception cref="SqliteException">Disk full, damage, or a mistake of ours; the statement is reset.</exception>
    public bool Step()
    {
        int code = NativeSqlite.sqlite3_step(_statement);
        if (code == Row)
            return true;
        if (code == Done)
            return false;
        SqliteException error = _db.Error(code);
        _ = NativeSqlite.sqlite3_reset(_statement);
        throw error;
    }

    /// <summary>Runs a statement that has no rows, and makes it ready for the next time.</summary>
    public void Run()
    {
        Step();
        Reset();
    }

    /// <summary>Ends the reading: the connection holds no snapshot any more.</summary>
    public SqliteStatement Reset()
    {
        _ = NativeSqlite.sqlite3_reset(_statement);
        return this;
    }

    public long Int64(int column) => NativeSqlite.sqlite3_column_int64(_statement, column);

    public bool IsNull(int column) => NativeSqlite.sqlite3_column_type(_statement, column) == 5;

    /// <summary>Bytes of the column; valid until the next <see cref="Step"/> or <see cref="Reset"/>.</summary>
    public ReadOnlySpan<byte> Blob(int column)
    {
        byte* start = NativeSqlite.sqlite3_column_blob(_statement, column);
        return new ReadOnlySpan<byte>(start, start == null ? 0 : NativeSqlite.sqlite3_column_bytes(_statement, column));
    }

    public string Text(int column)
    {
        byte* start = NativeSqlite.sqlite3_column_text(_statement, column);
        return start == null ? "" : Encoding.UTF8.GetString(start, NativeSqlite.sqlite3_column_bytes(_statement, column));
    }

    public void Dispose()
    {
        if (_statement == 0)
            return;
        _db.Forget(this);
        Finish();
    }

    internal void Finish()
    {
        _ = NativeSqlite.sqlite3_finalize(_statement);
        _statement = 0;
    }

    void Check(int code)
    {
        if (code != 0)
            throw _db.Error(code);
    }
}
