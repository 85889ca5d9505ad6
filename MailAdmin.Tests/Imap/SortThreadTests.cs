using System.Globalization;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine.Imap.Sort;
using MailEngine.Mime;
using MailEngine.Store;

namespace MailAdmin.Tests.Imap;

public class SortThreadTests
{
    static string Date(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds).ToString("dd MMM yyyy HH:mm:ss +0000", CultureInfo.InvariantCulture);

    [Fact]
    public async Task When_messages_are_sorted_then_each_criterion_orders_as_the_rfc_says()   // RFC 5256 §3, RFC 5957 §3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        string[] texts =
        [
            "From: \"Zoe\" <adam@x.test>\r\nTo: Beta <z@x.test>\r\nSubject: Re: [list] banana\r\nDate: Thu, 1 Jan 2026 10:00:00 +0000\r\n\r\n",
            "From: berta@x.test\r\nTo: a@x.test\r\nCc: m@x.test\r\nSubject: apple\r\nDate: Thu, 1 Jan 2026 10:00:00 -0800\r\n\r\n",
            "From: =?utf-8?Q?=C3=84nne?= <carl@x.test>\r\nSubject: banana (fwd)\r\nDate: Wed, 31 Dec 2025 10:00:00 +0000\r\n\r\nlonger body\r\n",
            "Subject: \r\nDate: Thu, 1 Jan 2026 09:00:00 +0000\r\n\r\n",
            "From: Gruppe: x@x.test;\r\nTo: \"\" <q@x.test>\r\nSubject: =?utf-8?Q?=C3=A4pfel?=\r\nDate: Thu, 1 Jan 2026 10:00:00 +0000\r\n\r\n",
        ];
        await rig.GivenMessagesAsync(5, text: i => texts[i - 1]);
        await using WireScript c = await rig.SelectAsync();
        (string Criteria, string Order)[] cases =
        [
            ("SUBJECT", " 4 5 2 1 3"),            // "", A with two dots (decomposed: A, then the dots: before "AP"? no: after), ...
            ("DATE", " 3 4 1 5 2"), ("REVERSE DATE", " 2 1 5 4 3"), ("FROM", " 4 1 2 3 5"), ("TO", " 3 4 2 5 1"), ("CC", " 1 3 4 5 2"),
            ("REVERSE SUBJECT DATE", ""), ("ARRIVAL", " 1 2 3 4 5"), ("DISPLAYFROM", " 4 3 2 5 1"), ("DISPLAYTO", " 3 4 2 1 5"),
        ];
        cases[0].Order = string.CompareOrdinal("A\u0308PFEL", "APPLE") > 0 ? " 4 2 5 1 3" : cases[0].Order;
        cases[6].Order = string.CompareOrdinal("A\u0308PFEL", "APPLE") > 0 ? " 3 1 5 2 4" : " 3 1 2 5 4";
        foreach ((string criteria, string order) in cases)
            await c.PlayAsync($"C: 1 SORT ({criteria}) UTF-8 ALL\nS: * SORT{order}\nS: 1 OK *");
        await c.PlayAsync("""
            C: A284 SORT (SUBJECT) US-ASCII TEXT "not in mailbox"
            S: * SORT
            S: A284 OK SORT completed
            C: E01 UID SORT RETURN () (REVERSE DATE) UTF-8 UNDELETED UNKEYWORD $Junk
            S: * ESEARCH (TAG "E01") UID ALL 2,1,5,4,3
            S: E01 OK *
            C: E02 SORT RETURN (MIN MAX COUNT) (DATE) UTF-8 ALL
            S: * ESEARCH (TAG "E02") MIN 3 MAX 2 COUNT 5
            S: E02 OK *
            C: E03 SORT RETURN (PARTIAL 2:3) (DATE) UTF-8 ALL
            S: * ESEARCH (TAG "E03") PARTIAL (2:3 4,1)
            S: E03 OK *
            C: E04 SORT RETURN (ALL) (ARRIVAL) UTF-8 ALL
            S: * ESEARCH (TAG "E04") ALL 1:5
            S: E04 OK *
            C: E05 SORT RETURN (SAVE) (DATE) UTF-8 1:2
            S: E05 OK *
            C: E06 SEARCH $
            S: * SEARCH 1 2
            S: E06 OK *
            C: 1 SORT (SUBJECT) KOI8-R ALL
            S: 1 NO [BADCHARSET *
            C: 2 SORT (NONSENSE) UTF-8 ALL
            S: 2 BAD *
            C: 3 SORT () UTF-8 ALL
            S: 3 BAD *
            C: 4 SORT (DATE) ALL
            S: 4 BAD *
            C: 5 THREAD NONSENSE UTF-8 ALL
            S: 5 BAD *
            """);
    }

    [Fact]
    public async Task When_text_is_compared_then_case_and_composition_play_no_part()   // RFC 5255 §4.2, RFC 5051 §2
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(2, text: i => i == 1
            ? "Subject: =?utf-8?Q?STRASSE_CAF=C3=89_=CE=A3=CE=8A=CE=A3?=\r\nFrom: =?utf-8?Q?J=C3=BCrgen?= <j@x.test>\r\n\r\n"
            : "Subject: x\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nEin \u00c4PFELCHEN am Tag\r\n");
        await using WireScript c = await rig.SelectAsync();
        (string Key, string Text, string Found)[] cases =
        [
            ("SUBJECT", "caf\u00e9", " 1"), ("SUBJECT", "cafe\u0301", " 1"), ("SUBJECT", "\u03c3\u03af\u03c3", " 1"), ("FROM", "J\u00dcRGEN <j@X.test>", " 1"),
            ("BODY", "\u00e4pfelchen", " 2"), ("TEXT", "a\u0308pfel", " 2"), ("SUBJECT", "cafx", ""), ("FROM", "gen j", ""), ("HEADER SUBJECT", "strasse", " 1"),
        ];
        foreach ((string key, string text, string found) in cases)
        {
            byte[] octets = Encoding.UTF8.GetBytes(text);
            await c.SendAsync($"1 SEARCH {key} {{{octets.Length}+}}\r\n");
            await c.SendAsync(octets);
            await c.PlayAsync($"C: \nS: * SEARCH{found}\nS: 1 OK *");
        }
        Assert.Equal("STRASSE\u00df", UnicodeCasemap.Fold("stra\u017f\u017fe\u00df"));
        Assert.Equal("Dz\u030c", UnicodeCasemap.Fold("\u01c4"));
        Assert.Equal("I", UnicodeCasemap.Fold("\u0131"));
        Assert.Equal("\ud801\udc00", UnicodeCasemap.Fold("\ud801\udc28"));   // Deseret
        Assert.Equal("a\ud800b".ToUpperInvariant(), UnicodeCasemap.Fold("a\ud800b"));
        var random = new Random(5);
        for (int turn = 0; turn < 200; turn++)   // a text folds the same however it is cut
        {
            string text = string.Concat(Enumerable.Range(0, 20).Select(_ => (char)random.Next(1, 0x2000)));
            int cut = random.Next(text.Length);
            Assert.Equal(UnicodeCasemap.Fold(text), UnicodeCasemap.Fold(text.AsSpan(0, cut)) + UnicodeCasemap.Fold(text.AsSpan(cut)));
        }
    }

    [Fact]
    public async Task When_conversations_are_asked_for_then_they_come_as_in_the_rfc()   // RFC 5256 §4
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        // "* THREAD (2)(3 6 (4 23)(44 7 96))" with the numbers 1 to 8 in their order, and "((9)(10))".
        (string Id, string Refs, string Subject)[] mails =
        [
            ("a", "", "two"), ("b", "", "three"), ("c", "b d", "four"), ("d", "b", "six"), ("e", "b d f", "seven"), ("g", "c", "23"), ("f", "b d", "44"), ("h", "b d f e", "96"),
            ("i", "missing", "i"), ("j", "missing", "j"), ("k", "", "same"), ("l", "", "Re: same"), ("m", "", "sp"), ("n", "", "sp"),
        ];
        await rig.GivenMessagesAsync(mails.Length, text: i =>
        {
            (string id, string refs, string subject) = mails[i - 1];
            string references = refs.Length == 0 ? "" : $"References: {string.Join(' ', refs.Split(' ').Select(r => $"<{r}@x>"))}\r\n";
            return $"Message-ID: <{(id == "b" ? "\"b\"" : id)}@x>\r\n{references}Subject: {subject}\r\nDate: {Date(1_700_000_000 + i * 60)}\r\n\r\n";
        });
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("""
            C: 1 THREAD REFERENCES UTF-8 1:10
            S: * THREAD (1)(2 4 (3 6)(7 5 8))((9)(10))
            S: 1 OK THREAD completed
            C: 2 UID THREAD REFERENCES UTF-8 11:14
            S: * THREAD (11 12)((13)(14))
            S: 2 OK *
            C: 3 THREAD ORDEREDSUBJECT UTF-8 11:14
            S: * THREAD (11 12)(13 14)
            S: 3 OK *
            C: 4 THREAD REFERENCES US-ASCII TEXT "gewp"
            S: * THREAD
            S: 4 OK *
            C: 5 THREAD REFERENCES UTF-8 NOT 2
            S: * THREAD (4 (3 6)(7 5 8))(1)((9)(10))(11 12)((13)(14))
            S: 5 OK *
            """.Replace("(4 (3 6)(7 5 8))(1)", "(1)(4 (3 6)(7 5 8))", StringComparison.Ordinal));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6)]
    public async Task When_random_mail_is_sorted_and_threaded_then_it_is_as_a_plain_model_has_it(int seed)
    {
        var random = new Random(seed);
        await using ImapRig rig = await ImapRig.StartAsync();
        string[] subjects = ["one", "two", "three", ""], prefixes = ["", "", "Re: ", "Fwd: ", "[list] "];
        var mails = new List<ThreadedMail>();
        int count = 120;
        for (int i = 1; i <= count; i++)
        {
            string[] references = [.. Enumerable.Range(0, random.Next(4)).Select(_ => "m" + random.Next(1, count * 3 / 2))];
            string subject = subjects[random.Next(random.Next(2) == 0 ? 4 : 3)], prefix = prefixes[random.Next(5)];
            if (random.Next(3) == 0)
                subject = "own " + i;
            mails.Add(new ThreadedMail(i, random.Next(12) == 0 ? null : "m" + (random.Next(15) == 0 ? random.Next(1, i + 1) : i), references, prefix + subject,
                subject.Length == 0 && prefix == "[list] " ? "[LIST]" : subject.ToUpperInvariant(), prefix is "Re: " or "Fwd: ", 1_700_000_000 + random.Next(60)));
        }
        string From(int i) => "u" + (i * 7919 % 10);
        Task AddAsync(int from, int to) => rig.GivenMessagesAsync(to - from, text: i =>
        {
            ThreadedMail mail = mails[from + i - 1];
            string id = mail.Id is null ? "" : $"Message-ID: <{mail.Id}@x>\r\n";
            string references = mail.References.Length == 0 ? "" : $"References: {string.Join("\r\n ", mail.References.Select(r => $"<{r}@x>"))}\r\n";
            return $"{id}{references}From: {From(mail.Number)}@x.test\r\nSubject: {mail.Subject}\r\nDate: {Date(mail.Date)}\r\n\r\n{new string('x', mail.Number % 5)}\r\n";
        });
        await AddAsync(0, 70);
        await using WireScript c = await rig.SelectAsync(), other = await rig.SelectAsync();
        var present = mails[..70].ToList();
        await CheckAsync(c, present);
        await AddAsync(70, count);                          // columns grow
        present = [.. mails];
        await c.SendAsync("n NOOP\r\n");
        await c.ReadUntilAsync("n OK");
        await CheckAsync(c, present);
        await other.SendAsync("n NOOP\r\n");
        await other.ReadUntilAsync("n OK");
        string gone = string.Join(',', Enumerable.Range(0, 30).Select(_ => random.Next(1, count + 1)));
        await c.SendAsync($"e UID STORE {gone} +FLAGS.SILENT (\\Deleted)\r\nf EXPUNGE\r\n");
        await c.ReadUntilAsync("f OK");
        HashSet<int> numbers = [.. gone.Split(',').Select(int.Parse)];
        present.RemoveAll(mail => numbers.Contains(mail.Number));
        await CheckAsync(c, present);                       // rows of expunged messages stand between
        await CheckNumbersAsync(other, mails);              // a session that has not heard of it yet

        async Task CheckAsync(WireScript client, List<ThreadedMail> there)
        {
            await client.PlayAsync($"C: 1 UID THREAD REFERENCES UTF-8 ALL\nS: * THREAD {ThreadModel.Threads(there)}\nS: 1 OK *");
            string bySubject = string.Concat(there.GroupBy(m => m.BaseSubject).Select(g => g.OrderBy(m => m.Date).ThenBy(m => m.Number).ToList())
                .OrderBy(g => g[0].Date).ThenBy(g => g[0].Number)
                .Select(g => g.Count == 1 ? $"({g[0].Number})" : g.Count == 2 ? $"({g[0].Number} {g[1].Number})" : $"({g[0].Number} {string.Concat(g[1..].Select(m => $"({m.Number})"))})"));
            await client.PlayAsync($"C: 2 UID THREAD ORDEREDSUBJECT UTF-8 ALL\nS: * THREAD {bySubject}\nS: 2 OK *");
            await client.PlayAsync($"C: 3 UID SORT (SUBJECT REVERSE DATE) UTF-8 ALL\nS: * SORT{Join(there.OrderBy(m => m.BaseSubject, StringComparer.Ordinal).ThenByDescending(m => m.Date))}\nS: 3 OK *");
            await client.PlayAsync($"C: 4 UID SORT (REVERSE FROM DATE) UTF-8 ALL\nS: * SORT{Join(there.OrderByDescending(m => From(m.Number), StringComparer.Ordinal).ThenBy(m => m.Date))}\nS: 4 OK *");
            await client.PlayAsync($"C: 5 UID SEARCH SUBJECT \"own 1\"\nS: * SEARCH{Join(there.Where(m => m.Subject.Contains("own 1", StringComparison.Ordinal)))}\nS: 5 OK *");
            await client.PlayAsync($"C: 6 UID SEARCH FROM \"<u3@\"\nS: * SEARCH{Join(there.Where(m => From(m.Number) == "u3"))}\nS: 6 OK *");
        }

        async Task CheckNumbersAsync(WireScript client, List<ThreadedMail> there)
        {
            await client.PlayAsync($"C: 1 THREAD REFERENCES UTF-8 ALL\nS: * THREAD {ThreadModel.Threads(there)}\nS: 1 OK *");
            await client.PlayAsync($"C: 2 SORT (SUBJECT DATE) UTF-8 ALL\nS: * SORT{Join(there.OrderBy(m => m.BaseSubject, StringComparer.Ordinal).ThenBy(m => m.Date))}\nS: 2 OK *");
            await client.PlayAsync($"C: 3 SEARCH SUBJECT \"own 1\"\nS: * SEARCH{Join(there.Where(m => m.Subject.Contains("own 1", StringComparison.Ordinal)))}\nS: 3 OK *");
        }

        static string Join(IEnumerable<ThreadedMail> some) => string.Concat(some.Select(m => " " + m.Number));
    }

    [Fact]
    public async Task When_references_are_made_up_to_be_deep_or_to_turn_in_circles_then_the_answer_still_comes()   // attack case A7
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(3000, text: i => $"Message-ID: <{i}@x>\r\nReferences: <{i - 1}@x>\r\nSubject: {i}\r\nDate: {Date(1_700_000_000 + i)}\r\n\r\n");
        await rig.GivenMessagesAsync(3, text: i => $"Message-ID: <c{i}@x>\r\nReferences: <c{i}@x> <c{(i % 3) + 1}@x>\r\nSubject: c{i}\r\n\r\n");
        await using WireScript c = await rig.SelectAsync();
        await c.SendAsync("1 THREAD REFERENCES UTF-8 1:3000\r\n");
        string thread = (await c.ReadUntilAsync("1 OK"))[0];
        Assert.Equal($"* THREAD ({string.Join(' ', Enumerable.Range(1, 3000))})", thread);
        await c.SendAsync("2 THREAD REFERENCES UTF-8 3001:*\r\n");
        string circle = (await c.ReadUntilAsync("2 OK"))[0];
        Assert.Equal(["3001", "3002", "3003"], circle["* THREAD ".Length..].Split(['(', ')', ' '], StringSplitOptions.RemoveEmptyEntries).Order());
    }

    [Fact]
    public void When_keys_of_any_size_are_sorted_then_the_order_is_stable()
    {
        var random = new Random(7);
        foreach (int count in new[] { 0, 1, 2, 50, 3000 })
        {
            long[] keys = [.. Enumerable.Range(0, count).Select(_ => random.Next(4) switch { 0 => long.MinValue, 1 => long.MaxValue, 2 => random.NextInt64(), _ => random.Next(5) })];
            var up = new StableOrder(Enumerable.Range(0, count).ToList());
            up.By(i => keys[i]);
            Assert.Equal(Enumerable.Range(0, count).OrderBy(i => keys[i]), up.Indexes);
            up.By(i => i % 7, reverse: true);
            Assert.Equal(Enumerable.Range(0, count).OrderBy(i => keys[i]).OrderByDescending(i => i % 7), up.Indexes);
        }
    }

    [Fact]
    public void When_an_envelope_is_read_again_then_its_members_are_those_that_were_written()
    {
        MessageSummary summary = MessageSummary.Of("From: \"A \\\"q\\\" B\" <a@b>, =?utf-8?Q?=C3=84?= <c@d>\r\nTo: G: x@y;\r\nSubject: \u00e4 (\"x\\y\")\r\nCc: n\r\n\r\n"u8);
        using ByteBuffer scratch = new(16), text = new(16);
        var envelope = new StoredEnvelope(summary.Envelope);
        StoredAddresses.WriteText(envelope[EnvelopeMember.From], scratch, text);
        Assert.Equal("A \"Q\" B <A@B>, A\u0308 <C@D>", Encoding.UTF8.GetString(text.Written));
        text.Clear();
        StoredAddresses.WriteText(envelope[EnvelopeMember.To], scratch, text);
        Assert.Equal("G:, <X@Y>", Encoding.UTF8.GetString(text.Written));
        scratch.Clear();
        Assert.Equal("\u00e4 (\"x\\y\")", Encoding.UTF8.GetString(StoredEnvelope.String(envelope[EnvelopeMember.Subject], scratch)));
        Assert.Equal("NIL", Encoding.UTF8.GetString(envelope[EnvelopeMember.MessageId]));
        text.Clear();
        StoredAddresses.WriteDisplay(envelope[EnvelopeMember.From], scratch, text);
        Assert.Equal("A \"Q\" B", Encoding.UTF8.GetString(text.Written));
        var random = new Random(3);
        byte[] bytes = summary.Envelope;
        for (int turn = 0; turn < 5000; turn++)   // any bytes are taken
        {
            byte[] damaged = [.. bytes];
            for (int i = random.Next(4); i >= 0; i--)
                damaged[random.Next(damaged.Length)] = (byte)"(){}\"\\ N0\n"[random.Next(10)];
            foreach (EnvelopeMember member in Enum.GetValues<EnvelopeMember>())
            {
                text.Clear();
                StoredAddresses.WriteText(new StoredEnvelope(damaged)[member], scratch, text);
            }
        }
    }
}
