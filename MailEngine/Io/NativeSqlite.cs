using System.Runtime.InteropServices;

namespace MailEngine.Io;

/// <summary>The calls of SQLite that the store makes; <see cref="NativeLibraries"/> chooses the library.</summary>
internal static unsafe partial class NativeSqlite
{
    const string Library = NativeLibraries.Sqlite;


    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int sqlite3_open_v2(string filename, out nint db, int flags, nint vfs);

    [LibraryImport(Library)]
    internal static partial int sqlite3_close_v2(nint db);

    [LibraryImport(Library)]
    internal static partial int sqlite3_extended_result_codes(nint db, int on);

    [LibraryImport(Library)]
    internal static partial int sqlite3_busy_timeout(nint db, int milliseconds);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int sqlite3_exec(nint db, string sql, nint callback, nint argument, nint error);

    [LibraryImport(Library)]
    internal static partial int sqlite3_prepare_v3(nint db, byte* sql, int bytes, uint flags, out nint statement, byte** tail);

    [LibraryImport(Library)]
    internal static partial int sqlite3_finalize(nint statement);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint sqlite3_backup_init(nint to, string toName, nint from, string fromName);

    [LibraryImport(Library)]
    internal static partial int sqlite3_backup_step(nint backup, int pages);

    [LibraryImport(Library)]
    internal static partial int sqlite3_backup_finish(nint backup);

    [LibraryImport(Library)]
    internal static partial int sqlite3_step(nint statement);

    [LibraryImport(Library)]
    internal static partial int sqlite3_reset(nint statement);

    [LibraryImport(Library)]
    internal static partial int sqlite3_bind_int64(nint statement, int index, long value);

    [LibraryImport(Library)]
    internal static partial int sqlite3_bind_null(nint statement, int index);

    [LibraryImport(Library)]
    internal static partial int sqlite3_bind_blob(nint statement, int index, byte* value, int bytes, nint destructor);

    [LibraryImport(Library)]
    internal static partial int sqlite3_bind_text(nint statement, int index, byte* value, int bytes, nint destructor);

    [LibraryImport(Library)]
    internal static partial long sqlite3_column_int64(nint statement, int column);

    [LibraryImport(Library)]
    internal static partial int sqlite3_column_type(nint statement, int column);

    [LibraryImport(Library)]
    internal static partial byte* sqlite3_column_blob(nint statement, int column);

    [LibraryImport(Library)]
    internal static partial byte* sqlite3_column_text(nint statement, int column);

    [LibraryImport(Library)]
    internal static partial int sqlite3_column_bytes(nint statement, int column);

    [LibraryImport(Library)]
    internal static partial long sqlite3_last_insert_rowid(nint db);

    [LibraryImport(Library)]
    internal static partial int sqlite3_changes(nint db);

    [LibraryImport(Library)]
    internal static partial int sqlite3_get_autocommit(nint db);

    [LibraryImport(Library)]
    internal static partial int sqlite3_extended_errcode(nint db);

    [LibraryImport(Library)]
    internal static partial byte* sqlite3_errmsg(nint db);

    [LibraryImport(Library)]
    internal static partial int sqlite3_wal_checkpoint_v2(nint db, byte* name, int mode, out int logFrames, out int checkpointed);

    [LibraryImport(Library)]
    internal static partial nint sqlite3_wal_hook(nint db, delegate* unmanaged[Cdecl]<nint, nint, byte*, int, int> hook, nint argument);
}
