using MailAdmin.Tests.Rig;
using MailEngine.Imap;
using MailEngine.Store;

namespace MailAdmin.Tests.Imap;

/// <summary>RFC 7162, its QRESYNC half: a client that was away catches up, and one that is there hears of UIDs.</summary>
public class QResyncTests
{
    static async Task<WireScript> GivenClientAsync(ImapRig rig)
    {
        WireScript c = await rig.LogInAsync();
        await c.PlayAsync("C: e ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: e OK *");
        return c;
    }

    static async Task<(uint UidValidity, ulong ModSeq)> SelectAsync(WireScript c, string parameters = "")
    {
        await c.SendAsync($"s SELECT INBOX{parameters}\r\n");
        List<string> lines = await c.ReadUntilAsync("s OK");
        return ((uint)CondStoreTests.NumberBehind(lines.Find(l => l.Contains("UIDVALIDITY", StringComparison.Ordinal))!, "UIDVALIDITY "),
            CondStoreTests.NumberBehind(lines.Find(l => l.Contains("HIGHESTMODSEQ", StringComparison.Ordinal))!, "HIGHESTMODSEQ "));
    }

    /// <summary>What SELECT says behind the figures.</summary>
    static async Task<List<string>> CatchUpAsync(WireScript c, string parameters)
    {
        List<string> lines = await c.MustAsync($"EXAMINE INBOX (QRESYNC ({parameters}))");
        return [.. lines.SkipWhile(l => !l.Contains("HIGHESTMODSEQ", StringComparison.Ordinal)).Skip(1).SkipLast(1).Select(WithoutModSeq)];
    }

    static string WithoutModSeq(string line) =>
        line.IndexOf(" MODSEQ (", StringComparison.Ordinal) is var at and >= 0 ? line[..at] + ")" : line;

    [Fact]
    public async Task When_a_client_was_away_then_select_tells_what_is_gone_and_what_changed()   // RFC 7162 §3.2.5
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(200);
        await using WireScript c = await GivenClientAsync(rig), other = await rig.SelectAsync();
        (uint validity, ulong since) = await SelectAsync(c);
        await c.PlayAsync("C: u UNSELECT\nS: u OK *");
        await other.PlayAsync("C: 1 STORE 2:3,5,60:199 +FLAGS.SILENT (\\Deleted)\nS: 1 OK *\nC: 2 STORE 4,200 +FLAGS.SILENT (\\Flagged)\nS: 2 OK *");
        Assert.Empty(await CatchUpAsync(c, $"{validity} {since + 1000}"));
        await other.SendAsync("3 EXPUNGE\r\n");
        await other.ReadUntilAsync("3 OK");
        await rig.GivenOldMessagesAsync(1);

        Assert.Equal(["* VANISHED (EARLIER) 2:3,5,60:199", "* 2 FETCH (UID 4 FLAGS (\\Flagged))", "* 57 FETCH (UID 200 FLAGS (\\Flagged))", "* 58 FETCH (UID 201 FLAGS ())"],
            await CatchUpAsync(c, $"{validity} {since}"));
        Assert.Equal(["* VANISHED (EARLIER) 3,190:199", "* 2 FETCH (UID 4 FLAGS (\\Flagged))"], await CatchUpAsync(c, $"{validity} {since} 3:4,190:199"));
        Assert.Equal(["* VANISHED (EARLIER) 60:199"], (await CatchUpAsync(c, $"{validity} {since} (1,2,56 1,4,59)"))[..1]);
        Assert.Equal(["* VANISHED (EARLIER) 5,60:199"], (await CatchUpAsync(c, $"{validity} {since} 1:4294967294 (1:3 1,4,7)"))[..1]);
        Assert.Empty(await CatchUpAsync(c, $"{validity + 1} {since}"));   // another mailbox of that name: all it knows is nothing

        // The same by UID FETCH: RFC 7162 §3.2.6. "*" is the largest UID there ever was.
        await c.PlayAsync($"C: 1 UID FETCH 3:5,150:190 (FLAGS) (CHANGEDSINCE {since} VANISHED)\nS: * VANISHED (EARLIER) 3,5,150:190\nS: * 2 FETCH (UID 4 *\nS: 1 OK *");
        await c.PlayAsync($"C: 2 UID FETCH 150:199 (FLAGS) (VANISHED CHANGEDSINCE {since + 1000000})\nS: 2 OK *");
    }

    [Fact]
    public async Task When_rows_of_expunged_messages_are_gone_then_all_that_is_missing_counts_as_vanished()   // RFC 7162 §5.3
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.Store.ExpungeRetention = TimeSpan.FromDays(-1));
        await rig.GivenOldMessagesAsync(9);
        await using WireScript c = await GivenClientAsync(rig), other = await rig.SelectAsync();
        (uint validity, ulong since) = await SelectAsync(c);
        await other.PlayAsync("C: 1 STORE 1,5 +FLAGS.SILENT (\\Deleted)\nS: 1 OK *\nC: 2 EXPUNGE\nS: * 5 EXPUNGE\nS: * 1 EXPUNGE\nS: 2 OK *");
        (_, ulong afterwards) = await SelectAsync(c);
        await rig.Mail.Store.PurgeAsync();
        await other.PlayAsync("C: 3 STORE 7 +FLAGS.SILENT (\\Deleted)\nS: 3 OK *\nC: 4 EXPUNGE\nS: * 7 EXPUNGE\nS: 4 OK *");
        Assert.Equal(["* VANISHED (EARLIER) 1,5,9"], await CatchUpAsync(c, $"{validity} {since}"));
        Assert.Equal(["* VANISHED (EARLIER) 9"], await CatchUpAsync(c, $"{validity} {afterwards}"));   // what was forgotten, it knew
        Assert.Equal(["* VANISHED (EARLIER) 5,9"], await CatchUpAsync(c, $"{validity} {since} (1:2 2:3)"));
    }

    [Fact]
    public async Task When_messages_are_expunged_then_a_session_hears_of_uids()   // RFC 7162 §3.2.7 to §3.2.10
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(12);
        await using WireScript c = await GivenClientAsync(rig), other = await rig.SelectAsync();
        await SelectAsync(c);
        await other.PlayAsync("C: 1 CREATE T\nS: 1 OK *");
        await c.SendAsync("1 STORE 3:4,7,11 +FLAGS.SILENT (\\Deleted)\r\n");
        await c.ReadUntilAsync("1 OK");
        await c.PlayAsync("C: 2 EXPUNGE\nS: * VANISHED 3:4,7,11\nS: 2 OK [HIGHESTMODSEQ *\nC: 3 EXPUNGE\nS: 3 OK EXPUNGE completed");
        await c.PlayAsync("C: 4 MOVE 1:2 T\nS: * OK [COPYUID *\nS: * VANISHED 1:2\nS: 4 OK [HIGHESTMODSEQ *");
        await other.SendAsync("2 UID STORE 5:6 +FLAGS.SILENT (\\Deleted)\r\n");
        await other.ReadUntilAsync("2 OK");
        await other.SendAsync("3 UID EXPUNGE 5:6\r\n");
        await other.ReadUntilAsync("3 OK");
        await c.PlayAsync("C: 5 FETCH 1 (UID)\nS: * 1 FETCH (UID 5)\nS: * OK [HIGHESTMODSEQ *\nS: 5 OK *");
        await c.PlayAsync("C: 6 IDLE\nS: * VANISHED 5:6\nS: * OK [HIGHESTMODSEQ *\nS: + idling\nC: DONE\nS: 6 OK *");
        await c.PlayAsync("C: 7 FETCH 1 (UID)\nS: * 1 FETCH (UID 8)\nS: 7 OK *");
        // A message that came and went between two looks was never announced, and does not vanish.
        await rig.GivenOldMessagesAsync(1);
        await other.PlayAsync("C: n NOOP\nS: * 5 EXISTS\nS: * *\nS: n OK *");
        await other.SendAsync("4 UID STORE 13 +FLAGS.SILENT (\\Deleted)\r\n");
        await other.ReadUntilAsync("4 OK");
        await other.SendAsync("5 EXPUNGE\r\n");
        await other.ReadUntilAsync("5 OK");
        await c.PlayAsync("C: 8 NOOP\nS: 8 OK *\nC: 9 STORE 1 +FLAGS.SILENT (\\Deleted)\nS: * 1 FETCH *\nS: 9 OK *\nC: 10 CLOSE\nS: 10 OK CLOSE completed");
    }

    [Theory]
    [InlineData("SELECT INBOX (QRESYNC (1 1))")]
    [InlineData("UID FETCH 1 (FLAGS) (CHANGEDSINCE 1 VANISHED)")]
    public async Task When_qresync_was_not_enabled_then_what_needs_it_is_bad(string command)   // RFC 7162 §3.2.3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(1);
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync($"C: 1 {command}\nS: 1 BAD *\nC: 2 FETCH 1 (UID)\nS: * 1 FETCH (UID 1)\nS: 2 OK *");
    }

    [Theory]
    [InlineData("FETCH 1 (FLAGS) (CHANGEDSINCE 1 VANISHED)")]
    [InlineData("UID FETCH 1 (FLAGS) (VANISHED)")]
    [InlineData("SELECT INBOX (QRESYNC (0 1))")]
    [InlineData("SELECT INBOX (QRESYNC (1))")]
    [InlineData("SELECT INBOX (QRESYNC (1 1 1:*))")]
    [InlineData("SELECT INBOX (QRESYNC (1 1 (1:2 5)))")]
    [InlineData("SELECT INBOX (QRESYNC (1 1 (2,1 5:6)))")]
    [InlineData("SELECT INBOX (QRESYNC (1 1 (1:3,2:4 1:6)))")]
    [InlineData("SELECT INBOX (QRESYNC (1 1 (1 *)))")]
    [InlineData("SELECT INBOX (QRESYNC (1 1 (1 1) 5))")]
    public async Task When_a_parameter_is_not_as_the_grammar_says_then_the_answer_is_bad(string command)
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await GivenClientAsync(rig);
        await SelectAsync(c);
        await c.PlayAsync($"C: 1 {command}\nS: 1 BAD *\nC: 2 NOOP\nS: 2 OK *");
    }

    [Fact]
    public async Task When_a_client_claims_to_know_four_billion_numbers_then_the_answer_comes_all_the_same()   // attack case A11
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(100);
        await using WireScript c = await GivenClientAsync(rig), other = await rig.SelectAsync();
        (uint validity, ulong since) = await SelectAsync(c);
        await other.PlayAsync("C: 1 STORE 7 +FLAGS.SILENT (\\Deleted)\nS: 1 OK *\nC: 2 EXPUNGE\nS: * 7 EXPUNGE\nS: 2 OK *");
        Assert.Equal(["* VANISHED (EARLIER) 7"], await CatchUpAsync(c, $"{validity} {since} 1:4294967294 (1:4294967294 1:4294967294)"));
    }

    [Fact]
    public void When_samples_are_compared_then_the_last_pair_that_agrees_counts()
    {
        // RFC 7162 §3.2.5.2: the fourth message has UID 8, the twelfth 25 where the client says 24.
        var entries = new MessageEntry[20];
        for (int i = 0; i < entries.Length; i++)
            entries[i].Uid = i < 4 ? (uint)(i + 5) : (uint)(i + 14);
        var snapshot = new MailboxSnapshot(new MailboxCounters(1, 100, 1, 20, 0, 0, 1, 1), [new Chunk(0, entries)], [[]]);
        Assert.Equal(8u, Match((4, 4), (12, 12)).LastAgreed(snapshot));
        Assert.Equal(33u, Match((1, 4), (20, 4000)).LastAgreed(snapshot));
        Assert.Equal(0u, Match((30, 40)).LastAgreed(snapshot));

        static SequenceMatch Match(params (uint From, uint To)[] numbers)
        {
            SequenceSet seq = new(), uid = new();
            foreach ((uint from, uint to) in numbers)
            {
                seq.Add(from, to);
                uint shift = from == 20 ? 13u : from == 12 ? 12u : 4u;
                uid.Add(from + shift, to + shift);
            }
            return new SequenceMatch(seq, uid);
        }
    }
}
