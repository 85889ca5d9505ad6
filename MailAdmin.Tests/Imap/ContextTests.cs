using System.Globalization;
using System.Text.RegularExpressions;
using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Imap;

public partial class ContextTests
{
    [Fact]
    public async Task When_a_search_asks_for_updates_then_changes_of_its_result_are_told()   // RFC 5267 §4.3
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.Limits.ImapUpdateContexts = 2);
        await rig.GivenMessagesAsync(6);
        await using WireScript c = await rig.SelectAsync(), other = await rig.SelectAsync();
        await c.PlayAsync("""
            C: A01 SEARCH RETURN (CONTEXT COUNT) UNDELETED
            S: * ESEARCH (TAG "A01") COUNT 6
            S: A01 OK *
            C: B01 UID SEARCH RETURN (UPDATE COUNT) FLAGGED
            S: * ESEARCH (TAG "B01") UID COUNT 0
            S: B01 OK *
            C: B01 SORT RETURN (UPDATE) (DATE) UTF-8 FLAGGED
            S: B01 BAD Tag reuse
            C: B02 SORT RETURN (UPDATE ALL) (REVERSE SUBJECT) UTF-8 UNSEEN
            S: * ESEARCH (TAG "B02") ALL 6,5,4,3,2,1
            S: B02 OK *
            C: B03 SEARCH RETURN (UPDATE COUNT) ALL
            S: * ESEARCH (TAG "B03") COUNT 6
            S: * NO [NOUPDATE "B03"] *
            S: B03 OK *
            C: 1 STORE 2:3,5 +FLAGS.SILENT (\Flagged)
            S: * ESEARCH (TAG "B01") UID ADDTO (0 2:3,5)
            S: 1 OK *
            C: 2 STORE 3,5 +FLAGS.SILENT (\Seen)
            S: * ESEARCH (TAG "B02") REMOVEFROM (4 3 2 5)
            S: 2 OK *
            """);
        await other.PlayAsync("C: 1 STORE 2 +FLAGS.SILENT (\\Deleted)\nS: * 2 FETCH *\nS: * 3 FETCH *\nS: * 5 FETCH *\nS: 1 OK *\nC: 2 EXPUNGE\nS: * 2 EXPUNGE\nS: 2 OK *");
        await c.PlayAsync("""
            C: 3 NOOP
            S: * ESEARCH (TAG "B02") REMOVEFROM (3 2)
            S: * ESEARCH (TAG "B01") UID REMOVEFROM (0 2)
            S: * 2 EXPUNGE
            S: 3 OK *
            C: 4 STORE 4 -FLAGS.SILENT (\Seen)
            S: * ESEARCH (TAG "B02") ADDTO (2 4)
            S: 4 OK *
            C: 5 CANCELUPDATE "B01" "NONE"
            S: 5 OK *
            C: 6 STORE 1 +FLAGS.SILENT (\Flagged)
            S: 6 OK *
            """);
        await rig.GivenMessagesAsync(1);
        await c.PlayAsync("""
            C: 7 NOOP
            S: * 6 EXISTS
            S: * 1 RECENT
            S: * ESEARCH (TAG "B02") ADDTO (5 6)
            S: 7 OK *
            C: 8 UNSELECT
            S: 8 OK *
            """.Replace("S: * 1 RECENT", "S: * *", StringComparison.Ordinal));
    }

    /// <summary>A client that applies what it is told has, after any changes, what a new search would give it.</summary>
    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public async Task When_a_client_applies_all_updates_then_its_result_is_that_of_a_new_search(int seed)
    {
        var random = new Random(seed);
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(40, text: i => $"Subject: {(char)('a' + i * 7 % 11)}\r\n\r\nx\r\n");
        await using WireScript c = await rig.SelectAsync(), other = await rig.SelectAsync();
        string[] commands = ["UID SEARCH RETURN (UPDATE ALL) FLAGGED", "UID SORT RETURN (UPDATE ALL) (SUBJECT REVERSE ARRIVAL) UTF-8 OR UNSEEN FLAGGED",
            "UID SORT RETURN (UPDATE ALL) (REVERSE SUBJECT) UTF-8 SUBJECT a UNSEEN", "UID SEARCH RETURN (UPDATE ALL) UNSEEN NOT SUBJECT b 1:30"];
        var lists = new List<uint>[commands.Length];
        for (int i = 0; i < commands.Length; i++)
            lists[i] = await AskAsync($"u{i} {commands[i]}", $"u{i}");
        for (int turn = 0; turn < 25; turn++)
        {
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                WireScript who = random.Next(2) == 0 ? c : other;
                string set = string.Join(',', Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(1, 60)));
                switch (random.Next(5))
                {
                    case 0:
                        await rig.GivenMessagesAsync(random.Next(1, 3), text: i => $"Subject: {(char)('a' + random.Next(11))}\r\n\r\nx\r\n");
                        break;
                    case 1:
                        await RunAsync(who, $"UID STORE {set} +FLAGS.SILENT (\\Deleted)");
                        await RunAsync(who, "EXPUNGE");
                        break;
                    default:
                        string mode = random.Next(2) == 0 ? "+" : "-", flag = random.Next(2) == 0 ? "Seen" : "Flagged";
                        await RunAsync(who, $"UID STORE {set} {mode}FLAGS{(random.Next(2) == 0 ? ".SILENT" : "")} (\\{flag})");
                        break;
                }
            }
            await RunAsync(c, "NOOP");
            for (int i = 0; i < commands.Length - 1; i++)   // sequence numbers in the last one mean the messages of then
                Assert.Equal(await AskAsync($"t {commands[i].Replace("UPDATE ", "", StringComparison.Ordinal)}", "t"), lists[i]);
        }

        async Task RunAsync(WireScript who, string command)
        {
            foreach (string line in await who.AskAsync(command, "x"))
            {
                if (who == c)
                    Apply(line);
                Assert.False(line.StartsWith("x NO", StringComparison.Ordinal) || line.StartsWith("x BAD", StringComparison.Ordinal), line);
            }
        }

        async Task<List<uint>> AskAsync(string command, string tag)
        {
            await c.SendAsync(command + "\r\n");
            List<string> lines = await c.ReadUntilAsync(tag + " OK");
            string answer = lines.Single(l => l.StartsWith($"* ESEARCH (TAG \"{tag}\")", StringComparison.Ordinal));
            int all = answer.IndexOf(" ALL ", StringComparison.Ordinal);
            return all < 0 ? [] : Expand(answer[(all + 5)..]);
        }

        void Apply(string line)
        {
            if (!line.StartsWith("* ESEARCH", StringComparison.Ordinal))
                return;
            Match update = Update().Match(line);
            Assert.True(update.Success, line);
            List<uint> list = lists[int.Parse(update.Groups[1].Value, CultureInfo.InvariantCulture)];
            string[] pairs = update.Groups[3].Value.Split(' ');
            for (int i = 0; i < pairs.Length; i += 2)
            {
                int place = int.Parse(pairs[i], CultureInfo.InvariantCulture);
                List<uint> uids = Expand(pairs[i + 1]);
                if (update.Groups[2].Value == "REMOVEFROM")
                {
                    if (place == 0)
                        Assert.Equal(uids.Count, list.RemoveAll(uids.Contains));
                    else
                    {
                        Assert.Equal(uids, list.GetRange(place - 1, uids.Count));
                        list.RemoveRange(place - 1, uids.Count);
                    }
                }
                else if (place == 0)
                {
                    list.AddRange(uids);
                    list.Sort();
                }
                else
                    list.InsertRange(place - 1, uids);
            }
        }
    }

    static List<uint> Expand(string set) => [.. set.Split(',').SelectMany(part =>
    {
        string[] ends = part.Split(':');
        uint from = uint.Parse(ends[0], CultureInfo.InvariantCulture), to = uint.Parse(ends[^1], CultureInfo.InvariantCulture);
        return Enumerable.Range(0, (int)(to - from) + 1).Select(i => from + (uint)i);
    })];

    [GeneratedRegex("""^\* ESEARCH \(TAG "u(\d)"\) UID (ADDTO|REMOVEFROM) \((.*)\)$""")]
    private static partial Regex Update();
}
