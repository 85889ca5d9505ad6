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
