using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

public sealed class SignInTests(PanelRig rig) : IClassFixture<PanelRig>
{
    [Fact]
    public async Task When_name_or_password_is_wrong_then_the_answer_is_the_same()
    {
        await using BrowserTab tab = await rig.OpenAsync();
        string unknown = await RefusalAsync(tab, "nobody", "some password or other");
        string wrong = await RefusalAsync(tab, PanelRig.Root, "some password or other");

        Assert.Equal(unknown, wrong);
        await Expect(tab.Page.Locator("#login-name")).ToHaveValueAsync(PanelRig.Root);
        await Expect(tab.Page.Locator("#login-password")).ToHaveValueAsync("");
        Assert.Empty(tab.Complaints);
    }

    static async Task<string> RefusalAsync(BrowserTab tab, string login, string password)
    {
        await tab.GoStaticAsync("/login");
        await tab.Page.FillAsync("#login-name", login);
        await tab.Page.FillAsync("#login-password", password);
        await tab.SubmitAsync("button[type=submit]");
        return await tab.Page.Locator("#login-error").InnerTextAsync();
    }

    [Fact]
    public async Task When_a_page_is_asked_for_before_sign_in_then_it_opens_afterwards()
    {
        await using BrowserTab tab = await rig.OpenAsync();
        await tab.GoStaticAsync("/domains");
        Assert.Contains("/login", tab.Page.Url, StringComparison.Ordinal);
        await tab.SignInAsync(PanelRig.Root, PanelRig.Password);

        Assert.Equal("/domains", new Uri(tab.Page.Url).AbsolutePath);
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_the_return_address_is_another_server_then_the_start_page_opens()
    {
        await using BrowserTab tab = await rig.OpenAsync();
        await tab.GoStaticAsync("/login?ReturnUrl=https%3A%2F%2Fevil.example%2F");
        await tab.SignInAsync(PanelRig.Root, PanelRig.Password);

        Assert.Equal(new Uri(rig.Server.Home, "/"), new Uri(tab.Page.Url));
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_signed_in_then_the_cookie_is_out_of_reach_of_scripts_and_other_sites()
    {
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        IReadOnlyList<BrowserContextCookiesResult> cookies = await tab.Page.Context.CookiesAsync();

        Assert.NotEmpty(cookies);
        Assert.All(cookies, c => Assert.True(c.HttpOnly, c.Name));
        Assert.All(cookies, c => Assert.True(c.SameSite is SameSiteAttribute.Strict or SameSiteAttribute.Lax, c.Name));
    }

    [Fact]
    public async Task When_one_browser_goes_from_https_to_http_and_back_then_the_log_in_works_each_time()
    {
        await using BrowserTab tab = await rig.OpenTlsAsync();
        await tab.SignInAsync(PanelRig.Root, PanelRig.Password);
        IReadOnlyList<BrowserContextCookiesResult> secure = await tab.Page.Context.CookiesAsync();
        Assert.All(secure, c => Assert.True(c.Secure && c.Name.StartsWith("__Host-", StringComparison.Ordinal), c.Name));

        // A page over HTTP may not replace the Secure cookies that are there now.
        await SignInAtAsync(rig.Server.Home);
        await SignInAtAsync(rig.Server.HomeTls, signedInAlready: true);
        await tab.Page.ClickAsync(".top details.menu summary");
        await tab.Page.ClickAsync("#logout");
        await tab.Page.WaitForURLAsync("**/login");
        await SignInAtAsync(rig.Server.HomeTls);

        async Task SignInAtAsync(Uri home, bool signedInAlready = false)
        {
            await tab.Page.GotoAsync(new Uri(home, signedInAlready ? "/" : "/login").ToString());
            if (!signedInAlready)
                await tab.SignInAsync(PanelRig.Root, PanelRig.Password);
            await tab.LiveAsync();
            Assert.Equal(new Uri(home, "/").ToString(), tab.Page.Url);
        }
    }

    [Fact]
    public async Task When_the_user_signs_out_then_no_page_opens_any_more()
    {
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        await tab.Page.ClickAsync(".top details.menu summary");
        await tab.Page.ClickAsync("#logout");
        await tab.Page.WaitForURLAsync("**/login");
        await tab.GoStaticAsync("/accounts");

        Assert.Contains("/login", tab.Page.Url, StringComparison.Ordinal);
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_cookie_was_planted_before_the_sign_in_then_whoever_planted_it_does_not_come_in_with_it()
    {
        long domain = await rig.GivenDomainAsync("fixation.test");
        long eve = await rig.GivenAccountAsync(domain, "eve");
        await rig.GivenAccountAsync(domain, "ann");
        using PanelClient planter = new(rig.Server.Home), victim = new(rig.Server.Home);
        await planter.SignInAsync("eve@fixation.test", PanelRig.Password);
        System.Net.Cookie planted = planter.Session;
        var sessions = rig.Server.Get<SessionService>();
        foreach (SessionRow open in (await sessions.ListAsync(rig.Superuser, eve)).Value!)
            Assert.True((await sessions.EndAsync(rig.Superuser, eve, open.Id)).Ok);

        victim.Plant(planted);
        await victim.SignInAsync("ann@fixation.test", PanelRig.Password);

        Assert.NotEqual(planted.Value, victim.Session.Value);
        Assert.Contains("ann@fixation.test", await victim.Http.GetStringAsync(new Uri("/account", UriKind.Relative)), StringComparison.Ordinal);
        using HttpResponseMessage answer = await planter.Http.GetAsync(new Uri("/account", UriKind.Relative));
        Assert.Equal(System.Net.HttpStatusCode.Redirect, answer.StatusCode);
    }

    [Fact]
    public async Task When_another_site_posts_a_sign_out_then_it_is_refused()
    {
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        IAPIResponse answer = await tab.Page.Context.APIRequest.PostAsync("/logout", new() { MaxRedirects = 0 });

        Assert.Equal(400, answer.Status);
    }

    [Fact]
    public async Task When_the_account_is_suspended_then_an_open_page_goes_back_to_sign_in()
    {
        long domain = await rig.GivenDomainAsync("suspend.test");
        long account = await rig.GivenAccountAsync(domain, "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@suspend.test");
        await rig.GivenSuspendedAsync(account);

        await tab.Page.WaitForURLAsync("**/login*");
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_the_own_password_is_changed_then_this_browser_stays_in_and_the_old_one_is_dead()
    {
        const string New = "an entirely different phrase";
        await rig.GivenAccountAsync(await rig.GivenDomainAsync("password.test"), "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@password.test");
        await tab.GoStaticAsync("/password");
        IPage page = tab.Page;

        await page.FillAsync("#password-current", "not this one");
        await page.FillAsync("#password-new", New);
        await page.FillAsync("#password-repeat", New);
        await tab.SubmitAsync("main button[type=submit]");
        await Expect(page.Locator("#password-current-error")).ToBeVisibleAsync();

        await page.FillAsync("#password-current", PanelRig.Password);
        await page.FillAsync("#password-new", New);
        await page.FillAsync("#password-repeat", New);
        await tab.SubmitAsync("main button[type=submit]");
        await Expect(page.Locator("#password-changed")).ToBeVisibleAsync();
        await tab.GoAsync("/account");

        await using BrowserTab other = await rig.OpenAsync();
        await RefusalAsync(other, "ann@password.test", PanelRig.Password);
        await other.SignInAsync("ann@password.test", New);
        Assert.Empty(tab.Complaints);
    }
}
