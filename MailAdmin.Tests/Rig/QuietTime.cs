namespace MailAdmin.Tests.Rig;

/// <summary>Time as it would be on a machine that does nothing else: while others have the processors, it stands.</summary>
static class QuietTime
{
    static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(20);

    /// <summary>How long something takes, by the ticks that this process saw meanwhile. On a quiet machine that is the time of the wall;
    /// a tick that comes late, because nothing here could run, counts once, as what was waited for came late as well.</summary>
    public static async Task<TimeSpan> OfAsync(Func<Task> what)
    {
        using var timer = new PeriodicTimer(s_tick);
        int ticks = 0;
        Task running = what();
        while (!running.IsCompleted)
        {
            await timer.WaitForNextTickAsync();
            ticks++;
        }
        await running;
        return ticks * s_tick;
    }
}
