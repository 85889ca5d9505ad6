using MailEngine.Flow;

namespace MailAdmin.Tests.Rig;

/// <summary>Waits for the queue by its own events.</summary>
static class QueueWatch
{
    public static Task EmptyAsync(MailRig rig) => UntilAsync(rig, () => rig.Queue.Count == 0, "the queue does not get empty");

    /// <param name="complaint">What to say when it does not come true.</param>
    public static Task UntilAsync(MailRig rig, Func<bool> isSo, string complaint) => UntilAsync(rig, () => Task.FromResult(isSo()), complaint);

    /// <summary>The trace tells of the step; the row is in the state it tells of.</summary>
    public static Task StepAsync(MailRig rig, string address, TraceStep step) =>
        UntilAsync(rig, async () => (await rig.Trace.FindAsync(address)).Any(e => e.Step == step), $"no {step} of {address}");

    static async Task UntilAsync(MailRig rig, Func<Task<bool>> isSo, string complaint)
    {
        using var changed = new SemaphoreSlim(0);
        void Note() => changed.Release();
        rig.Control.Changed += Note;
        try
        {
            while (!await isSo())
                Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(60)), complaint);
        }
        finally
        {
            rig.Control.Changed -= Note;
        }
    }
}
