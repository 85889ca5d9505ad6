using MailAdmin.Tests.Rig;
using MailEngine.Store;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>Deleted mail comes back by a click, and a mail program sees it.</summary>
public sealed class RestoreTests(PanelRig rig) : IClassFixture<PanelRig>
{
    [Fact]
    public async Task When_a_user_restores_his_own_mail_then_it_is_back_over_IMAP()
    {
        long ann = await rig.GivenAccountAsync(await rig.GivenDomainAsync("own-restore.test"), "ann");
        var store = rig.Server.Get<MailStore>();
        await store.GivenExpungedAsync(ann, "minutes");
        await store.GivenDeletedMailboxAsync(ann, "Plans");
        await using WireScript mail = await rig.Server.LogInAsync("ann@own-restore.test");
        await mail.PlayAsync("C: 1 STATUS INBOX (MESSAGES)\nS: * STATUS \"INBOX\" (MESSAGES 0)\nS: 1 OK *");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@own-restore.test");
        IPage page = tab.Page;
        await tab.GoAsync("/account");
        await page.ClickAsync("#own-deleted");
        await Expect(page.Locator("h1")).ToHaveTextAsync("Deleted mail");

        await page.GetByRole(AriaRole.Button, new() { Name = "Restore minutes" }).ClickAsync();
        await Expect(tab.Toast("Restored.").First).ToBeVisibleAsync();
        await Expect(page.GetByText("No deleted mail")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Restore Plans" }).ClickAsync();
        await Expect(page.Locator("main .rows")).ToHaveCountAsync(0);

        await mail.SendAsync("2 SELECT INBOX\r\n");
        await mail.ReadUntilAsync("2 OK");
        await mail.SendAsync("3 FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]\r\n");
        Assert.Contains("Subject: minutes", string.Join('\n', await mail.ReadUntilAsync("3 OK")), StringComparison.Ordinal);
        await mail.PlayAsync("C: 4 STATUS Plans (MESSAGES)\nS: * STATUS \"Plans\" (MESSAGES 1)\nS: 4 OK *");
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_domain_master_restores_somebodys_mail_then_it_is_back_over_IMAP_and_he_has_not_seen_what_it_says()
    {
        long domain = await rig.GivenDomainAsync("master-restore.test");
        long bob = await rig.GivenAccountAsync(domain, "bob");
        await rig.GivenMasterAsync(await rig.GivenAccountAsync(domain, "mia"), domain);
        await rig.Server.Get<MailStore>().GivenExpungedAsync(bob, "confidential");
        await using BrowserTab tab = await rig.GivenSignedInAsync("mia@master-restore.test");
        IPage page = tab.Page;
        await tab.GoAsync($"/accounts/{bob}");
        await page.ClickAsync("#account-deleted");
        await Expect(page.Locator(".crumbs")).ToContainTextAsync("bob@master-restore.test");
        await Expect(page.Locator(".grid tbody tr")).ToHaveCountAsync(1);
        await Expect(page.Locator("main")).Not.ToContainTextAsync("confidential");

        await page.GetByRole(AriaRole.Button, new() { Name = "Restore Received" }).ClickAsync();
        await Expect(tab.Toast("Restored.")).ToBeVisibleAsync();

        await using WireScript mail = await rig.Server.LogInAsync("bob@master-restore.test");
        await mail.PlayAsync("C: 1 STATUS INBOX (MESSAGES)\nS: * STATUS \"INBOX\" (MESSAGES 1)\nS: 1 OK *");
        await tab.GoAsync("/audit");
        await Expect(page.Locator(".grid").GetByText("mail.restore")).ToBeVisibleAsync();
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_master_has_no_right_to_an_account_then_he_cannot_restore_its_mail()
    {
        await rig.GivenMasterAsync(await rig.GivenAccountAsync(await rig.GivenDomainAsync("his.test"), "mia"), await rig.GivenDomainAsync("also-his.test"));
        long stranger = await rig.GivenAccountAsync(await rig.GivenDomainAsync("not-his.test"), "cid");
        await rig.Server.Get<MailStore>().GivenExpungedAsync(stranger, "m");
        await using BrowserTab tab = await rig.GivenSignedInAsync("mia@his.test");
        await tab.GoAsync($"/accounts/{stranger}/deleted");

        await Expect(tab.Page.Locator("#missing")).ToBeVisibleAsync();
        Assert.Empty(tab.Complaints);
    }
}
