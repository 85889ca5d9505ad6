using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Imap;

/// <summary>Clients that ask for much and read nothing of it: the process as a whole holds little for them.</summary>
[Collection(Alone.Name)]
public sealed class DeafClientTests
{
    [Fact]
    public async Task When_a_client_never_reads_then_the_server_holds_little_of_its_answer_and_cuts_it_off()   // attack case A21
    {
        var clock = new ManualClock();
        await using ImapRig rig = await ImapRig.StartAsync(clock: clock);
        const int Size = 2_000_000, Count = 60;
        string large = "Subject: large\r\n\r\n" + new string('x', Size);
        await rig.GivenMessagesAsync(Count, text: _ => large);
        await using WireScript deaf = await rig.SelectAsync(), other = await rig.SelectAsync();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await deaf.SendAsync("1 FETCH 1:* BODY.PEEK[]\r\n");
        // The server writes until the connection takes no more; then its deadline stands. Meanwhile others are served.
        for (int i = 0; i < 50; i++)
            await other.PlayAsync($"C: {i} FETCH 1 (FLAGS)\nS: * 1 FETCH *\nS: {i} OK *");
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - before < (long)Size * Count / 2, "the whole answer is held in memory");
        for (int i = 0; rig.Mail.Sessions.Count > 1; i++)
        {
            Assert.True(i < 1000, "the session still stands");
            await other.PlayAsync("C: n NOOP\nS: n OK *");   // this one is not idle
            clock.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(10);
        }
        await other.PlayAsync("C: z NOOP\nS: z OK *");
    }

    [Fact]
    public async Task When_a_client_never_reads_then_it_is_waited_for_without_memory_and_others_go_on()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(1, text: _ => "Subject: big\r\n\r\n" + new string('x', 8_000_000));
        await using WireScript lazy = await rig.SelectAsync(), other = await rig.SelectAsync();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await lazy.SendAsync(string.Concat(Enumerable.Repeat("1 FETCH 1 BODY.PEEK[]\r\n", 40)));
        for (int i = 0; i < 20; i++)
            await other.PlayAsync("C: 1 FETCH 1 (UID FLAGS)\nS: * 1 FETCH *\nS: 1 OK *");
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 100 << 20);   // of 320 MB asked for
        for (int i = 0; i < 40; i++)
        {
            await lazy.PlayAsync("S: * 1 FETCH (BODY[] {8000016}");
            await lazy.ReadBytesAsync(8_000_016);
            await lazy.PlayAsync("S: )\nS: 1 OK *");
        }
    }
}
