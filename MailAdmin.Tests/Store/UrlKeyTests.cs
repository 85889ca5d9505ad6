using MailAdmin.Tests.Rig;
using MailEngine.Store;

namespace MailAdmin.Tests.Store;

public class UrlKeyTests
{
    [Fact]
    public async Task When_the_server_starts_again_then_urls_stay_worth_what_they_were()
    {
        await using StoreRig rig = await StoreRig.OpenAsync();
        Mailbox box = (await rig.Store.OpenAsync(1, MailboxName.Inbox))!;
        (StoreError error, string? key) = await rig.Store.UrlKeyAsync(box);
        Assert.Equal(StoreError.None, error);
        Assert.Equal(64, key!.Length);
        (_, string? same) = await rig.Store.UrlKeyAsync(box);
        Assert.Equal(key, same);
        await rig.ReopenAsync();
        box = (await rig.Store.OpenAsync(1, MailboxName.Inbox))!;
        Assert.Equal(key, rig.Store.FindUrlKey(box));
        await rig.Store.ResetUrlKeysAsync(1, null);
        Assert.Null(rig.Store.FindUrlKey(box));
        (_, string? next) = await rig.Store.UrlKeyAsync(box);
        Assert.NotEqual(key, next);
    }
}
