using MailAdmin.Tests.Rig;
using MailEngine.Store;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>Every page of the panel, as it looks: on a telephone and on a desk, by day and by night, full, empty and with errors.</summary>
public sealed class WalkTests(PanelRig rig) : IClassFixture<PanelRig>
{
    const string LongDomain = "a-rather-long-domain-name-for-a-small-screen";

    [Theory]
    [InlineData(400, false)]
    [InlineData(400, true)]
    [InlineData(1280, false)]
    [InlineData(1280, true)]
    public async Task When_the_panel_is_walked_through_then_every_page_can_be_read_and_nothing_sticks_out(int width, bool dark)
    {
        string suffix = $"{width}{(dark ? "d" : "l")}";
        long domain = await rig.GivenDomainAsync($"{LongDomain}.{suffix}.test");
        long empty = await rig.GivenDomainAsync($"empty.{suffix}.test");
        long account = await rig.GivenAccountAsync(domain, "somebody.with.a.long.name.in.front.of.it");
        string login = $"somebody.with.a.long.name.in.front.of.it@{LongDomain}.{suffix}.test";
        await rig.GivenAliasAsync(domain, "press.and.public.relations.department", login);
        var store = rig.Server.Get<MailStore>();
        await store.GivenExpungedAsync(account, "a-subject-without-any-place-where-a-line-could-be-broken-so-that-it-must-be-broken-anywhere");
        await store.GivenDeletedMailboxAsync(account, "Gone/With_a_name_that_is_far_too_long_for_a_narrow_window");
        long inbox = (await store.OpenAsync(account, MailboxName.Inbox))!.Id;
        await store.SetAclAsync(inbox, "$@" + $"{LongDomain}.{suffix}.test", AclChangeMode.Replace, AclRights.All & ~AclRights.Post);
        await store.SetAclAsync(inbox, "-" + AclIdentifier.Anyone, AclChangeMode.Replace, AclRights.Read);
        await store.CreateAsync(MailStore.SharedTree(domain), MailboxName.Parse("Orders/Confirmations and everything that belongs to them"));

        await using BrowserTab tab = await rig.OpenAsync(width, dark);
        IPage page = tab.Page;
        foreach (string path in (string[])["/login", "/login/forgotten", "/login/link?token=no", "/nowhere", "/error", "/setup?token=no"])
        {
            await tab.GoStaticAsync(path);
            await tab.AssertSoundAsync($"{path} at {suffix}");
        }
        await tab.GoStaticAsync("/login");
        await page.ClickAsync("button[type=submit]");
        await Expect(page.Locator("#login-name-error")).ToBeVisibleAsync();
        await tab.AssertSoundAsync($"sign-in with errors at {suffix}");
        await tab.SignInAsync(PanelRig.Root, PanelRig.Password);

        string[] paths =
        [
            "/", "/domains", "/domains/new", $"/domains/{domain}", $"/domains/{domain}/mailboxes", $"/domains/{empty}/mailboxes", "/domains/999999",
            "/accounts", $"/accounts?domain={empty}", "/accounts/new", $"/accounts/{account}", $"/accounts/{account}/mailboxes", $"/accounts/{account}/mailboxes/{inbox}",
            $"/accounts/{account}/deleted", "/addresses", $"/addresses?domain={domain}", "/addresses/new", "/administrators", "/roles", "/roles/new", "/roles/3", "/queue", "/trace", "/trace?q=nobody@nowhere.test",
            "/audit", "/account", "/account/mailboxes", "/deleted", "/security/passwords", "/security/sessions", "/search", "/search?q=somebody", "/accounts/many", $"/accounts/{account}/vacation", "/vacation", "/preferences", "/forward",
            "/account/setup", "/account/history",
        ];
        foreach (string path in paths)
            await VisitAsync(tab, path, suffix);
        await tab.GoStaticAsync("/password");
        await page.ClickAsync("main button[type=submit]");
        await Expect(page.Locator("#password-current-error")).ToBeVisibleAsync();
        await tab.AssertSoundAsync($"/password with errors at {suffix}");

        foreach (string path in (string[])["/domains/new", "/accounts/new", "/addresses/new", "/roles/new", $"/domains/{domain}/mailboxes", $"/accounts/{account}/mailboxes/{inbox}"])
        {
            await tab.GoAsync(path);
            await page.Locator("main form button[type=submit]").First.ClickAsync();
            await Expect(page.Locator("main .error").First).ToBeVisibleAsync();
            await tab.AssertSoundAsync($"{path} with errors at {suffix}");
        }

        await using BrowserTab user = await rig.GivenSignedInAsync(login, width, dark);
        foreach (string path in (string[])["/", "/account", "/account/mailboxes", $"/account/mailboxes/{inbox}", "/deleted", $"/domains/{domain}/mailboxes", "/vacation", "/forward", "/preferences", "/account/setup", "/account/history"])
            await VisitAsync(user, path, suffix);
        await user.GoStaticAsync("/domains");
        await Expect(user.Page.GetByRole(AriaRole.Heading, new() { Name = "No access" })).ToBeVisibleAsync();
        await user.AssertSoundAsync($"no access at {suffix}");
        Assert.Empty(tab.Complaints.Concat(user.Complaints));
    }

    static async Task VisitAsync(BrowserTab tab, string path, string suffix)
    {
        await tab.GoAsync(path);
        await Expect(tab.Page.Locator("h1")).ToHaveCountAsync(1);
        if (await tab.Page.Locator(".grid").CountAsync() > 0)
            await Expect(tab.Page.Locator(".grid tbody tr:visible, .empty:visible").First).ToBeVisibleAsync();
        await tab.AssertSoundAsync($"{path} at {suffix}");
    }

    [Theory]
    [InlineData(400, false)]
    [InlineData(400, true)]
    [InlineData(1280, true)]
    public async Task When_something_is_to_be_deleted_then_the_question_is_all_in_the_window(int width, bool dark)
    {
        string name = $"question.{width}{dark}.test".ToLowerInvariant();
        long domain = await rig.GivenDomainAsync(name);
        long account = await rig.GivenAccountAsync(domain, "ann");
        for (int i = 0; i < 25; i++)
            await rig.GivenAliasAsync(domain, $"also.known.as.{i}", $"ann@{name}");
        await using BrowserTab tab = await rig.GivenSignedInAsync(width: width, dark: dark);
        foreach ((string path, string button) in new[] { ($"/domains/{domain}", "#domain-delete"), ($"/accounts/{account}", "#account-delete") })
        {
            await tab.GoAsync(path);
            await tab.Page.ClickAsync(button);
            ILocator dialog = tab.Page.Locator(".rz-dialog");
            await Expect(dialog.Locator("#confirm-yes")).ToBeInViewportAsync(new() { Ratio = 1 });
            await Expect(dialog.Locator(".rz-dialog-title")).ToBeInViewportAsync(new() { Ratio = 1 });
            await tab.AssertSoundAsync($"the question of {path} at {width}");
            await tab.Page.Keyboard.PressAsync("Escape");
            await Expect(dialog).ToHaveCountAsync(0);
        }
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_the_Tab_key_goes_through_a_page_then_one_always_sees_where_one_is()
    {
        long domain = await rig.GivenDomainAsync("ring.test");
        long account = await rig.GivenAccountAsync(domain, "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        foreach (string path in (string[])["/domains", $"/accounts/{account}", $"/domains/{domain}/mailboxes"])
        {
            await tab.GoAsync(path);
            var reached = new HashSet<string>();
            for (int i = 0; i < 80; i++)
            {
                await tab.Page.Keyboard.PressAsync("Tab");
                string[] at = await tab.Page.EvaluateAsync<string[]>("""
                    () => {
                      const e = document.activeElement, style = getComputedStyle(e);
                      return [e === document.body ? "" : e.outerHTML.slice(0, 150), e.tabIndex < 0 ? "put" : style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 ? "ring" : style.boxShadow];
                    }
                    """);
                if (at[0].Length == 0)
                    break;
                if (at[1] == "put")
                    continue;   // the heading, given the focus when the page has come: the Tab key goes on from there
                Assert.True(at[1] != "none", $"{path}: no ring on {at[0]}");
                reached.Add(at[0]);
            }
            Assert.True(reached.Count > 5, $"{path}: the Tab key reaches {reached.Count} places");
        }
    }

    [Fact]
    public async Task When_a_page_has_faults_then_the_checks_find_each()
    {
        await using BrowserTab tab = await rig.OpenAsync(width: 400);
        await tab.Page.SetContentAsync("""
            <body style="background:#fff"><h1>Faults</h1><p style="color:#999">pale</p><p style="color:#767676">just readable</p><input id="bare"><button></button>
            <input aria-label="placeholder" placeholder="pale" class="p"><style>.p::placeholder { color: #bbb }</style>
            <div style="background:#000a"><span style="color:#555">dim</span></div><div id="wide" style="width:500px">wide</div><i id="bare"></i>
            """);

        string[] faults = await tab.FaultsAsync();

        Assert.Equal(7, faults.Length - faults.Count(f => f.StartsWith("sticks out", StringComparison.Ordinal)));
        foreach (string expected in (string[])["of text p \"pale\"", "of placeholder input.p", "of text span \"dim\"", "no label: <input id=\"bare\"", "no label: <button>", "id twice: bare", "wider than the window", "sticks out: div#wide"])
            Assert.Contains(faults, f => f.Contains(expected, StringComparison.Ordinal));
        string[] violations = await tab.ViolationsAsync();
        foreach (string rule in (string[])["axe: button-name", "axe: color-contrast", "axe: html-has-lang"])
            Assert.Contains(violations, v => v.StartsWith(rule, StringComparison.Ordinal));
    }
}
