using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Imap;

public class UrlAuthTests
{
    const string Server = "imap://ann%40example.test@mail.example.test";

    static async Task<string> GenerateAsync(WireScript c, string rump)
    {
        await c.PlayAsync($"C: g GENURLAUTH \"{rump}\" INTERNAL");
        string line = await c.ReadLineAsync();
        Assert.StartsWith($"* GENURLAUTH \"{rump}:internal:", line, StringComparison.Ordinal);
        await c.PlayAsync("S: g OK *");
        return line[14..^1];
    }

    [Fact]
    public async Task When_a_message_is_shared_by_url_then_those_it_is_for_can_read_it_until_the_key_is_reset()   // RFC 4467 §5, §6 and §7
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(2, text: n => $"Subject: {n}\r\n\r\nHello {n}");
        await using WireScript ann = await rig.LogInAsync(), bob = await rig.LogInAsync("bob@example.test");
        string whole = await GenerateAsync(ann, Server + "/INBOX/;UID=1;URLAUTH=user+bob%40example.test");
        string part = await GenerateAsync(ann, Server + "/INBOX/;uid=2/;section=TEXT/;partial=1.3;expire=2999-12-31T23:59:59Z;urlauth=authuser");
        string mine = await GenerateAsync(ann, Server + "/INBOX/;UID=1;URLAUTH=user+ann%40example.test");
        string submit = await GenerateAsync(ann, Server + "/INBOX/;UID=1;URLAUTH=submit+ann%40example.test");
        string late = await GenerateAsync(ann, Server + "/INBOX/;UID=1;EXPIRE=2001-01-01T00:00:00Z;URLAUTH=authuser");
        string gone = await GenerateAsync(ann, Server + "/INBOX/;UID=77;URLAUTH=authuser");
        await bob.PlayAsync($$"""
            C: 1 URLFETCH "{{whole}}" "{{part}}"
            S: * URLFETCH "{{whole}}" {21}
            S: Subject: 1
            S: 
            S: Hello 1 "{{part}}" {3}
            S: ell
            S: 1 OK *
            C: 2 URLFETCH "{{mine}}" "{{submit}}" "{{late}}" "{{gone}}"
            S: * URLFETCH "{{mine}}" NIL "{{submit}}" NIL "{{late}}" NIL "{{gone}}" NIL
            S: 2 OK *
            """);
        // What is not just as it was made is worth nothing.
        foreach (string forged in new[]
        {
            whole.Replace("UID=1", "UID=2", StringComparison.Ordinal), part.Replace("2999", "2998", StringComparison.Ordinal), whole[..^1] + (whole[^1] == '0' ? '1' : '0'),
            part.Replace("1.3", "0.9", StringComparison.Ordinal), whole[..whole.LastIndexOf(':')] + ":" + new string('0', 66), whole.Replace("internal", "external", StringComparison.Ordinal),
            Server + "/INBOX/;UID=1;URLAUTH=authuser", whole.Replace("mail.example", "other.example", StringComparison.Ordinal),
            whole.Replace("ann%40", "bob%40", StringComparison.Ordinal), "/INBOX/;UID=1", "nonsense", "imap://", Server + "/INBOX/;UID=1;EXPIRE=x;URLAUTH=authuser:internal:" + new string('a', 66),
        })
            await bob.PlayAsync($"C: 3 URLFETCH \"{forged}\"\nS: * URLFETCH \"{forged}\" NIL\nS: 3 OK *");
        await bob.PlayAsync($"C: 4 RESETKEY\nS: 4 OK [URLMECH INTERNAL] *\nC: 5 URLFETCH \"{part}\"\nS: * URLFETCH \"{part}\" {{3}}");   // his own keys, not hers
        await bob.ReadUntilAsync("5 OK");
        await ann.PlayAsync("C: 1 RESETKEY INBOX INTERNAL\nS: 1 OK [URLMECH INTERNAL] *\nC: 2 RESETKEY INBOX XSAMPLE\nS: 2 BAD *\nC: 3 RESETKEY Missing\nS: 3 NO *");
        await bob.PlayAsync($"C: 6 URLFETCH \"{whole}\"\nS: * URLFETCH \"{whole}\" NIL\nS: 6 OK *");
        string again = await GenerateAsync(ann, Server + "/INBOX/;UID=1;URLAUTH=user+bob%40example.test");
        Assert.NotEqual(whole, again);
        await bob.PlayAsync($"C: 7 URLFETCH \"{again}\"\nS: * URLFETCH \"{again}\" {{21}}");
    }

    [Fact]
    public async Task When_a_part_is_fetched_by_url_then_it_comes_decoded_and_with_its_structure_as_asked()   // RFC 5524
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        const string Mail = "Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            + "Si vis pacem=2C =\r\npara bellum.\r\n\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nQQBC\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
            + "Subject: (inner\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\none\r\n--c\r\nContent-Type: text/html\r\n\r\n<b>\r\n--c--\r\n"
            + "\r\n--b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: x-own\r\n\r\n???\r\n--b--\r\n";
        await rig.GivenMessagesAsync(1, text: _ => Mail);
        await using WireScript c = await rig.LogInAsync();
        Task<string> UrlAsync(string part) => GenerateAsync(c, $"{Server}/INBOX/;UID=1{part};URLAUTH=authuser");
        string text = await UrlAsync("/;SECTION=1"), cut = await UrlAsync("/;SECTION=1/;PARTIAL=3.9"), image = await UrlAsync("/;SECTION=2"), html = await UrlAsync("/;SECTION=3.2"),
            header = await UrlAsync("/;SECTION=HEADER"), field = await UrlAsync("/;SECTION=HEADER.FIELDS%20(Subject)"), own = await UrlAsync("/;SECTION=4"), whole = await UrlAsync("");
        await c.PlayAsync($$"""
            C: 1 URLFETCH ("{{text}}" BODYPARTSTRUCTURE BINARY) ("{{cut}}" BINARY) "{{cut}}"
            S: * URLFETCH "{{text}}" (BODYPARTSTRUCTURE ("text" "plain" ("charset" "utf-8") NIL NIL "7BIT" 28 1 NIL NIL NIL NIL)) (BINARY {28}
            S: Si vis pacem, para bellum.
            S: ) "{{cut}}" (BINARY {9}
            S: vis pacem) "{{cut}}" {9}
            S: vis pacem
            S: 1 OK *
            C: 2 URLFETCH ("{{text}}" BODY BODYPARTSTRUCTURE)
            S: * URLFETCH "{{text}}" (BODYPARTSTRUCTURE ("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 33 2 NIL NIL NIL NIL)) (BODY {33}
            S: Si vis pacem=2C =
            S: para bellum.
            S: )
            S: 2 OK *
            C: 3 URLFETCH ("{{image}}" BINARY BODYPARTSTRUCTURE) ("{{html}}" BODYPARTSTRUCTURE)
            """);
        string line = await c.ReadLineAsync();
        Assert.Equal($"* URLFETCH \"{image}\" (BODYPARTSTRUCTURE (\"image\" \"png\" NIL NIL NIL \"BINARY\" 3 NIL NIL NIL NIL)) (BINARY ~{{3}}", line, ignoreCase: true);
        Assert.Matches($"^A\0B\\) \"[^\"]+SECTION=3\\.2;[^\"]+\" \\(BODYPARTSTRUCTURE \\(\"text\" \"html\" \\(\"charset\" \"us-ascii\"\\) NIL NIL \"7bit\" 3 \\d NIL NIL NIL NIL\\)\\)$", await c.ReadLineAsync());
        await c.PlayAsync($$"""
            S: 3 OK *
            C: 4 URLFETCH ("{{own}}" BINARY) ("{{header}}" BODYPARTSTRUCTURE) ("{{field}}" BINARY) ("nonsense" BINARY BODYPARTSTRUCTURE) ("{{field}}")
            S: * URLFETCH "{{own}}" (BINARY NIL) "{{header}}" (BODYPARTSTRUCTURE NIL) "{{field}}" (BINARY {14}
            S: Subject: s
            S: 
            S: ) "nonsense" NIL "{{field}}" {14}
            S: Subject: s
            S: 
            S: 
            S: 4 OK *
            C: 5 URLFETCH ("{{text}}" BODY BINARY)
            S: 5 BAD *
            C: 6 URLFETCH ("{{text}}" BINARY BINARY)
            S: 6 BAD *
            C: 7 URLFETCH ("{{text}}" BODYPARTSTRUCTURE BODYPARTSTRUCTURE)
            S: 7 BAD *
            C: 8 URLFETCH ("{{text}}" NONSENSE)
            S: 8 BAD *
            C: 9 URLFETCH ("{{text}}" BINARY
            S: 9 BAD *
            """);
        await c.PlayAsync("C: a EXAMINE INBOX");
        await c.ReadUntilAsync("a OK");
        await c.PlayAsync("C: b FETCH 1 BODYSTRUCTURE");
        string structure = await c.ReadLineAsync();
        await c.PlayAsync($"S: b OK *\nC: c URLFETCH (\"{whole}\" BODYPARTSTRUCTURE)\nS: * URLFETCH \"{whole}\" (BODYPARTSTRUCTURE {structure["* 1 FETCH (BODYSTRUCTURE ".Length..^1]})\nS: c OK *");
    }

    [Fact]
    public async Task When_a_url_is_not_the_users_own_then_it_is_not_authorized()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript bob = await rig.LogInAsync("bob@example.test");
        foreach (string rump in new[]
        {
            Server + "/INBOX/;UID=1;URLAUTH=authuser", "imap://bob%40example.test@other.test/INBOX/;UID=1;URLAUTH=authuser", "/INBOX/;UID=1;URLAUTH=authuser",
            "imap://bob%40example.test@mail.example.test/INBOX/;UID=1", "imap://bob%40example.test@mail.example.test/INBOX;URLAUTH=authuser",
            "imap://bob%40example.test@mail.example.test/INBOX/;UID=1;URLAUTH=nobody", "imap://bob%40example.test@mail.example.test/INBOX/;UID=1/;SECTION=x;URLAUTH=authuser",
            "imap://nobody%40example.test@mail.example.test/INBOX/;UID=1;URLAUTH=authuser",
        })
            await bob.PlayAsync($"C: 1 GENURLAUTH \"{rump}\" INTERNAL\nS: 1 BAD [BADURL *");
        await bob.PlayAsync("C: 2 GENURLAUTH \"imap://bob%40example.test@mail.example.test/Missing/;UID=1;URLAUTH=authuser\" INTERNAL\nS: 2 NO *");
        await bob.PlayAsync("C: 3 GENURLAUTH \"imap://bob%40example.test@mail.example.test/INBOX/;UID=1;URLAUTH=authuser\" XSAMPLE\nS: 3 BAD *");
    }
}
