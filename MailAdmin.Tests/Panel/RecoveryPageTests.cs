using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using MailEngine.Store;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>Forgotten passwords and invitations, by hand in the browser, with the mail that goes between.</summary>
public sealed class RecoveryPageTests(PanelRig rig) : IClassFixture<PanelRig>
{
    const string New = "an entirely different phrase";

    [Theory]
    [InlineData(1280, false)]
    [InlineData(400, true)]
    public async Task When_a_password_is_forgotten_then_the_user_gets_back_in_by_a_link_from_his_recovery_address(int width, bool dark)
    {
        string name = $"forgot{width}.test";
        long domain = await rig.GivenDomainAsync(name);
        await rig.GivenAccountAsync(domain, "ann");
        long elsewhere = await rig.GivenAccountAsync(domain, "elsewhere");
        await using BrowserTab tab = await rig.GivenSignedInAsync($"ann@{name}", width, dark);
        IPage page = tab.Page;
        await tab.GoStaticAsync("/security");
        await page.FillAsync("#recovery-new", $"ann@{name}");
        await page.FillAsync("#recovery-password", "not this one");
        await tab.SubmitAsync("#recovery-set");
        await Expect(page.Locator("#recovery-new-error")).ToBeVisibleAsync();
        await Expect(page.Locator("#recovery-password-error")).ToBeVisibleAsync();
        await tab.AssertSoundAsync($"/security with errors at {width}");
        await page.FillAsync("#recovery-new", $"elsewhere@{name}");
        await page.FillAsync("#recovery-password", PanelRig.Password);
        await tab.SubmitAsync("#recovery-set");
        await Expect(page.Locator("#recovery-waiting")).ToContainTextAsync($"elsewhere@{name}");

        var store = rig.Server.Get<MailStore>();
        await using BrowserTab other = await rig.OpenAsync(width, dark);
        await other.GoStaticAsync("/login/link?token=" + InboxSteps.TokenIn((await store.InboxAsync(elsewhere, 1))[0]));
        await other.AssertSoundAsync($"a link for an address at {width}");
        await other.SubmitAsync("#link-confirm");
        await Expect(other.Page.Locator("#link-done")).ToBeVisibleAsync();
        await tab.GoStaticAsync("/security");
        await Expect(page.Locator("#recovery-address")).ToContainTextAsync($"elsewhere@{name}");
        await tab.AssertSoundAsync($"/security with a recovery address at {width}");

        await other.GoStaticAsync("/login");
        await other.Page.ClickAsync("#login-forgotten");
        await Expect(other.Page.Locator("h1")).ToHaveTextAsync("Password forgotten");
        await other.GoStaticAsync("/login/forgotten");   // colours change slowly under the mouse
        await other.AssertSoundAsync($"/login/forgotten at {width}");
        await other.Page.FillAsync("#forgotten-name", $"nobody@{name}");
        await other.SubmitAsync("button[type=submit]");
        string unknown = await other.Page.Locator("main").InnerTextAsync();
        await other.GoStaticAsync("/login/forgotten");
        await other.Page.FillAsync("#forgotten-name", $"ann@{name}");
        await other.SubmitAsync("button[type=submit]");
        await Expect(other.Page.Locator("#forgotten-asked")).ToBeVisibleAsync();
        Assert.Equal(unknown, await other.Page.Locator("main").InnerTextAsync());
        await other.AssertSoundAsync($"a link that was asked for at {width}");

        string link = "/login/link?token=" + InboxSteps.TokenIn((await store.InboxAsync(elsewhere, 2))[1]);
        await other.GoStaticAsync(link);
        await other.GoStaticAsync(link);   // looking does not use it up
        await other.Page.FillAsync("#link-new", "short");
        await other.SubmitAsync("button[type=submit]");
        await Expect(other.Page.Locator("#link-new-error")).ToBeVisibleAsync();
        await other.AssertSoundAsync($"a link for a password at {width}");
        await other.Page.FillAsync("#link-new", New);
        await other.Page.FillAsync("#link-repeat", New);
        await other.SubmitAsync("button[type=submit]");
        await other.LiveAsync();
        Assert.Equal(410, await other.GoStaticAsync(link));
        await other.AssertSoundAsync($"a void link at {width}");
        await tab.GoStaticAsync("/account");
        Assert.Contains("/login", page.Url, StringComparison.Ordinal);
        await tab.SignInAsync($"ann@{name}", New);
        Assert.Empty(tab.Complaints.Concat(other.Complaints));
    }

    [Fact]
    public async Task When_an_account_is_made_by_invitation_then_its_link_opens_it()
    {
        long domain = await rig.GivenDomainAsync("invite.test");
        long elsewhere = await rig.GivenAccountAsync(domain, "elsewhere");
        await using BrowserTab tab = await rig.GivenSignedInAsync(width: 400);
        IPage page = tab.Page;
        await tab.GoAsync($"/accounts/new?domain={domain}");
        await page.FillAsync("#LocalPart", "ann");
        await page.CheckAsync("#Invite");
        await Expect(page.Locator("#Password")).ToHaveCountAsync(0);
        await page.FillAsync("#RecoveryAddress", "elsewhere@invite.test");
        await page.Locator("#RecoveryAddress").BlurAsync();
        await Expect(page.Locator("#InviteMail")).ToBeCheckedAsync();
        await tab.AssertSoundAsync("a new account by invitation");
        await page.ClickAsync("main form button[type=submit]");
        string first = await page.Locator("#invitation-link").InnerTextAsync();
        await tab.AssertSoundAsync("an invitation");
        Assert.Equal(InboxSteps.TokenIn(first), InboxSteps.TokenIn(Assert.Single(await rig.Server.Get<MailStore>().InboxAsync(elsewhere, 1))));

        await page.Locator("main a.btn-primary").ClickAsync();
        await page.ClickAsync("#invite");
        string second = await page.Locator("#invitation-link").InnerTextAsync();
        await tab.AssertSoundAsync("an account without a password");
        await using BrowserTab ann = await rig.OpenAsync();
        Assert.Equal(410, await ann.GoStaticAsync("/login/link?token=" + InboxSteps.TokenIn(first)));
        await ann.GoStaticAsync("/login/link?token=" + InboxSteps.TokenIn(second));
        await Expect(ann.Page.Locator("h1")).ToHaveTextAsync("Pick your password");
        await ann.Page.FillAsync("#link-new", New);
        await ann.Page.FillAsync("#link-repeat", New);
        await ann.SubmitAsync("button[type=submit]");
        await ann.LiveAsync();
        Assert.Empty(tab.Complaints.Concat(ann.Complaints));
    }

    [Fact]
    public async Task When_a_request_bears_a_strange_host_name_then_the_mailed_link_does_not()
    {
        long domain = await rig.GivenDomainAsync("hosted.test");
        long account = await rig.GivenAccountAsync(domain, "ann");
        long elsewhere = await rig.GivenAccountAsync(domain, "elsewhere");
        Assert.True((await rig.Server.Get<RecoveryService>().SetForAsync(Actor.Cli("root"), account, "elsewhere@hosted.test")).Ok);
        using var http = new HttpClient { BaseAddress = rig.Server.Home };
        http.DefaultRequestHeaders.Host = "evil.example";
        string form = await http.GetStringAsync(new Uri("/login/forgotten", UriKind.Relative));
        string token = System.Text.RegularExpressions.Regex.Match(form, "name=\"__RequestVerificationToken\" value=\"([^\"]+)\"").Groups[1].Value;
        using var content = new FormUrlEncodedContent(new Dictionary<string, string> { ["_handler"] = "forgotten", ["__RequestVerificationToken"] = token, ["Form.Login"] = "ann@hosted.test" });
        using HttpResponseMessage answer = await http.PostAsync(new Uri("/login/forgotten", UriKind.Relative), content);
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}");
        string mail = Assert.Single(await rig.Server.Get<MailStore>().InboxAsync(elsewhere, 1));
        Assert.Contains("https://mail.first.test:", mail, StringComparison.Ordinal);
        Assert.DoesNotContain("evil.example", mail, StringComparison.Ordinal);
    }
}
