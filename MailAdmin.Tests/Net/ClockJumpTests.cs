using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Flow;

namespace MailAdmin.Tests.Net;

/// <summary>Fault case C9: somebody sets the wall clock; no deadline and no retry moves.</summary>
public sealed class ClockJumpTests
{
    static readonly TimeSpan s_jump = TimeSpan.FromHours(1);

    public static TheoryData<MailProtocol, int> Protocols => new()
    {
        { MailProtocol.Imap, 1 }, { MailProtocol.Imap, -1 }, { MailProtocol.Submission, 1 }, { MailProtocol.Submission, -1 },
    };

    [Theory, MemberData(nameof(Protocols))]
    public async Task When_the_clock_jumps_before_log_in_then_the_time_to_log_in_stays_the_same(MailProtocol protocol, int direction)
    {
        var clock = new ManualClock();
        await using MailRig rig = await MailRig.StartAsync(clock: clock);
        await using WireScript client = await rig.ConnectAsync(protocol);
        await client.ReadLineAsync();
        clock.SetWall(s_jump * direction);
        (string command, string answer, string farewell) = protocol == MailProtocol.Imap ? ("1 NOOP", "1 OK *", "* BYE *") : ("NOOP", "250 *", "421 4.4.2 *");
        await client.PlayAsync($"C: {command}\nS: {answer}");
        clock.Advance(TimeSpan.FromSeconds(50));
        await client.PlayAsync($"C: {command}\nS: {answer}");
        await PauseAsync(rig);
        clock.Advance(TimeSpan.FromSeconds(15));
        await client.PlayAsync($"S: {farewell}");
    }

    // A session has answered, and is about to wait for its next line: a whole other conversation takes longer than that.
    static async Task PauseAsync(MailRig rig)
    {
        await using WireScript other = await rig.ConnectAsync();
        await other.PlayAsync("S: 220 *\nC: QUIT\nS: 221 *");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task When_the_clock_jumps_then_idle_sessions_stay_as_long_as_they_may(int direction)
    {
        var clock = new ManualClock();
        await using MailRig rig = await MailRig.StartAsync(o => o.AllowPlaintextAuth = true, clock);
        await using WireScript imap = await rig.ConnectAsync(MailProtocol.Imap), smtp = await rig.ConnectAsync();
        await imap.PlayAsync($"S: * OK *\nC: l LOGIN ann@example.test \"{MailRig.Password}\"\nS: l OK *\nC: n NOOP\nS: n OK *");
        await smtp.PlayAsync("S: 220 *\nC: HELO c\nS: 250 *");
        clock.SetWall(s_jump * direction);
        await PauseAsync(rig);
        clock.Advance(TimeSpan.FromMinutes(4));
        await imap.PlayAsync("C: 1 NOOP\nS: 1 OK *");
        await smtp.PlayAsync("C: NOOP\nS: 250 *");
        await PauseAsync(rig);
        clock.Advance(TimeSpan.FromSeconds(305));
        await smtp.PlayAsync("S: 421 4.4.2 *");          // RFC 5321 §4.5.3.2.7
        await imap.PlayAsync("C: 2 NOOP\nS: 2 OK *");    // RFC 9051 §5.4
        await PauseAsync(rig);
        clock.Advance(TimeSpan.FromMinutes(31) + TimeSpan.FromSeconds(5));
        await imap.PlayAsync("S: * BYE *");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task When_the_clock_jumps_then_a_message_that_waits_is_tried_when_it_would_have_been(int direction)
    {
        var clock = new ManualClock();
        using var dns = new DnsServer();
        using var sink = new SmtpSink();
        dns.Mx("away.test", 10, "mx.away.test").A("mx.away.test", "127.0.0.1");
        dns.Mx("other.test", 10, "mx.away.test");
        await using MailRig rig = await MailRig.StartAsync(o =>
        {
            o.Dns.Servers = [dns.Address];
            o.Queue.Port = sink.Port;
            o.Queue.RetryAfter = [TimeSpan.FromMinutes(10)];
        }, clock);
        sink.Script = command => command.StartsWith("RCPT TO:<zoe@away.test>", StringComparison.Ordinal) ? "451 4.2.0 later" : null;
        await SendAsync("zoe@away.test");
        await QueueWatch.UntilAsync(rig, () => rig.Control.List().Any(v => v is { IsActive: false, Row.Attempts: 1 }), "it was not tried");
        sink.Script = null;

        clock.SetWall(s_jump * direction);
        clock.Advance(TimeSpan.FromMinutes(5));
        await SendAsync("yan@other.test");   // the queue is at work; the one that waits is not taken with it
        Assert.Contains("yan@other.test", Assert.Single((await sink.TakeAsync()).RcptLines), StringComparison.Ordinal);
        await QueueWatch.UntilAsync(rig, () => rig.Queue.Count == 1, "the other one is still there");
        Assert.Equal(1, Assert.Single(rig.Store.ReadQueue()).Attempts);
        Assert.True(sink.IsEmpty);

        clock.Advance(TimeSpan.FromMinutes(7));
        Assert.Contains("zoe@away.test", Assert.Single((await sink.TakeAsync()).RcptLines), StringComparison.Ordinal);
        await QueueWatch.EmptyAsync(rig);

        async Task SendAsync(string to)
        {
            await using WireScript client = await rig.LogInAsync();
            await client.PlayAsync($"C: MAIL FROM:<ann@example.test>\nS: 250 *\nC: RCPT TO:<{to}>\nS: 250 *\nC: DATA\nS: 354 *\nC: Subject: x\nC: .\nS: 250 *");
        }
    }
}
