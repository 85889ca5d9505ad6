using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Addresses;
using MailEngine.Flow;
using MailEngine.Store;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>The queue, and "where is my mail?".</summary>
public sealed class ServerPagesTests(PanelRig rig) : IClassFixture<PanelRig>
{
    [Fact]
    public async Task When_mail_waits_then_the_administrator_sees_why_and_can_take_it_out()
    {
        await GivenHeldAsync("KEY1", "far@away.test", "mx.away.test said: 451 4.7.1 Come back later");
        await GivenHeldAsync("KEY4", "near@away.test", "451 4.3.2 Busy");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        IPage page = tab.Page;
        await tab.GoAsync("/queue");
        ILocator row = page.Locator(".grid tbody tr", new() { HasText = "far@away.test" });
        await Expect(row).ToContainTextAsync("Come back later");
        await Expect(row).ToContainTextAsync("On hold");

        // Whatever is done with it, the record has room for the reason.
        await page.GetByRole(AriaRole.Button, new() { Name = "Release the message to near@away.test" }).ClickAsync();
        await tab.AskedAsync();
        await page.FillAsync("#confirm-reason", "They answer again");
        await page.ClickAsync("#confirm-yes");
        await Expect(tab.Toast("near@away.test goes on")).ToBeVisibleAsync();
        await page.ClickAsync("#queue-retry-all");
        await page.ClickAsync("#confirm-no");
        await Expect(page.Locator("#confirm-no")).ToHaveCountAsync(0);

        await page.GetByRole(AriaRole.Button, new() { Name = "Remove the message to far@away.test" }).ClickAsync();
        await page.UncheckAsync(".rz-dialog input[type=checkbox]");
        await page.ClickAsync("#confirm-yes");
        await Expect(tab.Toast("The message to far@away.test is removed")).ToBeVisibleAsync();
        await Expect(row).ToHaveCountAsync(0);
        Assert.DoesNotContain(rig.Server.Get<MailStore>().ReadQueue(), r => r.MessageKey == "KEY1");
        await tab.GoAsync("/audit");
        await Expect(page.Locator(".grid").GetByText("queue.remove")).ToBeVisibleAsync();
        await Expect(page.Locator(".grid").GetByText("They answer again")).ToBeVisibleAsync();
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_the_queue_moves_then_the_open_page_shows_it_by_itself()
    {
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        await tab.GoAsync("/queue");
        await GivenHeldAsync("KEY3", "pushed@away.test", "451 not yet");
        ILocator row = tab.Page.Locator(".grid tbody tr", new() { HasText = "pushed@away.test" });
        await Expect(row).ToContainTextAsync("On hold");

        long id = rig.Server.Get<MailStore>().ReadQueue().Single(r => r.MessageKey == "KEY3").Id;
        Assert.Equal(1, await rig.Server.Get<QueueControl>().RemoveAsync([id], tellSender: false));
        await Expect(row).ToHaveCountAsync(0);
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_mail_comes_then_the_open_start_page_counts_it()
    {
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        var store = rig.Server.Get<MailStore>();
        long before = store.TotalUse().Messages;
        await Expect(tab.Page.Locator("#home-messages")).ToHaveTextAsync($"Messages: {before:N0}");
        await GivenMailAsync(await rig.GivenAccountAsync(await rig.GivenDomainAsync("overview.test"), "ann"), 300_000);

        await Expect(tab.Page.Locator("#home-messages")).ToHaveTextAsync($"Messages: {before + 1:N0}");
        await Expect(tab.Page.Locator("#home-storage")).ToHaveTextAsync(MailAdmin.Web.Circuits.Sizes.Show(store.TotalUse().Bytes));
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_mail_comes_while_the_browser_still_draws_the_start_page_then_that_counts_too()
    {
        long account = await rig.GivenAccountAsync(await rig.GivenDomainAsync("slow.test"), "ann");
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        // The browser's word that it has drawn something comes late, as from a machine that is busy.
        var held = new System.Collections.Concurrent.ConcurrentQueue<byte[]>();
        IWebSocketRoute? circuit = null;
        bool holds = true;
        var drawn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await tab.Page.RouteWebSocketAsync("**/_blazor**", fromPage =>
        {
            circuit = fromPage.ConnectToServer();
            fromPage.OnMessage(frame =>
            {
                if (holds && frame.Binary is { } bytes && bytes.AsSpan().IndexOf("OnRenderCompleted"u8) >= 0)
                {
                    held.Enqueue(bytes);
                    drawn.TrySetResult();
                }
                else if (frame.Binary is { } others)
                    circuit.Send(others);
                else
                    circuit.Send(frame.Text!);
            });
        });
        var store = rig.Server.Get<MailStore>();
        long before = store.TotalUse().Messages;
        await tab.Page.GotoAsync("/");
        await drawn.Task.WaitAsync(TimeSpan.FromMilliseconds(Browser.Patience));   // the circuit's page is there, and the circuit does not know it
        await Expect(tab.Page.Locator("#home-messages")).ToHaveTextAsync($"Messages: {before:N0}");
        await GivenMailAsync(account, 100);
        holds = false;
        while (held.TryDequeue(out byte[]? late))
            circuit!.Send(late);
        await Expect(tab.Page.Locator("#home-messages")).ToHaveTextAsync($"Messages: {before + 1:N0}");
    }

    async Task GivenMailAsync(long account, int octets)
    {
        var store = rig.Server.Get<MailStore>();
        using BodyWriter writer = store.NewBody();
        writer.Write(System.Text.Encoding.ASCII.GetBytes("Subject: much\r\n\r\n" + new string('x', octets)));
        using Body body = writer.Complete();
        Mailbox inbox = (await store.OpenAsync(account, MailboxName.Inbox))!;
        await store.AppendAsync(inbox, 0, [new AppendItem { Body = body }]);
    }

    [Fact]
    public async Task When_a_message_is_asked_for_by_its_id_then_its_steps_are_told_in_order()
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        var trace = rig.Server.Get<TraceLog>();
        trace.Add(new TraceEvent(now, TraceStep.Queued, "KEY2", "m2@own.test", "ann@own.test", "bob@far.test", "", "for far.test"));
        trace.Add(new TraceEvent(now, TraceStep.Deferred, "KEY2", "", "ann@own.test", "bob@far.test", "mx.far.test", "451 <b>busy</b>"));
        trace.Add(new TraceEvent(now, TraceStep.Sent, "KEY2", "", "ann@own.test", "bob@far.test", "mx.far.test", "250 OK"));
        await using BrowserTab tab = await rig.GivenSignedInAsync();
        IPage page = tab.Page;
        await tab.GoAsync("/trace");
        await page.FillAsync("#trace-what", "<m2@own.test>");
        await page.PressAsync("#trace-what", "Enter");

        await Expect(page.Locator(".timeline li .badge")).ToHaveTextAsync(["Queued", "Waits", "Sent on"]);
        await Expect(page.Locator(".timeline li").Nth(1)).ToContainTextAsync("451 <b>busy</b>");   // a server's words are text, not markup
        Assert.Contains("q=", page.Url, StringComparison.Ordinal);

        await tab.GoAsync("/trace?q=nobody@nowhere.test");
        await Expect(page.GetByText("No trace of it")).ToBeVisibleAsync();
        Assert.Empty(tab.Complaints);
    }

    async Task GivenHeldAsync(string key, string recipient, string reply)
    {
        var store = rig.Server.Get<MailStore>();
        using BodyWriter writer = store.NewBody();
        writer.Write("Subject: waits\r\n\r\nhello\r\n"u8);
        using Body body = writer.Complete();
        Assert.True(EmailAddress.TryParse(recipient, out EmailAddress to));
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        var row = new QueueEntry
        {
            MessageKey = key, ReversePath = "ann@own.test", Recipient = to, State = QueueState.Held, QueuedAt = now, NextAttempt = now, Attempts = 2, LastReply = reply,
        };
        AcceptOutcome outcome = await store.AcceptAsync(new Acceptance { Body = body, Queue = [row] }, CancellationToken.None);
        Assert.Equal(StoreError.None, outcome.Fault);
        rig.Server.Get<EngineServices>().Delivery.Queued!(row with { Id = outcome.QueueIds[0] });
    }
}
