using System.Globalization;
using System.Text;
using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Imap;

/// <summary>Attack cases A6 to A8, A11 and A21 by a client that is logged in, or by the mail it reads: bounded time and memory, the server goes on.</summary>
public class HostileInputTests
{
    static string Repeat(string text, int count) => new StringBuilder(text.Length * count).Insert(0, text, count).ToString();

    static string Parts(int count)
    {
        var text = new StringBuilder("Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
        for (int i = 0; i < count; i++)
            text.Append(CultureInfo.InvariantCulture, $"--b\r\nContent-Type: text/plain\r\n\r\npart {i + 1}\r\n");
        return text.Append("--b--\r\n").ToString();
    }

    static string Nested(int depth)
    {
        var text = new StringBuilder("Subject: nested\r\n");
        for (int i = 0; i < depth; i++)
            text.Append(CultureInfo.InvariantCulture, $"Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n");
        return text.Append("\r\ninnermost\r\n").ToString();
    }

    [Fact]
    public async Task When_messages_are_built_to_hurt_then_they_are_told_apart_up_to_the_limits_and_served_whole()
    {
        string[] messages =
        [
            Parts(10_000), Nested(5000), Repeat("Content-Type: message/rfc822\r\n\r\n", 5000) + "Subject: x\r\n\r\nx",
            Repeat("X-Flood: y\r\nReceived: from a by b\r\n", 100_000) + "Subject: flood\r\n\r\nx", "Subject: " + new string('s', 5_000_000) + "\r\n\r\nx",
            "To: " + Repeat("a@b,", 500_000) + "\r\nSubject: many\r\n\r\nx", "Content-Type: text/plain; " + Repeat("a=b; ", 200_000) + "\r\n\r\nx",
            "References: " + Repeat("<a@b> ", 300_000) + "\r\nSubject: " + Repeat("=?utf-8?Q?=41?= ", 100_000) + "\r\n\r\nx",
        ];
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(messages.Length, text: n => messages[n - 1]);
        await using WireScript c = await rig.SelectAsync(), other = await rig.SelectAsync();
        await c.PlayAsync("C: 1 FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY PREVIEW)");
        List<string> answer = await c.ReadUntilAsync("1 OK");
        Assert.True(answer.Sum(line => (long)line.Length) < 8 << 20, "what is stored ready to send has no bound");
        await c.PlayAsync("C: 2 FETCH 1 (BODY.PEEK[998] BODY.PEEK[10000] BINARY.SIZE[5] BODY.PEEK[1.1.1.1.1])\nS: * 1 FETCH (BODY[998] {8}\nS: part 998 BODY[10000] NIL BINARY.SIZE[5] 6 BODY[1.1.1.1.1] NIL)\nS: 2 OK *");
        for (int i = 0; i < messages.Length; i++)
        {
            await c.PlayAsync($"C: 3 FETCH {i + 1} BODY.PEEK[]\nS: * {i + 1} FETCH (BODY[] {{{messages[i].Length}}}");
            Assert.True(Encoding.Latin1.GetString(await c.ReadBytesAsync(messages[i].Length)) == messages[i]);
            await c.PlayAsync("S: )\nS: 3 OK *");
        }
        await c.PlayAsync("C: 4 FETCH 1:* BODY.PEEK[HEADER.FIELDS (Subject X-Nothing)]");
        await c.ReadUntilAsync("4 OK");
        await c.PlayAsync("C: 5 SEARCH TEXT innermost\nS: * SEARCH 2\nS: 5 OK *\nC: 5b SEARCH TEXT \"part 500\"\nS: * SEARCH 1\nS: 5b OK *\nC: 6 SEARCH HEADER X-Flood y\nS: * SEARCH 4\nS: 6 OK *");
        await c.PlayAsync($"C: 7 FETCH 2 BODY.PEEK[{string.Join('.', Enumerable.Repeat("1", 99))}]");
        await c.ReadUntilAsync("7 OK");
        await c.PlayAsync($"C: 8 FETCH 2 BODY.PEEK[{string.Join('.', Enumerable.Repeat("1", 3000))}]\nS: 8 BAD *");
        await other.PlayAsync("C: 1 NOOP\nS: 1 OK *");
    }

    [Fact]
    public async Task When_commands_are_built_to_hurt_then_they_are_refused_or_cost_little()
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.Limits.BadCommands = 1000);
        await rig.GivenMessagesAsync(3);
        await using WireScript c = await rig.SelectAsync();
        string all = string.Join(',', Enumerable.Repeat("1:*", 15_000)), many = string.Join(',', Enumerable.Range(1, 10_000));
        await c.PlayAsync($"C: 1 UID FETCH {all} UID\nS: * 1 FETCH (UID 1)\nS: * 2 FETCH (UID 2)\nS: * 3 FETCH (UID 3)\nS: 1 OK *");
        await c.PlayAsync($"C: 2 UID FETCH {many} UID\nS: * 1 FETCH (UID 1)\nS: * 2 FETCH (UID 2)\nS: * 3 FETCH (UID 3)\nS: 2 OK *");
        await c.PlayAsync($"C: 3 UID FETCH 4294967295:1,*:*,4294967295 UID\nS: * 1 FETCH (UID 1)\nS: * 2 FETCH (UID 2)\nS: * 3 FETCH (UID 3)\nS: 3 OK *");
        await c.PlayAsync($"C: 4 SEARCH {new string('(', 90)}ALL{new string(')', 90)}\nS: * SEARCH 1 2 3\nS: 4 OK *");
        await c.PlayAsync($"C: 5 SEARCH {new string('(', 101)}ALL{new string(')', 101)}\nS: 5 BAD *\nC: 6 SEARCH {Repeat("NOT ", 10_000)}ALL");
        Assert.StartsWith("6 ", (await c.ReadUntilAsync("6 "))[^1], StringComparison.Ordinal);
        await c.PlayAsync($"C: 7 SEARCH {Repeat("OR ", 5000)}ALL{Repeat(" ALL", 5000)}");
        Assert.StartsWith("7 ", (await c.ReadUntilAsync("7 "))[^1], StringComparison.Ordinal);
        foreach (string number in new[] { "9223372036854775808", "18446744073709551616", "99999999999999999999999999999999" })
        {
            await c.PlayAsync($"C: 8 SEARCH MODSEQ {number}\nS: 8 BAD *\nC: 9 FETCH 1 FLAGS (CHANGEDSINCE {number})\nS: 9 BAD *");
            await c.PlayAsync($"C: 10 STORE 1 (UNCHANGEDSINCE {number}) +FLAGS (\\Seen)\nS: 10 BAD *\nC: 11 FETCH 1 BODY[]<0.{number}>\nS: 11 BAD *\nC: 12 FETCH {number} UID\nS: 12 BAD *");
        }
        await c.PlayAsync($"C: 13 FETCH 1 ({string.Join(' ', Enumerable.Repeat("BODY.PEEK[]", 2000))})\nS: 13 BAD *");
        await c.PlayAsync($"C: 14 STORE 1 +FLAGS ({string.Join(' ', Enumerable.Range(1, 5000).Select(n => $"k{n}"))})\nS: 14 BAD *");
        await c.PlayAsync($"C: 15 LIST \"\" ({Repeat("% ", 5000)})");
        Assert.StartsWith("15 ", (await c.ReadUntilAsync("15 "))[^1], StringComparison.Ordinal);
        await c.PlayAsync("C: 16 NOOP\nS: 16 OK *");
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task When_literals_are_bombs_then_nothing_waits_for_them(bool loggedIn)
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        async Task<WireScript> OpenAsync() => loggedIn ? await rig.LogInAsync() : await rig.ConnectAsync();
        string command = loggedIn ? "STATUS" : "LOGIN";
        foreach (string bomb in new[] { "{4294967296}", "{9223372036854775807}", "{99999999999999999999}", "{99999999999999999999999999}", "{-1}", "{ 1}", "{1 }", "{}", "{+}" })
        {
            await using WireScript c = await OpenAsync();
            await c.PlayAsync($"C: 1 {command} {bomb}\nS: 1 BAD *\nC: 2 NOOP\nS: 2 OK *");
        }
        await using WireScript second = await OpenAsync();   // behind another one, so that the sum could overflow
        await second.PlayAsync($"C: 1 {command} {{1+}}\nC: x {{9223372036854775807}}\nS: 1 BAD *\nC: 2 NOOP\nS: 2 OK *");
        await using WireScript many = await OpenAsync();
        await many.SendAsync("1 ID (" + Repeat("{1+}\r\nx ", 40_000));
        Assert.StartsWith("* BYE", (await many.ReadUntilAsync("* BYE"))[^1], StringComparison.Ordinal);
    }
}
