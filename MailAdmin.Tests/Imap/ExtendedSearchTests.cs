using System.Globalization;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine.Imap;
using MailEngine.Imap.Search;
using MailEngine.Store;

namespace MailAdmin.Tests.Imap;

public class ExtendedSearchTests
{
    /// <summary>23 messages; 2, 10, 11, 12, 13, 14, 15 and 21 are flagged, the last ones of them not from Smith.</summary>
    static async Task<WireScript> GivenFlaggedAsync(ImapRig rig)
    {
        await rig.GivenMessagesAsync(23, text: i => $"From: {(i == 3 ? "Smith" : "Ann")} <a@b.test>\r\nSubject: {i}\r\n\r\nx\r\n");
        WireScript c = await rig.SelectAsync();
        await c.PlayAsync("C: f STORE 2,3,10:15,21 +FLAGS.SILENT (\\Flagged)\nS: f OK *");
        return c;
    }

    [Fact]
    public async Task When_return_options_are_given_then_an_esearch_response_has_them()   // RFC 4731 §3.1
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await GivenFlaggedAsync(rig);
        await c.PlayAsync("""
            C: A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"
            S: * ESEARCH (TAG "A282") MIN 2 COUNT 8
            S: A282 OK SEARCH completed
            C: A283 SEARCH RETURN () FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"
            S: * ESEARCH (TAG "A283") ALL 2,10:15,21
            S: A283 OK SEARCH completed
            C: A284 SEARCH RETURN (MIN) UNSEEN
            S: * ESEARCH (TAG "A284") MIN 1
            S: A284 OK *
            C: A285 UID SEARCH RETURN (MIN MAX) 1:5000
            S: * ESEARCH (TAG "A285") UID MIN 1 MAX 23
            S: A285 OK *
            C: A286 SEARCH RETURN (COUNT) DELETED
            S: * ESEARCH (TAG "A286") COUNT 0
            S: A286 OK *
            C: A287 SEARCH return (min max all count) CHARSET UTF-8 DELETED
            S: * ESEARCH (TAG "A287") COUNT 0
            S: A287 OK *
            C: A288 SEARCH RETURN (MIN ALL) DELETED
            S: * ESEARCH (TAG "A288")
            S: A288 OK *
            C: A289 SEARCH RETURN (NONSENSE) ALL
            S: A289 BAD *
            C: A290 SEARCH RETURN ALL
            S: A290 BAD *
            C: A291 SEARCH RETURN (ALL)
            S: A291 BAD *
            """);
    }

    [Fact]
    public async Task When_a_result_is_saved_then_dollar_stands_for_it()   // RFC 5182 §2.2 and §2.4
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await GivenFlaggedAsync(rig);
        await c.SendAsync("A282 SEARCH RETURN (SAVE) FLAGGED NOT FROM \"Smith\"\r\nA283 FETCH $ (UID)\r\n");   // pipelined
        await c.PlayAsync("S: A282 OK SEARCH completed\nS: * 2 FETCH (UID 2)\nS: * 10 FETCH (UID 10)");
        await c.ReadUntilAsync("A283 OK");
        await c.PlayAsync("""
            C: A301 UID SEARCH UID $ SMALLER 4096
            S: * SEARCH 2 10 11 12 13 14 15 21
            S: A301 OK *
            C: A302 SEARCH (OR $ 1,20:23) SEEN
            S: * SEARCH
            S: A302 OK *
            C: A303 SEARCH (OR $ 1,20:23) UNSEEN
            S: * SEARCH 1 2 10 11 12 13 14 15 20 21 22 23
            S: A303 OK *
            C: C283 SEARCH RETURN (ALL SAVE) FLAGGED NOT FROM "Smith"
            S: * ESEARCH (TAG "C283") ALL 2,10:15,21
            S: C283 OK *
            C: C284 SEARCH RETURN (SAVE MIN) FLAGGED NOT FROM "Smith"
            S: * ESEARCH (TAG "C284") MIN 2
            S: C284 OK *
            C: 1 SEARCH $
            S: * SEARCH 2
            S: 1 OK *
            C: C285 SEARCH RETURN (MAX SAVE MIN) FLAGGED NOT FROM "Smith"
            S: * ESEARCH (TAG "C285") MIN 2 MAX 21
            S: C285 OK *
            C: 2 SEARCH $
            S: * SEARCH 2 21
            S: 2 OK *
            C: C286 SEARCH RETURN (MAX SAVE MIN COUNT) FLAGGED NOT FROM "Smith"
            S: * ESEARCH (TAG "C286") MIN 2 MAX 21 COUNT 8
            S: C286 OK *
            C: 3 SEARCH RETURN (COUNT) $
            S: * ESEARCH (TAG "3") COUNT 8
            S: 3 OK *
            C: 4 SEARCH RETURN (SAVE PARTIAL 2:3 MAX) FLAGGED
            S: * ESEARCH (TAG "4") MAX 21 PARTIAL (2:3 3,10)
            S: 4 OK *
            C: 5 SEARCH $
            S: * SEARCH 3 10 21
            S: 5 OK *
            C: 6 SEARCH NONSENSE
            S: 6 BAD *
            C: 7 SEARCH CHARSET KOI8-R ALL
            S: 7 NO [BADCHARSET *
            C: 8 UID STORE $ +FLAGS.SILENT (\Deleted)
            S: 8 OK *
            C: 9 EXPUNGE
            S: * 21 EXPUNGE
            S: * 10 EXPUNGE
            S: * 3 EXPUNGE
            S: 9 OK *
            C: 10 SEARCH $
            S: * SEARCH
            S: 10 OK *
            C: 11 SEARCH RETURN (SAVE) 1:5
            S: 11 OK *
            C: 12 SEARCH RETURN (SAVE) CHARSET KOI8-R TEXT x
            S: 12 NO [BADCHARSET *
            C: 13 COPY $ INBOX
            S: 13 OK *
            C: 14 FETCH $,1 (UID)
            S: 14 BAD *
            C: 15 SEARCH RETURN (SAVE) 1:5
            S: 15 OK *
            C: 16 EXAMINE INBOX
            """);
        await c.ReadUntilAsync("16 OK");
        await c.PlayAsync("C: 17 FETCH $ (UID)\nS: 17 OK *\nC: 18 UNSELECT\nS: 18 OK *\nC: 19 FETCH $ (UID)\nS: 19 BAD *");
    }

    [Fact]
    public async Task When_a_part_of_the_results_is_asked_for_then_only_that_comes()   // RFC 9394 §3.1 and §3.3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await GivenFlaggedAsync(rig);
        await c.PlayAsync("""
            C: A01 UID SEARCH RETURN (PARTIAL -1:-3) FLAGGED
            S: * ESEARCH (TAG "A01") UID PARTIAL (-1:-3 14:15,21)
            S: A01 OK *
            C: A02 UID SEARCH RETURN (PARTIAL 8:100) FLAGGED
            S: * ESEARCH (TAG "A02") UID PARTIAL (8:100 15,21)
            S: A02 OK *
            C: A03 SEARCH RETURN (PARTIAL 3:1 COUNT) FLAGGED
            S: * ESEARCH (TAG "A03") PARTIAL (3:1 2:3,10) COUNT 9
            S: A03 OK *
            C: A04 UID SEARCH RETURN (PARTIAL 24000:24500) FLAGGED
            S: * ESEARCH (TAG "A04") UID PARTIAL (24000:24500 NIL)
            S: A04 OK *
            C: A05 SEARCH RETURN (PARTIAL 1:2 ALL) FLAGGED
            S: A05 BAD *
            C: A06 SEARCH RETURN (PARTIAL 1:2 PARTIAL 2:3) FLAGGED
            S: A06 BAD *
            C: A07 SEARCH RETURN (PARTIAL 1:-2) FLAGGED
            S: A07 BAD *
            C: A08 SEARCH RETURN (PARTIAL 0:2) FLAGGED
            S: A08 BAD *
            C: 10 UID FETCH 5:20,22 (UID) (PARTIAL -1:-2)
            S: * 20 FETCH (UID 20)
            S: * 22 FETCH (UID 22)
            S: 10 OK *
            C: 11 UID FETCH 5:7,9:20 (UID) (PARTIAL 3:4)
            S: * 7 FETCH (UID 7)
            S: * 9 FETCH (UID 9)
            S: 11 OK *
            C: 12 UID FETCH 5:7 (UID) (PARTIAL 4:9)
            S: 12 OK *
            C: 13 FETCH 5:7 (UID) (PARTIAL 1:2)
            S: 13 BAD *
            C: 14 UID SEARCH RETURN (PARTIAL 24000:24500 COUNT) FLAGGED MODSEQ 1
            S: * OK [HIGHESTMODSEQ *
            S: * ESEARCH (TAG "14") UID PARTIAL (24000:24500 NIL) COUNT 9 MODSEQ *
            S: 14 OK *
            C: 15 UID SEARCH RETURN (PARTIAL 24000:24500) FLAGGED MODSEQ 1
            S: * ESEARCH (TAG "15") UID PARTIAL (24000:24500 NIL)
            S: 15 OK *
            """);
    }

    [Fact]
    public async Task When_age_is_searched_for_then_the_internal_date_counts_to_the_second()   // RFC 5032 §2
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.SelectAsync();
        int[] ages = [10, 1000, 90_000];
        foreach (int age in ages)
        {
            string date = DateTimeOffset.UtcNow.AddSeconds(-age).ToString("dd-MMM-yyyy HH:mm:ss +0000", CultureInfo.InvariantCulture);
            await c.SendAsync($"a APPEND INBOX \"{date}\" {{2+}}\r\n\r\n\r\n");
            await c.ReadUntilAsync("a OK");
        }
        await c.PlayAsync("""
            C: a1 SEARCH UNSEEN YOUNGER 900
            S: * SEARCH 1
            S: a1 OK *
            C: a2 SEARCH OLDER 900
            S: * SEARCH 2 3
            S: a2 OK *
            C: a3 SEARCH OLDER 900 YOUNGER 80000
            S: * SEARCH 2
            S: a3 OK *
            C: a4 SEARCH OLDER 0
            S: a4 BAD *
            """);
    }

    [Fact]
    public async Task When_a_search_is_huge_or_deep_then_it_is_answered_or_refused_and_the_session_lives()   // attack case A7
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(100);
        await using WireScript c = await rig.SelectAsync();
        await c.SendAsync($"1 SEARCH {string.Join(' ', Enumerable.Repeat("UNSEEN", 9_000))}\r\n");
        await c.PlayAsync($"S: * SEARCH {string.Join(' ', Enumerable.Range(1, 100))}\nS: 1 OK *");
        await c.SendAsync($"2 SEARCH {new string('(', 50_000)}ALL\r\n");
        await c.PlayAsync("S: 2 BAD *");
        await c.SendAsync($"3 SEARCH {string.Concat(Enumerable.Repeat("OR ALL ", 5_000))}ALL\r\n");
        await c.PlayAsync("S: 3 BAD *");
        await c.SendAsync($"4 SEARCH {string.Concat(Enumerable.Repeat("NOT ", 90))}SEEN\r\n");
        await c.PlayAsync("S: * SEARCH\nS: 4 OK *");
        await c.SendAsync($"5 SEARCH BODY {{100000+}}\r\n{new string('x', 100_000)}\r\n");
        await c.PlayAsync("S: * SEARCH\nS: 5 OK *\nC: 6 SEARCH RETURN (COUNT) ALL\nS: * ESEARCH (TAG \"6\") COUNT 100\nS: 6 OK *");
    }

    /// <summary>Random programs over random messages, against a plain evaluation of the same keys.</summary>
    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public async Task When_random_criteria_are_searched_for_then_the_answer_is_that_of_a_plain_model(int seed)
    {
        var random = new Random(seed);
        await using ImapRig rig = await ImapRig.StartAsync();
        string[] words = ["alpha", "beta", "gamma", "delta"];
        var texts = new string[150];
        for (int i = 0; i < texts.Length; i++)
            texts[i] = $"Subject: {words[random.Next(4)]}\r\nFrom: {words[random.Next(4)]}@x.test\r\n\r\n{words[random.Next(4)]} text\r\n";
        await rig.GivenMessagesAsync(texts.Length, text: i => texts[i - 1]);
        await using WireScript c = await rig.SelectAsync();
        var flags = new HashSet<string>[texts.Length];
        string[] names = ["Seen", "Flagged", "Answered", "Draft"];
        for (int i = 0; i < flags.Length; i++)
            flags[i] = [];
        foreach (string name in names)
        {
            List<int> some = [.. Enumerable.Range(0, texts.Length).Where(_ => random.Next(2) == 0)];
            some.ForEach(i => flags[i].Add(name));
            await c.SendAsync($"s STORE {string.Join(',', some.Select(i => i + 1))} +FLAGS.SILENT (\\{name})\r\n");
            await c.ReadUntilAsync("s OK");
        }
        for (int turn = 0; turn < 120; turn++)
        {
            (string keys, Func<int, bool> model) = Criteria(random, 5);
            string expected = string.Concat(Enumerable.Range(0, texts.Length).Where(model).Select(i => " " + (i + 1)));
            await c.PlayAsync($"C: {turn} SEARCH {keys}\nS: * SEARCH{expected}\nS: {turn} OK *");
        }

        (string Keys, Func<int, bool> Model) Criteria(Random r, int depth)
        {
            switch (r.Next(depth > 0 ? 9 : 5))
            {
                case 0:
                    string flag = names[r.Next(4)];
                    return r.Next(2) == 0 ? (flag.ToUpperInvariant(), i => flags[i].Contains(flag)) : ("UN" + flag.ToUpperInvariant(), i => !flags[i].Contains(flag));
                case 1:
                    string word = words[r.Next(4)][1..];
                    return ($"SUBJECT {word}", i => texts[i].Split('\r')[0].Contains(word, StringComparison.Ordinal));
                case 2:
                    string inBody = words[r.Next(4)];
                    return ($"BODY {inBody}", i => texts[i].Split("\r\n\r\n")[1].Contains(inBody, StringComparison.Ordinal));
                case 3:
                    int from = r.Next(1, 200), to = r.Next(1, 200);
                    return ($"{from}:{to}", i => i + 1 >= Math.Min(from, to) && i + 1 <= Math.Max(from, to));
                case 4:
                    int size = r.Next(40, 70);
                    return ($"LARGER {size}", i => texts[i].Length > size);
                case 5:
                    (string a, Func<int, bool> ma) = Criteria(r, depth - 1);
                    return ($"NOT {a}", i => !ma(i));
                case 6:
                    (string l, Func<int, bool> ml) = Criteria(r, depth - 1);
                    (string x, Func<int, bool> mx) = Criteria(r, depth - 1);
                    return ($"OR {l} {x}", i => ml(i) || mx(i));
                default:
                    (string p, Func<int, bool> mp) = Criteria(r, depth - 1);
                    (string q, Func<int, bool> mq) = Criteria(r, depth - 1);
                    return ($"({p} {q})", i => mp(i) && mq(i));
            }
        }
    }

    [Fact]
    public void When_sets_are_combined_then_each_bit_is_right()
    {
        foreach (int size in new[] { 0, 1, 63, 64, 65, 200 })
        {
            var a = new MessageSet(size);
            a.Invert();
            Assert.Equal(size, a.Count);
            for (int first = 0; first < size; first += 7)
            {
                var b = new MessageSet(size);
                b.AddRange(first, size - 1);
                Assert.Equal(Enumerable.Range(first, size - first), b.ToList());
                b.Invert();
                Assert.Equal(Enumerable.Range(0, first), b.ToList());
            }
        }
    }

    [Fact]
    public void When_a_range_is_cut_then_its_places_count_over_all_ranges()
    {
        List<IndexRange> ranges = [new(2, 4), new(7, 7), new(9, 20)];
        int[] all = [2, 3, 4, 7, .. Enumerable.Range(9, 12)];
        for (uint first = 1; first < 20; first++)
        {
            for (uint last = 1; last < 20; last++)
            {
                int low = (int)Math.Min(first, last), high = (int)Math.Max(first, last);
                IEnumerable<int> Flat(bool fromEnd) => SequenceSet.Part(ranges, new PartialRange(first, last, fromEnd)).SelectMany(r => Enumerable.Range(r.First, r.Count));
                Assert.Equal(all.Skip(low - 1).Take(high - low + 1), Flat(false));
                Assert.Equal(all.Reverse().Skip(low - 1).Take(high - low + 1).Reverse(), Flat(true));
            }
        }
    }

    [Fact]
    public async Task When_many_messages_are_found_then_every_number_is_told_once_and_in_order()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(11_005);
        await using WireScript c = await rig.SelectAsync();
        async Task HeldAgainst(string command, IEnumerable<int> numbers) =>
            Assert.Equal("* SEARCH " + string.Join(' ', numbers), (await c.MustAsync(command)).Single(line => line.StartsWith("* SEARCH", StringComparison.Ordinal)));
        int[] all = [.. Enumerable.Range(1, 11_005)];
        await HeldAgainst("SEARCH ALL", all);
        await HeldAgainst("SEARCH NOT 98:102,500,999:1001,9999:10000", all.Where(n => n is not (>= 98 and <= 102 or 500 or >= 999 and <= 1001 or 9999 or 10_000)));
        await c.MustAsync("STORE 1,9,10,19:25,1000 +FLAGS.SILENT (\\Deleted)");
        await c.MustAsync("EXPUNGE");
        await HeldAgainst("UID SEARCH ALL", all.Where(n => n is not (1 or 9 or 10 or >= 19 and <= 25 or 1000)));
        await HeldAgainst("SEARCH ALL", Enumerable.Range(1, 11_005 - 11));
    }
}
