using System.Text;
using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>Accounts from a file: looked at first, then made under the same limits as on the command line.</summary>
public sealed class ImportPageTests(PanelRig rig) : IClassFixture<PanelRig>
{
    async Task<PageOf<AccountRow>> AccountsAsync(long domain) => (await rig.Server.Get<AccountService>().ListAsync(rig.Superuser, new AccountQuery(new PageRequest(), domain))).Value!;

    static FilePayload File(string text) => new() { Name = "accounts.csv", MimeType = "text/csv", Buffer = Encoding.UTF8.GetBytes(text) };

    [Fact]
    public async Task When_a_file_is_chosen_then_each_fault_is_named_by_its_line_and_only_what_is_right_is_made_once_asked_for()
    {
        long domain = await rig.GivenDomainAsync("import.test");
        long foreign = await rig.GivenDomainAsync("not-mine.test");
        long master = await rig.GivenAccountAsync(domain, "master");
        await rig.GivenMasterAsync(master, domain);
        await using BrowserTab tab = await rig.GivenSignedInAsync("master@import.test");
        await tab.GoAsync("/accounts/many?domain=" + domain);
        await tab.FollowAsync("#accounts-import");

        await tab.ChooseFileAsync("#File", File("name,what\nx,y\n"));
        await Expect(tab.Page.Locator("main .note-bad, main .error").First).ToContainTextAsync("address");
        await tab.ChooseFileAsync("#File", File("address,password,name,quota\n"
            + "ann@import.test,correct horse 7 stairs,\"Ann <b>\",2G\nbob@import.test,short,Bob,\nmaster@import.test,correct horse 7 stairs,,\n"
            + "cid@not-mine.test,correct horse 7 stairs,,\nnot an address,correct horse 7 stairs,,\ndora@import.test,correct horse 7 stairs,Dora,much\neve@import.test,correct horse 7 stairs,Eve,\n"));
        await Expect(tab.Page.Locator("#import-report h2")).ToContainTextAsync("2 accounts would be made");
        foreach (int line in (int[])[3, 4, 5, 6, 7])
            await Expect(tab.Page.Locator("#import-errors li", new() { HasText = $"{line}" }).First).ToBeVisibleAsync();
        await Expect(tab.Page.Locator("#import-errors li")).ToHaveCountAsync(5);
        Assert.Equal(1, (await AccountsAsync(domain)).Total);   // nothing is made yet
        await tab.AssertSoundAsync("/accounts/import with a preview");

        await tab.Page.ClickAsync("#import-go");
        await Expect(tab.Page.Locator("#import-report h2")).ToContainTextAsync("2 accounts are here now");
        Assert.Equal(["ann@import.test", "eve@import.test", "master@import.test"], (await AccountsAsync(domain)).Items.Select(a => a.Login));
        Assert.Equal(("Ann <b>", 2L << 30), (await AccountsAsync(domain)).Items.Where(a => a.Login == "ann@import.test").Select(a => (a.DisplayName, a.QuotaBytes)).Single());
        Assert.Equal(0, (await AccountsAsync(foreign)).Total);
        await using BrowserTab eve = await rig.OpenAsync();
        await eve.SignInAsync("eve@import.test", "correct horse 7 stairs");
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_file_has_semicolons_or_tabs_then_it_is_read_as_well()
    {
        long domain = await rig.GivenDomainAsync("apart.test");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        foreach ((string login, string text) in ((string, string)[])[
            ("ann", "address;password;name\nann@apart.test;correct horse 7 stairs;\"Ann; the first\"\n"),
            ("bob", "\uFEFFaddress\tpassword\tname\r\nbob@apart.test\tcorrect horse 7 stairs\tBob, the second\r\n")])
        {
            await tab.GoAsync("/accounts/import");
            await tab.ChooseFileAsync("#File", File(text));
            await Expect(tab.Page.Locator("#import-report h2")).ToContainTextAsync("1 accounts would be made");
            await tab.Page.ClickAsync("#import-go");
            await Expect(tab.Page.Locator("#import-report h2")).ToContainTextAsync("1 accounts are here now");
            Assert.Contains((await AccountsAsync(domain)).Items, a => a.Login == $"{login}@apart.test");
        }
        Assert.Equal(["Ann; the first", "Bob, the second"], (await AccountsAsync(domain)).Items.Select(a => a.DisplayName).Order());
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_file_is_too_much_then_it_is_said_and_where_it_can_go_instead()
    {
        await rig.GivenDomainAsync("much.test");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        await tab.GoAsync("/accounts/import");
        await tab.ChooseFileAsync("#File", File("address,password_hash\n" + string.Join('\n', Enumerable.Range(0, 1001).Select(i => $"u{i}@much.test,$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/"))));
        await Expect(tab.Page.Locator("main .note-bad, main .error").First).ToContainTextAsync("more than 1000 rows");
        await tab.ChooseFileAsync("#File", File("address,password\n" + new string('x', 2 << 20)));
        await Expect(tab.Page.Locator("main .note-bad, main .error").First).ToContainTextAsync("larger than");
        await Expect(tab.Page.Locator("#import-go")).ToHaveCountAsync(0);
        Assert.Empty(tab.Complaints);
    }
}
