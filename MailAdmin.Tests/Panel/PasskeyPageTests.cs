using MailAdmin.Tests.Rig;
using MailAdmin.Tests.Services;
using MailEngine.Accounts;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>Passkeys in Chromium, with the authenticator that it brings for tests.</summary>
public sealed class PasskeyPageTests(PanelRig rig) : IClassFixture<PanelRig>
{
    static async Task<ICDPSession> GivenDeviceAsync(BrowserTab tab)
    {
        ICDPSession browser = await tab.Page.Context.NewCDPSessionAsync(tab.Page);
        await browser.SendAsync("WebAuthn.enable");
        await browser.SendAsync("WebAuthn.addVirtualAuthenticator", new Dictionary<string, object>
        {
            ["options"] = new Dictionary<string, object>
            {
                ["protocol"] = "ctap2", ["transport"] = "internal", ["hasResidentKey"] = true, ["hasUserVerification"] = true, ["isUserVerified"] = true,
                ["automaticPresenceSimulation"] = true,
            },
        });
        return browser;
    }

    static async Task SignOutAsync(BrowserTab tab)
    {
        await tab.GoAsync("/account");
        await tab.Page.ClickAsync(".top details.menu summary");
        await tab.Page.ClickAsync("#logout");
        await tab.Page.WaitForURLAsync("**/login");
    }

    static async Task MakeAsync(BrowserTab tab, string name)
    {
        await tab.GoStaticAsync("/security/passkeys");
        await tab.Page.FillAsync("#passkey-name", name);
        await tab.Page.FillAsync("#passkey-password", PanelRig.Password);
        await tab.SubmitAsync("#passkey-make");
        await Expect(tab.Page.Locator("#passkey-added")).ToBeVisibleAsync();
        await Expect(tab.Page.Locator("[data-passkey-error]")).ToBeHiddenAsync();
        await Expect(tab.Page.Locator("[data-passkey-lack]")).ToBeHiddenAsync();
    }

    [Theory]
    [InlineData(1280, false)]
    [InlineData(400, true)]
    public async Task When_a_passkey_is_made_then_it_signs_in_by_itself_until_it_is_removed(int width, bool dark)
    {
        string login = $"ann@passkey{width}.test";
        long account = await rig.GivenAccountAsync(await rig.GivenDomainAsync($"passkey{width}.test"), "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync(login, width, dark);
        IPage page = tab.Page;
        await GivenDeviceAsync(tab);
        await tab.GoStaticAsync("/security/passkeys");
        await page.FillAsync("#passkey-name", "x");
        await page.FillAsync("#passkey-password", "not this one");
        await tab.SubmitAsync("#passkey-make");
        await Expect(page.Locator("#passkey-password-error")).ToBeVisibleAsync();
        await tab.AssertSoundAsync($"/security/passkeys with an error at {width}");
        await MakeAsync(tab, "<img src=x onerror=alert(1)>");
        await Expect(page.Locator("ul.rows")).ToContainTextAsync("<img src=x onerror=alert(1)>");
        await tab.AssertSoundAsync($"/security/passkeys at {width}");

        await SignOutAsync(tab);
        await tab.GoStaticAsync("/login?ReturnUrl=%2Fvacation");
        await tab.AssertSoundAsync($"/login with passkeys at {width}");
        await page.ClickAsync("#login-passkey");
        await tab.LiveAsync();
        Assert.Equal("/vacation", new Uri(page.Url).AbsolutePath);
        await Expect(page.Locator(".user-name")).ToHaveTextAsync(login);

        await using BrowserTab root = await rig.GivenSignedInAsync(width: width, dark: dark);
        await root.GoAsync($"/accounts/{account}");
        await Expect(root.Page.Locator("#access")).ToContainTextAsync("<img src=x onerror=alert(1)>");
        await root.AssertSoundAsync($"an account with a passkey at {width}");
        await root.Page.Locator("#access li", new() { HasText = "<img" }).GetByRole(AriaRole.Button).ClickAsync();
        await Expect(root.Page.Locator("#access")).Not.ToContainTextAsync("<img");
        await SignOutAsync(tab);
        await page.ClickAsync("#login-passkey");
        await Expect(page.Locator("#login-error")).ToBeVisibleAsync();
        Assert.Empty(tab.Complaints.Concat(root.Complaints));
    }

    [Fact]
    public async Task When_the_second_factor_is_on_then_a_passkey_takes_the_place_of_the_code()
    {
        await rig.GivenAccountAsync(await rig.GivenDomainAsync("step.test"), "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@step.test");
        IPage page = tab.Page;
        ICDPSession browser = await GivenDeviceAsync(tab);
        await MakeAsync(tab, "telephone");
        foreach (string name in (string[])["", "<b>My key</b>"])
        {
            await page.Locator("details.rename summary").ClickAsync();
            await page.FillAsync("details.rename input[name=NewName]", name);
            await tab.SubmitAsync("details.rename button[type=submit]");
            await Expect(page.Locator(name.Length == 0 ? "#passkey-rename-error" : "ul.rows strong")).ToContainTextAsync(name);
        }
        await Expect(page.Locator("ul.rows strong")).ToHaveTextAsync("<b>My key</b>");
        await tab.GoStaticAsync("/security");
        string key = await page.Locator("#totp-key").InnerTextAsync();
        await page.FillAsync("#totp-code", Totp.CodeAt(ServicesRig.KeyIn("secret=" + key), Totp.StepAt(TimeProvider.System.GetUtcNow())));
        await page.FillAsync("#totp-password", PanelRig.Password);
        await tab.SubmitAsync("#turn-on");
        await Expect(page.Locator("#recovery-codes li")).ToHaveCountAsync(10);
        await SignOutAsync(tab);
        await tab.GoStaticAsync("/login?ReturnUrl=%2F%2Fevil.example%2F");
        await page.FillAsync("#login-name", "ann@step.test");
        await page.FillAsync("#login-password", PanelRig.Password);
        await tab.SubmitAsync("button[type=submit]");
        await page.WaitForURLAsync("**/login/code*");
        await tab.AssertSoundAsync("/login/code with a passkey");
        await page.ClickAsync("#step-passkey");
        await tab.LiveAsync();
        Assert.Equal(new Uri(rig.Server.Home, "/"), new Uri(page.Url));
        Assert.NotNull(browser);

        // Which passkeys there are is told to nobody who has not shown the password.
        await using BrowserTab stranger = await rig.OpenAsync();
        Assert.Equal(403, (await stranger.Page.Context.APIRequest.GetAsync("/login/code/passkey")).Status);
        Assert.Empty(tab.Complaints);
    }
}
