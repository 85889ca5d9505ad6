using System.Runtime.InteropServices;

namespace MailEngine.Io;

/// <summary>How much of the processors a thread gets when others want them too.</summary>
public static partial class ProcessorShare
{
    /// <summary>The calling thread works only with what others leave. For threads of our own that nobody waits for; there is no way back.</summary>
    /// <remarks>On Linux niceness belongs to the thread; .NET's thread priorities have no effect there.</remarks>
    public static void GiveWay() => _ = nice(19);

    [LibraryImport(NativeLibraries.Libc)]
    private static partial int nice(int increment);
}
