using MailAdmin.Tests.Rig;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>Usable on a telephone, in the dark, and without a mouse.</summary>
public sealed class LookTests(PanelRig rig) : IClassFixture<PanelRig>
{
    static readonly string[] s_pages =
        ["/", "/domains", "/domains/new", "/accounts", "/accounts/new", "/addresses", "/addresses/new", "/administrators", "/queue", "/trace", "/audit", "/account", "/deleted"];

    [Fact]
    public async Task When_the_window_is_400_pixels_wide_then_nothing_sticks_out()
    {
        long domain = await rig.GivenDomainAsync("a-rather-long-domain-name-for-a-small-screen.test");
        long account = await rig.GivenAccountAsync(domain, "somebody.with.a.long.name.in.front.of.it");
        await rig.GivenAliasAsync(domain, "press.and.public.relations.department", "somebody.with.a.long.name.in.front.of.it@a-rather-long-domain-name-for-a-small-screen.test");
        await using BrowserTab tab = await rig.OpenAsync(width: 400);
        await tab.GoStaticAsync("/login");
        Assert.Equal(0, await tab.OverhangAsync());
        await tab.SignInAsync(PanelRig.Root, PanelRig.Password);

        foreach (string path in s_pages.Append($"/domains/{domain}").Append($"/accounts/{account}"))
        {
            await tab.GoAsync(path);
            if (await tab.Page.Locator(".grid").CountAsync() > 0)
                await Expect(tab.Page.Locator(".grid tbody tr:visible, .empty:visible").First).ToBeVisibleAsync();
            Assert.True(await tab.OverhangAsync() == 0, $"{path} is wider than the window");
        }

        // The menu is behind its button, and closes again.
        ILocator menu = tab.Page.Locator(".side");
        await Expect(menu).Not.ToBeVisibleAsync();
        await tab.Page.ClickAsync("[data-nav-toggle]");
        await Expect(menu).ToBeVisibleAsync();
        await menu.GetByText("Domains").ClickAsync();
        await Expect(menu).Not.ToBeVisibleAsync();
        await Expect(tab.Page.Locator("h1")).ToHaveTextAsync("Domains");
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_the_system_is_dark_then_the_panel_is_and_the_button_changes_it_for_good()
    {
        await using BrowserTab tab = await rig.GivenSignedInAsync(dark: true);
        ILocator root = tab.Page.Locator("html");
        await Expect(root).ToHaveAttributeAsync("data-theme", "dark");
        Assert.True(await BrightnessAsync(tab) < 80);

        await tab.Page.ClickAsync("[data-theme-toggle]");
        await Expect(root).ToHaveAttributeAsync("data-theme", "light");
        Assert.True(await BrightnessAsync(tab) > 200);
        await tab.GoAsync("/domains");
        await Expect(root).ToHaveAttributeAsync("data-theme", "light");
        Assert.Empty(tab.Complaints);
    }

    static async Task<double> BrightnessAsync(BrowserTab tab)
    {
        await tab.AtRestAsync();
        return await tab.Page.EvaluateAsync<double>("() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 3");
    }

    [Fact]
    public async Task When_only_the_keyboard_is_used_then_one_can_sign_in_and_create_a_domain()
    {
        await using BrowserTab tab = await rig.OpenAsync();
        IPage page = tab.Page;
        await tab.GoStaticAsync("/login");
        await Expect(page.Locator("#login-name")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync(PanelRig.Root);
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.TypeAsync(PanelRig.Password);
        await page.Keyboard.PressAsync("Enter");
        await tab.LiveAsync();

        await TabToAsync(page, ".side a[href='/domains']");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("h1")).ToHaveTextAsync("Domains");
        await Expect(page.Locator("h1")).ToBeFocusedAsync();
        await TabToAsync(page, "#domain-new");
        Assert.NotEqual("none", await page.EvaluateAsync<string>("() => getComputedStyle(document.activeElement).outlineStyle"));
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("h1")).ToHaveTextAsync("New domain");
        await Expect(page.Locator("h1")).ToBeFocusedAsync();   // a page that comes takes the focus: what is reached before is left again
        await TabToAsync(page, "#Name");
        await page.Keyboard.TypeAsync("keyboard.test");
        await page.Keyboard.PressAsync("Enter");
        await Expect(tab.Toast("keyboard.test is ready")).ToBeVisibleAsync();
        Assert.Empty(tab.Complaints);
    }

    static async Task TabToAsync(IPage page, string selector)
    {
        for (int i = 0; i < 60; i++)
        {
            if (await page.EvaluateAsync<bool>("s => document.activeElement?.matches(s) ?? false", selector))
                return;
            await page.Keyboard.PressAsync("Tab");
        }
        Assert.Fail($"{selector} is not reached with the Tab key");
    }

    [Fact]
    public async Task When_a_page_is_read_by_a_machine_then_every_field_has_a_label_and_every_page_a_title()
    {
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        foreach (string path in s_pages)
        {
            await tab.GoAsync(path);
            await Expect(tab.Page).ToHaveTitleAsync(new System.Text.RegularExpressions.Regex(".+ – MailAdmin"));
            await Expect(tab.Page.Locator("h1")).ToHaveCountAsync(1);
            string[] unnamed = await tab.Page.EvaluateAsync<string[]>("""
                () => [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button")]
                    .filter(e => !e.labels?.length && !e.getAttribute("aria-label") && !e.getAttribute("title") && !e.textContent.trim() && !e.closest(".rz-pager"))
                    .map(e => e.outerHTML.slice(0, 120))
                """);
            Assert.Empty(unnamed);
        }
    }

    [Theory]
    [InlineData("/login")]
    [InlineData("/health/live")]
    [InlineData("/nowhere")]
    [InlineData("/css/panel.css")]
    public async Task When_anything_is_asked_for_then_the_answer_carries_the_policy(string path)
    {
        using var http = new HttpClient { BaseAddress = rig.Server.Home };
        using HttpResponseMessage answer = await http.GetAsync(new Uri(path, UriKind.Relative));

        string policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("script-src 'self';", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
    }

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    public async Task When_the_server_runs_then_it_says_that_it_is_well(string path)
    {
        using var http = new HttpClient { BaseAddress = rig.Server.Home };

        Assert.Equal("Healthy", await http.GetStringAsync(new Uri(path, UriKind.Relative)));
    }
}
