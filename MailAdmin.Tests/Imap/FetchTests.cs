using System.Text;
using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Imap;

public class FetchTests
{
    const string Message = "From: a@b\r\nSubject: outer\r\n folded\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\nContent-Type: text/plain\r\nX-Part: 1\r\n\r\none\r\n"
        + "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nTo: c@d\r\n\r\ninner text\r\n--b--\r\n";

    static async Task<string> FetchAsync(WireScript c, string what)
    {
        List<string> lines = await c.MustAsync($"FETCH 1 {what}");
        return string.Join("\r\n", lines[..^1]);
    }

    [Fact]
    public async Task When_a_section_is_fetched_then_exactly_its_octets_come()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(1, text: _ => Message);
        await using WireScript c = await rig.SelectAsync();
        string header = Message[..(Message.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)], text = Message[header.Length..];
        const string Inner = "Subject: inner\r\nTo: c@d\r\n\r\ninner text";
        (string Section, string? Octets)[] cases =
        [
            ("", Message), ("HEADER", header), ("TEXT", text), ("1", "one"), ("1.MIME", "Content-Type: text/plain\r\nX-Part: 1\r\n\r\n"),
            ("2", Inner), ("2.HEADER", "Subject: inner\r\nTo: c@d\r\n\r\n"), ("2.TEXT", "inner text"), ("2.1", "inner text"), ("2.MIME", "Content-Type: message/rfc822\r\n\r\n"),
            ("3", null), ("1.1", null), ("1.HEADER", null), ("2.2", null),
            ("HEADER.FIELDS (Subject X-None)", "Subject: outer\r\n folded\r\n\r\n"), ("HEADER.FIELDS.NOT (subject content-type)", "From: a@b\r\n\r\n"),
            ("2.HEADER.FIELDS (TO)", "To: c@d\r\n\r\n"),
        ];
        foreach ((string section, string? octets) in cases)
        {
            string expected = octets is null ? $"* 1 FETCH (BODY[{section}] NIL)" : $"* 1 FETCH (BODY[{section}] {{{octets.Length}}}\r\n{octets})";
            Assert.Equal(expected, await FetchAsync(c, $"BODY.PEEK[{section}]"));
        }
        Assert.Equal($"* 1 FETCH (BODY[TEXT]<2> {{3}}\r\n{text[2..5]})", await FetchAsync(c, "BODY.PEEK[TEXT]<2.3>"));
        Assert.Equal("* 1 FETCH (BODY[1]<3> {0}\r\n)", await FetchAsync(c, "BODY.PEEK[1]<3.100>"));
        Assert.Equal("* 1 FETCH (BODY[]<99999> {0}\r\n)", await FetchAsync(c, "BODY.PEEK[]<99999.1>"));
        Assert.Equal($"* 1 FETCH (RFC822.HEADER {{{header.Length}}}\r\n{header})", await FetchAsync(c, "RFC822.HEADER"));
        Assert.StartsWith("* 1 FETCH (BODYSTRUCTURE ((\"text\" \"plain\"", await FetchAsync(c, "BODYSTRUCTURE"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_a_body_is_read_without_peek_then_it_becomes_seen_and_the_answer_says_so()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(3);
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("""
            C: 1 STORE 3 +FLAGS.SILENT (\Seen)
            S: 1 OK *
            C: 2 FETCH 2:3 (BODY[TEXT])
            S: * 2 FETCH (FLAGS (\Seen \Recent) BODY[TEXT] {9}
            S: Hello 2
            S: )
            S: * 3 FETCH (BODY[TEXT] {9}
            S: Hello 3
            S: )
            S: 2 OK *
            C: 3 SEARCH UNSEEN
            S: * SEARCH 1
            S: 3 OK *
            """);
    }

    [Fact]
    public async Task When_very_many_messages_are_fetched_then_each_comes_once_and_in_order()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(3000);
        await using WireScript c = await rig.SelectAsync();
        await c.SendAsync("1 UID FETCH 1:* (FLAGS RFC822.SIZE)\r\n2 FETCH 1:* (ENVELOPE BODY.PEEK[])\r\n");
        List<string> lines = await c.ReadUntilAsync("1 OK");
        Assert.Equal(3001, lines.Count);
        for (int i = 0; i < 3000; i++)
            Assert.StartsWith($"* {i + 1} FETCH (UID {i + 1} FLAGS (\\Recent) RFC822.SIZE ", lines[i], StringComparison.Ordinal);
        lines = await c.ReadUntilAsync("2 OK");
        Assert.Equal(3000, lines.Count(l => l.Contains(" FETCH (ENVELOPE (NIL \"message ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task When_a_large_message_goes_in_and_out_then_its_octets_are_the_same()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.SelectAsync();
        var random = new Random(1);
        var text = new StringBuilder("Subject: large\r\n\r\n");
        while (text.Length < 3_000_000)
            text.Append((char)random.Next(' ', '~'), random.Next(70)).Append("\r\n");
        byte[] message = Encoding.ASCII.GetBytes(text.ToString());
        await c.SendAsync($"1 APPEND INBOX {{{message.Length}+}}\r\n");
        await c.SendAsync(message);
        await c.SendAsync("\r\n");
        await c.PlayAsync("S: * 1 EXISTS\nS: * 1 RECENT\nS: 1 OK [APPENDUID *\nC: 2 FETCH 1 BODY.PEEK[]\nS: * 1 FETCH (BODY[] {" + message.Length + "}");
        Assert.Equal(message, await c.ReadBytesAsync(message.Length));
        await c.PlayAsync("S: )\nS: 2 OK *");
    }

    [Fact]
    public async Task When_messages_are_searched_then_those_that_match_are_found()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        string[] texts =
        [
            "From: Ann <ann@x.test>\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\r\nDate: Thu, 1 Jan 2026 23:30:00 -0800\r\n\r\nplain body needle\r\n",
            "From: bob@x.test\r\nSubject: two\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nn=65edle caf=C3=A9\r\n",
            "To: c@d\r\nSubject: three\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nbmVlZGxl\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: deep\r\n\r\nx\r\n--b--\r\n",
            "Subject: four\r\nX-Header: yes\r\n\r\n" + new string('y', 40_000) + "NeedLE in the middle\r\n",
        ];
        await rig.GivenMessagesAsync(4, text: i => texts[i - 1]);
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("C: s STORE 2 +FLAGS.SILENT (\\Seen \\Flagged $Junk)\nS: * FLAGS *\nS: * OK [PERMANENTFLAGS *\nS: s OK *");
        (string Keys, string Found)[] cases =
        [
            ("ALL", " 1 2 3 4"), ("SEEN", " 2"), ("NOT SEEN", " 1 3 4"), ("OR SEEN 4", " 2 4"), ("KEYWORD $junk", " 2"), ("UNKEYWORD $Junk", " 1 3 4"),
            ("2:3 UNSEEN", " 3"), ("UID 3:*", " 3 4"), ("(OR (SEEN FLAGGED) (NOT (NOT 1)))", " 1 2"), ("LARGER 10000", " 4"), ("SMALLER 100", ""),
            ("FROM ANN", " 1"), ("FROM x.test", " 1 2"), ("TO c@d", " 3"), ("HEADER x-header \"\"", " 4"), ("HEADER X-Header no", ""), ("SUBJECT deep", ""),
            ("BODY needle", " 1 2 3 4"), ("BODY deep", " 3"), ("TEXT four", " 4"), ("BODY four", ""), ("TEXT needle SEEN", " 2"), ("RECENT", " 1 2 3 4"), ("OLD", ""),
            ("SENTON 1-Jan-2026", " 1"), ("SENTON 2-Jan-2026", ""), ("SENTBEFORE 2-Jan-2026", " 1"), ("SINCE 1-Jan-2020", " 1 2 3 4"), ("BEFORE 1-Jan-2020", ""),
            ("99", ""), ("NEW 1", " 1"), ("DELETED", ""),
        ];
        foreach ((string keys, string found) in cases)
            await c.PlayAsync($"C: 1 SEARCH {keys}\nS: * SEARCH{found}\nS: 1 OK *");
        await c.SendAsync("2 SEARCH CHARSET UTF-8 SUBJECT {8+}\r\nGr\u00c3\u00bc\u00c3\u009fe\r\n".Replace("{8+}", "{7+}", StringComparison.Ordinal));
        await c.PlayAsync("S: * SEARCH 1\nS: 2 OK *");
        await c.SendAsync("3 SEARCH BODY {5+}\r\ncaf\u00c3\u00a9\r\n");
        await c.PlayAsync("S: * SEARCH 2\nS: 3 OK *\nC: 4 SEARCH CHARSET KOI8-R ALL\nS: 4 NO [BADCHARSET *\nC: 5 SEARCH NONSENSE\nS: 5 BAD *");
    }
}
