using MailAdmin.Tests.Rig;
using MailAdmin.Tests.Services;
using MailEngine.Accounts;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>Second factor, app passwords, sessions and the way into a user's place, by hand in the browser.</summary>
public sealed class SecurityPageTests(PanelRig rig) : IClassFixture<PanelRig>
{
    static string CodeOf(string key) => Totp.CodeAt(ServicesRig.KeyIn("secret=" + key), Totp.StepAt(TimeProvider.System.GetUtcNow()));

    static string NextCodeOf(string key) => Totp.CodeAt(ServicesRig.KeyIn("secret=" + key), Totp.StepAt(TimeProvider.System.GetUtcNow()) + 1);

    [Fact]
    public async Task When_the_second_factor_is_set_up_then_the_next_sign_in_asks_for_a_code_and_a_recovery_code_is_one()
    {
        await rig.GivenAccountAsync(await rig.GivenDomainAsync("factor.test"), "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@factor.test");
        IPage page = tab.Page;
        await tab.GoStaticAsync("/security");
        await Expect(page.Locator("svg.qr")).ToBeVisibleAsync();
        string key = await page.Locator("#totp-key").InnerTextAsync();
        await page.FillAsync("#totp-code", "000");
        await page.FillAsync("#totp-password", PanelRig.Password);
        await tab.SubmitAsync("#turn-on");
        await Expect(page.Locator("#totp-code-error")).ToBeVisibleAsync();
        await Expect(page.Locator("#totp-key")).ToHaveTextAsync(key);   // the picture that was scanned is still the right one
        await page.FillAsync("#totp-code", CodeOf(key));
        await page.FillAsync("#totp-password", PanelRig.Password);
        await tab.SubmitAsync("#turn-on");
        await Expect(page.Locator("#recovery-codes li")).ToHaveCountAsync(10);
        string recovery = await page.Locator("#recovery-codes li").First.InnerTextAsync();
        await tab.AssertSoundAsync("/security with codes");
        await tab.GoAsync("/account");   // this browser stays in

        await using BrowserTab other = await rig.OpenAsync();
        await GivenHalfwayAsync(other);
        await other.Page.FillAsync("#login-code", "000000");
        await other.SubmitAsync("button[type=submit]");
        await Expect(other.Page.Locator("#login-code-error")).ToBeVisibleAsync();
        // Halfway is not in.
        await other.GoStaticAsync("/account");
        Assert.Contains("/login", other.Page.Url, StringComparison.Ordinal);
        await GivenHalfwayAsync(other);
        await other.AssertSoundAsync("/login/code");
        await other.Page.FillAsync("#login-code", NextCodeOf(key));
        await other.SubmitAsync("button[type=submit]");
        await other.LiveAsync();

        await using BrowserTab third = await rig.OpenAsync();
        await GivenHalfwayAsync(third);
        await third.Page.FillAsync("#login-code", recovery);
        await third.SubmitAsync("button[type=submit]");
        await third.LiveAsync();
        Assert.Empty(tab.Complaints.Concat(other.Complaints).Concat(third.Complaints));
    }

    static async Task GivenHalfwayAsync(BrowserTab tab)
    {
        await tab.GoStaticAsync("/login");
        await tab.Page.FillAsync("#login-name", "ann@factor.test");
        await tab.Page.FillAsync("#login-password", PanelRig.Password);
        await tab.SubmitAsync("button[type=submit]");
        await tab.Page.WaitForURLAsync("**/login/code*");
    }

    [Theory]
    [InlineData(1280, true)]
    [InlineData(400, false)]
    public async Task When_a_domain_asks_for_a_second_factor_then_its_users_are_told_and_then_led_to_the_page_that_sets_it_up(int width, bool dark)
    {
        string name = $"needed{width}.test";
        long domain = await rig.GivenDomainAsync(name);
        await rig.GivenAccountAsync(domain, "ann");
        await using BrowserTab root = await rig.GivenSignedInAsync(width: width, dark: dark);
        await SetDayAsync(DateTime.UtcNow.AddDays(30));
        await using BrowserTab tab = await rig.GivenSignedInAsync($"ann@{name}", width, dark);
        IPage page = tab.Page;
        await Expect(page.Locator("#factor-banner")).ToBeVisibleAsync();
        await tab.AssertSoundAsync($"a second factor is needed soon at {width}");
        await tab.GoStaticAsync("/security");
        await Expect(page.Locator("#factor-soon")).ToBeVisibleAsync();
        await Expect(page.Locator("#factor-mail")).ToContainTextAsync("app password");
        await tab.GoAsync("/account");

        await SetDayAsync(DateTime.UtcNow.AddDays(-1));
        // The page that is open goes there with its next step, another one at once.
        await page.EvaluateAsync("() => Blazor.navigateTo('/vacation')");
        await page.WaitForURLAsync("**/security");
        foreach (string path in (string[])["/account", "/vacation", "/password", "/security/passwords", "/"])
        {
            await tab.GoStaticAsync(path);
            Assert.Equal("/security", new Uri(page.Url).AbsolutePath);
        }
        await Expect(page.Locator("#factor-needed")).ToBeVisibleAsync();
        await Expect(page.Locator("#app-passwords")).ToHaveCountAsync(0);
        await tab.AssertSoundAsync($"a second factor is needed at {width}");
        string key = await page.Locator("#totp-key").InnerTextAsync();
        await page.FillAsync("#totp-code", CodeOf(key));
        await page.FillAsync("#totp-password", PanelRig.Password);
        await tab.SubmitAsync("#turn-on");
        await Expect(page.Locator("#recovery-codes li")).ToHaveCountAsync(10);
        await tab.AssertSoundAsync($"a second factor that was needed is on at {width}");
        await page.ClickAsync("#to-app-passwords");
        await tab.LiveAsync();
        Assert.Equal("/security/passwords", new Uri(page.Url).AbsolutePath);
        Assert.Empty(tab.Complaints.Concat(root.Complaints));

        async Task SetDayAsync(DateTime day)
        {
            await root.GoAsync($"/domains/{domain}");
            await root.Page.FillAsync("#SecondFactorFrom", day.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture));
            await root.Page.Locator("#SecondFactorFrom").BlurAsync();
            await root.Page.Locator("main form:has(#SecondFactorFrom) button[type=submit]").ClickAsync();
            await Expect(root.Toast(name)).ToBeVisibleAsync();
        }
    }

    [Fact]
    public async Task When_a_role_is_to_need_a_second_factor_then_its_page_says_from_when()
    {
        await using BrowserTab root = await rig.GivenSignedInAsync();
        await root.GoAsync("/roles/3");
        await root.Page.FillAsync("#SecondFactorFrom", "2031-05-06");
        await root.Page.Locator("#SecondFactorFrom").BlurAsync();
        await root.Page.ClickAsync("#role-factor-save");
        await Expect(root.Toast("Helpdesk")).ToBeVisibleAsync();
        await root.GoAsync("/roles/3");
        await Expect(root.Page.Locator("#SecondFactorFrom")).ToHaveValueAsync("2031-05-06");
        await root.AssertSoundAsync("a role that needs a second factor");
        await root.Page.FillAsync("#SecondFactorFrom", "");
        await root.Page.Locator("#SecondFactorFrom").BlurAsync();
        await root.Page.ClickAsync("#role-factor-save");
        await Expect(root.Toast("Helpdesk")).ToBeVisibleAsync();
        Assert.Empty(root.Complaints);
    }

    [Theory]
    [InlineData(1280, false)]
    [InlineData(400, true)]
    public async Task When_app_passwords_and_sessions_are_managed_then_the_pages_show_them_and_markup_stays_text(int width, bool dark)
    {
        string name = $"apps{width}.test";
        await rig.GivenAccountAsync(await rig.GivenDomainAsync(name), "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync($"ann@{name}", width, dark);
        IPage page = tab.Page;
        await tab.GoAsync("/security/passwords");
        await page.FillAsync("#Name", "<img src=x onerror=alert(1)>");
        await page.ClickAsync("main form button[type=submit]");
        await Expect(page.Locator("#Password-error")).ToBeVisibleAsync();
        await page.FillAsync("#Password", PanelRig.Password);
        await page.ClickAsync("main form button[type=submit]");
        await Expect(page.Locator("#secret")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex("^([a-z2-9]{5}-){3}[a-z2-9]{5}$"));
        await Expect(page.Locator("ul.rows")).ToContainTextAsync("<img src=x onerror=alert(1)>");
        await tab.AssertSoundAsync($"/security/passwords at {width}");
        await page.Locator("ul.rows button").First.ClickAsync();
        await Expect(page.Locator("ul.rows li")).ToHaveCountAsync(0);

        await using BrowserTab other = await rig.GivenSignedInAsync($"ann@{name}");
        await tab.GoAsync("/security/sessions");
        await Expect(page.Locator("ul.rows li")).ToHaveCountAsync(2);
        await tab.AssertSoundAsync($"/security/sessions at {width}");
        await page.Locator("ul.rows li").First.GetByRole(AriaRole.Button).ClickAsync();   // the newest
        await page.ClickAsync("#confirm-yes");
        await other.Page.WaitForURLAsync("**/login*");   // a page asks by itself once a minute
        await Expect(page.Locator("ul.rows li")).ToHaveCountAsync(1);
        Assert.Empty(tab.Complaints.Concat(other.Complaints));
    }

    [Fact]
    public async Task When_a_superuser_goes_into_a_users_place_then_a_banner_stays_and_leaving_brings_him_back()
    {
        long account = await rig.GivenAccountAsync(await rig.GivenDomainAsync("visit.test"), "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync(width: 400);
        IPage page = tab.Page;
        await tab.GoAsync($"/accounts/{account}");
        await page.ClickAsync("#visit");
        await page.FillAsync("#visit-reason", "no");
        await tab.SubmitAsync("#visit-start");
        await Expect(page.Locator("#visit-reason-error")).ToBeVisibleAsync();
        await page.FillAsync("#visit-reason", "<script>alert(1)</script> she asked");
        await tab.SubmitAsync("#visit-start");
        await tab.LiveAsync();
        await Expect(page.Locator("#visit-banner")).ToContainTextAsync("ann@visit.test");
        await Expect(page.Locator("#visit-banner")).ToContainTextAsync("<script>alert(1)</script> she asked");
        await tab.AssertSoundAsync("a visit");
        await tab.GoAsync("/domains");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "No access" })).ToBeVisibleAsync();
        await tab.SubmitAsync("#visit-leave");
        await tab.LiveAsync();
        await Expect(page.Locator("#visit-banner")).ToHaveCountAsync(0);
        await tab.GoAsync("/domains");

        await using BrowserTab ann = await rig.GivenSignedInAsync("ann@visit.test");
        await ann.GoStaticAsync("/security");
        await ann.Page.ClickAsync("#history");
        await Expect(ann.Page.Locator("main")).ToContainTextAsync("<script>alert(1)</script> she asked");
        Assert.Empty(tab.Complaints.Concat(ann.Complaints));
    }

    [Fact]
    public async Task When_a_cookie_from_before_the_sign_in_comes_back_then_it_opens_nothing()
    {
        await rig.GivenAccountAsync(await rig.GivenDomainAsync("fixed.test"), "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@fixed.test");
        BrowserContextCookiesResult before = (await tab.Page.Context.CookiesAsync()).Single(c => c.Name.EndsWith("mailadmin.session", StringComparison.Ordinal));
        await tab.Page.ClickAsync(".top details.menu summary");
        await tab.Page.ClickAsync("#logout");
        await tab.Page.WaitForURLAsync("**/login");
        await tab.Page.Context.AddCookiesAsync([new() { Name = before.Name, Value = before.Value, Domain = before.Domain, Path = "/" }]);
        await tab.GoStaticAsync("/account");
        Assert.Contains("/login", tab.Page.Url, StringComparison.Ordinal);
        await tab.SignInAsync("ann@fixed.test", PanelRig.Password);
        Assert.NotEqual(before.Value, (await tab.Page.Context.CookiesAsync()).Single(c => c.Name == before.Name).Value);
    }

    [Fact]
    public async Task When_another_site_posts_a_form_then_it_is_refused()
    {
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        foreach (string path in (string[])["/leave", "/logout", "/security", "/password", "/login/code"])
        {
            IFormData form = tab.Page.Context.APIRequest.CreateFormData();
            form.Set("_handler", "second-factor-on").Set("Form.What", "off").Set("Form.Password", PanelRig.Password);
            IAPIResponse answer = await tab.Page.Context.APIRequest.PostAsync(path, new() { MaxRedirects = 0, Form = form });
            Assert.True(answer.Status == 400, $"{path}: {answer.Status}");
        }
    }
}
