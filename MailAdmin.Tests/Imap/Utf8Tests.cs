using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;

namespace MailAdmin.Tests.Imap;

public class Utf8Tests
{
    const string Message = "Subject: Gr\u00fc\u00dfe\r\n\r\nbody";

    static string Octets(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    [Fact]
    public async Task When_utf8_is_enabled_then_names_are_utf8_both_ways()   // RFC 6855 §3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync($"""
            C: 1 CREATE "Entw&APw-rfe"
            S: 1 OK *
            C: 2 SEARCH CHARSET UTF-8 ALL
            S: 2 BAD *
            C: 3 ENABLE UTF8=ACCEPT
            S: * ENABLED UTF8=ACCEPT
            S: 3 OK *
            C: 4 LIST "" {Octets("Entwü%")}
            S: 4 BAD *
            C: 5 LIST "" "{Octets("Entwü%")}"
            S: * LIST (\HasNoChildren) "/" "{Octets("Entwürfe")}"
            S: 5 OK *
            C: 6 CREATE "{Octets("A&B")}"
            S: 6 OK *
            C: 7 LIST "" A*
            S: * LIST (\HasNoChildren) "/" "A&B"
            S: 7 OK *
            C: 8 STATUS "{Octets("Entwürfe")}" (MESSAGES)
            S: * STATUS "{Octets("Entwürfe")}" (MESSAGES 0)
            S: 8 OK *
            C: 9 CREATE "\u00ff\u00fe"
            S: 9 BAD *
            C: 10 SELECT INBOX
            """.Replace("\\u00ff\\u00fe", "\u00ff\u00fe", StringComparison.Ordinal));
        await c.ReadUntilAsync("10 OK");
        await c.PlayAsync($"C: 11 SEARCH CHARSET UTF-8 ALL\nS: 11 BAD *\nC: 12 SEARCH SUBJECT \"{Octets("ü")}\"\nS: * SEARCH\nS: 12 OK *");
    }

    [Fact]
    public async Task When_a_header_is_in_utf8_then_it_is_appended_by_those_who_enabled_it()   // RFC 6855 §4
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync();
        string octets = Octets(Message);
        await c.SendAsync($"1 APPEND INBOX {{{octets.Length}+}}\r\n{octets}\r\n");
        await c.PlayAsync("S: 1 NO [CANNOT] *");
        await c.SendAsync($"2 APPEND INBOX UTF8 (~{{{octets.Length}+}}\r\n{octets})\r\n");
        await c.PlayAsync("S: 2 NO [CANNOT] *");
        string body = "Subject: ok\r\n\r\n" + octets;   // 8-bit text is another matter
        await c.SendAsync($"3 APPEND INBOX {{{body.Length}+}}\r\n{body}\r\n");
        await c.PlayAsync("S: 3 OK *\nC: 4 ENABLE utf8=accept\nS: * ENABLED UTF8=ACCEPT\nS: 4 OK *");
        await c.SendAsync($"5 APPEND INBOX (\\Seen) UTF8 (~{{{octets.Length}}}\r\n");
        await c.PlayAsync("S: + *");
        await c.SendAsync(octets + $") CATENATE (UTF8 (~{{{octets.Length}+}}\r\n{octets}) TEXT {{1+}}\r\n!)\r\n");
        await c.PlayAsync("S: 5 OK *\nC: 6 APPEND INBOX UTF8 (~{1+}\nC: x\nS: 6 BAD *\nC: 7 APPEND INBOX UTF8 ~{1}\nS: 7 BAD *");
        Assert.Equal([body, octets, octets + "!"], await rig.Mail.MessagesAsync(rig.Mail.Ann));
    }

    [Fact]
    public async Task When_old_mail_is_to_be_moved_in_then_a_setting_lets_its_raw_headers_pass()
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.AllowRawHeaders = true);
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("C: 1 APPEND INBOX {13+}\nC: Subject: \u00e9\u00e8\nC: \nS: 1 OK *");
        Assert.Single(await rig.Mail.MessagesAsync(rig.Mail.Ann));
    }

    [Theory, InlineData(5, 100), InlineData(1000, 3)]
    public async Task When_the_limits_of_mime_are_set_then_messages_are_taken_apart_no_further(int parts, int depth)
    {
        await using ImapRig rig = await ImapRig.StartAsync(options =>
        {
            options.Limits.MimeParts = parts;
            options.Limits.Depth = depth;
        });
        string flat = "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + string.Concat(Enumerable.Repeat("--b\r\n\r\nx\r\n", 20)) + "--b--\r\n";
        string deep = string.Concat(Enumerable.Range(0, 20).Select(i => $"Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n")) + "\r\nx\r\n";
        await rig.GivenMessagesAsync(2, text: n => n == 1 ? flat : deep);
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("C: 1 FETCH 1:2 BODYSTRUCTURE");
        List<string> lines = await c.ReadUntilAsync("1 OK");
        Assert.Equal(Math.Min(parts - 1, 20), lines[0].Split("\"plain\"").Length - 1);
        Assert.InRange(lines[1].Split("\"mixed\"").Length - 1, 1, Math.Min(Math.Min(parts, depth), 20));
    }
}
