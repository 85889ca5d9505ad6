using System.Text;
using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Sieve.Rules;
using MailEngine.Store;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>Filters: scripts that are checked while they are typed, tried with a message and taken back; rules for those who write no Sieve.</summary>
public sealed class FilterPagesTests(PanelRig rig) : IClassFixture<PanelRig>
{
    ScriptService Scripts => rig.Server.Get<ScriptService>();

    async Task<string> TextAsync(long account, string name) => Encoding.UTF8.GetString((await Scripts.ReadAsync(rig.Superuser, account, name)).Value ?? []);

    [Fact]
    public async Task When_a_script_is_typed_then_its_errors_stand_at_their_lines_and_a_long_one_is_stored_whole()
    {
        long account = await rig.GivenAccountAsync(await rig.GivenDomainAsync("editor.test"), "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@editor.test");
        IPage page = tab.Page;
        await tab.GoAsync("/filters/script");
        await page.FillAsync("#Name", "work");
        await page.FillAsync("#Text", "# mine\nkeep;\nfileinto \"Lists\";\nif true { discard }\n");

        ILocator faults = page.Locator("#Text-faults li");
        await Expect(faults).ToHaveCountAsync(2);
        await Expect(faults.First).ToContainTextAsync("Line 3, column 1");
        await Expect(faults.First).ToContainTextAsync("require");
        await Expect(page.Locator(".code-line.error")).ToHaveTextAsync(["fileinto \"Lists\";", "if true { discard }"]);
        await Expect(page.Locator(".code-back .code-comment")).ToHaveTextAsync("# mine");
        await Expect(page.Locator(".code-back .code-string").First).ToHaveTextAsync("\"Lists\"");
        // A click leads to the place; nothing is stored.
        await faults.Nth(1).Locator("button").ClickAsync();
        await Expect(page.Locator("#Text")).ToBeFocusedAsync();   // the server says where
        Assert.Equal("discard }\n", await page.EvaluateAsync<string>("() => { const e = document.activeElement; return e.value.slice(e.selectionStart - 8); }"));
        await page.ClickAsync("#script button[type=submit]");
        await Expect(page.Locator("#Text-error")).ToBeVisibleAsync();
        Assert.Empty((await Scripts.ListAsync(rig.Superuser, account)).Value!);

        string script = "require \"fileinto\";\n" + string.Concat(Enumerable.Range(0, 700).Select(i => $"if header :contains \"Subject\" \"word number {i}\" {{ fileinto \"Lists\"; }}\n"));
        Assert.True(script.Length > 40_000);   // more than one message of a circuit holds
        await page.EvaluateAsync("text => { const area = document.querySelector('#Text'); area.value = text; area.dispatchEvent(new Event('input', { bubbles: true })); }", script);
        await Expect(page.Locator("#Text-faults")).ToContainTextAsync("No errors");
        await page.ClickAsync("#script button[type=submit]");

        await Expect(tab.Toast("work is stored")).ToBeVisibleAsync();
        await Expect(page.Locator("#scripts .badge")).ToHaveTextAsync("Active");
        Assert.Equal(script, await TextAsync(account, "work"));
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_script_has_a_history_then_versions_can_be_seen_compared_and_taken_back()
    {
        long account = await rig.GivenAccountAsync(await rig.GivenDomainAsync("history.test"), "ann");
        foreach (string text in (string[])["# one\r\nkeep;\r\n", "# two\r\nkeep;\r\nstop;\r\n"])
            Assert.True((await Scripts.PutAsync(rig.Superuser, account, "a/b & c", Encoding.UTF8.GetBytes(text))).Ok);
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@history.test");
        await tab.GoAsync("/filters");
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "History of a/b & c" }).ClickAsync();

        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Show version 1" }).ClickAsync();
        await Expect(tab.Page.Locator("#version-text del")).ToContainTextAsync("# one");
        await Expect(tab.Page.Locator("#version-text ins")).ToContainTextAsync(["# two", "stop;"]);
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Take version 1 back" }).ClickAsync();
        await tab.Page.ClickAsync("#confirm-yes");

        await Expect(tab.Toast("Version 1 counts again")).ToBeVisibleAsync();
        await Expect(tab.Page.Locator("#versions li")).ToHaveCountAsync(3);
        Assert.Equal("# one\r\nkeep;\r\n", await TextAsync(account, "a/b & c"));
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_script_has_failed_then_its_owner_finds_it_in_his_log_and_nobody_elses()
    {
        long domain = await rig.GivenDomainAsync("log.test"), account = await rig.GivenAccountAsync(domain, "ann"), other = await rig.GivenAccountAsync(domain, "bob");
        var trace = rig.Server.Get<TraceLog>();
        trace.Add(new TraceEvent(DateTimeOffset.UtcNow, TraceStep.Filtered, "K1", "", "zoe@else.test", "ann@log.test", "unix", "Sieve: line 3: <more> than 32 actions") { AccountId = account });
        trace.Add(new TraceEvent(DateTimeOffset.UtcNow, TraceStep.Filtered, "K2", "", "zoe@else.test", "bob@log.test", "unix", "Sieve: of Bob") { AccountId = other });
        trace.Add(new TraceEvent(DateTimeOffset.UtcNow, TraceStep.Delivered, "K3", "", "", "ann@log.test", "unix", "Lists") { AccountId = account });
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@log.test", width: 400);
        await tab.GoAsync("/filters");
        await tab.Page.ClickAsync("#filter-log-link");
        await Expect(tab.Page.Locator("#filter-log li")).ToContainTextAsync(["Lists", "Sieve: line 3: <more> than 32 actions"]);
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_script_is_tried_then_it_is_said_what_would_happen_and_nothing_does()
    {
        long account = await rig.GivenAccountAsync(await rig.GivenDomainAsync("trial.test"), "ann");
        await rig.GivenMessageAsync(account, "Return-Path: <bob@else.test>\r\n", "From: Bob <bob@else.test>\r\nSubject: Hello from =?utf-8?Q?Z=C3=BCrich?=\r\n\r\nHi\r\n");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@trial.test");
        IPage page = tab.Page;
        await tab.GoAsync("/filters/script");
        await page.FillAsync("#Text", "require [\"fileinto\", \"envelope\", \"imap4flags\"];\nif envelope \"from\" \"bob@else.test\" { redirect \"c@else.test\"; addflag \"\\\\Seen\"; fileinto \"Nowhere\"; }");
        await page.ClickAsync("#trial-go");
        await Expect(page.Locator("#trial-outcome li")).ToContainTextAsync(["It is kept in INBOX."]);
        await Expect(page.Locator("#trial-row")).ToHaveCountAsync(0);   // no other script has a say

        await page.SelectOptionAsync("#trial-own", new SelectOptionValue { Index = 1 });
        await Expect(page.Locator("#trial-own option:checked")).ToContainTextAsync("Hello from Zürich");
        await Expect(page.Locator("#trial-from")).ToHaveValueAsync("bob@else.test");
        await page.ClickAsync("#trial-go");
        await Expect(page.Locator("#trial-outcome li")).ToContainTextAsync(["It is sent on to c@else.test.", "There is no folder Nowhere: it is kept in INBOX."]);
        await Expect(page.Locator("#trial-outcome li").Nth(1)).ToContainTextAsync("with \\Seen");

        var store = rig.Server.Get<MailStore>();
        Assert.Equal(1, (await store.OpenAsync(account, MailboxName.Inbox))!.Current.Count);
        Assert.Empty(store.ReadQueue());
        Assert.Empty((await Scripts.ListAsync(rig.Superuser, account)).Value!);
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_somebody_makes_rules_on_a_telephone_then_they_are_stored_beside_his_script_and_come_back()
    {
        long account = await rig.GivenAccountAsync(await rig.GivenDomainAsync("rules.test"), "ann");
        Assert.True((await Scripts.SaveAsync(rig.Superuser, account, new ScriptForm { Name = "by hand", Text = "# mine\r\n"u8.ToArray(), Activate = true })).Ok);
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@rules.test", width: 400);
        IPage page = tab.Page;
        await tab.GoAsync("/filters/rules");
        await page.ClickAsync("#rule-add");
        await Expect(page.Locator("#rule-1-name")).ToBeFocusedAsync();
        await page.FillAsync("#rule-1-name", "Newsletters");
        ILocator condition = page.GetByRole(AriaRole.Group, new() { Name = "Condition 1" });
        await condition.GetByLabel("What to look at").SelectOptionAsync("Subject");
        await condition.GetByLabel("Value").FillAsync("news");
        await page.ClickAsync("#rules button[type=submit]");
        await Expect(page.Locator("#rule-1-error")).ToContainTextAsync("Name a folder");

        await page.GetByRole(AriaRole.Group, new() { Name = "Action 1" }).GetByLabel("Folder").FillAsync("Lists");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add an action" }).ClickAsync();
        await page.GetByRole(AriaRole.Group, new() { Name = "Action 2" }).GetByLabel("What to do").SelectOptionAsync("MarkSeen");
        await page.ClickAsync("#trial-go");
        await Expect(page.Locator("#trial-steps li")).ToContainTextAsync(["It is kept in INBOX."]);
        await Expect(page.Locator("#trial-row li")).ToContainTextAsync(["the rules of the panel", "the active script"]);
        await Expect(page.Locator("#trial-row .badge")).ToHaveTextAsync("This one");
        Assert.Equal(0, await tab.OverhangAsync());
        await tab.AssertSoundAsync("rules on a telephone");
        await page.ClickAsync("#rules button[type=submit]");
        await Expect(tab.Toast("The rules are stored")).ToBeVisibleAsync();
        await Expect(page.Locator("#rules-names")).ToHaveTextAsync("Newsletters");

        RulesOf stored = (await rig.Server.Get<FilterService>().RulesAsync(rig.Superuser, account)).Value!;
        Rule rule = Assert.Single(stored.Rules!);
        Assert.Equal([new RuleCondition(RuleField.Subject, "", RuleOperator.Contains, "news")], rule.Conditions);
        Assert.Equal([new RuleAction(RuleVerb.MarkSeen, ""), new RuleAction(RuleVerb.FileInto, "Lists")], rule.Actions);
        Assert.Equal("# mine\r\n", await TextAsync(account, "by hand"));
        Assert.True((await Scripts.ListAsync(rig.Superuser, account)).Value!.Single().IsActive);

        // Changed by hand into something that no rule says: it is said, and not lost.
        byte[] changed = Encoding.UTF8.GetBytes(stored.Text + "# and this\r\nif size :over 1M { stop; } else { keep; }\r\n");
        Assert.True((await Scripts.SetPanelAsync(rig.Superuser, account, changed)).Ok);
        await tab.GoAsync("/filters/rules");
        await Expect(page.Locator("#by-hand")).ToBeVisibleAsync();
        await Expect(page.Locator("#Text")).ToHaveValueAsync(Encoding.UTF8.GetString(changed).ReplaceLineEndings("\n"));
        await tab.AssertSoundAsync("rules changed by hand");
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_a_domain_has_a_script_for_all_then_its_master_keeps_it_and_the_helpdesk_only_looks()
    {
        long domain = await rig.GivenDomainAsync("forall.test");
        await rig.GivenMasterAsync(await rig.GivenAccountAsync(domain, "master"), domain);
        await rig.GivenGrantAsync(await rig.GivenAccountAsync(domain, "help"), PermissionSet.Helpdesk, domain);
        long user = await rig.GivenAccountAsync(domain, "ann");
        await using (BrowserTab tab = await rig.GivenSignedInAsync("master@forall.test"))
        {
            await tab.GoAsync($"/domains/{domain}");
            await tab.FollowAsync("#domain-filters");
            await tab.FollowAsync("#script-new");
            await tab.Page.FillAsync("#Name", "spam");
            await tab.Page.SelectOptionAsync("#Place", "Before");
            await tab.Page.FillAsync("#Text", "if header :contains \"X-Spam-Flag\" \"YES\" { discard; }");
            await tab.Page.FillAsync("#Reason", "Too much of it");
            await tab.Page.ClickAsync("#script button[type=submit]");
            await Expect(tab.Page.Locator("#scripts .badge")).ToHaveTextAsync("Before the accounts' own");
            Assert.Empty(tab.Complaints);
        }
        await using BrowserTab help = await rig.GivenSignedInAsync("help@forall.test");
        await help.GoAsync($"/domains/{domain}/filters");
        await Expect(help.Page.Locator("#scripts strong")).ToHaveTextAsync("spam");
        await Expect(help.Page.Locator("main button.btn-danger, #script-new")).ToHaveCountAsync(0);
        foreach (string path in (string[])[$"/accounts/{user}/filters", $"/accounts/{user}/filters/script", $"/accounts/{user}/filters/rules", "/server/filters"])
        {
            await help.GoAsync(path);
            await Expect(help.Page.Locator("#missing")).ToBeVisibleAsync();
        }
    }

    [Fact]
    public async Task When_an_auditor_looks_at_filters_of_an_account_then_he_reads_them_and_changes_and_tries_nothing()
    {
        long domain = await rig.GivenDomainAsync("looked.test");
        await rig.GivenGrantAsync(await rig.GivenAccountAsync(domain, "eye"), PermissionSet.Auditor, domain);
        long user = await rig.GivenAccountAsync(domain, "ann");
        Assert.True((await Scripts.SaveAsync(rig.Superuser, user, new ScriptForm { Name = "mine", Text = "# by hand\r\n"u8.ToArray(), Activate = true })).Ok);
        var rule = new Rule("Spam", true, RuleMatch.All, [], [new RuleAction(RuleVerb.Discard, "")], true);
        Assert.True((await rig.Server.Get<FilterService>().SetRulesAsync(rig.Superuser, user, new RulesOf([], ""), [rule])).Ok);
        await using BrowserTab tab = await rig.GivenSignedInAsync("eye@looked.test");
        IPage page = tab.Page;
        await tab.GoAsync($"/accounts/{user}");
        await page.ClickAsync("#account-filters");
        await Expect(page.Locator("#scripts .badge")).ToHaveTextAsync("Active");
        await Expect(page.Locator("#script-new, #scripts button")).ToHaveCountAsync(0);
        await page.ClickAsync("#rules-edit");
        await Expect(page.Locator("#rules-read li")).ToHaveTextAsync("Spam");
        await Expect(page.Locator("#Text")).ToHaveAttributeAsync("readonly", "");
        await Expect(page.Locator("main button[type=submit], #trial")).ToHaveCountAsync(0);
        await tab.AssertSoundAsync("rules as an auditor sees them");
        await tab.GoAsync($"/accounts/{user}/filters/script?name=mine");
        await Expect(page.Locator("#Text")).ToHaveValueAsync("# by hand\n");
        await Expect(page.Locator("main button[type=submit], #trial")).ToHaveCountAsync(0);
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_somebody_keeps_an_address_book_then_he_adds_uploads_finds_saves_and_removes()
    {
        long account = await rig.GivenAccountAsync(await rig.GivenDomainAsync("book.test"), "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync("ann@book.test", width: 400);
        IPage page = tab.Page;
        await tab.GoAsync("/filters");
        await tab.FollowAsync("#filters-contacts");
        await Expect(page.Locator("#contacts .empty")).ToBeVisibleAsync();
        await page.FillAsync("#Address", "not an address");
        await page.ClickAsync("#contact-add button[type=submit]");
        await Expect(page.Locator("#Address-error")).ToContainTextAsync("no mail address");
        await Expect(page.Locator("#Address")).ToBeFocusedAsync();
        await page.FillAsync("#Address", "Bob@Else.test");
        await page.FillAsync("#Name", "Bob <b>");
        await page.ClickAsync("#contact-add button[type=submit]");
        await Expect(tab.Toast("Bob@Else.test is in the address book")).ToBeVisibleAsync();
        await Expect(page.Locator("#contacts tbody tr")).ToHaveCountAsync(1);
        await Expect(page.Locator("#contacts tbody tr")).ToContainTextAsync("Bob <b>");

        await page.FillAsync("#Lines", "bob@else.test\nCid Ding <cid@else.test>\nwho@\n" + string.Concat(Enumerable.Range(0, 1500).Select(i => $"\"Number {i}\" <somebody.{i}@else.test>\n")));   // more than one message of a circuit holds
        await page.ClickAsync("#contacts-go");
        await Expect(page.Locator("#contacts-report")).ToContainTextAsync("Added: 1,501. There already: 1");
        await Expect(page.Locator("#contacts-faults li")).ToHaveTextAsync(["Line 3: “who@” is no mail address."]);
        await Expect(page.Locator("#Lines")).ToHaveValueAsync("");
        await tab.AssertSoundAsync("the address book on a telephone");

        await tab.ChooseFileAsync("#File", new FilePayload { Name = "book.vcf", MimeType = "text/vcard", Buffer = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Dan\r\nEMAIL;PREF=1:dan@else.test\r\nEND:VCARD\r\n"u8.ToArray() });
        await Expect(page.Locator("#contacts-many")).ToContainTextAsync("book.vcf");
        await page.ClickAsync("#contacts-go");
        await Expect(page.Locator("#contacts-report")).ToHaveTextAsync("Added: 1");
        await page.FillAsync("#contacts #search", "dan@");
        await Expect(page.Locator("#contacts tbody tr")).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Button, new() { Name = "Change the name of dan@else.test" }).ClickAsync();
        await Expect(page.Locator("#NewName")).ToBeFocusedAsync();
        await Expect(page.Locator("#NewName")).ToHaveValueAsync("Dan");
        foreach ((int width, bool dark) in new[] { (1280, false), (1280, true), (400, true), (400, false) })
        {
            await tab.AppearAsync(width, dark);
            await tab.AssertSoundAsync($"a name is being changed at {width}, {(dark ? "dark" : "light")}", lookOnly: width == 1280);
        }
        await page.FillAsync("#NewName", "Dan <i>");
        await page.PressAsync("#NewName", "Escape");
        await Expect(page.Locator("#NewName")).ToHaveCountAsync(0);
        await Expect(page.Locator("#contacts tbody tr")).Not.ToContainTextAsync("<i>");
        await page.GetByRole(AriaRole.Button, new() { Name = "Change the name of dan@else.test" }).ClickAsync();
        await page.FillAsync("#NewName", "Dan <i>");
        await page.PressAsync("#NewName", "Enter");
        await Expect(tab.Toast("The name of dan@else.test is changed")).ToBeVisibleAsync();
        await Expect(page.Locator("#contacts tbody tr")).ToContainTextAsync("Dan <i>");
        await page.GetByRole(AriaRole.Button, new() { Name = "Remove dan@else.test" }).ClickAsync();
        await page.ClickAsync("#confirm-yes");
        await Expect(tab.Toast("dan@else.test is not in the address book any more")).ToBeVisibleAsync();

        IDownload saved = await page.RunAndWaitForDownloadAsync(() => page.ClickAsync("#contacts-export"));
        Assert.Equal("contacts.vcf", saved.SuggestedFilename);
        string cards = await System.IO.File.ReadAllTextAsync((await saved.PathAsync())!);
        Assert.Contains("FN:Bob <b>\r\nN:Bob <b>;;;;\r\nEMAIL;TYPE=INTERNET:Bob@Else.test\r\n", cards, StringComparison.Ordinal);
        Assert.DoesNotContain("dan@", cards, StringComparison.Ordinal);
        Assert.Equal(1502, (await rig.Server.Get<ContactService>().ListAsync(rig.Superuser, account, new PageRequest())).Value!.Total);
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_somebody_has_no_mailbox_then_pages_about_mail_are_not_offered_and_say_so()
    {
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        await Expect(tab.Page.Locator("nav a[href='/preferences']")).ToBeVisibleAsync();
        foreach (string path in (string[])["/vacation", "/filters", "/contacts", "/forward", "/account/setup", "/deleted"])
        {
            await Expect(tab.Page.Locator($"nav a[href='{path}']")).ToHaveCountAsync(0);
            await tab.GoAsync(path);
            await Expect(tab.Page.Locator("#no-mailbox")).ToBeVisibleAsync();
            await Expect(tab.Page.Locator("main form, main button")).ToHaveCountAsync(0);
        }
        Assert.Empty(tab.Complaints);
    }
}
