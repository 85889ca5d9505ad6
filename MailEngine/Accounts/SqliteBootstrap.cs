using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using MailEngine.Io;

namespace MailEngine.Accounts;

/// <summary>Lets Microsoft.Data.Sqlite 10 run on SQLitePCLRaw.core 2.0.6 and on the SQLite library that <see cref="NativeSqlite"/> chose.</summary>
/// <remarks>Must run before anything touches EF's SQLite provider; docs/dependencies.md says why the versions differ. Of all members that
/// Microsoft.Data.Sqlite uses only sqlite3_load_extension has another shape in 2.0.6: extensions are never loaded.</remarks>
public static class SqliteBootstrap
{
    static readonly Lazy<bool> s_done = new(Run);

    /// <summary>Idempotent and safe to call from any thread.</summary>
    public static void EnsureDone() => _ = s_done.Value;

    static bool Run()
    {
        AssemblyLoadContext.Default.Resolving += static (context, name) => name.Name == "SQLitePCLRaw.core"
            ? context.LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, "SQLitePCLRaw.core.dll"))
            : null;
        SetProvider();
        return true;
    }

    // Apart, so that the types of SQLitePCLRaw are not looked for before the resolver above stands.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void SetProvider()
    {
        nint library = NativeLibraries.SqliteHandle;   // before the resolver is set: choosing the library may itself ask for e_sqlite3
        NativeLibrary.SetDllImportResolver(typeof(SQLitePCL.SQLite3Provider_e_sqlite3).Assembly,
            (name, _, _) => name == "e_sqlite3" ? library : 0);
        SQLitePCL.raw.SetProvider(new SQLitePCL.SQLite3Provider_e_sqlite3());
        SQLitePCL.raw.FreezeProvider();
    }
}
