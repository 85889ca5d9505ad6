using MailAdmin.Tests.Rig;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>What an administrator does all day, by hand in the browser.</summary>
public sealed class ManageTests(PanelRig rig) : IClassFixture<PanelRig>
{
    [Fact]
    public async Task When_a_domain_is_created_changed_and_deleted_then_the_list_follows()
    {
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        IPage page = tab.Page;
        await tab.GoAsync("/domains");
        await tab.FollowAsync("#domain-new");
        await page.FillAsync("#Name", "not a domain");
        await page.ClickAsync("main button[type=submit]");
        await Expect(page.Locator("#Name-error")).ToBeVisibleAsync();
        await Expect(page.Locator("#Name")).ToBeFocusedAsync();

        await page.FillAsync("#Name", "shop.test");
        await page.FillAsync("#MaxAccounts", "20");
        await page.FillAsync("#DefaultQuotaBytes", "1.5");
        await page.ClickAsync("main button[type=submit]");
        await Expect(tab.Toast("shop.test is ready")).ToBeVisibleAsync();
        await Expect(page.Locator("h1")).ToHaveTextAsync("shop.test");
        await tab.ArrivedAsync();
        await Expect(page.Locator("#DefaultQuotaBytes")).ToHaveValueAsync("1.5");

        await page.FillAsync("#MaxAccounts", "25");
        await page.ClickAsync("main form button[type=submit]");
        await Expect(tab.Toast("shop.test is saved")).ToBeVisibleAsync();
        await page.ReloadAsync();
        await tab.LiveAsync();
        await Expect(page.Locator("#MaxAccounts")).ToHaveValueAsync("25");

        // Deleting says what goes and wants the name typed.
        await page.ClickAsync("#domain-delete");
        await tab.AskedAsync();
        await page.ClickAsync("#confirm-yes");
        await Expect(page.Locator("#confirm-name-error")).ToBeVisibleAsync();
        await page.FillAsync("#confirm-name", "shop.test");
        await page.ClickAsync("#confirm-yes");
        await Expect(tab.Toast("shop.test is deleted")).ToBeVisibleAsync();
        await page.WaitForURLAsync("**/domains");
        await tab.ArrivedAsync();
        await page.FillAsync("#search", "shop.test");
        await Expect(page.GetByText("Nothing matches")).ToBeVisibleAsync();
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_an_account_form_is_wrong_then_each_field_says_why_and_a_right_one_makes_the_account()
    {
        long domain = await rig.GivenDomainAsync("people.test");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        IPage page = tab.Page;
        await tab.GoAsync($"/accounts/new?domain={domain}");
        await page.FillAsync("#LocalPart", "ann bee");
        await page.FillAsync("#Password", "short");
        await page.ClickAsync("main button[type=submit]");
        await Expect(page.Locator("#LocalPart-error")).ToBeVisibleAsync();
        await Expect(page.Locator("#Password-error")).ToBeVisibleAsync();
        await Expect(page.Locator("#LocalPart")).ToBeFocusedAsync();
        await page.FillAsync("#LocalPart", "ann");
        await page.ClickAsync("main button[type=submit]");
        await Expect(page.Locator("#LocalPart-error")).ToBeHiddenAsync();
        await Expect(page.Locator("#Password-error")).ToBeVisibleAsync();
        await Expect(page.Locator("#Password")).ToBeFocusedAsync();
        await page.FillAsync("#Password", PanelRig.Password);

        await page.FillAsync("#LocalPart", "ann");
        await page.FillAsync("#DisplayName", "Ann Example");
        await page.FillAsync("#QuotaBytes", "2");
        await page.UncheckAsync("#Services-Pop3");
        await page.ClickAsync("main button[type=submit]");
        await Expect(tab.Toast("ann@people.test is ready")).ToBeVisibleAsync();
        await Expect(page.Locator("#QuotaBytes")).ToHaveValueAsync("2");
        await Expect(page.Locator("#Services-Pop3")).Not.ToBeCheckedAsync();
        await Expect(page.Locator(".use-text").First).ToContainTextAsync("2\u00a0GB");

        await page.ClickAsync("#account-delete");
        await Expect(page.Locator(".rz-dialog")).ToContainTextAsync("ann@people.test");
        await page.ClickAsync("#confirm-yes");
        await Expect(tab.Toast("ann@people.test is deleted")).ToBeVisibleAsync();
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_an_alias_is_made_then_it_can_be_switched_off_changed_and_deleted()
    {
        long domain = await rig.GivenDomainAsync("alias.test");
        await rig.GivenAccountAsync(domain, "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        IPage page = tab.Page;
        await tab.GoAsync($"/addresses/new?domain={domain}");
        await page.FillAsync("#LocalPart", "sales");
        await page.ClickAsync("main button[type=submit]");
        await Expect(page.Locator("#Targets-error")).ToBeVisibleAsync();
        await page.FillAsync("#Targets", "ann@alias.test\nelsewhere@example.org");
        await page.ClickAsync("main button[type=submit]");
        await Expect(tab.Toast("sales@alias.test is ready")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Turn off sales@alias.test" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Turn on sales@alias.test" })).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Link, new() { Name = "sales@alias.test" }).ClickAsync();
        await tab.ArrivedAsync();
        await Expect(page.Locator("#Enabled")).Not.ToBeCheckedAsync();
        await page.FillAsync("#Targets", "ann@alias.test");
        await page.ClickAsync("main form button[type=submit]");
        await Expect(tab.Toast("sales@alias.test is saved")).ToBeVisibleAsync();
        await page.ClickAsync("#address-delete");
        await page.ClickAsync("#confirm-yes");
        await Expect(tab.Toast("sales@alias.test is deleted")).ToBeVisibleAsync();
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_catch_all_is_made_then_the_list_names_it_so()
    {
        long domain = await rig.GivenDomainAsync("all.test");
        await rig.GivenAccountAsync(domain, "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        await tab.GoAsync($"/addresses/new?domain={domain}");
        await tab.Page.CheckAsync("#CatchAll");
        await tab.Page.FillAsync("#Targets", "ann@all.test");
        await tab.Page.ClickAsync("main button[type=submit]");

        await Expect(tab.Page.Locator(".grid .badge", new() { HasText = "Catch-all" })).ToBeVisibleAsync();
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_an_account_is_appointed_then_it_manages_that_domain_and_sees_no_other()
    {
        long own = await rig.GivenDomainAsync("own.test");
        long foreign = await rig.GivenDomainAsync("foreign.test");
        await rig.GivenAccountAsync(own, "mia");
        long stranger = await rig.GivenAccountAsync(foreign, "max");
        await using (BrowserTab root = await rig.GivenSignedInAsync())
        {
            await root.GoAsync("/administrators");
            await root.Page.FillAsync("#appoint-account", "mia@own.test");
            await root.Page.SelectOptionAsync("#appoint-domain", new SelectOptionValue { Label = "own.test" });
            await root.Page.ClickAsync("#appoint button[type=submit]");
            await Expect(root.Toast("mia@own.test")).ToBeVisibleAsync();
            Assert.Empty(root.Complaints);
        }

        await using BrowserTab tab = await rig.GivenSignedInAsync("mia@own.test");
        IPage page = tab.Page;
        await tab.GoAsync("/domains");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "own.test", Exact = true })).ToBeVisibleAsync();
        await Expect(page.GetByText("foreign.test")).ToHaveCountAsync(0);
        await Expect(page.Locator("#domain-new")).ToHaveCountAsync(0);

        // By address bar: the same page as for something that does not exist.
        foreach (string path in (string[])[$"/domains/{foreign}", $"/accounts/{stranger}", "/domains/999999"])
        {
            await tab.GoAsync(path);
            await Expect(page.Locator("#missing")).ToBeVisibleAsync();
        }
        await tab.GoAsync($"/accounts?domain={foreign}");
        await Expect(page.GetByText("max@foreign.test")).ToHaveCountAsync(0);
        foreach (string path in (string[])["/administrators", "/domains/new", "/queue", "/trace"])
        {
            await tab.GoAsync(path);
            await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "No access" })).ToBeVisibleAsync();
        }
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_someone_without_a_role_signs_in_then_only_the_own_account_is_there()
    {
        await rig.GivenAccountAsync(await rig.GivenDomainAsync("plain.test"), "joe");
        await using BrowserTab tab = await rig.GivenSignedInAsync("joe@plain.test");
        IPage page = tab.Page;
        await Expect(page.Locator(".side a[href='/domains']")).ToHaveCountAsync(0);
        foreach (string path in (string[])["/domains", "/accounts", "/addresses", "/administrators", "/queue", "/trace", "/audit"])
        {
            await tab.GoAsync(path);
            await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "No access" })).ToBeVisibleAsync();
        }
        await tab.GoAsync("/account");
        await Expect(page.GetByText("joe@plain.test").First).ToBeVisibleAsync();
        Assert.Empty(tab.Complaints);
    }
}
