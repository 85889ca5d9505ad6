using System.Text;
using MailAdmin.Tests.Imap;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Mime;
using MailEngine.Store;
using MailEngine.Store.TextSearch;

namespace MailAdmin.Tests.Store;

public class TextIndexTests
{
    static Task<ImapRig> StartAsync(bool index = true) => ImapRig.StartAsync(options =>
    {
        options.Store.IndexDelay = TimeSpan.Zero;
        options.Store.TextIndex = index;
    });

    static string DbPath(ImapRig rig) => Path.Combine(rig.Mail.Folder, "partitions", "default", "search.db");

    static async Task<string> SearchAsync(WireScript c, string keys)
    {
        List<string> lines = await c.MustAsync($"UID SEARCH {keys}");
        return lines.Single(l => l.StartsWith("* SEARCH", StringComparison.Ordinal))["* SEARCH".Length..];
    }

    [Fact]
    public async Task When_messages_are_indexed_then_candidates_are_few_and_answers_the_same()
    {
        await using ImapRig rig = await StartAsync();
        await rig.GivenMessagesAsync(300, text: i => $"Subject: number {i}\r\nX-Tag: tag{i % 10}\r\n\r\nbody of {(i == 77 ? "the rare Word\u00e4" : "others")} {i}\r\n");
        await rig.Mail.Store.WhenIndexedAsync();
        Mailbox box = (await rig.Mail.Store.OpenAsync(rig.Mail.Ann, MailboxName.Inbox))!;
        TextCandidates found = rig.Mail.Store.Default.TextIndex!.Find(box.Id, box.Current.UidValidity, UnicodeCasemap.Fold("rare word"))!;
        Assert.Equal([77u], found.Uids);
        Assert.Equal(300u, found.IndexedUpTo);
        Assert.Null(rig.Mail.Store.Default.TextIndex.Find(box.Id, box.Current.UidValidity, "AB"));   // too short: all are looked at
        await using WireScript c = await rig.SelectAsync();
        (string Keys, string Found)[] cases =
        [
            ("BODY \"rare word\"", " 77"), ("BODY are", " 77"), ("TEXT \"number 299\"", " 299"), ("HEADER X-Tag tag3 1:25", " 3 13 23"), ("BODY number", ""),
            ("BODY \"of the \" NOT SUBJECT 7", ""), ("NOT BODY others", " 77"), ("OR BODY rare HEADER X-Tag tag9 70:80", " 77 79"), ("BODY xyz\\\"q", ""), ("BODY ra", " 77"),
        ];
        foreach ((string keys, string expected) in cases)
            Assert.Equal(expected.Replace("OR BODY", "OR BODY", StringComparison.Ordinal), await SearchAsync(c, keys.Replace("xyz\\\"q", "xyzq", StringComparison.Ordinal)));
        await rig.GivenMessagesAsync(1, text: _ => "Subject: late\r\n\r\nanother rare word\r\n");   // whether it is indexed yet or not
        await c.SendAsync("n NOOP\r\n");
        await c.ReadUntilAsync("n OK");
        Assert.Equal(" 77 301", await SearchAsync(c, "BODY \"rare word\""));
        await c.SendAsync("d UID STORE 77 +FLAGS.SILENT (\\Deleted)\r\ne EXPUNGE\r\nm UID MOVE 301 T\r\nf CREATE T\r\ng UID MOVE 301 T\r\n");
        await c.ReadUntilAsync("g OK");
        await rig.Mail.Store.WhenIndexedAsync();
        Assert.Empty(rig.Mail.Store.Default.TextIndex.Find(box.Id, box.Current.UidValidity, "RARE")!.Uids);   // taken out
        Mailbox target = (await rig.Mail.Store.OpenAsync(rig.Mail.Ann, MailboxName.Parse("T")))!;
        Assert.Equal([1u], rig.Mail.Store.Default.TextIndex.Find(target.Id, target.Current.UidValidity, "RARE")!.Uids);
        await c.PlayAsync("C: h DELETE T\nS: h OK *");
        await rig.Mail.Store.WhenIndexedAsync();
        Assert.Null(rig.Mail.Store.Default.TextIndex.Find(target.Id, target.Current.UidValidity, "RARE"));
    }

    [Fact]
    public async Task When_search_db_is_lost_or_damaged_then_it_is_made_anew_and_no_answer_changes()
    {
        var options = new StoreOptions { Sync = false, IndexDelay = TimeSpan.Zero };
        await using StoreRig rig = await StoreRig.OpenAsync(options);
        Mailbox box = await rig.GivenMailboxAsync(1, "INBOX", messages: 30);
        await rig.Store.WhenIndexedAsync();
        string path = Path.Combine(rig.Folder, "partitions", "default", "search.db");
        foreach (Action<string> harm in new Action<string>[]
        {
            File.Delete,
            file => File.WriteAllText(file, "this is no database, and it is long enough to be looked at as one by whoever opens it " + new string('x', 8192)),
            file =>
            {
                using FileStream stream = File.OpenWrite(file);
                stream.Seek(4096, SeekOrigin.Begin);
                stream.Write(new byte[stream.Length - 4096]);
            },
            file => File.WriteAllBytes(file, []),
        })
        {
            await rig.CloseAsync();
            File.Delete(path + "-wal");
            File.Delete(path + "-shm");
            harm(path);
            await rig.ReopenAsync();
            box = (await rig.Store.OpenAsync(1, MailboxName.Inbox))!;
            await rig.Store.WhenIndexedAsync();
            TextCandidates found = rig.Store.Default.TextIndex!.Find(box.Id, box.Current.UidValidity, "INBOX-17")!;
            Assert.Equal([17u], found.Uids);
            Assert.Equal(30u, found.IndexedUpTo);
        }
    }

    [Fact]
    public async Task When_a_text_is_longer_than_the_index_takes_then_the_message_stays_a_candidate()
    {
        await using ImapRig rig = await ImapRig.StartAsync(options =>
        {
            options.Store.IndexDelay = TimeSpan.Zero;
            options.Store.IndexedTextBytes = 4096;
        });
        await rig.GivenMessagesAsync(2, text: i => $"Subject: {i}\r\n\r\n{new string('y', 5000 * i)} needle\r\n");
        await rig.GivenMessagesAsync(1, text: i => "Subject: small\r\n\r\nneedle\r\n");
        await rig.Mail.Store.WhenIndexedAsync();
        await using WireScript c = await rig.SelectAsync();
        Assert.Equal(" 1 2 3", await SearchAsync(c, "BODY needle"));
        Assert.Equal("", await SearchAsync(c, "BODY needles"));
    }

    /// <summary>Random mail in many encodings, random texts cut out of it: the indexed search and the plain scan find the same.</summary>
    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public async Task When_random_texts_are_searched_for_then_index_and_scan_agree(int seed)
    {
        var random = new Random(seed);
        string[] words = ["alpha", "Stra\u00dfe", "caf\u00e9", "\u0416\u0443\u043a", "x", "\u65e5\u672c\u8a9e", "na\u00efve", "it's \"so\"", "100%", "a_b", "\ud83d\ude00", "\ufb01n", "\u0131n", "<b>", "&amp;"];
        string Words(int count) => string.Join(' ', Enumerable.Range(0, count).Select(_ => words[random.Next(words.Length)]));
        var texts = new string[60];
        for (int i = 0; i < texts.Length; i++)
            texts[i] = Message(random, Words);
        await using ImapRig indexed = await StartAsync(), scanned = await StartAsync(index: false);
        await indexed.GivenMessagesAsync(texts.Length, text: i => texts[i - 1]);
        await scanned.GivenMessagesAsync(texts.Length, text: i => texts[i - 1]);
        await indexed.Mail.Store.WhenIndexedAsync();
        Assert.False(File.Exists(DbPath(scanned)));
        Assert.Null(scanned.Mail.Store.Default.TextIndex);
        await using WireScript a = await indexed.SelectAsync(), b = await scanned.SelectAsync();
        int hits = 0;
        for (int turn = 0; turn < 150; turn++)
        {
            string text = Words(2);
            int start = random.Next(text.Length - 2);
            text = text.Substring(start, random.Next(2, Math.Min(8, text.Length - start) + 1));
            if (char.IsLowSurrogate(text[0]) || char.IsHighSurrogate(text[^1]))
                continue;
            byte[] octets = Encoding.UTF8.GetBytes(text);
            string key = random.Next(4) switch { 0 => "BODY", 1 => "TEXT", 2 => "NOT TEXT", _ => "HEADER X-Words" };
            string line = $"{key} {{{octets.Length}+}}\r\n{Encoding.Latin1.GetString(octets)}";
            string found = await SearchAsync(a, line);
            Assert.Equal(await SearchAsync(b, line), found);
            hits += found.Length > 0 ? 1 : 0;
        }
        Assert.True(hits > 20, $"only {hits} searches found anything");
    }

    static string Message(Random random, Func<int, string> words)
    {
        string text = words(random.Next(1, 30));
        if (random.Next(4) == 0)
            text = $"<html><head><style>alpha {{}}</style></head><body title='x>y'>{text.Replace("<b>", "<b>", StringComparison.Ordinal)}<br>{words(5)}<!-- alpha --></body></html>";
        bool html = text.StartsWith("<html>", StringComparison.Ordinal);
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        (string encoding, string body) = random.Next(3) switch
        {
            0 => ("base64", Convert.ToBase64String(utf8, Base64FormattingOptions.InsertLineBreaks)),
            1 => ("quoted-printable", string.Concat(utf8.Select((b, i) => (b is > 32 and < 127 and not (byte)'=' ? ((char)b).ToString() : $"={b:X2}") + (i % 60 == 59 ? "=\r\n" : "")))),
            _ => ("8bit", Encoding.Latin1.GetString(utf8)),
        };
        string header = $"X-Words: =?utf-8?B?{Convert.ToBase64String(Encoding.UTF8.GetBytes(words(3)))}?=\r\nSubject: s\r\n";
        string part = $"Content-Type: text/{(html ? "html" : "plain")}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n";
        return random.Next(3) == 0
            ? $"{header}Content-Type: multipart/mixed; boundary=zz\r\n\r\n--zz\r\n{part}--zz\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nX-In: alpha\r\n\r\nnaive\r\n--zz--\r\n"
            : header + part;
    }

    [Theory]
    [InlineData("<p>Hello <b>wor</b>ld</p>", "Hello world ")]
    [InlineData("a<br>b<td>c", "a b c")]
    [InlineData("x<!-- <b>no</b> -- > -->y", "xy")]
    [InlineData("<style>p > a { }</style>t<script>if (a<b) '</p>'</script>u", "t u")]
    [InlineData("1 < 2 &amp; 3 > 2 &nope; &lt;x&gt; &#65;&#x42;", "1 < 2 & 3 > 2 &nope; <x> AB")]
    [InlineData("a &amp b & c <", "a &amp b & c <")]
    [InlineData("<a href=\"x>y\" title='q'>link</a>!", "link!")]
    [InlineData("<img alt=it's>z <!DOCTYPE html> w", "z w")]
    [InlineData("a&nbsp;&nbsp; b\r\n\t c", "a b c")]
    [InlineData("<b", "")]
    public void When_markup_is_taken_out_then_the_text_is_left_however_it_is_cut(string html, string text)
    {
        for (int cut = 0; cut <= html.Length; cut++)
        {
            var markup = new MarkupText();
            string got = markup.Take(html.AsSpan(0, cut), last: false).ToString();
            Assert.Equal(text, got + markup.Take(html.AsSpan(cut), last: true).ToString());
        }
    }

    [Theory]
    [InlineData(0)]        // it does not wait at all
    [InlineData(100)]      // it loses patience
    public async Task When_mail_comes_in_a_stream_then_the_index_waits_no_longer_than_its_patience(int milliseconds)
    {
        await using ImapRig rig = await ImapRig.StartAsync(options =>
        {
            options.Store.IndexDelay = TimeSpan.Zero;
            options.Store.IndexPatience = TimeSpan.FromMilliseconds(milliseconds);
        });
        Partition partition = rig.Mail.Store.Default;
        Mailbox box = (await rig.Mail.Store.OpenAsync(rig.Mail.Ann, MailboxName.Inbox))!;
        bool streamed = false;
        for (int i = 0; !streamed || !(partition.TextIndex!.Find(box.Id, box.Current.UidValidity, "HELLO") is { IndexedUpTo: > 0 }); i++)
        {
            Assert.True(i < 20_000, "nothing is indexed");
            await rig.GivenMessageAsync(box);
            streamed |= partition.IsTakingMail;
        }
        await rig.Mail.Store.WhenIndexedAsync();
        Assert.Equal(box.Current.UidNext - 1, partition.TextIndex!.Find(box.Id, box.Current.UidValidity, "HELLO")!.IndexedUpTo);
    }

    [Fact]
    public async Task When_mail_comes_in_a_stream_then_the_index_waits_and_its_messages_are_found_all_the_same()
    {
        await using ImapRig rig = await ImapRig.StartAsync(options =>
        {
            options.Store.IndexDelay = TimeSpan.FromMilliseconds(200);
            options.Store.IndexPatience = TimeSpan.FromDays(1);
        });
        Partition partition = rig.Mail.Store.Default;
        Mailbox box = (await rig.Mail.Store.OpenAsync(rig.Mail.Ann, MailboxName.Inbox))!;
        var inflow = new Inflow();
        Assert.False(inflow.IsStream);
        for (int i = 0; i < 32; i++)
            inflow.Note();
        Assert.True(inflow.IsStream);
        await rig.GivenMessageAsync(box, 100);
        await using WireScript c = await rig.SelectAsync();
        Assert.Equal(100, (await SearchAsync(c, "BODY hello")).Count(char.IsWhiteSpace));
        while (partition.IsTakingMail)
            await Task.Delay(10);
        await rig.Mail.Store.WhenIndexedAsync();
        Assert.Equal(100, (await SearchAsync(c, "BODY hello")).Count(char.IsWhiteSpace));
        Assert.Equal(100u, partition.TextIndex!.Find(box.Id, box.Current.UidValidity, "HELLO")!.IndexedUpTo);
    }
}
