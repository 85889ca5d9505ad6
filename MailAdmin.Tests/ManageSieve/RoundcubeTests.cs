using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Store;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.ManageSieve;

/// <summary>Roundcube as people use it: its pages in a browser, its plug-in for filters at our ManageSieve, its mail at our IMAP.</summary>
public sealed class RoundcubeTests
{
    [Fact]
    public async Task When_filters_are_made_in_Roundcube_then_they_work_come_back_and_go()
    {
        Task<Browser> starting = Browser.StartAsync();
        await using MailRig rig = await GivenMailAsync();
        await using Roundcube roundcube = await Roundcube.StartAsync($"ssl://127.0.0.1:{rig.Listeners.PortOf(MailProtocol.Imap, implicitTls: true)}", $"tls://127.0.0.1:{rig.Listeners.PortOf(MailProtocol.ManageSieve)}");
        await using Browser browser = await starting;
        await using BrowserTab tab = await browser.OpenAsync(roundcube.Home);
        IPage page = tab.Page;
        IFrameLocator form = page.FrameLocator("#filter-box");
        await OpenFiltersAsync(page);

        await ChooseAsync(page, "create");   // a set
        await form.Locator("input[name=_name]").FillAsync("mine");
        await form.Locator("button.submit").ClickAsync();
        await Expect(page.Locator("#filterset-name")).ToHaveTextAsync("mine");
        await AddAsync(page, "lists", async () =>
        {
            await form.Locator("[name='_rule_target[0][]']").FillAsync("[news]");
            await form.Locator("[name='_action_mailbox[0]']").SelectOptionAsync("Archive");
        });
        await AddAsync(page, "away", async () =>
        {
            await form.Locator("#_join").SelectOptionAsync("any");
            await form.Locator("#action_type0").SelectOptionAsync("vacation");
            await form.Locator("#action_reason0").FillAsync("I am away.\n.\nTill Monday, Grüße.");
            await form.Locator("#action_interval0").FillAsync("3");
        });
        await ChooseAsync(page, "status");
        await Expect(page.Locator("#filtersetslist tr:not(.disabled) td.name")).ToHaveTextAsync("mine");

        await DeliverAsync(rig, "[news] of today");
        Assert.Equal("Subject: [news] of today", Subject(Assert.Single(await rig.MessagesAsync(rig.Ann, "Archive"))));
        string answer = Assert.Single(await rig.Store.InboxAsync(rig.Bob, 1));
        Assert.Contains("\r\nAuto-Submitted: auto-replied", answer);
        Assert.Equal("I am away.\r\n.\r\nTill Monday, Grüße.\r\n", Encoding.UTF8.GetString(Convert.FromBase64String(answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..])));

        // Opened anew, the rule is there and can be changed.
        await page.GotoAsync("/?_task=settings&_action=plugin.managesieve");
        await Expect(page.Locator("#filterslist td.name")).ToHaveTextAsync(["lists", "away"]);
        await page.Locator("#filterslist td.name").First.ClickAsync();
        ILocator target = form.Locator("[name='_rule_target[0][]']");
        await Expect(target).ToHaveValueAsync("[news]");
        await target.FillAsync("[weekly]");
        await form.Locator("button.submit").ClickAsync();
        await Expect(page.Locator("#messagestack .confirmation")).ToBeVisibleAsync();
        await DeliverAsync(rig, "[weekly] of today");
        Assert.Equal(["Subject: [news] of today", "Subject: [weekly] of today"], (await rig.MessagesAsync(rig.Ann, "Archive")).Select(Subject));

        // What is wrong with a script is said, and marked at its lines.
        byte[]? stored = await new SieveScripts(rig.Accounts.Database).ReadAsync(rig.Ann, "mine", default);
        await ChooseAsync(page, "edit");
        await form.Locator(".CodeMirror").EvaluateAsync("e => e.CodeMirror.setValue('keep;\\nkep;\\nif true {\\nstop\\n}\\n')");
        await form.Locator("button.submit").ClickAsync();
        await Expect(page.Locator("#messagestack .error")).ToBeVisibleAsync();
        await Expect(form.Locator(".line-error")).ToHaveCountAsync(2);
        Assert.Equal(stored, await new SieveScripts(rig.Accounts.Database).ReadAsync(rig.Ann, "mine", default));

        await ChooseAsync(page, "status");   // off
        await Expect(page.Locator("#filtersetslist tr:not(.disabled)")).ToHaveCountAsync(0);
        await DeliverAsync(rig, "[weekly] once more");
        Assert.Equal("Subject: [weekly] once more", Subject(Assert.Single(await rig.MessagesAsync(rig.Ann))));
        await ChooseAsync(page, "delete");
        await page.ClickAsync(".ui-dialog button.delete");
        await Expect(page.Locator("#filtersetslist td.name:visible")).ToHaveTextAsync(["roundcube"]);   // which it made because there was none
        Assert.Equal("roundcube", Assert.Single(await new SieveScripts(rig.Accounts.Database).ListAsync(rig.Ann, default)).Name);
    }

    [Fact]
    public async Task When_Roundcube_opens_a_script_written_here_then_it_is_left_as_it_is_until_a_rule_is_added_and_goes_on_doing_what_it_did()
    {
        Task<Browser> starting = Browser.StartAsync();
        await using MailRig rig = await GivenMailAsync(options => options.AllowPlaintextAuth = true, "Lists/Zürich");
        var scripts = new SieveScripts(rig.Accounts.Database);
        var who = new Administrator(rig.Ann, "ann@example.test", "");
        byte[] script = Encoding.UTF8.GetBytes("""
            require ["fileinto", "imap4flags", "mailbox"];
            # what the lists send
            if anyof (header :contains "Subject" ["[a]", "[b]"],
                exists "List-Id")
            {
                addflag "\\Flagged";
                fileinto :create "Lists/Zürich";
                stop;
            }
            """.ReplaceLineEndings("\r\n"));
        Assert.Equal(ScriptFault.None, await scripts.PutAsync(who, rig.Ann, "work", script, 100, default));
        Assert.Equal(ScriptFault.None, await scripts.ActivateAsync(who, rig.Ann, "work", default));
        // In the clear, as where Roundcube and the server are one machine.
        await using Roundcube roundcube = await Roundcube.StartAsync($"127.0.0.1:{rig.Listeners.PortOf(MailProtocol.Imap)}", $"127.0.0.1:{rig.Listeners.PortOf(MailProtocol.ManageSieve)}");
        await using Browser browser = await starting;
        await using BrowserTab tab = await browser.OpenAsync(roundcube.Home);
        IPage page = tab.Page;
        IFrameLocator form = page.FrameLocator("#filter-box");
        await OpenFiltersAsync(page);

        await Expect(page.Locator("#filterset-name")).ToHaveTextAsync("work");
        await page.Locator("#filterslist td.name").ClickAsync();
        await Expect(form.Locator("[name='_rule_target[0][]']")).ToHaveCountAsync(2);
        await Expect(form.Locator("[name='_rule_target[0][]']").Nth(1)).ToHaveValueAsync("[b]");
        Assert.Equal("Lists/Z&APw-rich", await form.Locator("[name='_action_mailbox[1]']").EvaluateAsync<string>("e => e.value"));   // as it has it from IMAP4rev1
        Assert.Equal(script, await scripts.ReadAsync(rig.Ann, "work", default));

        await AddAsync(page, "rest", async () =>
        {
            await form.Locator("[name='_rule_target[0][]']").FillAsync("[c]");
            await form.Locator("[name='_action_mailbox[0]']").SelectOptionAsync("Archive");
        });
        Assert.True(Assert.Single(await scripts.ListAsync(rig.Ann, default)).IsActive);
        await DeliverAsync(rig, "[b] is for a list");
        await DeliverAsync(rig, "[c] is not");
        Assert.Equal("Subject: [b] is for a list", Subject(Assert.Single(await rig.MessagesAsync(rig.Ann, "Lists/Zürich"))));
        Assert.Equal("Subject: [c] is not", Subject(Assert.Single(await rig.MessagesAsync(rig.Ann, "Archive"))));
    }

    /// <summary>A server, with mailboxes that Roundcube lists.</summary>
    static async Task<MailRig> GivenMailAsync(Action<EngineOptions>? change = null, params string[] mailboxes)
    {
        MailRig rig = await MailRig.StartAsync(change);
        foreach (string name in (string[])["Archive", .. mailboxes])
        {
            Assert.Equal(StoreError.None, await rig.Store.CreateAsync(rig.Ann, MailboxName.Parse(name)));
            Assert.Equal(StoreError.None, await rig.Store.SubscribeAsync(rig.Ann, MailboxName.Parse(name), true));
        }
        return rig;
    }

    static async Task OpenFiltersAsync(IPage page)
    {
        await page.GotoAsync("/");
        await page.FillAsync("#rcmloginuser", "ann@example.test");
        await page.FillAsync("#rcmloginpwd", MailRig.Password);
        await page.ClickAsync("#rcmloginsubmit");
        await Expect(page.Locator("#mailboxlist li.mailbox.inbox")).ToBeVisibleAsync();
        await page.GotoAsync("/?_task=settings&_action=plugin.managesieve");
    }

    /// <summary>Something of the menu of filter sets; it has a form of its own where it needs one.</summary>
    static async Task ChooseAsync(IPage page, string item)
    {
        // A click opens the menu, or shuts it where the fading of the one before was not over.
        for (int left = 20; ; left--)
        {
            await page.ClickAsync("a.actions[data-popup=filterset-menu]");
            try
            {
                await page.ClickAsync($"#filterset-menu a.{item}.active", new() { Timeout = 1000 });
                break;
            }
            catch (TimeoutException) when (left > 0)
            {
            }
        }
        await Expect(page.Locator("#filterset-menu")).ToBeHiddenAsync();
    }

    /// <summary>A new filter of the set that is open.</summary>
    static async Task AddAsync(IPage page, string name, Func<Task> fill)
    {
        IFrameLocator form = page.FrameLocator("#filter-box");
        // The form that was there goes when the new one comes; nothing may be typed into the old one.
        await form.Locator("html").EvaluateAsync("e => e.dataset.old = 'yes'");
        await page.ClickAsync("#toolbar-menu a.create");
        await form.Locator("html:not([data-old]) #_name").FillAsync(name);
        await fill();
        await form.Locator("button.submit").ClickAsync();
        await Expect(page.Locator("#filterslist td.name", new() { HasText = name })).ToBeVisibleAsync();
    }

    static async Task DeliverAsync(MailRig rig, string subject)
    {
        await using WireScript client = await rig.ConnectAsync(MailProtocol.Lmtp);
        await client.PlayAsync("S: 220 *\nC: LHLO mta.test");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync("C: MAIL FROM:<bob@example.test>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
        await client.SendAsync($"From: <bob@example.test>\r\nTo: <ann@example.test>\r\nSubject: {subject}\r\nMessage-ID: <{Guid.NewGuid():N}@x.test>\r\n\r\nHello\r\n.\r\n");
        await client.PlayAsync("S: 250 2.0.0 *\nC: QUIT\nS: 221 *");
    }

    static string Subject(string message) => message.Split("\r\n").First(line => line.StartsWith("Subject: ", StringComparison.Ordinal));
}
