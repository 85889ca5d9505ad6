namespace MailEngine.Store;

/// <summary>Whether mail comes in a stream, more than a hundred changes a second, which work that nobody waits for lets go first.</summary>
/// <remarks>The commit loop notes; any thread asks.</remarks>
internal sealed class Inflow
{
    const int Changes = 32, Milliseconds = 320;

    readonly long[] _times = new long[Changes];   // when the last ones came, Environment.TickCount64; a ring
    int _oldest;

    public bool IsStream => Environment.TickCount64 - Volatile.Read(ref _times[Volatile.Read(ref _oldest)]) < Milliseconds;

    public Inflow() => Array.Fill(_times, long.MinValue / 2);   // long ago

    public void Note()
    {
        Volatile.Write(ref _times[_oldest], Environment.TickCount64);
        Volatile.Write(ref _oldest, (_oldest + 1) % Changes);
    }
}
