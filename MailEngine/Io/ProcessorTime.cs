using System.Runtime.InteropServices;

namespace MailEngine.Io;

/// <summary>Processor time of the calling thread: what work costs, however busy the machine is.</summary>
static partial class ProcessorTime
{
    const int ThreadClock = 3;   // CLOCK_THREAD_CPUTIME_ID, clock_gettime(2)

    [StructLayout(LayoutKind.Sequential)]
    struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    /// <summary>A system call, some 0.2 µs.</summary>
    public static TimeSpan OfThread()
    {
        if (clock_gettime(ThreadClock, out Timespec time) != 0)
            throw new InvalidOperationException($"clock_gettime: {Marshal.GetLastPInvokeErrorMessage()}");
        return TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromTicks(time.Nanoseconds / 100);
    }

    [LibraryImport(NativeLibraries.Libc, SetLastError = true)]
    private static partial int clock_gettime(int clock, out Timespec time);
}
