using MailAdmin.Tests.Rig;
using MailEngine.Store;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>Who may use which mailbox, and how much may be in them, by hand in the browser; a mail program is held to it.</summary>
public sealed class MailboxPagesTests(PanelRig rig) : IClassFixture<PanelRig>
{
    [Fact]
    public async Task When_a_user_shares_a_mailbox_changes_his_mind_and_ends_it_then_the_other_may_what_he_said()
    {
        long domain = await rig.GivenDomainAsync("share.test");
        long ann = await rig.GivenAccountAsync(domain, "ann");
        await rig.GivenAccountAsync(domain, "bob");
        await rig.Server.Get<MailStore>().CreateAsync(ann, MailboxName.Parse("Work"));
        await using WireScript bob = await rig.Server.LogInAsync("bob@share.test");
        await bob.PlayAsync("C: 1 STATUS \"Other Users/ann@share.test/Work\" (MESSAGES)\nS: 1 NO *");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@share.test");
        IPage page = tab.Page;
        await tab.GoAsync("/account");
        await page.Locator("#mailboxes").GetByRole(AriaRole.Link, new() { Name = "Work", Exact = true }).ClickAsync();
        await tab.ArrivedAsync();
        await Expect(page.Locator("#access-list li")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex("ann@share.test.*Owner.*lrswipkxtea", System.Text.RegularExpressions.RegexOptions.Singleline));

        await page.FillAsync("#grant-who", "nobody@share.test");
        await page.ClickAsync("#grant button[type=submit]");
        await Expect(page.Locator("#grant-who-error")).ToBeVisibleAsync();
        await page.FillAsync("#grant-who", "bob@share.test");
        await page.ClickAsync("#grant button[type=submit]");
        ILocator entry = page.Locator("#access-list li", new() { HasText = "bob@share.test" });
        await Expect(entry).ToContainTextAsync("lrs");
        await bob.PlayAsync("C: 2 MYRIGHTS \"Other Users/ann@share.test/Work\"\nS: * MYRIGHTS \"Other Users/ann@share.test/Work\" lrs\nS: 2 OK *");

        await entry.GetByRole(AriaRole.Button, new() { Name = "Change what bob@share.test may do" }).ClickAsync();
        await Expect(page.Locator("#grant-level")).ToBeFocusedAsync();
        await Expect(page.Locator("#grant-who")).ToHaveValueAsync("bob@share.test");
        await page.SelectOptionAsync("#grant-level", "Chosen");
        await page.CheckAsync("#grant-Insert");
        await page.ClickAsync("#grant button[type=submit]");
        await Expect(entry).ToContainTextAsync("see that it is there, read messages, keep track of what is read, add messages");
        await bob.PlayAsync("C: 3 MYRIGHTS \"Other Users/ann@share.test/Work\"\nS: * MYRIGHTS \"Other Users/ann@share.test/Work\" lrsi\nS: 3 OK *");

        await entry.GetByRole(AriaRole.Button, new() { Name = "Take bob@share.test off the list" }).ClickAsync();
        await tab.AskedAsync();
        await page.FillAsync("#confirm-reason", "The work is done");
        await page.ClickAsync("#confirm-yes");
        await Expect(entry).ToHaveCountAsync(0);
        await tab.GoAsync("/account/history");
        await Expect(page.GetByText("The work is done")).ToBeVisibleAsync();
        await bob.PlayAsync("C: 4 STATUS \"Other Users/ann@share.test/Work\" (MESSAGES)\nS: 4 NO *");
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_master_makes_a_shared_mailbox_then_his_people_use_it_until_he_deletes_it()
    {
        long domain = await rig.GivenDomainAsync("team.test");
        await rig.GivenMasterAsync(await rig.GivenAccountAsync(domain, "mia"), domain);
        await rig.GivenAccountAsync(domain, "bob");
        await using WireScript bob = await rig.Server.LogInAsync("bob@team.test");
        await using BrowserTab tab = await rig.GivenSignedInAsync("mia@team.test");
        IPage page = tab.Page;
        await tab.GoAsync($"/domains/{domain}");
        await tab.FollowAsync("#mailboxes-all");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "No shared mailboxes yet" })).ToBeVisibleAsync();
        await page.FillAsync("#mailbox-name", "INBOX");
        await page.ClickAsync("#new-mailbox button[type=submit]");
        await Expect(page.Locator("#mailbox-name-error")).ToBeVisibleAsync();
        await page.FillAsync("#mailbox-name", "Orders");
        await page.ClickAsync("#new-mailbox button[type=submit]");
        await Expect(tab.Toast("Orders is ready")).ToBeVisibleAsync();
        await bob.PlayAsync("C: 1 MYRIGHTS Shared/Orders\nS: * MYRIGHTS \"Shared/Orders\" lrswited\nS: 1 OK *");
        await bob.SendAsync("2 APPEND Shared/Orders {17+}\r\nSubject: one\r\n\r\n1\r\n");
        await bob.PlayAsync("S: 2 OK *");

        await page.FillAsync("#MaxMessages", "1");
        await page.ClickAsync("#shared-limits button[type=submit]");
        await Expect(tab.Toast("The limits are saved")).ToBeVisibleAsync();
        await bob.SendAsync("3 APPEND Shared/Orders {17+}\r\nSubject: two\r\n\r\n2\r\n");
        await bob.PlayAsync("S: 3 NO [OVERQUOTA] *");

        await page.Locator(".grid").GetByRole(AriaRole.Link, new() { Name = "Orders" }).ClickAsync();
        await page.ClickAsync("#mailbox-delete");
        await tab.AskedAsync();
        await page.FillAsync("#confirm-name", "Orders");
        await page.ClickAsync("#confirm-yes");
        await Expect(tab.Toast("Orders is deleted")).ToBeVisibleAsync();
        await bob.PlayAsync("C: 4 STATUS Shared/Orders (MESSAGES)\nS: 4 NO *");
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_an_administrator_limits_messages_and_mailboxes_then_the_account_page_shows_it_and_IMAP_too()
    {
        long ann = await rig.GivenAccountAsync(await rig.GivenDomainAsync("limits.test"), "ann");
        await using WireScript mail = await rig.Server.LogInAsync("ann@limits.test");
        await mail.PlayAsync("C: 1 CREATE One\nS: 1 OK *");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        IPage page = tab.Page;
        await tab.GoAsync($"/accounts/{ann}");
        // The field says so as soon as it is left; what stands below it moves then, so the click comes after.
        await page.FillAsync("#MaxMessages", "many");
        await page.PressAsync("#MaxMessages", "Tab");
        await Expect(page.Locator("#MaxMessages-error")).ToBeVisibleAsync();
        await page.ClickAsync("main form button[type=submit] >> nth=0");
        await Expect(page.Locator("#MaxMessages")).ToBeFocusedAsync();
        await page.FillAsync("#QuotaBytes", "lots");
        await page.PressAsync("#QuotaBytes", "Tab");
        await Expect(page.Locator("#QuotaBytes-error")).ToBeVisibleAsync();
        await page.ClickAsync("main form button[type=submit] >> nth=0");
        await Expect(page.Locator("#QuotaBytes")).ToBeFocusedAsync();
        Assert.Null(rig.Server.Get<MailStore>().LimitsOf(ann).Messages);

        await page.FillAsync("#QuotaBytes", "1");
        await page.FillAsync("#MaxMessages", "500");
        await page.FillAsync("#MaxMailboxes", "3");
        await page.PressAsync("#MaxMailboxes", "Tab");
        await page.ClickAsync("main form button[type=submit] >> nth=0");
        await Expect(tab.Toast("ann@limits.test is saved")).ToBeVisibleAsync();
        await Expect(page.Locator("#mailboxes")).ToContainTextAsync("messages 0 of 500");
        await mail.PlayAsync("C: 2 GETQUOTA user/ann@limits.test\nS: * QUOTA \"user/ann@limits.test\" (STORAGE 0 1048576 MESSAGE 0 500 MAILBOX *\nS: 2 OK *");
        Assert.Empty(tab.Complaints);
    }
}
