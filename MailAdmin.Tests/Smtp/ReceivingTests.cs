using System.Text.RegularExpressions;
using MailAdmin.Tests.Rig;
using MailEngine.Flow;

namespace MailAdmin.Tests.Smtp;

/// <summary>Mail from other servers on port 25.</summary>
public sealed partial class ReceivingTests : IAsyncLifetime
{
    MailRig _rig = null!;

    public async Task InitializeAsync() => _rig = await MailRig.StartAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    [GeneratedRegex("^250 2\\.0\\.0 Ok: queued as ([0-9A-Z]{13})$")]
    private static partial Regex QueuedAs { get; }

    [Fact]   // the telnet session of the 2002 HOWTO, as people typed it
    public async Task When_somebody_types_the_old_transcript_then_the_mail_is_there_and_its_id_finds_it()
    {
        await using WireScript client = await _rig.ConnectAsync();
        await client.PlayAsync("""
            S: 220 mail.example.test ESMTP
            C: helo localhost
            S: 250 mail.example.test
            C: mail from: luc@example.org
            S: 250 2.1.0 Ok
            C: rcpt to: ann@example.test
            S: 250 2.1.5 Ok
            C: data
            S: 354 *
            C: This is only a test.
            C: .
            """);
        string reply = await client.ReadLineAsync();
        await client.PlayAsync("C: quit\nS: 221 2.0.0 Bye");
        Assert.True(await client.EndsAsync());

        string message = Assert.Single(await _rig.MessagesAsync(_rig.Ann));
        Assert.StartsWith("Return-Path: <luc@example.org>\r\nDelivered-To: ann@example.test\r\nReceived: from localhost ([127.0.0.1])\r\n\tby mail.example.test with SMTP id ", message);
        Assert.EndsWith("+0000\r\n\r\nThis is only a test.\r\n", message);   // text, not a field
        string id = QueuedAs.Match(reply).Groups[1].Value;
        Assert.Contains($"id {id}\r\n\tfor <ann@example.test>;", message);
        IReadOnlyList<TraceEvent> steps = await _rig.Trace.FindAsync(id);
        Assert.Equal([TraceStep.Accepted, TraceStep.Delivered], steps.Select(s => s.Step));
        Assert.Equal("ann@example.test", steps[1].Recipient);
    }

    [Fact]
    public async Task When_EHLO_is_said_then_the_extensions_are_listed()
    {
        await using WireScript client = await _rig.ConnectAsync();
        await client.PlayAsync("""
            S: 220 mail.example.test ESMTP
            C: EHLO client.test
            S: 250-mail.example.test
            S: 250-PIPELINING
            S: 250-SIZE 52428800
            S: 250-8BITMIME
            S: 250-SMTPUTF8
            S: 250-DSN
            S: 250-STARTTLS
            S: 250-LIMITS RCPTMAX=1000
            S: 250-ENHANCEDSTATUSCODES
            S: 250 HELP
            """);
    }

    [Fact]   // RFC 2920
    public async Task When_all_commands_come_in_one_packet_then_each_is_answered_in_order()
    {
        await using WireScript client = await _rig.ConnectAsync();
        await client.PlayAsync("S: 220 *\nC: HELO c");
        await client.PlayAsync("S: 250 *");
        await client.SendAsync("MAIL FROM:<a@example.org>\r\nRCPT TO:<ann@example.test>\r\nRCPT TO:<nobody@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n");
        await client.PlayAsync("S: 250 2.1.0 Ok\nS: 250 2.1.5 Ok\nS: 550 5.1.1 *\nS: 250 2.1.5 Ok\nS: 354 *");
        await client.SendAsync("Subject: x\r\n\r\ntext\r\n.\r\nMAIL FROM:<>\r\nRSET\r\nNOOP\r\nVRFY ann\r\nQUIT\r\n");
        await client.PlayAsync("S: 250 2.0.0 Ok: queued as *\nS: 250 2.1.0 Ok\nS: 250 2.0.0 Ok\nS: 250 2.0.0 Ok\nS: 252 2.5.2 *\nS: 221 *");
        Assert.Single(await _rig.MessagesAsync(_rig.Ann));
        Assert.Single(await _rig.MessagesAsync(_rig.Bob));
    }

    [Fact]
    public async Task When_lines_start_with_dots_then_one_dot_is_taken_off_and_the_rest_is_as_sent()
    {
        await using WireScript client = await GivenDataAsync();
        await client.SendAsync("Subject: dots\r\n\r\n..one\r\n...two\r\n..\r\nth.ree\r\n.x\r\n.\r\n");
        await client.PlayAsync("S: 250 *");
        Assert.EndsWith("\r\nSubject: dots\r\n\r\n.one\r\n..two\r\n.\r\nth.ree\r\nx\r\n", Assert.Single(await _rig.MessagesAsync(_rig.Ann)));
    }

    [Fact]
    public async Task When_data_comes_octet_by_octet_then_it_is_the_same_message()
    {
        await using WireScript client = await GivenDataAsync();
        foreach (char c in "Subject: slow\r\n\r\n..dot\r\n\r\n.\r\n")
            await client.SendAsync(c.ToString());
        await client.PlayAsync("S: 250 *");
        Assert.EndsWith("\r\nSubject: slow\r\n\r\n.dot\r\n\r\n", Assert.Single(await _rig.MessagesAsync(_rig.Ann)));
    }

    [Theory]
    [InlineData("nobody@example.test", "550 5.1.1")]
    [InlineData("ann@elsewhere.org", "550 5.7.1")]
    [InlineData("sus@example.test", "550 5.2.1")]
    [InlineData("ann@off.test", "550 5.2.1")]
    [InlineData("", "501 5.5.4")]
    public async Task When_the_recipient_cannot_have_mail_then_RCPT_says_why(string recipient, string reply)
    {
        await _rig.Accounts.GivenAccountAsync("sus@example.test", change: a => a.State = MailEngine.Accounts.AccountState.Suspended);
        await _rig.Accounts.GivenDomainAsync("off.test", d => d.Enabled = false);
        await using WireScript client = await GivenMailAsync();
        await client.PlayAsync($"C: RCPT TO:<{recipient}>\nS: {reply} *\nC: DATA\nS: 554 5.5.1 *");
    }

    [Fact]
    public async Task When_the_mailbox_is_full_then_RCPT_is_refused_for_now()
    {
        await _rig.Accounts.GivenAccountAsync("full@example.test", change: a => a.QuotaBytes = 300);
        await using WireScript client = await GivenMailAsync();
        await client.PlayAsync("""
            C: RCPT TO:<full@example.test>
            S: 250 2.1.5 Ok
            C: RSET
            S: 250 *
            C: MAIL FROM:<a@example.org> SIZE=1000
            S: 250 *
            C: RCPT TO:<full@example.test>
            S: 452 4.2.2 *
            """);
    }

    [Fact]
    public async Task When_the_mailbox_gets_full_by_the_message_then_the_only_recipient_hears_it_after_DATA()
    {
        await _rig.Accounts.GivenAccountAsync("full@example.test", change: a => a.QuotaBytes = 300);
        await using WireScript client = await GivenMailAsync();
        await client.PlayAsync("C: RCPT TO:<full@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
        await client.SendAsync($"Subject: x\r\n\r\n{new string('x', 500)}\r\n.\r\n");
        await client.PlayAsync("S: 452 4.2.2 *\nC: NOOP\nS: 250 *");
    }

    [Fact]   // RFC 1870 §6
    public async Task When_a_message_is_too_big_then_it_is_refused_at_MAIL_or_after_DATA_and_the_session_goes_on()
    {
        await using MailRig small = await MailRig.StartAsync(o => o.Limits.MessageBytes = 1000);
        await using WireScript client = await small.ConnectAsync();
        await client.PlayAsync("""
            S: 220 *
            C: HELO c
            S: 250 *
            C: MAIL FROM:<a@example.org> SIZE=1001
            S: 552 5.3.4 *
            C: MAIL FROM:<a@example.org>
            S: 250 *
            C: RCPT TO:<ann@example.test>
            S: 250 *
            C: DATA
            S: 354 *
            """);
        await client.SendAsync($"Subject: x\r\n\r\n{new string('x', 2000)}\r\n.\r\n");
        await client.PlayAsync("S: 552 5.3.4 *\nC: NOOP\nS: 250 *");
        Assert.Empty(await small.MessagesAsync(small.Ann));
    }

    [Fact]   // RFC 5321 §6.3
    public async Task When_there_are_too_many_hops_then_it_is_a_loop()
    {
        await using WireScript client = await GivenDataAsync();
        string hops = string.Concat(Enumerable.Repeat("Received: from a by b;\r\n\tSat, 21 Nov 2026 04:00:00 +0000\r\n", 101));
        await client.SendAsync($"{hops}Subject: x\r\n\r\ntext\r\n.\r\n");
        await client.PlayAsync("S: 554 5.4.6 *");
    }

    [Fact]   // fault case C10
    public async Task When_the_250_was_lost_and_the_client_sends_again_then_there_is_one_copy()
    {
        for (int i = 0; i < 2; i++)
        {
            await using WireScript client = await GivenDataAsync();
            await client.SendAsync("Message-ID: <once@example.org>\r\nSubject: x\r\n\r\ntext\r\n.\r\n");
            await client.PlayAsync("S: 250 *");
        }
        Assert.Single(await _rig.MessagesAsync(_rig.Ann));
        Assert.Equal(TraceStep.Duplicate, (await _rig.Trace.FindAsync("<once@example.org>"))[^1].Step);
    }

    [Fact]
    public async Task When_a_detail_names_a_folder_then_it_goes_there_and_else_into_the_INBOX()
    {
        await _rig.Store.CreateAsync(_rig.Ann, MailEngine.Store.MailboxName.Parse("Lists"));
        long lists = _rig.Store.Find(_rig.Ann, MailEngine.Store.MailboxName.Parse("Lists"))!.Id;
        await _rig.Store.SetAclAsync(lists, "anyone", MailEngine.Store.AclChangeMode.Replace, MailEngine.Store.AclRights.Post);
        await using WireScript client = await GivenMailAsync();
        await client.PlayAsync("C: RCPT TO:<ann+lists@example.test>\nS: 250 *\nC: DATA\nS: 354 *\nC: one\nC: .\nS: 250 *");
        await client.PlayAsync("C: MAIL FROM:<>\nS: 250 *\nC: RCPT TO:<ann+other@example.test>\nS: 250 *\nC: DATA\nS: 354 *\nC: two\nC: .\nS: 250 *");
        Assert.Contains("Delivered-To: ann+lists@example.test", Assert.Single(await _rig.MessagesAsync(_rig.Ann, "Lists")));
        Assert.StartsWith("Return-Path: <>\r\n", Assert.Single(await _rig.MessagesAsync(_rig.Ann)));
    }

    [Fact]
    public async Task When_an_alias_leads_to_several_then_each_gets_one_copy_and_circles_end()
    {
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "all", _rig.Ann, _rig.Bob, "team@example.test");
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "team", "all@example.test", _rig.Ann);
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "ring1", "ring2@example.test");
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "ring2", "ring1@example.test");
        await using WireScript client = await GivenMailAsync();
        await client.PlayAsync("C: RCPT TO:<ring1@example.test>\nS: 550 5.4.6 *\nC: RCPT TO:<all@example.test>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *\nC: hello\nC: .\nS: 250 *");
        Assert.Single(await _rig.MessagesAsync(_rig.Ann));
        Assert.Single(await _rig.MessagesAsync(_rig.Bob));
    }

    [Fact]   // attack case A21
    public async Task When_the_data_comes_too_slowly_then_the_connection_ends_and_nothing_is_kept()
    {
        var clock = new MailAdmin.Tests.Net.JumpingClock();
        await using MailRig rig = await MailRig.StartAsync(clock: clock);
        await using WireScript client = await rig.ConnectAsync();
        await client.PlayAsync("S: 220 *\nC: HELO c\nS: 250 *\nC: MAIL FROM:<>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
        // A jump that comes before the server looks at its clock is no minute to it: then there is another.
        Task refused = client.PlayAsync("S: 421 4.4.2 *");
        for (int minute = 0; minute < 10 && !refused.IsCompleted; minute++)
        {
            clock.Jump(TimeSpan.FromSeconds(61));
            await client.SendAsync("Subject: a few octets in a minute\r\n");
            await Task.WhenAny(refused, Task.Delay(TimeSpan.FromSeconds(5)));
        }
        await refused;
        Assert.True(await client.EndsAsync());
        Assert.Empty(await rig.MessagesAsync(rig.Ann));
    }

    [Fact]
    public async Task When_the_client_goes_in_the_middle_of_data_then_nothing_is_kept()
    {
        await using (WireScript client = await GivenDataAsync())
            await client.SendAsync("Subject: half\r\n\r\nhalf a mess");
        await using WireScript other = await GivenDataAsync();
        await other.SendAsync("Subject: whole\r\n\r\ntext\r\n.\r\n");
        await other.PlayAsync("S: 250 *");
        Assert.Contains("Subject: whole", Assert.Single(await _rig.MessagesAsync(_rig.Ann)));
    }

    [Fact]
    public async Task When_a_message_is_larger_than_memory_should_hold_then_it_arrives_whole()
    {
        string line = new string('x', 998) + "\r\n";
        string text = "Subject: big\r\n\r\n" + string.Concat(Enumerable.Repeat(line, 5000));
        await using WireScript client = await GivenDataAsync();
        await client.SendAsync(text + ".\r\n");
        await client.PlayAsync("S: 250 *");
        Assert.EndsWith(text, Assert.Single(await _rig.MessagesAsync(_rig.Ann)));
    }

    [Fact]
    public async Task When_swaks_sends_with_STARTTLS_and_log_in_then_the_mail_is_there()
    {
        string swaks = "/usr/bin/swaks";
        if (!File.Exists(swaks))
            return;
        var start = new System.Diagnostics.ProcessStartInfo(swaks) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[]
        {
            "--server", "127.0.0.1", "--port", _rig.Listeners.PortOf(MailEngine.MailProtocol.Submission).ToString(System.Globalization.CultureInfo.InvariantCulture),
            "--tls", "--auth", "PLAIN", "--auth-user", "ann@example.test", "--auth-password", MailRig.Password, "--from", "ann@example.test",
            "--to", "bob@example.test", "--header", "Subject: from swaks", "--attach", "@/etc/hostname", "--pipeline",
        })
            start.ArgumentList.Add(argument);
        using System.Diagnostics.Process process = System.Diagnostics.Process.Start(start)!;
        string said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, said);
        Assert.Contains("Subject: from swaks", Assert.Single(await _rig.MessagesAsync(_rig.Bob)));
    }

    async Task<WireScript> GivenMailAsync()
    {
        WireScript client = await _rig.ConnectAsync();
        await client.PlayAsync("S: 220 *\nC: HELO client.test\nS: 250 *\nC: MAIL FROM:<a@example.org>\nS: 250 *");
        return client;
    }

    async Task<WireScript> GivenDataAsync()
    {
        WireScript client = await GivenMailAsync();
        await client.PlayAsync("C: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
        return client;
    }
}
