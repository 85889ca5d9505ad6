using System.Globalization;
using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Imap;

/// <summary>RFC 7162, its CONDSTORE half: the examples of the text, what implies it, what is refused.</summary>
public class CondStoreTests
{
    /// <summary>Mod-sequences of the messages, in order.</summary>
    static async Task<List<ulong>> ModSeqsAsync(WireScript c)
    {
        await c.SendAsync("m FETCH 1:* (MODSEQ)\r\n");
        return [.. (await c.ReadUntilAsync("m OK")).Where(line => line.StartsWith("* ", StringComparison.Ordinal) && line.Contains(" FETCH (", StringComparison.Ordinal)).Select(ModSeqOf)];
    }

    internal static ulong ModSeqOf(string line) => NumberBehind(line, "MODSEQ (");

    internal static ulong NumberBehind(string line, string mark)
    {
        int start = line.IndexOf(mark, StringComparison.Ordinal);
        Assert.True(start >= 0, $"no {mark} in {line}");
        string rest = line[(start + mark.Length)..];
        return ulong.Parse(new string([.. rest.TakeWhile(char.IsAsciiDigit)]), CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task When_condstore_is_on_then_every_change_has_a_mod_sequence_that_grows()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(3);
        await using WireScript c = await rig.LogInAsync(), other = await rig.SelectAsync();
        await c.SendAsync("1 SELECT INBOX (CONDSTORE)\r\n");
        string highest = Assert.Single(await c.ReadUntilAsync("1 OK"), line => line.Contains("HIGHESTMODSEQ", StringComparison.Ordinal));
        ulong before = NumberBehind(highest, "HIGHESTMODSEQ ");
        List<ulong> seqs = await ModSeqsAsync(c);
        Assert.Equal([.. seqs.Order().Distinct()], seqs);
        Assert.Equal(before, seqs[^1]);

        // RFC 7162 §3.1.4.2, example 14: a silent STORE still tells the new mod-sequence; the other session hears of the flags.
        await c.SendAsync("2 STORE 2 +FLAGS.SILENT (\\Deleted)\r\n");
        List<string> told = await c.ReadUntilAsync("2 OK");
        Assert.StartsWith("* 2 FETCH (UID 2 MODSEQ (", told[0], StringComparison.Ordinal);
        ulong first = ModSeqOf(told[0]);
        Assert.True(first > before);
        await other.PlayAsync("C: 1 NOOP\nS: * 2 FETCH (UID 2 FLAGS (\\Deleted))\nS: 1 OK *");   // not aware: as ever

        // Setting what is set changes nothing: RFC 7162 §3.1.11.
        await c.PlayAsync("C: 3 STORE 2 +FLAGS.SILENT (\\Deleted)\nS: 3 OK *");
        await c.PlayAsync($"C: 4 FETCH 2 (MODSEQ FLAGS)\nS: * 2 FETCH (FLAGS (\\Deleted) MODSEQ ({first}))\nS: 4 OK *");

        await other.PlayAsync("C: 2 STORE 3 +FLAGS.SILENT (\\Flagged)\nS: 2 OK *");
        await c.SendAsync("5 NOOP\r\n");
        told = await c.ReadUntilAsync("5 OK");
        Assert.StartsWith("* 3 FETCH (UID 3 FLAGS (\\Flagged) MODSEQ (", told[0], StringComparison.Ordinal);
        Assert.True(ModSeqOf(told[0]) > first);

        // Seen by another session and taken back: nothing but the mod-sequence is new, and an aware client hears of it.
        await other.PlayAsync("C: 3 STORE 1 +FLAGS.SILENT (\\Draft)\nS: 3 OK *\nC: 4 STORE 1 -FLAGS.SILENT (\\Draft)\nS: 4 OK *");
        await c.SendAsync("6 NOOP\r\n");
        Assert.StartsWith("* 1 FETCH (UID 1 FLAGS () MODSEQ (", (await c.ReadUntilAsync("6 OK"))[0], StringComparison.Ordinal);

        // A FETCH that sets \Seen tells UID, flags and mod-sequence: RFC 7162 §3.2.4.
        await c.SendAsync("7 FETCH 1 (BODY[TEXT])\r\n");
        Assert.StartsWith("* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (", (await c.ReadUntilAsync("7 OK"))[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ENABLE CONDSTORE")]
    [InlineData("FETCH 1 (MODSEQ)")]
    [InlineData("FETCH 1 (FLAGS) (CHANGEDSINCE 1)")]
    [InlineData("SEARCH MODSEQ 1")]
    [InlineData("STATUS INBOX (HIGHESTMODSEQ)")]
    [InlineData("STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)")]
    public async Task When_a_command_implies_condstore_then_the_mod_sequence_of_the_mailbox_is_told_once(string command)   // RFC 7162 §3.1
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(1);
        await using WireScript c = await rig.SelectAsync();
        await c.SendAsync($"1 {command}\r\n");
        Assert.Single(await c.ReadUntilAsync("1 OK"), line => line.StartsWith("* OK [HIGHESTMODSEQ ", StringComparison.Ordinal));
        await c.SendAsync($"2 {command}\r\n");
        Assert.DoesNotContain(await c.ReadUntilAsync("2 OK"), line => line.StartsWith("* OK [HIGHESTMODSEQ ", StringComparison.Ordinal));
        await c.SendAsync("3 STORE 1 +FLAGS (\\Answered)\r\n");
        Assert.Contains("MODSEQ (", (await c.ReadUntilAsync("3 OK"))[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_a_store_has_a_condition_then_messages_that_others_changed_are_left_alone()   // RFC 7162 §3.1.3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(9);
        await using WireScript c = await rig.SelectAsync(), other = await rig.SelectAsync();
        ulong since = (await ModSeqsAsync(c))[^1];
        await other.PlayAsync("C: 1 STORE 7,9 +FLAGS.SILENT (\\Deleted)\nS: 1 OK *");

        // Example 6, with the FETCH responses that the text recommends.
        await c.SendAsync($"d105 STORE 7,5,9 (UNCHANGEDSINCE {since}) +FLAGS.SILENT (\\Deleted)\r\n");
        List<string> told = await c.ReadUntilAsync("d105");
        Assert.StartsWith("* 5 FETCH (UID 5 MODSEQ (", told[0], StringComparison.Ordinal);
        Assert.StartsWith("* 7 FETCH (UID 7 FLAGS (\\Deleted) MODSEQ (", told[1], StringComparison.Ordinal);
        Assert.StartsWith("* 9 FETCH (UID 9 FLAGS (\\Deleted) MODSEQ (", told[2], StringComparison.Ordinal);
        Assert.StartsWith("d105 OK [MODIFIED 7,9] ", told[3], StringComparison.Ordinal);

        // Example 7: 0 always fails.
        await c.SendAsync("a102 UID STORE 4 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)\r\n");
        Assert.StartsWith("a102 OK [MODIFIED 4] ", (await c.ReadUntilAsync("a102"))[^1], StringComparison.Ordinal);

        // Example 10, last part: another flag changed, so ours may be set (RFC 7162 §3.1.12) ...
        await other.PlayAsync("C: 2 STORE 1 +FLAGS.SILENT (\\Answered)\nS: * 5 FETCH *\nS: 2 OK *");
        await c.SendAsync($"a106 STORE 1:2 (UNCHANGEDSINCE {since}) +FLAGS.SILENT ($Processed)\r\n");
        told = await c.ReadUntilAsync("a106");
        Assert.Contains(told, line => line.StartsWith("* 1 FETCH (UID 1 FLAGS (\\Answered $Processed) MODSEQ (", StringComparison.Ordinal));
        Assert.Contains(told, line => line.StartsWith("* 2 FETCH (UID 2 MODSEQ (", StringComparison.Ordinal));
        Assert.StartsWith("a106 OK STORE", told[^1], StringComparison.Ordinal);
        // ... but not where the very flag changed, and never for FLAGS without a sign.
        await other.PlayAsync("C: 3 STORE 3:4 +FLAGS.SILENT ($Processed)\nS: * *\nS: * *\nS: * *\nS: * *\nS: 3 OK *");
        await c.SendAsync($"a107 STORE 3 (UNCHANGEDSINCE {since}) -FLAGS.SILENT ($Processed)\r\n");
        Assert.StartsWith("a107 OK [MODIFIED 3] ", (await c.ReadUntilAsync("a107"))[^1], StringComparison.Ordinal);
        await c.SendAsync($"a108 STORE 4 (UNCHANGEDSINCE {since}) FLAGS.SILENT (\\Seen)\r\n");
        Assert.StartsWith("a108 OK [MODIFIED 4] ", (await c.ReadUntilAsync("a108"))[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_only_changes_are_asked_for_then_only_they_come()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(200);
        await using WireScript c = await rig.SelectAsync();
        List<ulong> seqs = await ModSeqsAsync(c);
        await c.SendAsync($"1 FETCH 1:* (FLAGS) (CHANGEDSINCE {seqs[196]})\r\n");   // RFC 7162 §3.1.4.1
        Assert.Equal([$"* 198 FETCH (FLAGS () MODSEQ ({seqs[197]}))", $"* 199 FETCH (FLAGS () MODSEQ ({seqs[198]}))", $"* 200 FETCH (FLAGS () MODSEQ ({seqs[199]}))"],
            (await c.ReadUntilAsync("1 OK"))[..^1]);
        await c.PlayAsync($"C: 2 UID FETCH 1:199 (UID) (CHANGEDSINCE {seqs[197]})\nS: * 199 FETCH (UID 199 MODSEQ ({seqs[198]}))\nS: 2 OK *");
        await c.PlayAsync($"C: 3 UID FETCH 1:* FLAGS (CHANGEDSINCE {long.MaxValue})\nS: 3 OK *");
        // RFC 7162 §3.1.5, examples 15 and 16.
        await c.PlayAsync($"C: 4 SEARCH MODSEQ \"/flags/\\\\draft\" all {seqs[197]} NOT 199\nS: * SEARCH 198 200 (MODSEQ {seqs[199]})\nS: 4 OK *");
        await c.PlayAsync($"C: 5 UID SEARCH OR NOT MODSEQ {seqs[2]} LARGER 50000\nS: * SEARCH 1 2 (MODSEQ {seqs[1]})\nS: 5 OK *");
        await c.PlayAsync($"C: 6 SEARCH MODSEQ {long.MaxValue}\nS: * SEARCH\nS: 6 OK *");
        // RFC 7162 §3.1.10, example 19; RFC 4731 §3.2: of what is returned.
        await c.PlayAsync($"C: 8 SEARCH RETURN (ALL) MODSEQ {seqs[196]}\nS: * ESEARCH (TAG \"8\") ALL 197:200 MODSEQ {seqs[199]}\nS: 8 OK *");
        await c.PlayAsync($"C: 9 UID SEARCH RETURN (MIN COUNT) MODSEQ {seqs[196]}\nS: * ESEARCH (TAG \"9\") UID MIN 197 COUNT 4 MODSEQ {seqs[199]}\nS: 9 OK *");
        await c.PlayAsync($"C: 10 SEARCH RETURN (MIN) MODSEQ {seqs[196]}\nS: * ESEARCH (TAG \"10\") MIN 197 MODSEQ {seqs[196]}\nS: 10 OK *");
        await c.PlayAsync($"C: 11 SEARCH RETURN (ALL) MODSEQ {long.MaxValue}\nS: * ESEARCH (TAG \"11\")\nS: 11 OK *");
        await c.PlayAsync($"C: 7 STATUS INBOX (MESSAGES HIGHESTMODSEQ)\nS: * STATUS \"INBOX\" (MESSAGES 200 HIGHESTMODSEQ {seqs[199]})\nS: 7 OK *");
    }

    [Theory]
    [InlineData("FETCH 1 (FLAGS) (CHANGEDSINCE 9223372036854775808)")]
    [InlineData("FETCH 1 (FLAGS) (CHANGEDSINCE)")]
    [InlineData("FETCH 1 (FLAGS) (CHANGEDSINCE 1")]
    [InlineData("FETCH 1 (FLAGS) (NOSUCH 1)")]
    [InlineData("FETCH 1 (FLAGS) ()")]
    [InlineData("STORE 1 (UNCHANGEDSINCE -1) FLAGS (\\Seen)")]
    [InlineData("STORE 1 (UNCHANGEDSINCE 1 UNCHANGEDSINCE 2) FLAGS (\\Seen)")]
    [InlineData("STORE 1 () FLAGS (\\Seen)")]
    [InlineData("SEARCH MODSEQ \"/flags/\" all 1")]
    [InlineData("SEARCH MODSEQ \"/flags/x\" some 1")]
    [InlineData("SEARCH MODSEQ 18446744073709551616")]
    [InlineData("SELECT INBOX (NOSUCH)")]
    [InlineData("SELECT INBOX ()")]
    public async Task When_a_modifier_is_not_as_the_grammar_says_then_the_answer_is_bad_and_the_session_lives(string command)
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(1);
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync($"C: 1 {command}\nS: 1 BAD *\nC: 2 NOOP\nS: 2 OK *");
    }

    [Fact]
    public async Task When_expunged_messages_wait_then_the_client_keeps_a_mod_sequence_from_before_them()   // RFC 7162 §6
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(8);
        await using WireScript c = await rig.SelectAsync(), other = await rig.SelectAsync();
        ulong before = (await ModSeqsAsync(c))[^1];
        await other.PlayAsync("C: 1 STORE 8 +FLAGS.SILENT (\\Deleted)\nS: 1 OK *");
        await c.SendAsync("0 NOOP\r\n");
        before = ModSeqOf((await c.ReadUntilAsync("0 OK"))[0]);
        await other.PlayAsync("C: 2 EXPUNGE\nS: * 8 EXPUNGE\nS: 2 OK *");
        for (int i = 0; i < 2; i++)   // A150 and A151 of the example
        {
            await c.SendAsync($"a STORE {i + 1} +FLAGS.SILENT (\\Seen)\r\n");
            List<string> told = await c.ReadUntilAsync("a OK");
            Assert.True(ModSeqOf(told[0]) > before + 1);
            Assert.StartsWith($"* OK [HIGHESTMODSEQ {before}] ", told[1], StringComparison.Ordinal);
        }
        await c.PlayAsync("C: b UID SEARCH 1:2\nS: * SEARCH 1 2\nS: * OK [HIGHESTMODSEQ *\nS: b OK *");   // numbers in it: nothing may shift
        await c.PlayAsync("C: c NOOP\nS: * 8 EXPUNGE\nS: c OK *");
    }
}
