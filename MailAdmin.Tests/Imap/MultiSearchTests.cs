using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Imap;

public class MultiSearchTests
{
    [Fact]
    public async Task When_several_mailboxes_are_searched_then_each_with_matches_answers_once()   // RFC 7377 §2 and §3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync();
        foreach (string name in new[] { "folder1", "folder2", "folder2/banana", "folder2/banana/deep", "folder2/peach", "Entw&APw-rfe" })
            await c.PlayAsync($"C: c CREATE {name}\nS: c OK *");
        await rig.GivenMessagesAsync(3, "folder1", i => $"Subject: chad {i}\r\n\r\nx\r\n");
        await rig.GivenMessagesAsync(2, "folder2/banana", i => $"Subject: {(i == 2 ? "chad" : "other")}\r\n\r\nx\r\n");
        await rig.GivenMessagesAsync(1, "folder2/banana/deep", i => "Subject: chad\r\n\r\nx\r\n");
        await rig.GivenMessagesAsync(1, "folder2/peach", i => "Subject: none\r\n\r\nx\r\n");
        await rig.GivenMessagesAsync(1, "Entw\u00fcrfe", i => "Subject: chad\r\n\r\nx\r\n");
        async Task<string> FoundAsync(string command)
        {
            await c.SendAsync($"tag1 ESEARCH {command}\r\n");
            List<string> lines = await c.ReadUntilAsync("tag1 ");
            Assert.StartsWith("tag1 OK", lines[^1], StringComparison.Ordinal);
            foreach (string line in lines[..^1])
                Assert.Matches("^\\* ESEARCH \\(TAG \"tag1\" MAILBOX \"[^\"]+\" UIDVALIDITY \\d+\\) UID ", line);
            return string.Join(" | ", lines[..^1].Select(l => l.Split('"')[3] + l[(l.IndexOf(") UID", StringComparison.Ordinal) + 5)..]));
        }
        Assert.Equal("folder1 ALL 1:3 | folder2/banana ALL 2 | folder2/banana/deep ALL 1", await FoundAsync("IN (mailboxes \"folder1\" subtree \"folder2\") subject \"chad\""));
        Assert.Equal("folder1 ALL 1:3 | folder2/banana ALL 2", await FoundAsync("IN (mailboxes folder1 subtree-one folder2) RETURN () subject chad"));
        Assert.Equal("folder2/banana MIN 2 MAX 2 COUNT 1", await FoundAsync("IN (mailboxes (folder2/banana folder2/peach missing)) RETURN (MIN MAX COUNT) subject chad"));
        Assert.Equal("Entw&APw-rfe ALL 1 | folder1 ALL 1:3 | folder2/banana ALL 2 | folder2/banana/deep ALL 1", await FoundAsync("IN (personal inboxes) CHARSET UTF-8 subject chad"));
        Assert.Equal("", await FoundAsync("IN (subscribed) ALL"));
        Assert.Equal("folder1 PARTIAL (1:2 1:2)", await FoundAsync("IN (mailboxes folder1) RETURN (PARTIAL 1:2) 1:9 subject chad"));
        await c.PlayAsync("""
            C: 1 ESEARCH subject chad
            S: 1 BAD *
            C: 2 ESEARCH IN (selected) subject chad
            S: 2 BAD *
            C: 3 ESEARCH IN (nonsense) subject chad
            S: 3 BAD *
            C: 4 ESEARCH IN (mailboxes folder1) CHARSET KOI8-R subject chad
            S: 4 NO [BADCHARSET *
            """);
        await c.SendAsync("s SELECT folder1\r\n");
        await c.ReadUntilAsync("s OK");
        Assert.Equal("folder1 ALL 1:3", await FoundAsync("subject chad"));
        Assert.Equal("folder1 ALL 1:3 | folder2/banana ALL 2", await FoundAsync("IN (selected mailboxes (folder1 folder2/banana)) subject chad"));
        await c.PlayAsync("""
            C: 5 ESEARCH IN (mailboxes folder1) RETURN (SAVE) subject chad
            S: 5 BAD *
            C: 6 ESEARCH RETURN (SAVE) subject "chad 2"
            S: 6 OK *
            C: 7 FETCH $ (UID)
            S: * 2 FETCH (UID 2)
            S: 7 OK *
            """);
    }

    [Fact]
    public async Task When_mailboxes_of_others_are_searched_then_rights_decide_which_answer()   // RFC 7377 §2.2
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript bob = await rig.LogInAsync("bob@example.test"), ann = await rig.LogInAsync();
        foreach ((string name, string rights) in new[] { ("Open", "lr"), ("Hidden", "r"), ("Closed", "l"), ("Secret", "") })
        {
            await bob.PlayAsync($"C: a CREATE {name}\nS: a OK *");
            await bob.SendAsync($"b APPEND {name} {{20+}}\r\nSubject: chad\r\n\r\nx\r\n\r\n");
            await bob.ReadUntilAsync("b OK");
            if (rights.Length > 0)
                await bob.PlayAsync($"C: c SETACL {name} ann@example.test {rights}\nS: c OK *");
        }
        const string Others = "Other Users/bob@example.test";
        foreach ((string sources, string[] found) in new[]
        {
            ($"subtree \"{Others}\"", new[] { "Open" }), ("personal", []),
            ($"mailboxes (\"{Others}/Open\" \"{Others}/Hidden\" \"{Others}/Closed\" \"{Others}/Secret\" \"{Others}/None\")", new[] { "Open", "Hidden" }),
        })
        {
            await ann.SendAsync($"t ESEARCH IN ({sources}) subject chad\r\n");
            List<string> lines = await ann.ReadUntilAsync("t ");
            Assert.StartsWith("t OK", lines[^1], StringComparison.Ordinal);
            Assert.Equal(found.Select(name => $"{Others}/{name}"), lines[..^1].Select(l => l.Split('"')[3]));
        }
    }

    [Fact]
    public async Task When_a_search_is_fuzzy_then_words_may_end_otherwise_and_the_best_come_first()   // RFC 6203 §3 to §6
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.Store.IndexDelay = TimeSpan.Zero);
        string[] subjects = ["IMAP break", "broken pipe", "the break of IMAP", "breakfast at IMAPs", "nothing", "Hello", "help"];
        await rig.GivenMessagesAsync(subjects.Length, text: i => $"Subject: {subjects[i - 1]}\r\nFrom: {(i == 3 ? "user" : "other")}@example.com\r\n\r\nbody {i}\r\n");
        await using WireScript c = await rig.SelectAsync();
        for (int turn = 0; turn < 2; turn++)
        {
            await c.PlayAsync("""
                C: A1 SEARCH FUZZY (SUBJECT "IMAP break")
                S: * SEARCH 1 3 4
                S: A1 OK *
                C: A2 SEARCH FUZZY SUBJECT break FROM user@example.com
                S: * SEARCH 3
                S: A2 OK *
                C: B1 SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT "Helo"
                S: * ESEARCH (TAG "B1") ALL 6:7 RELEVANCY (40 40)
                S: B1 OK *
                C: C1 SORT (RELEVANCY) UTF-8 FUZZY SUBJECT "breaks IMAP"
                S: * SORT 1 3 4
                S: C1 OK *
                C: C2 SORT RETURN (RELEVANCY ALL) (REVERSE RELEVANCY) UTF-8 FUZZY SUBJECT "IMAP break"
                S: * ESEARCH (TAG "C2") ALL 3:4,1 RELEVANCY (85 85 100)
                S: C2 OK *
                C: C3 SORT RETURN (PARTIAL 1:1) (RELEVANCY) UTF-8 FUZZY SUBJECT "IMAP break"
                S: * ESEARCH (TAG "C3") PARTIAL (1:1 1)
                S: C3 OK *
                C: D1 SEARCH NOT FUZZY SUBJECT imap
                S: * SEARCH 2 5 6 7
                S: D1 OK *
                C: D2 SEARCH RETURN (RELEVANCY ALL) SUBJECT x
                S: D2 BAD *
                C: D3 SORT (RELEVANCY) UTF-8 ALL
                S: D3 BAD *
                C: D4 SEARCH FUZZY
                S: D4 BAD *
                C: D5 SEARCH FUZZY FUZZY (OR SEEN FUZZY SUBJECT nothing)
                S: * SEARCH 5
                S: D5 OK *
                """);
            await rig.Mail.Store.WhenIndexedAsync();   // the second time with the index
        }
        await c.SendAsync($"h SEARCH FUZZY TEXT {{60000+}}\r\n{new string('x', 60_000)}\r\n");
        await c.PlayAsync("S: * SEARCH\nS: h OK *");
    }
}
