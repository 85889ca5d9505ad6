using MailEngine.Store;

namespace MailAdmin.Tests.Rig;

static class MailboxWaits
{
    /// <summary>Ends when the mailbox is no longer as it was.</summary>
    public static async Task ChangedSince(this Mailbox box, MailboxSnapshot known)
    {
        var changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using IDisposable watch = box.Watch(() => changed.TrySetResult());
        if (ReferenceEquals(box.Current, known) && !box.IsDeleted)
            await changed.Task;
    }
}
