using System.Net;
using System.Text;
using System.Xml.Linq;
using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Net;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>Pages for people: switches that are in force at once, names, vacation, forwarding, preferences, and the set-up of mail programs.</summary>
public sealed class PeoplePagesTests(PanelRig rig) : IClassFixture<PanelRig>
{
    async Task UpdateAsync(long account, Action<AccountForm> change)
    {
        var accounts = rig.Server.Get<AccountService>();
        AccountForm form = (await accounts.GetAsync(Actor.Cli("test"), account)).Value!;
        change(form);
        ServiceResult done = await accounts.UpdateAsync(Actor.Cli("test"), account, form);
        Assert.True(done.Ok, done.Text);
    }

    [Theory]
    [InlineData("imap")]
    [InlineData("suspended")]
    [InlineData("domain")]
    public async Task When_an_account_is_switched_off_then_its_open_session_ends_within_a_second(string how)
    {
        long domain = await rig.GivenDomainAsync($"off-{how}.test");
        long account = await rig.GivenAccountAsync(domain, "ann");
        await using WireScript mail = await rig.Server.LogInAsync($"ann@off-{how}.test");
        await mail.PlayAsync("C: 1 SELECT INBOX");
        await mail.ReadUntilAsync("1 OK");
        await mail.PlayAsync("C: 2 IDLE\nS: + *");
        // What is none of its business it does not notice.
        await UpdateAsync(account, f => f.Services &= ~(MailServices.Pop3 | MailServices.ManageSieve | MailServices.Sending | MailServices.Receiving));
        await mail.PlayAsync("C: DONE\nS: 2 OK *\nC: 3 IDLE\nS: + *");

        TimeSpan took = await QuietTime.OfAsync(async () =>
        {
            if (how == "imap")
                await UpdateAsync(account, f => f.Services &= ~MailServices.Imap);
            else if (how == "suspended")
                await UpdateAsync(account, f => f.State = AccountState.Suspended);
            else
            {
                var domains = rig.Server.Get<DomainService>();
                DomainForm form = (await domains.GetAsync(Actor.Cli("test"), domain)).Value!;
                form.Enabled = false;
                Assert.True((await domains.UpdateAsync(Actor.Cli("test"), domain, form)).Ok);
            }
            await mail.PlayAsync("S: * BYE *");
        });

        Assert.True(took < TimeSpan.FromSeconds(1), $"after {took}");
    }

    [Fact]
    public async Task When_an_administrator_renames_and_switches_by_hand_then_the_pages_follow()
    {
        long domain = await rig.GivenDomainAsync("before.test");
        long account = await rig.GivenAccountAsync(domain, "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        IPage page = tab.Page;
        await tab.GoAsync($"/accounts/{account}");
        await page.FillAsync("#NewLocalPart", "ann bee");
        await page.ClickAsync("#account-rename button[type=submit]");
        await Expect(page.Locator("#NewLocalPart-error")).ToBeVisibleAsync();
        await page.FillAsync("#NewLocalPart", "anna");
        await page.ClickAsync("#account-rename button[type=submit]");
        await Expect(page.Locator("h1")).ToHaveTextAsync("anna@before.test");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "ann@before.test", Exact = true })).ToBeVisibleAsync();
        await page.SelectOptionAsync("#State", "Suspended");
        await page.FillAsync("#SuspendedUntil", "2000-01-02");
        await page.ClickAsync("main form button[type=submit] >> nth=0");
        await Expect(page.Locator("#SuspendedUntil-error")).ToBeVisibleAsync();
        await page.FillAsync("#SuspendedUntil", "2090-01-02");
        await page.ClickAsync("main form button[type=submit] >> nth=0");
        await Expect(tab.Toast("anna@before.test is saved")).ToBeVisibleAsync();
        await page.ReloadAsync();
        await tab.LiveAsync();
        await Expect(page.Locator("#SuspendedUntil")).ToHaveValueAsync("2090-01-02");

        await tab.GoAsync($"/domains/{domain}");
        await page.FillAsync("#NewName", "after.test");
        await page.ClickAsync("#domain-rename button[type=submit]");
        await page.ClickAsync("#confirm-yes");
        await Expect(page.Locator("h1")).ToHaveTextAsync("after.test");
        await page.ClickAsync("#domain-delete");
        await Expect(page.Locator(".rz-dialog .loss")).ToContainTextAsync("before.test");
        await page.ClickAsync("#confirm-no");
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_several_accounts_are_made_and_something_is_searched_then_all_are_found_while_typing()
    {
        long domain = await rig.GivenDomainAsync("class.test");
        await rig.GivenAliasAsync(domain, "teachers", "x@example.org");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        IPage page = tab.Page;
        await tab.GoAsync($"/accounts/many?domain={domain}");
        await page.FillAsync("#Lines", "pupil1, First Pupil\npupil2\npupil 3\n");
        await page.ClickAsync("main form button[type=submit]");
        await Expect(page.Locator("#many-made li")).ToHaveCountAsync(2);
        await Expect(page.Locator("#many-errors li")).ToHaveCountAsync(1);
        string password = await page.Locator("#many-made code").First.InnerTextAsync();
        await using BrowserTab pupil = await rig.OpenAsync();
        await pupil.SignInAsync("pupil1@class.test", password);

        await page.FillAsync("#top-search", "class.te");
        await page.PressAsync("#top-search", "Enter");
        await page.WaitForURLAsync("**/search?q=*");
        await tab.LiveAsync();
        await Expect(page.Locator("#found section")).ToHaveCountAsync(2);
        await page.FillAsync("#find", "teachers@class");
        await Expect(page.Locator("#found a")).ToHaveTextAsync(["teachers@class.test"]);
        await page.FillAsync("#find", "first pup");
        await Expect(page.Locator("#found a")).ToHaveTextAsync(["pupil1@class.test"]);

        // A catch-all asks before it takes the place of another.
        for (int i = 0; i < 2; i++)
        {
            await tab.GoAsync($"/addresses/new?domain={domain}&target=pupil{i + 1}%40class.test");
            await page.CheckAsync("#CatchAll");
            await page.ClickAsync("main form button[type=submit]");
            if (i == 1)
            {
                await Expect(page.Locator(".rz-dialog")).ToContainTextAsync("pupil1@class.test");
                await page.ClickAsync("#confirm-yes");
            }
            await Expect(tab.Toast("*@class.test is ready")).ToBeVisibleAsync();
        }
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_user_looks_after_himself_then_vacation_forwarding_and_addresses_are_his_to_set()
    {
        long domain = await rig.GivenDomainAsync("self.test");
        var domains = rig.Server.Get<DomainService>();
        DomainForm form = (await domains.GetAsync(Actor.Cli("test"), domain)).Value!;
        form.MaxOwnAliases = 1;
        Assert.True((await domains.UpdateAsync(Actor.Cli("test"), domain, form)).Ok);
        await rig.GivenAccountAsync(domain, "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@self.test", width: 400);
        IPage page = tab.Page;

        await tab.GoAsync("/vacation");
        await page.CheckAsync("#Enabled");
        await page.ClickAsync("main form button[type=submit]");
        await Expect(page.Locator("#Text-error")).ToBeVisibleAsync();
        await page.FillAsync("#Text", "Bin weg");
        await page.ClickAsync("main form button[type=submit]");
        await Expect(page.Locator("#vacation-state")).ToHaveTextAsync("Answering now");

        await tab.GoAsync("/forward");
        await page.FillAsync("#Targets", "me@example.org");
        await page.UncheckAsync("#KeepCopy");
        await page.ClickAsync("#forward button[type=submit]");
        await Expect(tab.Toast("Your mail is sent on")).ToBeVisibleAsync();
        await page.FillAsync("#LocalPart", "nick");
        await page.ClickAsync("#own-address-add");
        await Expect(page.Locator("#own-addresses li", new() { HasText = "nick@self.test" })).ToBeVisibleAsync();
        await Expect(page.Locator("#LocalPart")).ToHaveCountAsync(0);

        await tab.GoAsync("/account/history");
        await Expect(page.Locator(".grid tbody")).ToContainTextAsync("Forwarding was changed");
        await Expect(page.Locator("#own-logins")).ToBeVisibleAsync();
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_mailbox_fills_up_then_the_bar_warns_from_where_its_reader_wants_and_the_biggest_folders_are_named()
    {
        long account = await rig.GivenAccountAsync(await rig.GivenDomainAsync("full.test"), "ann");
        await UpdateAsync(account, f => f.QuotaBytes = 1 << 20);
        await rig.GivenMessageAsync(account, "", $"Subject: x\r\n\r\n{string.Concat(Enumerable.Repeat(new string('x', 98) + "\r\n", 6000))}");
        var store = rig.Server.Get<MailEngine.Store.MailStore>();
        await store.CreateAsync(account, MailEngine.Store.MailboxName.Parse("Work"));
        MailEngine.Store.Mailbox inbox = (await store.OpenAsync(account, MailEngine.Store.MailboxName.Inbox))!, work = (await store.OpenAsync(account, MailEngine.Store.MailboxName.Parse("Work")))!;
        await store.MoveAsync(inbox, [inbox.Current[0].Uid], work);
        await rig.GivenMessageAsync(account, "", "Subject: small\r\n\r\nx\r\n");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@full.test");
        ILocator bar = tab.Page.Locator("main .use-fill");
        await tab.GoAsync("/account");
        await Expect(tab.Page.Locator("#biggest li a")).ToHaveTextAsync(["Work", "INBOX"]);
        await Expect(tab.Page.Locator("main [role=progressbar]")).ToHaveAttributeAsync("aria-valuenow", "57");
        await Expect(bar).Not.ToHaveClassAsync(new System.Text.RegularExpressions.Regex("warn"));
        await tab.AtRestAsync();
        string calm = await bar.EvaluateAsync<string>("e => getComputedStyle(e).backgroundColor");

        Assert.True((await rig.Server.Get<PreferencesService>().SetAsync(Actor.Account(account, "ann", ""), new PreferencesForm { WarnPercent = 57 })).Ok);
        await tab.GoAsync("/account");
        await Expect(bar).ToHaveClassAsync(new System.Text.RegularExpressions.Regex("warn"));
        await tab.AtRestAsync();
        Assert.NotEqual(calm, await bar.EvaluateAsync<string>("e => getComputedStyle(e).backgroundColor"));
        Assert.Empty(tab.Complaints);
    }

    /// <summary>What a telephone reads in the picture.</summary>
    static async Task<string> ScanAsync(IPage page)
    {
        using var folder = new TempFolder();
        // Larger than on the screen, as a camera that is held close sees it.
        string path = folder["code.png"];
        await Expect(page.Locator("svg.qr")).ToBeVisibleAsync();
        await page.EvaluateAsync("() => { const code = document.querySelector('svg.qr'); code.setAttribute('width', 600); code.setAttribute('height', 600); }");
        await page.Locator("svg.qr").ScreenshotAsync(new() { Path = path });
        return (await Programs.MustAsync("zbarimg", "--raw", "--quiet", "--nodbus", path)).Trim();
    }

    [Fact]
    public async Task When_a_telephone_reads_the_pictures_then_it_finds_the_page_and_the_key()
    {
        await rig.GivenAccountAsync(await rig.GivenDomainAsync("camera.test"), "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@camera.test");
        await tab.GoAsync("/account/setup");
        Assert.Equal(new Uri(rig.Server.Home, "/account/setup").ToString(), await ScanAsync(tab.Page));
        await tab.GoStaticAsync("/security");
        string key = (await tab.Page.Locator("#totp-key").InnerTextAsync()).Replace(" ", "", StringComparison.Ordinal);
        string read = await ScanAsync(tab.Page);
        Assert.StartsWith("otpauth://totp/", read, StringComparison.Ordinal);
        Assert.Equal(MailAdmin.Tests.Services.ServicesRig.KeyIn("secret=" + key), MailAdmin.Tests.Services.ServicesRig.KeyIn(read));
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_preferences_are_set_then_the_panel_is_so_on_every_device_of_the_user()
    {
        long domain = await rig.GivenDomainAsync("likes.test");
        await rig.GivenAccountAsync(domain, "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@likes.test");
        await tab.GoAsync("/preferences");
        await tab.Page.SelectOptionAsync("#Scheme", "Dark");
        await tab.Page.FillAsync("#RowsPerPage", "5");
        await tab.Page.ClickAsync("main form button[type=submit]");
        await Expect(tab.Page.Locator("#RowsPerPage-error")).ToBeVisibleAsync();
        await tab.Page.FillAsync("#RowsPerPage", "40");
        await tab.Page.ClickAsync("main form button[type=submit]");
        await Expect(tab.Page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark");

        await using BrowserTab other = await rig.GivenSignedInAsync("ann@likes.test");
        await Expect(other.Page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark");
        await other.GoAsync("/preferences");
        await Expect(other.Page.Locator("#RowsPerPage")).ToHaveValueAsync("40");
        await other.Page.SelectOptionAsync("#Language", "de");
        await other.Page.ClickAsync("main form button[type=submit]");
        await Expect(other.Page.Locator("html")).ToHaveAttributeAsync("lang", "de");
        await other.LiveAsync();
        await Expect(other.Page.Locator("h1")).ToHaveTextAsync("Vorlieben");   // in the circuit as well
        Assert.Empty(tab.Complaints.Concat(other.Complaints));
    }

    [Fact]
    public async Task When_a_mail_program_asks_then_it_is_told_the_names_and_ports_and_strangers_are_told_nothing()
    {
        long domain = await rig.GivenDomainAsync("clients.test");
        long account = await rig.GivenAccountAsync(domain, "ann");
        int imap = rig.Server.Get<MailListeners>().PortOf(MailEngine.MailProtocol.Imap);
        using var http = new HttpClient { BaseAddress = rig.Server.Home };
        Uri At(string path) => new(path, UriKind.Relative);

        XDocument config = XDocument.Parse(await http.GetStringAsync(At("/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=nobody%40clients.test")));
        XElement incoming = config.Root!.Element("emailProvider")!.Element("incomingServer")!;
        Assert.Equal(("mail.first.test", imap.ToString(System.Globalization.CultureInfo.InvariantCulture), "STARTTLS", "%EMAILADDRESS%"),
            ((string)incoming.Element("hostname")!, (string)incoming.Element("port")!, (string)incoming.Element("socketType")!, (string)incoming.Element("username")!));
        string pop3 = rig.Server.Get<MailListeners>().PortOf(MailEngine.MailProtocol.Pop3).ToString(System.Globalization.CultureInfo.InvariantCulture);
        XElement second = config.Root!.Element("emailProvider")!.Elements("incomingServer").Last();
        Assert.Equal(("pop3", pop3), ((string)second.Attribute("type")!, (string)second.Element("port")!));
        using (var request = new HttpRequestMessage(HttpMethod.Get, At("/mail/config-v1.1.xml")) { Headers = { Host = "autoconfig.clients.test" } })
        using (HttpResponseMessage answer = await http.SendAsync(request))
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        foreach (string stranger in (string[])["x@elsewhere.test", "", "@", "clients.test%0d%0a"])
        {
            using HttpResponseMessage answer = await http.GetAsync(At($"/mail/config-v1.1.xml?emailaddress={stranger}"));
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }

        const string Ask = "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006\"><Request><EMailAddress>{0}</EMailAddress></Request></Autodiscover>";
        async Task<(HttpStatusCode, string)> PostAsync(string body)
        {
            using var content = new StringContent(body, Encoding.UTF8, "text/xml");
            using HttpResponseMessage answer = await http.PostAsync(At("/Autodiscover/Autodiscover.xml"), content);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
        (HttpStatusCode status, string text) = await PostAsync(string.Format(null, Ask, "ann@clients.test"));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains($"<Port>{imap}</Port>", text);
        Assert.Contains("<Type>POP3</Type>", text);
        Assert.Contains($"<Port>{pop3}</Port>", text);
        Assert.Contains("<LoginName>ann@clients.test</LoginName>", text);
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync(string.Format(null, Ask, "ann@elsewhere.test"))).Item1);
        foreach (string bad in (string[])["", "no xml", "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><EMailAddress>&b;</EMailAddress>",
            string.Concat(Enumerable.Repeat("<a>", 5000)), string.Format(null, Ask, "<b>x</b>"), new string(' ', 20_000)])
            Assert.Contains((await PostAsync(bad)).Item1, new[] { HttpStatusCode.BadRequest, HttpStatusCode.RequestEntityTooLarge });

        using (var closed = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = rig.Server.Home })
        using (HttpResponseMessage answer = await closed.GetAsync(At("/account/setup/profile.mobileconfig")))
            Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@clients.test");
        await tab.GoAsync("/account/setup");
        await Expect(tab.Page.Locator("#servers")).ToContainTextAsync("mail.first.test");
        await Expect(tab.Page.Locator("svg.qr")).ToBeVisibleAsync();
        IDownload profile = await tab.Page.RunAndWaitForDownloadAsync(() => tab.Page.ClickAsync("#apple-profile"));
        XDocument plist = XDocument.Parse(await File.ReadAllTextAsync(await profile.PathAsync()));
        string[] words = [.. plist.Root!.Descendants().Where(e => !e.HasElements).Select(e => e.Value)];
        Assert.Contains("com.apple.mail.managed", words);
        Assert.Equal("ann@clients.test", words[Array.IndexOf(words, "IncomingMailServerUsername") + 1]);
        Assert.Equal(imap.ToString(System.Globalization.CultureInfo.InvariantCulture), words[Array.IndexOf(words, "IncomingMailServerPortNumber") + 1]);
        Assert.DoesNotContain(PanelRig.Password, words);
        IDownload other = await tab.Page.RunAndWaitForDownloadAsync(() => tab.Page.ClickAsync("#apple-pop3-profile"));
        string[] fetching = [.. XDocument.Parse(await File.ReadAllTextAsync(await other.PathAsync())).Root!.Descendants().Where(e => !e.HasElements).Select(e => e.Value)];
        Assert.Contains("EmailTypePOP", fetching);
        Assert.Equal(pop3, fetching[Array.IndexOf(fetching, "IncomingMailServerPortNumber") + 1]);
        Assert.Empty(words.Where(w => w.StartsWith("mailadmin.", StringComparison.Ordinal)).Intersect(fetching));
        Assert.NotEqual(0, account);
        Assert.Empty(tab.Complaints);
    }
}
