using System.Text.RegularExpressions;
using MailAdmin.Tests.Rig;
using MailEngine.Accounts;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>Every page of the panel, as it looks: on a telephone and on a desk, by day and by night, full, empty and with errors.</summary>
public sealed partial class WalkTests(PanelRig rig) : IClassFixture<PanelRig>
{
    const string LongDomain = "a-rather-long-domain-name-for-a-small-screen";

    /// <summary>On a desk and on a telephone, by day and by night.</summary>
    static readonly (int Width, bool Dark)[] s_looks = [(1280, false), (400, true), (1280, true), (400, false)];

    static Task<PanelPlace> GivenLongAsync(PanelRig rig, string role) => PanelPlace.GivenAsync(rig, $"{LongDomain}.{role}.test",
        "somebody.with.a.long.name.in.front.of.it", "press.and.public.relations.department", "Orders/Confirmations and everything that belongs to them",
        "Gone/With_a_name_that_is_far_too_long_for_a_narrow_window");

    [Fact]
    public async Task When_nobody_is_signed_in_then_the_pages_can_be_read_and_nothing_sticks_out()
    {
        await using BrowserTab tab = await rig.OpenAsync();
        foreach (string path in (string[])["/login", "/login/forgotten", "/login/link?token=no", "/nowhere", "/error", "/setup?token=no"])
        {
            await tab.GoStaticAsync(path);
            await LookAsync(tab, "nobody", path);
        }
        await tab.GoStaticAsync("/login");
        await tab.SubmitAsync("button[type=submit]");
        await Expect(tab.Page.Locator("#login-name-error")).ToBeVisibleAsync();
        await LookAsync(tab, "nobody", "sign-in with errors");
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_superuser_walks_through_the_panel_then_every_page_can_be_read_and_nothing_sticks_out()
    {
        PanelPlace place = await GivenLongAsync(rig, "super");
        long empty = await rig.GivenDomainAsync("empty.super.test");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        await WalkAsync(tab, "superuser", place);
        foreach (string path in (string[])[$"/domains/{empty}/mailboxes", "/domains/999999", $"/accounts?domain={empty}", $"/addresses?domain={place.Domain}", "/trace?q=nobody@nowhere.test", "/search?q=somebody"])
            await VisitAsync(tab, "superuser", path, isStatic: false);
    }

    [Fact]
    public async Task When_forms_are_sent_empty_then_what_is_wrong_can_be_read_and_nothing_sticks_out()
    {
        PanelPlace place = await GivenLongAsync(rig, "errors");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        await tab.GoStaticAsync("/password");
        await tab.SubmitAsync("main button[type=submit]");
        await Expect(tab.Page.Locator("#password-current-error")).ToBeVisibleAsync();
        await LookAsync(tab, "superuser", "/password with errors");
        foreach (string path in (string[])["/domains/new", "/accounts/new", "/addresses/new", "/roles/new", $"/domains/{place.Domain}/mailboxes", $"/accounts/{place.Account}/mailboxes/{place.Inbox}"])
        {
            await tab.GoAsync(path);
            await tab.Page.Locator("main form button[type=submit]").First.ClickAsync();
            await Expect(tab.Page.Locator("main .error").First).ToBeVisibleAsync();
            await LookAsync(tab, "superuser", $"{path} with errors");
        }
        Assert.Empty(tab.Complaints);
    }

    [Theory]
    [InlineData("master", PermissionSet.Master, false)]
    [InlineData("helpdesk", PermissionSet.Helpdesk, false)]
    [InlineData("auditor", PermissionSet.Auditor, true)]
    public async Task When_an_administrator_walks_through_the_panel_then_every_page_can_be_read_and_nothing_sticks_out(string role, long set, bool onServer)
    {
        PanelPlace place = await GivenLongAsync(rig, role);
        await rig.GivenGrantAsync(await rig.GivenAccountAsync(place.Domain, role), set, onServer ? null : place.Domain);
        await rig.GivenGrantAsync(await rig.GivenAccountAsync(place.Domain, "chief"), PermissionSet.Master, place.Domain);   // whom a page of administrators shows
        await using BrowserTab tab = await rig.GivenSignedInAsync($"{role}@{LongDomain}.{role}.test");
        await WalkAsync(tab, role, place);
    }

    [Fact]
    public async Task When_a_user_walks_through_the_panel_then_every_page_can_be_read_and_nothing_sticks_out()
    {
        PanelPlace place = await GivenLongAsync(rig, "user");
        await using BrowserTab tab = await rig.GivenSignedInAsync(place.Login);
        await WalkAsync(tab, "user", place);
        await tab.GoAsync("/domains");
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Name = "No access" })).ToBeVisibleAsync();
        await LookAsync(tab, "user", "no access");
    }

    /// <summary>Every page there is; where the role has no business, that it says so in one way and no more.</summary>
    static async Task WalkAsync(BrowserTab tab, string role, PanelPlace place)
    {
        int seen = 0;
        foreach ((string path, bool isStatic) in place.EveryPage())
            seen += await VisitAsync(tab, role, path, isStatic) ? 1 : 0;
        Assert.True(seen >= 15, $"{role} sees {seen} pages");
        Assert.Empty(tab.Complaints);
    }

    /// <returns>False: it is not for this role.</returns>
    static async Task<bool> VisitAsync(BrowserTab tab, string role, string path, bool isStatic)
    {
        // What the server sends first says whether it is: a page that is not need not come alive.
        string sent = await (await tab.Page.Context.APIRequest.GetAsync(path)).TextAsync();
        if (NotForHim().IsMatch(sent))
        {
            string main = sent[sent.IndexOf("<main", StringComparison.Ordinal)..];
            Assert.DoesNotContain("<form", main, StringComparison.Ordinal);
            Assert.DoesNotContain("class=\"grid", main, StringComparison.Ordinal);
            return false;
        }
        if (isStatic)
            await tab.GoStaticAsync(path);
        else
            await tab.GoAsync(path);
        await Expect(tab.Page.Locator("h1")).ToHaveCountAsync(1);
        if (!isStatic && await tab.Page.Locator(".grid").CountAsync() > 0)
            await Expect(tab.Page.Locator(".grid tbody tr:visible, .empty:visible").First).ToBeVisibleAsync();
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Level = 1, NameRegex = NotForHimHeading() })).ToHaveCountAsync(0);
        await LookAsync(tab, role, path);
        return true;
    }

    [GeneratedRegex("<h1[^>]*>(?:No access|Not found)</h1>")]
    private static partial Regex NotForHim();

    [GeneratedRegex("^(?:No access|Not found)")]
    private static partial Regex NotForHimHeading();

    /// <summary>Looks at the page that is open from all sides. With MAILADMIN_PICTURES a picture of each is left in that folder, for people.</summary>
    static async Task LookAsync(BrowserTab tab, string role, string what)
    {
        foreach ((int width, bool dark) in s_looks)
        {
            await tab.AppearAsync(width, dark);
            if (Environment.GetEnvironmentVariable("MAILADMIN_PICTURES") is { Length: > 0 } folder)
                await tab.Page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{role}{string.Concat(what.Select(c => char.IsLetterOrDigit(c) ? c : '_'))}_{width}{(dark ? "d" : "l")}.png"), FullPage = true });
            // Most of what axe-core looks for does not change with the look.
            await tab.AssertSoundAsync($"{what} as {role} at {width}, {(dark ? "dark" : "light")}", lookOnly: dark != (width == 400));
        }
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
            await tab.AskedAsync();
            await Expect(dialog.Locator("#confirm-yes")).ToBeInViewportAsync(new() { Ratio = 1 });
            await Expect(dialog.Locator(".rz-dialog-title")).ToBeInViewportAsync(new() { Ratio = 1 });
            await tab.AssertSoundAsync($"the question of {path} at {width}");
            await tab.Page.Keyboard.PressAsync("Escape");
            await Expect(dialog).ToHaveCountAsync(0);
            await Expect(tab.Page.Locator(button)).ToBeFocusedAsync();   // where the question came from
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
