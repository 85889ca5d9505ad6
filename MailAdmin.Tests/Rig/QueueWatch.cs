namespace MailAdmin.Tests.Rig;

/// <summary>Waits for the queue by its own events.</summary>
static class QueueWatch
{
    public static Task EmptyAsync(MailRig rig) => UntilAsync(rig, () => rig.Queue.Count == 0, "the queue does not get empty");

    /// <param name="complaint">What to say when it does not come true.</param>
    public static async Task UntilAsync(MailRig rig, Func<bool> isSo, string complaint)
    {
        using var changed = new SemaphoreSlim(0);
        void Note() => changed.Release();
        rig.Control.Changed += Note;
        try
        {
            while (!isSo())
                Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(20)), complaint);
        }
        finally
        {
            rig.Control.Changed -= Note;
        }
    }
}
