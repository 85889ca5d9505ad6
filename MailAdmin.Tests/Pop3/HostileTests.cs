using System.Globalization;
using System.Net.Sockets;
using System.Text;
using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;
using MailEngine.Store;

namespace MailAdmin.Tests.Pop3;

/// <summary>Clients that send too much, too little, rubbish, or read nothing; and bytes that are lost.</summary>
public sealed class HostileTests(Pop3Rig rig) : IClassFixture<Pop3Rig>
{
    [Fact]
    public async Task When_a_stranger_sends_too_much_then_he_is_sent_away()   // attack case A6
    {
        await using WireScript line = await rig.ConnectAsync();
        await line.SendAsync("USER " + new string('x', 5000));
        await line.PlayAsync("S: -ERR The line is too long");
        Assert.True(await line.EndsAsync());
        await using WireScript many = await rig.ConnectAsync();
        await many.SendAsync(string.Concat(Enumerable.Repeat("CAPA\r\n", 2000)));
        Assert.StartsWith("-ERR Too much input", (await many.ReadUntilAsync("-ERR"))[^1], StringComparison.Ordinal);
        await using WireScript bad = await rig.ConnectAsync();
        await bad.SendAsync(string.Concat(Enumerable.Repeat("GET / HTTP/1.1\r\n", 30)));
        Assert.StartsWith("-ERR Too many bad", (await bad.ReadUntilAsync("-ERR Too"))[^1], StringComparison.Ordinal);
        await using WireScript bare = await rig.ConnectAsync();
        await bare.SendAsync("CAPA\n");
        await bare.PlayAsync("S: -ERR Lines end with *");
        await using WireScript lines = await rig.ConnectAsync();
        await lines.PlayAsync("C: AUTH PLAIN\nS: + ");
        await lines.SendAsync(new string('A', 4094) + "\r\n");
        await lines.PlayAsync("S: -ERR *\nC: AUTH PLAIN\nS: + ");
        await lines.SendAsync(new string('A', 4095) + "\r\n");
        await lines.PlayAsync("S: -ERR The line is too long");
    }

    [Fact]
    public async Task When_a_name_or_password_is_not_UTF_8_then_it_is_refused()   // RFC 6856 §2.2
    {
        await using WireScript c = await rig.ConnectAsync();
        await c.PlayAsync("C: USER ann\u00ff@example.test\nS: -ERR An argument is not UTF-8\nC: USER ann@example.test\nS: +OK *\nC: PASS \u00ff\nS: -ERR An argument is not UTF-8");
        await c.PlayAsync($"C: USER  ann@example.test \nS: +OK *\nC: PASS {MailRig.Password} \nS: -ERR [AUTH] *\nC: USER ann@example.test\nS: +OK *\nC: PASS {MailRig.Password}\nS: +OK *");
    }

    [Fact]
    public async Task When_garbage_is_sent_then_the_session_ends_in_order_and_others_do_not_notice()
    {
        (long account, string name) = await rig.GivenAccountAsync();
        await rig.GivenMessagesAsync(account, "INBOX", "Subject: 1\r\n\r\n.\r\n", "Subject: 2\r\n\r\n");
        await using WireScript other = await rig.LogInAsync(name);
        var random = new Random(7);
        string[] words = ["USER ", "PASS ", "AUTH ", "PLAIN ", "LOGIN ", "= ", "*\r\n", "RETR ", "TOP ", "LIST ", "UIDL ", "DELE ", "RSET\r\n", "1 ", "2", "0", "4294967297 ", "-1 ", "\r\n", "\r\n", "\r\n", " ", "\0", "\u00ff", "LANG ", "de",
            "UTF8\r\n", "CAPA\r\n", "NOOP", "STAT\r\n", "AAAA", ".", "x"];
        for (int round = 0; round < 40; round++)
        {
            await using WireScript c = round % 2 == 0 ? await rig.LogInAsync(name) : await rig.ConnectAsync();
            var text = new StringBuilder();
            for (int i = 0; i < 400; i++)
                text.Append(words[random.Next(words.Length)]);
            try
            {
                await c.SendAsync(text.ToString());
                ((NetworkStream)c.Stream).Socket.Shutdown(SocketShutdown.Send);
                while (true)
                    await c.ReadLineAsync();
            }
            catch (Exception e) when (e is EndOfStreamException or IOException)
            {
                // Ended: that is what is asked of it.
            }
        }
        await other.PlayAsync("C: STAT\nS: +OK 2 31");
    }

    [Fact]
    public async Task When_octets_come_one_by_one_then_that_is_no_longer_patience_than_for_a_line()
    {
        var clock = new ManualClock();
        await using Pop3Rig slow = await Pop3Rig.StartAsync(clock: clock);
        await using WireScript c = await slow.LogInAsync("ann@example.test");
        for (int i = 0; slow.Mail.Sessions.Count > 0; i++)
        {
            Assert.True(i < 300, "the session still stands");
            try
            {
                await c.SendAsync("x");
            }
            catch (IOException)
            {
                break;
            }
            clock.Advance(TimeSpan.FromSeconds(30));
            await Task.Delay(5);
        }
    }

    [Fact]
    public async Task When_the_bytes_of_a_message_are_lost_then_the_answer_is_ERR_and_the_session_lives()   // invariant S5
    {
        await using Pop3Rig broken = await Pop3Rig.StartAsync();
        await broken.GivenMessagesAsync(broken.Mail.Ann, "INBOX", [.. Enumerable.Range(1, 3).Select(i => $"Subject: message {i}\r\n\r\n{new string((char)('a' + i), 2000)}\r\n")]);
        Mailbox box = await broken.GivenMailboxAsync(broken.Mail.Ann);
        await using WireScript c = await broken.LogInAsync("ann@example.test");
        string segment = Path.Combine(broken.Mail.Folder, "partitions/default/segments", box.Current[1].BodySegment.ToString("D8", CultureInfo.InvariantCulture));
        using (var file = new FileStream(segment, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            file.SetLength(box.Current[1].BodyOffset + 10L);
        await c.PlayAsync("C: STAT\nS: +OK 3 6072\nC: RETR 2\nS: -ERR [SYS/PERM] The message cannot be read\nC: TOP 3 0\nS: -ERR [SYS/PERM] *\nC: UIDL 3\nS: +OK 3 *");
        Assert.Equal("Subject: message 1", (await c.AskLinesAsync("RETR 1")).Lines[0]);
        await c.PlayAsync("C: DELE 3\nS: +OK *\nC: QUIT\nS: +OK Goodbye, 1 messages removed");
    }
}
