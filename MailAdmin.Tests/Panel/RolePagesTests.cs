using MailAdmin.Tests.Rig;
using MailEngine.Accounts;
using Microsoft.Playwright;

namespace MailAdmin.Tests.Panel;

/// <summary>What somebody may not do, no page offers him: neither a button, nor a link to a form, nor a field that can be filled in.</summary>
public sealed class RolePagesTests(PanelRig rig) : IClassFixture<PanelRig>
{
    /// <summary>Everything on the page that changes something or leads to a form: what a reader's page must not have. Searching, filtering, unfolding and
    /// turning pages is reading.</summary>
    const string Offered = """
        () => [...document.querySelectorAll("main button, main input, main select, main textarea, main a.btn, main form")]
            .filter(e => !e.matches("form") || e.querySelector("button:not([disabled])"))
            .filter(e => e.checkVisibility() && !e.disabled && !e.readOnly && !e.closest("[hidden], .toolbar, .rz-pager, .rz-column-title, thead"))
            .map(e => e.matches("form") ? "form " + (e.id || "?") : e.id || e.getAttribute("href") || e.textContent.trim())
            .filter(name => name !== "form ?")
        """;

    async Task<BrowserTab> GivenAsync(string name, PanelPlace place, string localPart, long set, bool onServer = false)
    {
        await rig.GivenGrantAsync(await rig.GivenAccountAsync(place.Domain, localPart), set, onServer ? null : place.Domain);
        return await rig.GivenSignedInAsync($"{localPart}@{name}");
    }

    /// <summary>The page offers this and nothing else, once all of it is there.</summary>
    static async Task AssertOffersAsync(BrowserTab tab, string path, params string[] expected)
    {
        await OfferedAsync(tab, path);
        try
        {
            await tab.Page.WaitForFunctionAsync($"expected => JSON.stringify(({Offered})()) === JSON.stringify(expected)", expected);
        }
        catch (TimeoutException)
        {
            // The comparison says what differs.
        }
        await tab.AtRestAsync();
        Assert.Equal(expected, await tab.Page.EvaluateAsync<string[]>(Offered));
    }

    static async Task<string[]> OfferedAsync(BrowserTab tab, string path)
    {
        await tab.GoAsync(path);
        await Assertions.Expect(tab.Page.Locator("h1")).ToHaveCountAsync(1);
        if (await tab.Page.Locator(".grid").CountAsync() > 0)
            await Assertions.Expect(tab.Page.Locator(".grid tbody tr:visible, .empty:visible").First).ToBeVisibleAsync();
        return await tab.Page.EvaluateAsync<string[]>(Offered);
    }

    static string[] PathsOf(PanelPlace place) =>
    [
        "/domains", $"/domains/{place.Domain}", $"/domains/{place.Domain}/mailboxes", $"/domains/{place.Domain}/mailboxes/{place.Shared}",
        "/accounts", $"/accounts/{place.Account}", $"/accounts/{place.Account}/vacation", $"/accounts/{place.Account}/mailboxes",
        $"/accounts/{place.Account}/mailboxes/{place.Inbox}", $"/accounts/{place.Account}/deleted", "/addresses", $"/addresses/{place.Alias}",
        $"/accounts/{place.Account}/filters", $"/accounts/{place.Account}/filters/rules", $"/accounts/{place.Account}/filters/script?name={PanelPlace.Script}", $"/accounts/{place.Account}/contacts",
        "/audit", "/administrators", "/roles", "/queue",
    ];

    [Fact]
    public async Task When_an_auditor_looks_then_no_page_offers_him_a_change()
    {
        const string name = "auditor.test";
        PanelPlace place = await PanelPlace.GivenAsync(rig, name);
        await using BrowserTab tab = await GivenAsync(name, place, "auditor", PermissionSet.Auditor, onServer: true);
        string[] reading = ["mailboxes-all", "account-deleted", "account-vacation", "account-filters", "account-contacts", "contacts-export", "rules-edit", "export-csv", "export-json", "roles"];
        foreach (string path in PathsOf(place))
        {
            string[] offered = [.. (await OfferedAsync(tab, path)).Where(what => !what.Contains("/filters/history?", StringComparison.Ordinal))];
            Assert.False(await tab.Page.GetByRole(AriaRole.Heading, new() { Name = "No access" }).IsVisibleAsync(), $"{path}: an auditor may look");
            Assert.True(!offered.Except(reading).Any(), $"{path} offers an auditor {string.Join(" | ", offered.Except(reading))}");
        }
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_somebody_of_the_helpdesk_looks_then_he_is_offered_passwords_and_switches_alone()
    {
        const string name = "helpdesk.test";
        PanelPlace place = await PanelPlace.GivenAsync(rig, name);
        await using BrowserTab tab = await GivenAsync(name, place, "helper", PermissionSet.Helpdesk);
        foreach (string path in PathsOf(place).Where(p => p != $"/accounts/{place.Account}"))
        {
            string[] offered = await OfferedAsync(tab, path);
            Assert.True(offered.Length == 0 || await tab.Page.GetByRole(AriaRole.Heading, new() { NameRegex = new("No access|Not found|not here") }).IsVisibleAsync(),
                $"{path} offers the helpdesk {string.Join(" | ", offered)}");
        }
        await AssertOffersAsync(tab, $"/accounts/{place.Account}",
            "account-vacation", "State", "Services-Imap", "Services-Pop3", "Services-ManageSieve", "Services-Sending", "Services-Receiving", "Services-Panel", "Reason", "Save", "/accounts",
            "Address", "recovery-save", "form reset-password", "New", "Repeat", "reset-reason", "Set new password");

        // And what it is offered works.
        await tab.Page.SelectOptionAsync("#State", "ReceiveOnly");
        await tab.Page.ClickAsync("main .btn-primary[type=submit]");
        await Assertions.Expect(tab.Toast("saved")).ToBeVisibleAsync();
        // An account with more rights than his own: he looks and no more.
        long master = await rig.GivenAccountAsync(place.Domain, "master");
        await rig.GivenMasterAsync(master, place.Domain);
        await AssertOffersAsync(tab, $"/accounts/{master}", "account-vacation");
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_somebody_has_a_set_of_his_own_then_each_page_offers_what_is_in_it()
    {
        const string name = "custom.test";
        PanelPlace place = await PanelPlace.GivenAsync(rig, name);
        long set = await rig.GivenSetAsync("Post room", Permissions.See | Permissions.Addresses);
        long account = await rig.GivenAccountAsync(place.Domain, "postroom");
        await rig.GivenGrantAsync(account, set, place.Domain);
        // Elsewhere he only sees: nothing of that domain is offered.
        long elsewhere = await rig.GivenDomainAsync("seen." + name);
        await rig.GivenGrantAsync(account, await rig.GivenSetAsync("Looks on", Permissions.See), elsewhere);
        await using BrowserTab tab = await rig.GivenSignedInAsync($"postroom@{name}");

        await OfferedAsync(tab, "/addresses");
        await Assertions.Expect(tab.Page.Locator("main #address-new")).ToBeVisibleAsync();
        Assert.Empty(await OfferedAsync(tab, $"/addresses?domain={elsewhere}"));
        await AssertOffersAsync(tab, $"/addresses/{place.Alias}", "Enabled", "Targets", "Reason", "Save", $"/addresses?domain={place.Domain}", "address-delete");
        await AssertOffersAsync(tab, $"/accounts/{place.Account}", "account-address", "account-vacation");
        Assert.Empty(await OfferedAsync(tab, "/accounts"));
        Assert.Empty(await OfferedAsync(tab, $"/domains/{place.Domain}"));
        await tab.GoAsync("/addresses/new");
        await Assertions.Expect(tab.Page.Locator("#DomainId")).ToHaveValueAsync(place.Domain.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.DoesNotContain($"seen.{name}", await tab.Page.Locator("#DomainId").TextContentAsync(), StringComparison.Ordinal);
        Assert.Empty(tab.Complaints);
    }
}
