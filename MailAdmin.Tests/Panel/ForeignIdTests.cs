using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using MailAdmin.Tests.Rig;
using MailAdmin.Web;
using MailAdmin.Web.Services;
using MailEngine.Store;
using Microsoft.AspNetCore.Components;
using Microsoft.Playwright;

namespace MailAdmin.Tests.Panel;

/// <summary>The numbers of a foreign domain tried on every page that takes one: nothing of it shows. Pages are found by their routes, so a new one is tried too.</summary>
public sealed partial class ForeignIdTests(PanelRig rig) : IClassFixture<PanelRig>
{
    [Fact]
    public async Task When_a_master_or_a_user_tries_foreign_numbers_on_every_page_then_nothing_of_the_foreign_domain_shows()
    {
        long own = await rig.GivenDomainAsync("mine.test");
        long foreign = await rig.GivenDomainAsync("victim-domain.test");
        await rig.GivenMasterAsync(await rig.GivenAccountAsync(own, "master"), own);
        await rig.GivenAccountAsync(own, "user");
        long account = await rig.GivenAccountAsync(foreign, "victim-account");
        await rig.GivenAliasAsync(foreign, "victim-alias", "victim-account@victim-domain.test");
        Assert.True((await rig.Server.Get<ContactService>().AddAsync(rig.Superuser, account, new ContactForm { Address = "victim-contact@elsewhere.test" })).Ok);
        var store = rig.Server.Get<MailStore>();
        long mailbox = (await store.OpenAsync(account, MailboxName.Inbox))!.Id;
        await store.CreateAsync(MailStore.SharedTree(foreign), MailboxName.Parse("victim-mailbox"));
        long shared = store.Find(MailStore.SharedTree(foreign), MailboxName.Parse("victim-mailbox"))!.Id;

        string[] templates = [.. typeof(PanelSetup).Assembly.GetTypes().SelectMany(t => t.GetCustomAttributes<RouteAttribute>()).Select(r => r.Template)
            .Where(t => t.Contains(":long", StringComparison.Ordinal)).Distinct()];
        Assert.True(templates.Length >= 10, $"{templates.Length} pages take a number");
        string[] paths =
        [
            .. templates.SelectMany(t => ((long[])[account, foreign, 1, 2, 3]).SelectMany(id => ((long[])[mailbox, shared]).Select(box => Filled(t, id, box)))),
            $"/accounts?domain={foreign}", $"/addresses?domain={foreign}", $"/accounts/new?domain={foreign}", $"/addresses/new?domain={foreign}",
            $"/accounts/{account}/contacts/export", "/contacts/export", "/domains", "/accounts", "/addresses", "/audit", "/audit/export?format=json", "/audit/export?format=csv&search=victim", "/",
        ];
        foreach (string login in (string[])["master@mine.test", "user@mine.test"])
        {
            await using BrowserTab tab = await rig.GivenSignedInAsync(login);
            foreach (string path in paths.Distinct())
            {
                IAPIResponse answer = await tab.Page.Context.APIRequest.GetAsync(path);
                Assert.True(answer.Status < 500, $"{login} {path}: {answer.Status}");
                string text = await answer.TextAsync();
                Assert.False(text.Contains("victim-", StringComparison.OrdinalIgnoreCase), $"{login} sees something of it at {path}");
            }
        }
        // The same pages do show it to who may see it.
        await using BrowserTab root = await rig.GivenSignedInAsync();
        Assert.Contains("victim-account", await (await root.Page.Context.APIRequest.GetAsync($"/accounts/{account}")).TextAsync(), StringComparison.Ordinal);
    }

    static string Filled(string template, long id, long mailbox)
    {
        int at = 0;
        return Parameter().Replace(template, _ => (at++ == 0 ? id : mailbox).ToString(CultureInfo.InvariantCulture));
    }

    [GeneratedRegex("""\{[^}]+\}""")]
    private static partial Regex Parameter();
}
