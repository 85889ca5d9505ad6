using MailAdmin.Tests.Rig;
using MailEngine.Flow;
using MailEngine.Store;

namespace MailAdmin.Tests.Flow;

/// <summary>Fault case C13: one message whose processing fails must not stop the others.</summary>
public sealed class PoisonTests : IAsyncLifetime
{
    readonly DnsServer _dns = new();
    readonly SmtpSink _sink = new();
    MailRig _rig = null!;

    public async Task InitializeAsync()
    {
        _dns.Mx("away.test", 10, "mx.away.test").A("mx.away.test", "127.0.0.1");
        _rig = await MailRig.StartAsync(o =>
        {
            o.Dns.Servers = [_dns.Address];
            o.Queue.Port = _sink.Port;
            o.Queue.ConcurrencyPerDestination = 1;   // one connection carries them all, one after the other
            o.Queue.RetryAfter = [TimeSpan.FromDays(1)];
            o.Store.InlineBodyBytes = 4096;          // what is larger has a file of its own, which can be spoilt
        });
    }

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        _dns.Dispose();
        _sink.Dispose();
    }

    /// <summary>Five messages that wait; the bytes of the first, third and fifth are lost.</summary>
    async Task GivenQueueAsync()
    {
        _sink.Script = command => command.StartsWith("RCPT", StringComparison.Ordinal) ? "451 4.3.0 later" : null;
        string poison = string.Concat(Enumerable.Repeat(new string('x', 70) + "\r\n", 200));
        for (int i = 0; i < 5; i++)
        {
            await using WireScript client = await _rig.LogInAsync();
            await client.PlayAsync("C: MAIL FROM:<ann@example.test>\nS: 250 *\nC: RCPT TO:<zoe@away.test>\nS: 250 *\nC: DATA\nS: 354 *");
            await client.SendAsync($"Subject: number {i}\r\n\r\n{(i % 2 == 0 ? poison : "good\r\n")}.\r\n");
            await client.PlayAsync("S: 250 2.0.0 *");
        }
        await QueueWatch.UntilAsync(_rig, () => _rig.Control.List().Count(v => v is { IsActive: false, Row.Attempts: 1 }) == 5, "not all were tried");
        foreach (QueueEntry row in _rig.Store.ReadQueue().Where(row => row.Body.Length > 4096))
        {
            string segment = Path.Combine(_rig.Folder, "partitions/default/segments", row.Body.Segment.ToString("D8", System.Globalization.CultureInfo.InvariantCulture));
            using var file = new FileStream(segment, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            file.SetLength(100);
        }
        _sink.Script = null;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]   // then the message is looked at before it is sent
    public async Task When_the_bytes_of_queued_messages_are_lost_then_the_others_go_to_the_same_host(bool takesEightBit)
    {
        if (!takesEightBit)
            _sink.Extensions.Remove("8BITMIME");
        await GivenQueueAsync();
        Assert.Equal(5, await _rig.Control.RetryAsync(null));
        Assert.Contains("Subject: number 1", (await _sink.TakeAsync()).Data, StringComparison.Ordinal);
        Assert.Contains("Subject: number 3", (await _sink.TakeAsync()).Data, StringComparison.Ordinal);
        await QueueWatch.UntilAsync(_rig, () => _rig.Control.List().Count(v => v is { IsActive: false, Row.Attempts: 2 }) == 3, "the poisoned ones do not wait");
        Assert.True(_sink.IsEmpty);
        Assert.All(_rig.Store.ReadQueue(), row => Assert.StartsWith("451 4.3.0", row.LastReply, StringComparison.Ordinal));
    }

    [Fact]
    public async Task When_a_message_without_its_bytes_is_given_up_then_its_sender_is_told_and_the_queue_gets_empty()
    {
        await GivenQueueAsync();
        _rig.Options.Queue.GiveUpAfter = TimeSpan.Zero;
        await _rig.Control.RetryAsync(null);
        await QueueWatch.EmptyAsync(_rig);
        List<string> reports = await _rig.MessagesAsync(_rig.Ann);
        Assert.Equal(3, reports.Count);
        Assert.All(reports, report => Assert.Contains("Action: failed\r\n", report, StringComparison.Ordinal));
    }
}
