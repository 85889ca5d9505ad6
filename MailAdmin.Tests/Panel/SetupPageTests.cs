using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>The first minutes of a new server.</summary>
public sealed class SetupPageTests
{
    const string Password = PanelRig.Password;

    [Fact]
    public async Task When_the_link_is_used_then_the_server_is_set_up_once_and_the_superuser_is_in()
    {
        await using PanelServer server = await PanelServer.StartAsync();
        await using Browser browser = await Browser.StartAsync();
        await using BrowserTab tab = await browser.OpenAsync(server.Home);
        IPage page = tab.Page;
        string token = await server.Get<SetupService>().NewTokenAsync(default);

        // A wrong link says so and offers no form.
        Assert.Equal(403, await tab.GoStaticAsync("/setup?token=guessed"));
        await Expect(page.Locator("#setup-bad-link")).ToBeVisibleAsync();
        await Expect(page.Locator("form")).ToHaveCountAsync(0);

        // Nothing filled in: each field says what it wants, and the focus is on the first.
        await tab.GoStaticAsync("/setup?token=" + token);
        await tab.SubmitAsync("button[type=submit]");
        foreach (string field in (string[])["setup-hostname", "setup-password"])
            await Expect(page.Locator($"#{field}-error")).ToBeVisibleAsync();
        await Expect(page.Locator("#setup-hostname")).ToBeFocusedAsync();
        await Expect(page.Locator("#setup-hostname")).ToHaveAttributeAsync("aria-invalid", "true");

        // What was right is kept, passwords are not sent back.
        await page.FillAsync("#setup-domain", "example.test");
        await page.FillAsync("#setup-hostname", "mail.example.test");
        await page.FillAsync("#setup-login", "root");
        await page.FillAsync("#setup-password", Password);
        await page.FillAsync("#setup-repeat", Password + "?");
        await tab.SubmitAsync("button[type=submit]");
        await Expect(page.Locator("#setup-repeat-error")).ToBeVisibleAsync();
        await Expect(page.Locator("#setup-domain")).ToHaveValueAsync("example.test");
        await Expect(page.Locator("#setup-password")).ToHaveValueAsync("");

        await page.FillAsync("#setup-password", Password);
        await page.FillAsync("#setup-repeat", Password);
        await tab.SubmitAsync("button[type=submit]");
        await tab.LiveAsync();
        await tab.GoAsync("/domains");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "example.test", Exact = true })).ToBeVisibleAsync();

        // The link is dead now.
        Assert.Equal(410, await tab.GoStaticAsync("/setup?token=" + token));
        await Expect(page.Locator("form")).ToHaveCountAsync(0);
        Assert.Empty(tab.Complaints);
    }
}
