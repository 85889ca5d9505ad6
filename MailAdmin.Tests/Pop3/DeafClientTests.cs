using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Pop3;

/// <summary>Clients that ask for much and read nothing of it: the process as a whole holds little for them.</summary>
[Collection(Alone.Name)]
public sealed class DeafClientTests
{
    [Fact]
    public async Task When_a_client_says_nothing_or_reads_nothing_then_it_is_left_and_nothing_is_removed()   // RFC 1939 §3, attack case A21
    {
        var clock = new ManualClock();
        await using Pop3Rig slow = await Pop3Rig.StartAsync(clock: clock);
        const int size = 2_000_000, count = 40;
        string large = "Subject: large\r\n\r\n" + new string('x', size);
        await slow.GivenMessagesAsync(slow.Mail.Ann, "INBOX", [.. Enumerable.Repeat(large, count)]);
        await using WireScript deaf = await slow.LogInAsync("ann@example.test"), other = await slow.LogInAsync("bob@example.test"), mute = await slow.LogInAsync("ann@example.test");
        await mute.PlayAsync("C: DELE 1\nS: +OK *");
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await deaf.SendAsync(string.Concat(Enumerable.Range(1, count).Select(i => $"RETR {i}\r\n")));
        for (int i = 0; i < 50; i++)
            await other.PlayAsync("C: STAT\nS: +OK 0 0");
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - before < (long)size * count / 2, "the whole answer is held in memory");
        for (int i = 0; slow.Mail.Sessions.Count > 1; i++)
        {
            Assert.True(i < 1000, "the sessions still stand");
            await other.PlayAsync("C: NOOP\nS: +OK *");   // this one is not idle
            clock.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(10);
        }
        Assert.True(await mute.EndsAsync());   // without a word
        await other.PlayAsync("C: NOOP\nS: +OK *");
        Assert.Equal(count, (await slow.GivenMailboxAsync(slow.Mail.Ann)).Current.Count);
    }
}
