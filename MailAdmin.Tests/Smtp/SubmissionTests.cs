using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;

namespace MailAdmin.Tests.Smtp;

/// <summary>Mail from our own accounts on 587 and 465.</summary>
public sealed class SubmissionTests : IAsyncLifetime
{
    MailRig _rig = null!;

    public async Task InitializeAsync() => _rig = await MailRig.StartAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    [Fact]   // RFC 4954 §4, §9
    public async Task When_there_is_no_TLS_yet_then_AUTH_is_neither_offered_nor_taken()
    {
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.Submission);
        await client.PlayAsync("S: 220 *\nC: EHLO c");
        Assert.DoesNotContain(await client.ReadUntilAsync("250 "), l => l.Contains("AUTH", StringComparison.Ordinal));
        await client.PlayAsync($"C: AUTH PLAIN {MailRig.Plain("ann@example.test", MailRig.Password)}\nS: 538 5.7.11 *\nC: MAIL FROM:<ann@example.test>\nS: 530 5.7.0 *");
    }

    [Fact]
    public async Task When_TLS_is_on_then_the_ways_to_log_in_work_and_wrong_ones_have_their_codes()
    {
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.Submission, implicitTls: true);
        await client.PlayAsync("S: 220 *\nC: EHLO c");
        Assert.Contains("250-AUTH PLAIN LOGIN", await client.ReadUntilAsync("250 "));
        string user = Convert.ToBase64String("ann@example.test"u8), password = Convert.ToBase64String(Encoding.UTF8.GetBytes(MailRig.Password));
        await client.PlayAsync($"""
            C: AUTH CRAM-MD5
            S: 504 5.5.4 *
            C: AUTH PLAIN !!!!
            S: 501 5.5.2 *
            C: AUTH PLAIN
            S: 334 *
            C: *
            S: 501 5.7.0 *
            C: AUTH PLAIN {MailRig.Plain("ann@example.test", "wrong")}
            S: 535 5.7.8 *
            C: AUTH PLAIN {MailRig.Plain("nobody@example.test", "wrong")}
            S: 535 5.7.8 *
            C: AUTH LOGIN
            S: 334 VXNlcm5hbWU6
            C: {user}
            S: 334 UGFzc3dvcmQ6
            C: {password}
            S: 235 2.7.0 *
            C: AUTH PLAIN x
            S: 503 5.5.1 *
            """);
        Assert.Equal("ann@example.test", Assert.Single(_rig.Sessions.List()).Login);
    }

    [Fact]
    public async Task When_PLAIN_comes_in_two_steps_then_the_challenge_is_empty()
    {
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.Submission, implicitTls: true);
        await client.PlayAsync("S: 220 *\nC: EHLO c");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync($"C: auth plain\nS: 334 *\nC: {MailRig.Plain("ann@example.test", MailRig.Password)}\nS: 235 *");
    }

    [Theory]
    [InlineData(AccountState.ReceiveOnly, MailServices.All)]
    [InlineData(AccountState.Active, MailServices.Imap)]
    [InlineData(AccountState.Suspended, MailServices.All)]
    public async Task When_an_account_may_not_send_then_it_cannot_log_in_here(AccountState state, MailServices services)
    {
        await _rig.Accounts.GivenAccountAsync("dave@example.test", MailRig.Password, a => (a.State, a.Services) = (state, services));
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.Submission, implicitTls: true);
        await client.PlayAsync("S: 220 *\nC: EHLO c");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync($"C: AUTH PLAIN {MailRig.Plain("dave@example.test", MailRig.Password)}\nS: 535 *\nC: MAIL FROM:<dave@example.test>\nS: 530 *");
    }

    [Theory]
    [InlineData("switch")]
    [InlineData("state")]
    [InlineData("suspended")]
    [InlineData("domain")]
    public async Task When_an_account_may_not_send_any_more_then_its_open_session_sends_nothing_more(string how)
    {
        long dave = await _rig.Accounts.GivenAccountAsync("dave@example.test", MailRig.Password);
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.Submission, implicitTls: true);
        await client.PlayAsync("S: 220 *\nC: EHLO c");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync($"C: AUTH PLAIN {MailRig.Plain("dave@example.test", MailRig.Password)}\nS: 235 *\nC: MAIL FROM:<dave@example.test>\nS: 250 *\nC: RSET\nS: 250 *");
        await _rig.Accounts.WriteAsync(async db =>
        {
            Account account = (await db.Accounts.FindAsync(dave))!;
            (account.Services, account.State) = (how == "switch" ? MailServices.All & ~MailServices.Sending : account.Services,
                how == "state" ? AccountState.ReceiveOnly : how == "suspended" ? AccountState.Suspended : account.State);
            (await db.Domains.FindAsync(account.DomainId))!.Enabled = how != "domain";
            await db.SaveChangesAsync();
        });
        await client.PlayAsync("C: MAIL FROM:<dave@example.test>\nS: 421 4.7.0 *");
    }

    [Theory]
    [InlineData("switch")]
    [InlineData("state")]
    [InlineData("suspended")]
    public async Task When_an_account_may_not_receive_any_more_then_an_open_delivery_is_refused_its_address(string how)
    {
        long dave = await _rig.Accounts.GivenAccountAsync("dave@example.test", MailRig.Password);
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.Lmtp);
        await client.PlayAsync("S: 220 *\nC: LHLO c");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync("C: MAIL FROM:<x@example.org>\nS: 250 *\nC: RCPT TO:<dave@example.test>\nS: 250 *\nC: RSET\nS: 250 *");
        await _rig.Accounts.WriteAsync(async db =>
        {
            Account account = (await db.Accounts.FindAsync(dave))!;
            (account.Services, account.State) = (how == "switch" ? MailServices.All & ~MailServices.Receiving : account.Services,
                how == "state" ? AccountState.SendOnly : how == "suspended" ? AccountState.Suspended : account.State);
            await db.SaveChangesAsync();
        });
        await client.PlayAsync("C: MAIL FROM:<x@example.org>\nS: 250 *\nC: RCPT TO:<dave@example.test>\nS: 550 5.2.1 *\nC: RCPT TO:<ann@example.test>\nS: 250 *");
    }

    [Fact]   // attack case A3, RFC 3207 §4.2
    public async Task When_TLS_starts_then_nothing_said_before_it_counts()
    {
        await using WireScript client = await _rig.ConnectAsync();
        await client.PlayAsync("S: 220 *\nC: EHLO c");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync("C: STARTTLS\nS: 220 *");
        client.Continue(await MailRig.TlsOverAsync(client.Stream));
        await client.PlayAsync("C: MAIL FROM:<a@example.org>\nS: 503 5.5.1 *\nC: EHLO c");
        Assert.DoesNotContain("250-STARTTLS", await client.ReadUntilAsync("250 "));
        await client.PlayAsync("C: STARTTLS\nS: 503 *");
    }

    [Theory]
    [InlineData("<ann@example.test>", "250")]
    [InlineData("<ANN@example.test>", "250")]
    [InlineData("<ann+list@example.test>", "250")]
    [InlineData("<sales@example.test>", "250")]      // a list she is on
    [InlineData("<>", "250")]                         // MDNs
    [InlineData("<bob@example.test>", "553 5.7.1")]
    [InlineData("<ann@away.test>", "553 5.7.1")]
    [InlineData("<nobody@example.test>", "553 5.7.1")]
    [InlineData("<nonsense@@>", "553 5.1.7")]
    public async Task When_the_sender_is_named_then_it_must_be_ones_own(string path, string code)
    {
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "sales", _rig.Ann, _rig.Bob);
        await using WireScript client = await _rig.LogInAsync();
        await client.PlayAsync($"C: MAIL FROM:{path}\nS: {code} *");
    }

    [Fact]   // the HOWTO's test0002 with sender_canonical_maps
    public async Task When_mail_carries_the_login_name_then_it_leaves_with_the_primary_address()
    {
        await _rig.Accounts.GivenAccountAsync("luc@example.test", MailRig.Password, a => a.SetLogin("test0002"));
        await using WireScript client = await _rig.LogInAsync("test0002");
        await client.PlayAsync("C: MAIL FROM:<test0002@example.test>\nS: 250 *\nC: RCPT TO:<bob@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
        await client.SendAsync("From: \"test0002@example.test\" <test0002@example.test>\r\nReply-To: test0002@mail.example.test\r\nSender: xtest0002@example.test\r\nSubject: test0002@example.test\r\n\r\ntest0002@example.test\r\n.\r\n");
        await client.PlayAsync("S: 250 *");
        string message = Assert.Single(await _rig.MessagesAsync(_rig.Bob));
        Assert.StartsWith("Return-Path: <luc@example.test>\r\n", message);
        Assert.Contains("<luc@example.test>\r\nReply-To: luc@example.test\r\nSender: xtest0002@example.test\r\nSubject: test0002@example.test\r\n", message);
        Assert.EndsWith("\r\n\r\ntest0002@example.test\r\n", message);
    }

    [Fact]   // RFC 6409 §8
    public async Task When_Date_Message_ID_and_From_are_missing_then_they_are_added_and_Bcc_goes()
    {
        await using WireScript client = await GivenDataAsync();
        await client.SendAsync("To: bob@example.test\r\nBcc: secret@example.test,\r\n\tother@example.test\r\nSubject: x\r\n\r\nBcc: stays\r\n.\r\n");
        string reply = await client.ReadLineAsync();
        string id = reply.Split(' ')[^1];
        string message = Assert.Single(await _rig.MessagesAsync(_rig.Bob));
        Assert.Contains($"\r\nMessage-ID: <{id}@mail.example.test>\r\nFrom: ann@example.test\r\n\r\nBcc: stays\r\n", message);
        Assert.Matches("\r\nDate: [A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} 20[0-9]{2} [0-9:]{8} [+-][0-9]{4}\r\n", message);
        Assert.DoesNotContain("secret", message);
        Assert.DoesNotContain("other@", message);
    }

    [Fact]
    public async Task When_all_fields_are_there_then_the_message_is_as_sent()
    {
        const string Text = "Date: Sat, 21 Nov 2026 04:00:00 +0000\r\nFrom: Ann <ann@example.test>\r\nMessage-ID: <x@client.test>\r\nX-Folded: a\r\n b\r\n\r\ntext\r\n";
        await using WireScript client = await GivenDataAsync();
        await client.SendAsync(Text + ".\r\n");
        await client.PlayAsync("S: 250 *");
        Assert.EndsWith(Text, Assert.Single(await _rig.MessagesAsync(_rig.Bob)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no header at all\r\n")]
    [InlineData("\r\nonly text\r\n")]
    [InlineData("Subject: no blank line")]
    public async Task When_a_message_has_no_proper_header_then_it_gets_one_and_is_taken(string text)
    {
        await using WireScript client = await GivenDataAsync();
        await client.SendAsync(text.Length == 0 || text.EndsWith("\r\n", StringComparison.Ordinal) ? text + ".\r\n" : text + "\r\n.\r\n");
        await client.PlayAsync("S: 250 *");
        string message = Assert.Single(await _rig.MessagesAsync(_rig.Bob));
        Assert.Contains("\r\nFrom: ann@example.test\r\n", message);
        if (text.StartsWith("no header", StringComparison.Ordinal))
            Assert.EndsWith("\r\n\r\nno header at all\r\n", message);
    }

    [Fact]
    public async Task When_the_account_is_locked_during_a_session_then_no_more_mail_is_taken()
    {
        await using WireScript client = await _rig.LogInAsync();
        await client.PlayAsync("C: MAIL FROM:<ann@example.test>\nS: 250 *\nC: RSET\nS: 250 *");
        await _rig.Accounts.WriteAsync(async db =>
        {
            db.Accounts.Single(a => a.Id == _rig.Ann).State = AccountState.Suspended;
            await db.SaveChangesAsync();
        });
        await client.PlayAsync("C: MAIL FROM:<ann@example.test>\nS: 421 4.7.0 *");
        Assert.True(await client.EndsAsync());
    }

    [Fact]
    public async Task When_nobody_logs_in_then_the_session_ends_in_time()
    {
        await using MailRig rig = await MailRig.StartAsync(o => o.Limits.TimeToAuthenticate = TimeSpan.FromSeconds(1));
        await using WireScript client = await rig.ConnectAsync(MailProtocol.Submission);
        await client.PlayAsync("S: 220 *\nS: 421 4.4.2 *");
        Assert.True(await client.EndsAsync());
    }

    [Fact]
    public async Task When_the_server_stops_then_sessions_are_told()
    {
        await using WireScript client = await _rig.LogInAsync();
        await _rig.StopListeningAsync();
        await client.PlayAsync("S: 421 4.3.2 *");
    }

    async Task<WireScript> GivenDataAsync()
    {
        WireScript client = await _rig.LogInAsync();
        await client.PlayAsync("C: MAIL FROM:<ann@example.test>\nS: 250 *\nC: RCPT TO:<bob@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
        return client;
    }
}
