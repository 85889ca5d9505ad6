using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MailEngine.Io;

/// <summary>Chooses, once for the whole process, the libraries that this assembly calls.</summary>
/// <remarks>
/// SQLite: the system's libsqlite3 (Debian patches it); a machine without it gets the one that comes with the SQLitePCLRaw package.
/// EF Core is pointed at the same one by Accounts. libc: by the program's own scope, so that a preloaded library (fault injection,
/// libeatmydata) sees our syncs as it sees those of SQLite.
/// </remarks>
internal static class NativeLibraries
{
    internal const string Sqlite = "mailengine_sqlite3";
    internal const string Libc = "mailengine_libc";

    static readonly Lazy<nint> s_sqlite = new(() =>
        WithoutStatistics(NativeLibrary.TryLoad("libsqlite3.so.0", out nint system)
            ? system
            : NativeLibrary.Load("e_sqlite3", typeof(SQLitePCL.SQLite3Provider_e_sqlite3).Assembly, null)));

    /// <summary>Its statistics of memory, which nobody reads, cost a lock at every allocation; it must be told before its first use.</summary>
    static unsafe nint WithoutStatistics(nint library)
    {
        const int memoryStatistics = 9;   // SQLITE_CONFIG_MEMSTATUS
        _ = ((delegate* unmanaged[Cdecl]<int, int, int>)NativeLibrary.GetExport(library, "sqlite3_config"))(memoryStatistics, 0);
        return library;
    }

    /// <summary>The loaded SQLite.</summary>
    internal static nint SqliteHandle => s_sqlite.Value;

#pragma warning disable CA2255 // The resolver must be set before the first call, whoever makes it.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Initialize() => NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, static (name, _, _) => name switch
    {
        Sqlite => SqliteHandle,
        Libc => NativeLibrary.GetMainProgramHandle(),
        _ => 0,
    });
}
