using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>Times and days of the panel are those of whoever looks; what the record holds of a change made there.</summary>
public sealed class ZonePagesTests(PanelRig rig) : IClassFixture<PanelRig>
{
    [Fact]
    public async Task When_somebody_is_elsewhere_then_times_and_days_are_as_his_browser_says_until_he_chooses()
    {
        long domain = await rig.GivenDomainAsync("zone.test");
        long account = await rig.GivenAccountAsync(domain, "ann");
        await rig.GivenMasterAsync(account, domain);
        long user = await rig.GivenAccountAsync(domain, "user");
        await using BrowserTab tab = await rig.OpenAsync(zone: "Asia/Kathmandu");
        await tab.SignInAsync("ann@zone.test", PanelRig.Password);
        await tab.GoAsync("/security/sessions");
        await Expect(tab.Page.Locator("main time").First).ToHaveAttributeAsync("title", new System.Text.RegularExpressions.Regex(@"\+05:45$"));

        await tab.GoAsync($"/accounts/{user}");
        await tab.Page.SelectOptionAsync("#State", "Suspended");
        await tab.Page.FillAsync("#SuspendedUntil", "2031-05-02");
        await tab.Page.FillAsync("#Reason", "Lost his telephone");
        await tab.Page.Locator("main form").First.GetByRole(Microsoft.Playwright.AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(tab.Toast("saved")).ToBeVisibleAsync();
        AccountForm form = (await rig.Server.Get<AccountService>().GetAsync(rig.Superuser, user)).Value!;
        Assert.Equal(new DateTimeOffset(2031, 5, 1, 18, 15, 0, TimeSpan.Zero), form.SuspendedUntil);
        await Expect(tab.Page.Locator("#SuspendedUntil")).ToHaveValueAsync("2031-05-02");

        // The record says from where and why, and its owner reads it.
        AuditRow entry = (await rig.Server.Get<AuditService>().ListAsync(rig.Superuser, new AuditQuery(new PageRequest(Take: 1), Action: "account."))).Value!.Items[0];
        Assert.Equal(("ann@zone.test", "Lost his telephone", "user@zone.test"), (entry.Actor, entry.Reason, entry.Object));
        Assert.True(System.Net.IPAddress.TryParse(entry.Client, out System.Net.IPAddress? from) && System.Net.IPAddress.IsLoopback(from), $"from \"{entry.Client}\"");

        await tab.GoAsync("/preferences");
        await tab.Page.SelectOptionAsync("#TimeZone", "America/New_York");
        await tab.Page.EvaluateAsync("() => document.body.dataset.before = 1");
        await tab.Page.ClickAsync("#preferences button[type=submit]");
        await Expect(tab.Page.Locator("body[data-before]")).ToHaveCountAsync(0);   // the page comes anew
        await tab.LiveAsync();
        await Expect(tab.Page.Locator("#TimeZone")).ToHaveValueAsync("America/New_York");
        await tab.GoAsync("/security/sessions");
        await Expect(tab.Page.Locator("main time").First).ToHaveAttributeAsync("title", new System.Text.RegularExpressions.Regex("-0[45]:00$"));
        await tab.GoAsync($"/accounts/{user}");
        await Expect(tab.Page.Locator("#SuspendedUntil")).ToHaveValueAsync("2031-05-01");
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_an_account_is_deleted_in_the_panel_then_the_reason_that_was_given_is_on_record()
    {
        long domain = await rig.GivenDomainAsync("reason.test");
        long account = await rig.GivenAccountAsync(domain, "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        await tab.GoAsync($"/accounts/{account}");
        // A focus that comes half a second late comes into the middle of what is typed.
        await tab.Page.EvaluateAsync("() => { const later = window.setTimeout; window.setTimeout = (what, ms, ...rest) => ms === 500 ? 0 : later(what, ms, ...rest); }");
        await tab.Page.ClickAsync("#account-delete");
        await tab.AskedAsync();
        await tab.Page.FillAsync("#confirm-reason", "She left the company");
        await tab.Page.ClickAsync("#confirm-yes");
        await Expect(tab.Toast("ann@reason.test")).ToBeVisibleAsync();
        PageOf<AuditRow> found = (await rig.Server.Get<AuditService>().ListAsync(rig.Superuser, new AuditQuery(new PageRequest(Filter: "ann@reason.test"), Action: "account.delete"))).Value!;
        Assert.Equal("She left the company", Assert.Single(found.Items).Reason);
        Assert.Empty(tab.Complaints);
    }
}
