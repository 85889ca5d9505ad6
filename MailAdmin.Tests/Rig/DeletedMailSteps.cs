using MailEngine.Store;

namespace MailAdmin.Tests.Rig;

/// <summary>Puts deleted mail into a store.</summary>
static class DeletedMailSteps
{
    /// <summary>A mailbox with one message, deleted.</summary>
    public static async Task<DeletedMailbox> GivenDeletedMailboxAsync(this MailStore store, long account, string name = "Gone")
    {
        await store.CreateAsync(account, MailboxName.Parse(name));
        await store.GivenMessageAsync(account, name, name);
        Assert.Equal(StoreError.None, await store.DeleteAsync(account, MailboxName.Parse(name)));
        return store.DeletedMailboxes(account)[0];
    }

    /// <summary>A message that was expunged; its id.</summary>
    public static async Task<long> GivenExpungedAsync(this MailStore store, long account, string subject, string mailbox = "INBOX")
    {
        uint uid = await store.GivenMessageAsync(account, subject, mailbox);
        Mailbox box = (await store.OpenAsync(account, MailboxName.Parse(mailbox)))!;
        await store.StoreFlagsAsync(box, [uid], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        Assert.Equal(StoreError.None, await store.ExpungeAsync(box, [uid]));
        return box.Id << 32 | uid;
    }

    static async Task<uint> GivenMessageAsync(this MailStore store, long account, string subject, string mailbox)
    {
        using BodyWriter writer = store.NewBody();
        writer.Write(StoreRig.Mail(subject));
        using Body body = writer.Complete();
        AcceptOutcome outcome = await store.AcceptAsync(new Acceptance { Body = body, Deposits = [StoreRig.To(account, mailbox)] }, default);
        return outcome.Deposits[0].Uid;
    }
}
