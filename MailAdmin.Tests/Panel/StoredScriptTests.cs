using System.Text;
using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Sieve.Rules;
using MailEngine.Store;

namespace MailAdmin.Tests.Panel;

/// <summary>Markup in everything that people can write is shown as what they wrote, on every page.</summary>
public sealed class StoredScriptTests(PanelRig rig) : IClassFixture<PanelRig>
{
    const string Markup = "\"'><b data-planted onmouseover=alert(1)>x</b><script data-planted>window.planted=1</script>";

    static void AssertOk(ServiceResult result) => Assert.True(result.Ok, result.Text);

    [Fact]
    public async Task When_markup_stands_in_every_text_that_can_be_written_then_no_page_takes_it_for_its_own()
    {
        string[] planted = [];
        PanelPlace place = await PanelPlace.GivenAsync(rig, "planted.test", team: "Team", gone: Markup);
        Actor ann = Actor.Account(place.Account, place.Login, "192.0.2.7"), root = rig.Superuser.Because(Markup);
        var accounts = rig.Server.Get<AccountService>();
        AccountForm form = (await accounts.GetAsync(root, place.Account)).Value!;
        form.DisplayName = Markup;
        AssertOk(await accounts.UpdateAsync(root, place.Account, form));
        await rig.GivenSetAsync(Markup[..60], Permissions.See);
        AssertOk(await rig.Server.Get<VacationService>().SetAsync(ann, null, new VacationForm { Enabled = true, Subject = Markup, Text = Markup }));
        AssertOk(await rig.Server.Get<AppPasswordService>().CreateAsync(ann, new AppPasswordForm { Name = Markup[..60], Password = PanelRig.Password }));
        AssertOk(await rig.Server.Get<ScriptService>().SaveAsync(ann, place.Account, new ScriptForm { Name = Markup, Text = Encoding.UTF8.GetBytes("# " + Markup) }));
        AssertOk(await rig.Server.Get<ScriptService>().SaveAsync(root, ScriptOwner.Server, new ScriptForm { Name = Markup, Text = Encoding.UTF8.GetBytes("# " + Markup) }));
        var filters = rig.Server.Get<FilterService>();
        AssertOk(await filters.SetRulesAsync(ann, place.Account, (await filters.RulesAsync(ann, place.Account)).Value!,
            [new Rule(Markup, true, RuleMatch.All, [new RuleCondition(RuleField.Subject, "", RuleOperator.Contains, Markup)], [new RuleAction(RuleVerb.FileInto, "Planted")], false)]));
        AssertOk(await rig.Server.Get<MailboxService>().CreateAsync(root, place.Domain, new SharedMailboxForm { Name = Markup.Replace('/', '|') }));
        var domains = rig.Server.Get<DomainService>();
        DomainForm domain = (await domains.GetAsync(root, place.Domain)).Value!;
        domain.StandardFolders = Markup.Replace('/', '|').Replace("=", "-", StringComparison.Ordinal);
        AssertOk(await domains.UpdateAsync(root, place.Domain, domain));
        var store = rig.Server.Get<MailStore>();
        using (BodyWriter writer = store.NewBody())
        {
            writer.Write(Encoding.UTF8.GetBytes($"From: {Markup} <a@b.test>\r\nSubject: {Markup}\r\n\r\n{Markup}\r\n"));
            using Body body = writer.Complete();
            Mailbox inbox = (await store.OpenAsync(place.Account, MailboxName.Inbox))!;
            AppendOutcome appended = await store.AppendAsync(inbox, 0, [new AppendItem { Body = body }]);
            await store.ExpungeAsync(inbox, appended.Uids);
        }
        using (var browser = new PanelClient(rig.Server.Home))
        {
            browser.Http.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", Markup);
            await browser.SignInAsync(place.Login, PanelRig.Password);   // a session of a browser that calls itself so
        }

        int seen = 0;
        foreach (string login in (string[])[PanelRig.Root, place.Login])
        {
            await using BrowserTab tab = await rig.GivenSignedInAsync(login);
            foreach ((string path, bool isStatic) in place.EveryPage().Append(("/search?q=planted", false)).Append(($"/accounts?domain={place.Domain}", false)))
            {
                await (isStatic ? tab.GoStaticAsync(path) : GoAsync(tab, path));
                if (!isStatic && await tab.Page.Locator(".grid").CountAsync() > 0)
                    await Microsoft.Playwright.Assertions.Expect(tab.Page.Locator(".grid tbody tr:visible, .empty:visible").First).ToBeVisibleAsync();
                string[] found = await tab.Page.EvaluateAsync<string[]>("() => [...document.querySelectorAll('[data-planted]')].map(e => e.outerHTML.slice(0, 100)).concat(window.planted ? ['it ran'] : [])");
                Assert.True(found.Length == 0, $"{login} at {path}: {string.Join(' ', found)}");
                if (await tab.Page.EvaluateAsync<bool>("() => document.body.innerText.includes('data-planted') || [...document.querySelectorAll('input, textarea')].some(e => e.value.includes('data-planted'))"))
                {
                    seen++;
                    planted = [.. planted, path];
                }
            }
            Assert.Empty(tab.Complaints);
        }
        Assert.True(seen >= 15, $"what was planted shows on {string.Join(' ', planted)} alone");
    }

    static async Task<int> GoAsync(BrowserTab tab, string path)
    {
        await tab.GoAsync(path);
        return 0;
    }
}
