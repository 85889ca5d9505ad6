using MailAdmin.Tests.Rig;
using MailEngine.Store;

namespace MailAdmin.Tests.Imap;

public class MetadataTests
{
    [Fact]
    public async Task When_annotations_are_set_then_they_read_as_the_rfc_says()   // RFC 5464 §4
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("""
            C: a1 SETMETADATA INBOX (/private/comment {33+}
            C: My new comment across
            C: two lines.)
            S: a1 OK *
            C: a2 SETMETADATA INBOX (/shared/comment "This one is for \"you\"!" /private/filters/values/small "SMALLER 5000" /private/filters/values/a/b {0+}
            C: )
            S: a2 OK *
            C: a3 GETMETADATA "INBOX" /PRIVATE/Comment
            S: * METADATA "INBOX" (/private/comment {33}
            S: My new comment across
            S: two lines.)
            S: a3 OK *
            C: a4 GETMETADATA INBOX (/shared/comment /private/none)
            S: * METADATA "INBOX" (/private/none NIL /shared/comment "This one is for \"you\"!")
            S: a4 OK *
            C: a5 GETMETADATA INBOX (DEPTH 1) (/private/filters/values)
            S: * METADATA "INBOX" (/private/filters/values/small "SMALLER 5000")
            S: a5 OK *
            C: a6 GETMETADATA (DEPTH infinity) INBOX /private/filters
            S: * METADATA "INBOX" (/private/filters/values/a/b "" /private/filters/values/small "SMALLER 5000")
            S: a6 OK *
            C: a7 GETMETADATA INBOX (MAXSIZE 25) (/shared/comment /private/comment)
            S: * METADATA "INBOX" (/shared/comment "This one is for \"you\"!")
            S: a7 OK [METADATA LONGENTRIES 33] *
            C: a8 SETMETADATA INBOX (/private/comment NIL)
            S: a8 OK *
            C: a9 GETMETADATA INBOX ("/private/*")
            S: * METADATA "INBOX" (/private/filters/values/a/b "" /private/filters/values/small "SMALLER 5000")
            S: a9 OK *
            C: b1 SETMETADATA INBOX (/private/comment ~{3+}
            """);
        await c.SendAsync("a\0b)\r\n");
        await c.PlayAsync("S: b1 OK *\nC: b2 GETMETADATA INBOX /private/comment\nS: * METADATA \"INBOX\" (/private/comment ~{3}\nS: a\0b)\nS: b2 OK *");
        await c.PlayAsync("""
            C: c1 GETMETADATA "" /shared/admin
            S: * METADATA "" (/shared/admin "mailto:postmaster@mail.example.test")
            S: c1 OK *
            C: c2 SETMETADATA "" (/shared/comment "mine")
            S: c2 NO [NOPERM] *
            C: c3 SETMETADATA "" (/private/vendor/acme/colour "red")
            S: c3 OK *
            C: c4 GETMETADATA "" (/private/vendor/acme/colour)
            S: * METADATA "" (/private/vendor/acme/colour "red")
            S: c4 OK *
            C: c5 GETMETADATA Missing /shared/comment
            S: c5 NO [NONEXISTENT] *
            C: d1 GETMETADATA INBOX /shared
            S: d1 BAD *
            C: d2 GETMETADATA INBOX /other/comment
            S: d2 BAD *
            C: d3 GETMETADATA INBOX /private//comment
            S: d3 BAD *
            C: d4 GETMETADATA INBOX /private/comment/
            S: d4 BAD *
            C: d5 SETMETADATA INBOX ("/private/a*b" "x")
            S: d5 BAD *
            C: d6 SETMETADATA INBOX (/private/vendor/acme "x")
            S: d6 BAD *
            C: d7 GETMETADATA INBOX (DEPTH 2) /private/comment
            S: d7 BAD *
            C: e1 CREATE foo
            S: e1 OK *
            C: e2 LIST "" % RETURN (METADATA ("/shared/comment"))
            S: * LIST (\HasNoChildren) "/" "INBOX"
            S: * METADATA "INBOX" (/shared/comment "This one is for \"you\"!")
            S: * LIST (\HasNoChildren) "/" "foo"
            S: * METADATA "foo" (/shared/comment NIL)
            S: e2 OK *
            C: e3 SETMETADATA foo (/private/comment "kept")
            S: e3 OK *
            C: e4 RENAME foo bar
            S: e4 OK *
            C: e5 GETMETADATA bar /private/comment
            S: * METADATA "bar" (/private/comment "kept")
            S: e5 OK *
            C: e6 DELETE bar
            S: e6 OK *
            C: e7 CREATE bar
            S: e7 OK *
            C: e8 GETMETADATA bar /private/comment
            S: * METADATA "bar" (/private/comment NIL)
            S: e8 OK *
            C: e9 RENAME INBOX old
            S: e9 OK *
            C: f1 GETMETADATA old /shared/comment
            S: * METADATA "old" (/shared/comment "This one is for \"you\"!")
            S: f1 OK *
            C: f2 GETMETADATA INBOX /shared/comment
            S: * METADATA "INBOX" (/shared/comment "This one is for \"you\"!")
            S: f2 OK *
            """);
    }

    [Fact]
    public async Task When_annotations_are_too_long_or_too_many_then_none_of_the_command_is_kept()
    {
        await using ImapRig rig = await ImapRig.StartAsync(o => o.Limits.MetadataBytes = 1024);
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync($"C: a SETMETADATA INBOX (/private/comment \"short\" /private/long \"{new string('x', 1025)}\")\nS: a NO [METADATA MAXSIZE 1024] *");
        await c.PlayAsync("C: b GETMETADATA INBOX /private/comment\nS: * METADATA \"INBOX\" (/private/comment NIL)\nS: b OK *");
        for (int i = 0; i < 200; i++)
            await c.PlayAsync($"C: c SETMETADATA INBOX (/private/n{i} \"x\")\nS: c OK *");
        await c.PlayAsync("C: d SETMETADATA INBOX (/private/n1 \"y\" /private/more \"x\")\nS: d NO [METADATA TOOMANY] *");
        await c.PlayAsync("C: e GETMETADATA INBOX /private/n1\nS: * METADATA \"INBOX\" (/private/n1 \"x\")\nS: e OK *\nC: f SETMETADATA INBOX (/private/n1 \"z\")\nS: f OK *");
    }

    [Theory, InlineData("METADATA", true), InlineData("METADATA-SERVER", false)]
    public async Task When_it_is_enabled_then_changes_of_others_are_told_by_name(string extension, bool mailboxes)   // RFC 5464 §4.4
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.SelectAsync(), plain = await rig.SelectAsync(), other = await rig.LogInAsync();
        await c.PlayAsync($"C: 1 ENABLE {extension}\nS: * ENABLED {extension}\nS: 1 OK *");
        await other.PlayAsync("C: 1 SETMETADATA INBOX (/shared/comment \"x\")\nS: 1 OK *\nC: 2 SETMETADATA \"\" (/private/vendor/acme/x \"x\" /private/vendor/acme/y NIL)\nS: 2 OK *");
        if (mailboxes)
            await c.PlayAsync("S: * METADATA \"INBOX\" /shared/comment");
        await c.PlayAsync("S: * METADATA \"\" /private/vendor/acme/x /private/vendor/acme/y\nC: 2 SETMETADATA INBOX (/shared/comment \"mine\")\nS: 2 OK *\nC: 3 NOOP\nS: 3 OK *\nC: 4 UNAUTHENTICATE\nS: 4 OK *");
        await plain.PlayAsync("C: 2 NOOP\nS: 2 OK *");
        await other.PlayAsync("C: 3 SETMETADATA INBOX (/shared/comment \"z\")\nS: 3 OK *");
        await c.PlayAsync("C: 5 NOOP\nS: 5 OK *");
    }

    [Fact]
    public async Task When_an_annotation_of_a_mailbox_is_set_then_its_mod_sequence_goes_up()   // RFC 7162 §3.2
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(1);
        await using WireScript c = await rig.LogInAsync(), watcher = await rig.LogInAsync();
        await watcher.PlayAsync("C: 0 ENABLE CONDSTORE\nS: * ENABLED CONDSTORE\nS: 0 OK *\nC: 1 NOTIFY SET (PERSONAL (MessageNew MessageExpunge FlagChange))\nS: 1 OK *");
        ulong last = await HighestAsync();
        foreach (string change in new[] { "/shared/comment \"x\"", "/private/comment \"y\"", "/private/comment NIL" })
        {
            await c.PlayAsync($"C: 1 SETMETADATA INBOX ({change})\nS: 1 OK *");
            ulong now = await HighestAsync();
            Assert.True(now > last, $"{change}: {last} → {now}");
            Assert.EndsWith($" HIGHESTMODSEQ {now})", await watcher.ReadLineAsync(), StringComparison.Ordinal);
            last = now;
        }
        await c.PlayAsync("C: 2 SETMETADATA \"\" (/private/vendor/acme/x \"x\")\nS: 2 OK *\nC: 3 SETMETADATA INBOX (/private/vendor/acme \"x\")\nS: 3 BAD *");
        Assert.Equal(last, await HighestAsync());
        await c.PlayAsync($"C: 4 SELECT INBOX (QRESYNC ({(await rig.Mail.Store.StatusAsync(rig.Mail.Ann, MailboxName.Inbox))!.UidValidity} {last}))\nS: 4 BAD *\nC: 5 ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: 5 OK *");
        await c.SendAsync("6 SELECT INBOX\r\n");
        Assert.Contains(await c.ReadUntilAsync("6 OK"), line => line.StartsWith($"* OK [HIGHESTMODSEQ {last}]", StringComparison.Ordinal));
        Assert.Empty((await rig.Mail.Store.CheckAsync(rig.Mail.Ann, default)).Faults);

        async Task<ulong> HighestAsync()
        {
            await c.PlayAsync("C: h STATUS INBOX (HIGHESTMODSEQ)");
            string line = await c.ReadLineAsync();
            await c.PlayAsync("S: h OK *");
            return ulong.Parse(line[(line.LastIndexOf(' ') + 1)..^1], System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    [Theory]
    [InlineData("", "NO [NONEXISTENT]", "NO [NONEXISTENT]", "NO [NONEXISTENT]")]
    [InlineData("rsw", "NO [NONEXISTENT]", "NO [NONEXISTENT]", "NO [NONEXISTENT]")]
    [InlineData("l", "NO [NOPERM]", "NO [NOPERM]", "NO [NOPERM]")]
    [InlineData("lkxtea", "NO [NOPERM]", "NO [NOPERM]", "NO [NOPERM]")]
    [InlineData("lp", "OK", "OK", "NO [NOPERM]")]
    [InlineData("lw", "OK", "OK", "OK")]
    public async Task When_a_mailbox_is_another_s_then_rights_decide_and_private_entries_are_one_s_own(string rights, string get, string setPrivate, string setShared)   // RFC 5464 §3.3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript ann = await rig.LogInAsync(), bob = await rig.LogInAsync("bob@example.test");
        await bob.PlayAsync($"C: a CREATE Work\nS: a OK *\nC: b SETACL Work ann@example.test \"{rights}\"\nS: b OK *\nC: c SETMETADATA Work (/private/comment \"bob's\" /shared/comment \"all's\")\nS: c OK *");
        const string work = "\"Other Users/bob@example.test/Work\"";
        await ann.PlayAsync($"C: a SETMETADATA {work} (/private/comment \"ann's\")\nS: a {setPrivate} *\nC: b SETMETADATA {work} (/shared/comment \"hers\")\nS: b {setShared} *\nC: c GETMETADATA {work} (/private/comment /shared/comment)");
        if (get == "OK")
            await ann.PlayAsync($"S: * METADATA {work} (/private/comment \"ann's\" /shared/comment \"{(setShared == "OK" ? "hers" : "all's")}\")");
        await ann.PlayAsync($"S: c {get} *");
        await bob.PlayAsync($"C: d GETMETADATA Work (/private/comment /shared/comment)\nS: * METADATA \"Work\" (/private/comment \"bob's\" /shared/comment \"{(setShared == "OK" ? "hers" : "all's")}\")\nS: d OK *");
    }
}
