using System.Text;
using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;
using MailEngine;

namespace MailAdmin.Tests.Net;

/// <summary>Attack case A21: clients that say one octet now and then hold nothing for long and keep nobody out.</summary>
public sealed class SlowClientTests
{
    const int Crowd = 150;

    [Theory]
    [InlineData(MailProtocol.Smtp, "NOOP and nothing but noop for a long time")]
    [InlineData(MailProtocol.Submission, "NOOP and nothing but noop for a long time")]
    [InlineData(MailProtocol.Imap, "1 NOOP and nothing but noop for a long time")]
    public async Task When_a_crowd_sends_its_first_line_octet_by_octet_then_it_is_sent_away_and_others_are_served(MailProtocol protocol, string line)
    {
        var clock = new ManualClock();
        await using MailRig rig = await MailRig.StartAsync(clock: clock);
        var crowd = new List<WireScript>();
        for (int i = 0; i < Crowd; i++)
        {
            crowd.Add(await rig.ConnectAsync(protocol));
            await crowd[^1].ReadLineAsync();
        }
        Assert.Equal(Crowd, rig.Sessions.Count);
        // An octet each every nine seconds: for the wait between two octets that is nothing; for the line as a whole it is too much.
        Task<List<string>>[] farewells = [.. crowd.Select(client => client.ReadUntilAsync(protocol == MailProtocol.Imap ? "* BYE" : "421 4.4.2"))];
        for (int at = 0, steps = protocol == MailProtocol.Smtp ? 34 : 7; at < steps; at++)   // 5 min for a line, 1 min to log in
        {
            foreach (WireScript client in crowd)
                await client.Stream.WriteAsync(Encoding.ASCII.GetBytes(line, at, 1));
            await using (WireScript other = await rig.ConnectAsync(protocol))
                await other.PlayAsync(protocol == MailProtocol.Imap ? "S: * OK *\nC: 1 NOOP\nS: 1 OK *\nC: 2 LOGOUT\nS: * BYE *" : "S: 220 *\nC: QUIT\nS: 221 *");
            clock.Advance(TimeSpan.FromSeconds(9));
        }
        foreach (List<string> said in await Task.WhenAll(farewells))
            Assert.Single(said);   // no command was understood from the pieces
        foreach (WireScript client in crowd)
        {
            Assert.True(await client.EndsAsync());
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task When_a_client_appends_octet_by_octet_then_it_is_sent_away_and_nothing_is_kept()
    {
        var clock = new ManualClock();
        await using MailRig rig = await MailRig.StartAsync(o => o.AllowPlaintextAuth = true, clock);
        await using WireScript client = await rig.ConnectAsync(MailProtocol.Imap);
        await client.PlayAsync($"S: * OK *\nC: l LOGIN ann@example.test \"{MailRig.Password}\"\nS: l OK *\nC: a APPEND INBOX {{100000}}\nS: + *");
        Task<List<string>> farewell = client.ReadUntilAsync("* BYE");
        for (int i = 0; !farewell.IsCompleted; i++)
        {
            Assert.True(i < 2000, "the session still stands");
            try
            {
                await client.Stream.WriteAsync("x"u8.ToArray());
            }
            catch (IOException)
            {
                // It was sent away already.
            }
            await using (WireScript other = await rig.ConnectAsync(MailProtocol.Imap))   // so that the octet is read before the clock goes on
                await other.PlayAsync("S: * OK *\nC: 1 NOOP\nS: 1 OK *\nC: 2 LOGOUT\nS: * BYE *");
            clock.Advance(TimeSpan.FromSeconds(10));
        }
        await farewell;
        Assert.Empty(await rig.MessagesAsync(rig.Ann));
    }
}
