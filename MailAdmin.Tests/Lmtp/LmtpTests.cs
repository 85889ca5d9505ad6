using System.Net.Sockets;
using MailAdmin.Tests.Rig;
using MailEngine;

namespace MailAdmin.Tests.Lmtp;

public sealed class LmtpTests : IAsyncLifetime
{
    MailRig _rig = null!;

    public async Task InitializeAsync() => _rig = await MailRig.StartAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    [Fact]   // RFC 2033 §4.2
    public async Task When_a_message_has_three_recipients_then_each_taken_one_is_answered_after_DATA_in_order()
    {
        await _rig.Accounts.GivenAccountAsync("full@example.test", change: a => a.QuotaBytes = 500);
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.Lmtp);
        await client.PlayAsync("""
            S: 220 mail.example.test LMTP
            C: LHLO mta.test
            S: 250-mail.example.test
            S: 250-PIPELINING
            S: 250-SIZE *
            S: 250-8BITMIME
            S: 250-SMTPUTF8
            S: 250-DSN
            S: 250-LIMITS *
            S: 250 ENHANCEDSTATUSCODES
            C: MAIL FROM:<a@example.org> BODY=8BITMIME
            S: 250 2.1.0 Ok
            C: RCPT TO:<ann@example.test>
            S: 250 2.1.5 Ok
            C: RCPT TO:<nobody@example.test>
            S: 550 5.1.1 *
            C: RCPT TO:<full@example.test>
            S: 250 2.1.5 Ok
            C: RCPT TO:<zoe@away.test>
            S: 550 5.7.1 *
            C: RCPT TO:<bob@example.test>
            S: 250 2.1.5 Ok
            C: DATA
            S: 354 *
            """);
        await client.SendAsync($"Subject: x\r\n\r\n{new string('x', 600)}\r\n.\r\n");
        await client.PlayAsync("S: 250 2.0.0 *\nS: 452 4.2.2 *\nS: 250 2.0.0 *\nC: QUIT\nS: 221 *");
        string message = Assert.Single(await _rig.MessagesAsync(_rig.Ann));
        Assert.StartsWith("Return-Path: <a@example.org>\r\nDelivered-To: ann@example.test\r\nReceived: from mta.test ", message);
        Assert.Contains("with LMTP id ", message);
        Assert.DoesNotContain("for <", message);
        Assert.Single(await _rig.MessagesAsync(_rig.Bob));
        Assert.Empty(_rig.Store.ReadQueue());   // the client keeps what we did not take
    }

    [Fact]
    public async Task When_the_unix_socket_is_used_then_it_is_the_same()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(_rig.Folder, "lmtp.sock")));
        await using var client = new WireScript(new NetworkStream(socket));
        await client.PlayAsync("S: 220 *\nC: LHLO mta.test");
        await client.ReadUntilAsync("250 ");
        await client.SendAsync("MAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n");
        await client.PlayAsync("S: 250 *\nS: 250 *\nS: 354 *\nC: hello\nC: .\nS: 250 2.0.0 *");
        Assert.Contains("Received: from mta.test (local socket)\r\n", Assert.Single(await _rig.MessagesAsync(_rig.Ann)));
    }

    [Fact]
    public async Task When_commands_come_out_of_order_then_503_and_SMTP_greetings_are_not_known()
    {
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.Lmtp);
        await client.PlayAsync("""
            S: 220 *
            C: EHLO c
            S: 500 *
            C: MAIL FROM:<>
            S: 503 5.5.1 *
            C: LHLO
            S: 501 *
            C: LHLO c
            """);
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync("C: RCPT TO:<ann@example.test>\nS: 503 *\nC: MAIL FROM:<>\nS: 250 *\nC: DATA\nS: 503 *\nC: RSET\nS: 250 *\nC: DATA\nS: 503 *");
    }

    [Fact]   // attack case A1
    public async Task When_the_data_has_a_bare_line_end_then_every_recipient_is_refused_and_there_is_one_message_at_most()
    {
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.Lmtp);
        await client.PlayAsync("S: 220 *\nC: LHLO c");
        await client.ReadUntilAsync("250 ");
        await client.SendAsync("MAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\none\n.\r\nMAIL FROM:<>\r\n.\r\n");
        await client.PlayAsync("S: 250 *\nS: 250 *\nS: 250 *\nS: 354 *\nS: 550 5.5.2 *\nS: 550 5.5.2 *\nC: NOOP\nS: 250 *");
        Assert.Empty(await _rig.MessagesAsync(_rig.Ann));
    }
}
