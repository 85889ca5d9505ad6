using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Pop3;
using MailEngine.Store;

namespace MailAdmin.Tests.Pop3;

/// <summary>What a maildrop holds, how messages are sent, and how they are called.</summary>
public sealed class MaildropTests(Pop3Rig rig) : IClassFixture<Pop3Rig>
{
    static string Unstuffed(List<string> lines) => string.Concat(lines.Select(line => line + "\r\n"));

    [Fact]
    public async Task When_messages_are_sent_then_octet_by_octet_as_they_are_and_as_long_as_LIST_said()   // RFC 1939 §3, RFC 1939 §11
    {
        (long account, string name) = await rig.GivenAccountAsync();
        var random = new Random(11);
        string[] pieces = [".", "..", "\r\n", "\r\n.", "\r\n..\r\n", "x", "\u00e9", "\r\n.\r\n"];
        var mail = new List<string>
        {
            "Subject: dots\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n", ".\r\n", "Subject: no end\r\n\r\nx", "\r\n", "Subject: long\r\n\r\n" + new string('y', 300_000) + "\r\n",
            "Subject: borders\r\n\r\n" + string.Concat(Enumerable.Repeat(".\r\n", 60_000)),
            "Subject: large\r\n\r\n" + string.Concat(Enumerable.Range(0, 30_000).Select(i => $".{i} of a message that has a file of its own\r\n")),
        };
        for (int i = 0; i < 40; i++)
            mail.Add("Subject: random\r\n\r\n" + string.Concat(Enumerable.Range(0, random.Next(1, 200)).Select(_ => pieces[random.Next(pieces.Length)])));
        // Dots at, before and behind every border of what is read at a time.
        for (int i = -3; i <= 3; i++)
            mail.Add(new string('z', (64 << 10) - 64 + i) + "\r\n.\r\n..\r\nend\r\n");
        await rig.GivenMessagesAsync(account, "INBOX", [.. mail]);
        await using WireScript c = await rig.LogInAsync(name);
        List<string> list = (await c.AskLinesAsync("LIST")).Lines;
        long sum = 0;
        for (int i = 0; i < mail.Count; i++)
        {
            string expected = mail[i].EndsWith("\r\n", StringComparison.Ordinal) ? mail[i] : mail[i] + "\r\n";
            (string first, List<string> lines) = await c.AskLinesAsync($"RETR {i + 1}");
            Assert.Equal(expected, Unstuffed(lines));
            Assert.Equal($"{i + 1} {expected.Length}", list[i]);
            Assert.Equal($"+OK {expected.Length} octets", first);
            sum += expected.Length;
        }
        await c.PlayAsync($"C: STAT\nS: +OK {mail.Count} {sum}");
    }

    [Fact]
    public async Task When_a_message_has_lone_line_ends_then_no_client_sees_the_end_of_the_answer_inside()
    {
        (long account, string name) = await rig.GivenAccountAsync();
        await rig.GivenMessagesAsync(account, "INBOX", "Subject: lone\n\n.\n.x\rend\n");
        await using WireScript c = await rig.LogInAsync(name);
        await c.SendAsync("RETR 1\r\nNOOP\r\n");
        string expected = "+OK 26 octets\r\nSubject: lone\n\n..\n..x\rend\n\r\n.\r\n+OK Done\r\n";
        Assert.Equal(expected, Encoding.Latin1.GetString(await c.ReadBytesAsync(expected.Length)));
    }

    [Theory]
    [InlineData("A: b\r\nC: d\r\n\r\none\r\n.two\r\nthree\r\n")]
    [InlineData("A: b\nC: d\n\none\n.two\nthree\n")]
    [InlineData("A: b\r\nC: d\r\n\r\n")]
    [InlineData("A: b\r\nC: d\r\n")]
    [InlineData("\r\none\r\ntwo")]
    public async Task When_the_top_is_asked_for_then_the_header_and_so_many_lines_come(string text)   // RFC 1939 §7
    {
        (long account, string name) = await rig.GivenAccountAsync();
        await rig.GivenMessagesAsync(account, "INBOX", text, "Subject: " + new string('x', 40_000) + "\r\n\r\nbody\r\n");
        string[] lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n').Split('\n');
        int header = Array.IndexOf(text.Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n'), "") + 1;
        await using WireScript c = await rig.LogInAsync(name);
        for (int count = 0; count < 5; count++)
        {
            List<string> top = [];
            await c.SendAsync($"TOP 1 {count}\r\n");
            string raw = "";
            while (!raw.EndsWith("\r\n.\r\n", StringComparison.Ordinal))
                raw += Encoding.Latin1.GetString(await c.ReadBytesAsync(1));
            top.AddRange(raw.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('.', '\n').Split('\n')[1..].Select(line => line.StartsWith("..", StringComparison.Ordinal) ? line[1..] : line));
            string[] expected = header > lines.Length ? lines : [.. lines[..header], .. lines[header..].Take(count)];
            Assert.Equal(string.Join('\n', expected).TrimEnd('\n'), string.Join('\n', top).TrimEnd('\n'));
        }
        Assert.Equal(["Subject: " + new string('x', 40_000), ""], (await c.AskLinesAsync("TOP 2 0")).Lines);
    }

    [Fact]
    public async Task When_a_session_ends_without_QUIT_then_nothing_is_gone()   // RFC 1939 §6
    {
        (long account, string name) = await rig.GivenAccountAsync();
        await rig.GivenMessagesAsync(account, "INBOX", "Subject: 1\r\n\r\n", "Subject: 2\r\n\r\n");
        await using (WireScript c = await rig.LogInAsync(name))
            await c.PlayAsync("C: DELE 1\nS: +OK *\nC: DELE 2\nS: +OK *");
        await using WireScript again = await rig.LogInAsync(name);
        await again.PlayAsync("C: STAT\nS: +OK 2 28\nC: QUIT\nS: +OK Goodbye");
        Assert.Equal(2, (await rig.Mail.MessagesAsync(account)).Count);
    }

    [Fact]
    public async Task When_others_read_expunge_and_deliver_meanwhile_then_the_drop_stays_as_it_was_and_everybody_hears_of_QUIT()
    {
        (long account, string name) = await rig.GivenAccountAsync();
        await rig.GivenMessagesAsync(account, "INBOX", "Subject: 1\r\n\r\n", "Subject: 2\r\n\r\n", "Subject: 3\r\n\r\n");
        await using WireScript c = await rig.LogInAsync(name), second = await rig.LogInAsync(name), imap = await rig.Mail.ConnectAsync(MailProtocol.Imap);
        await imap.PlayAsync($"S: * OK *\nC: 1 LOGIN {name} \"{MailRig.Password}\"\nS: 1 OK *\nC: 2 SELECT INBOX");
        await imap.ReadUntilAsync("2 OK");
        await imap.PlayAsync("C: 3 STORE 1 +FLAGS.SILENT (\\Deleted)\nS: 3 OK *\nC: 4 EXPUNGE\nS: * 1 EXPUNGE\nS: 4 OK *");
        await rig.GivenMessagesAsync(account, "INBOX", "Subject: 4\r\n\r\n");
        await c.PlayAsync("C: STAT\nS: +OK 3 42\nC: RETR 1\nS: +OK 14 octets\nS: Subject: 1\nS: \nS: .\nC: DELE 1\nS: +OK *\nC: DELE 2\nS: +OK *");
        await second.PlayAsync("C: DELE 2\nS: +OK *\nC: DELE 3\nS: +OK *\nC: QUIT\nS: +OK *");
        await imap.SendAsync("5 IDLE\r\n");
        await imap.ReadUntilAsync("* 1 RECENT");
        await c.PlayAsync("C: QUIT\nS: +OK Goodbye, 2 messages removed");
        Assert.Equal(["Subject: 4\r\n\r\n"], await rig.Mail.MessagesAsync(account));
    }

    [Fact]
    public async Task When_messages_move_between_folders_then_they_keep_their_unique_ids_and_no_two_are_called_alike()   // RFC 1939 §7
    {
        await using Pop3Rig all = await Pop3Rig.StartAsync(options => options.Pop3.Folders = ["*", "-Trash", "-\\Junk"]);
        long account = all.Mail.Ann;
        await all.GivenMessagesAsync(account, "INBOX", "Subject: 1\r\n\r\n", "Subject: 2\r\n\r\n");
        Mailbox inbox = await all.GivenMailboxAsync(account), filed = await all.GivenMailboxAsync(account, "Filed"), trash = await all.GivenMailboxAsync(account, "Trash");
        await all.Mail.Store.CreateAsync(account, MailboxName.Parse("Spam"), "\\Junk");
        await all.GivenMessagesAsync(account, "Spam", "Subject: spam\r\n\r\n");
        async Task<Dictionary<string, string>> IdsAsync()
        {
            await using WireScript c = await all.LogInAsync("ann@example.test");
            List<string> ids = (await c.AskLinesAsync("UIDL")).Lines;
            var named = new Dictionary<string, string>();
            foreach (string line in ids)
            {
                string[] parts = line.Split(' ');
                await c.PlayAsync($"C: UIDL {parts[0]}\nS: +OK {line}");
                named.Add(parts[1], (await c.AskLinesAsync($"TOP {parts[0]} 0")).Lines[0]);
            }
            return named;
        }
        Dictionary<string, string> before = await IdsAsync();
        Assert.Equal([$"{inbox.Current.UidValidity}.1", $"{inbox.Current.UidValidity}.2"], before.Keys);

        await all.Mail.Store.MoveAsync(inbox, [1], filed);
        Assert.Equal(before.OrderBy(p => p.Key), (await IdsAsync()).OrderBy(p => p.Key));
        await all.Mail.Store.MoveAsync(filed, [1], inbox);   // and back, with another UID
        Assert.Equal(before.OrderBy(p => p.Key), (await IdsAsync()).OrderBy(p => p.Key));
        await all.Mail.Store.CopyAsync(inbox, [2, 3], filed, 0);
        Dictionary<string, string> copies = await IdsAsync();
        Assert.Equal(4, copies.Count);
        Assert.All(before, pair => Assert.Equal(pair.Value, copies[pair.Key]));
        await all.Mail.Store.MoveAsync(inbox, [2, 3], trash);
        Assert.Equal(before.OrderBy(p => p.Key), (await IdsAsync()).OrderBy(p => p.Key));   // the copies are what is left of them

        // What is marked in several folders goes in one commit.
        await all.GivenMessagesAsync(account, "INBOX", "Subject: 3\r\n\r\n");
        await using WireScript last = await all.LogInAsync("ann@example.test");
        await last.PlayAsync("C: STAT\nS: +OK 3 42\nC: DELE 1\nS: +OK *\nC: DELE 2\nS: +OK *\nC: QUIT\nS: +OK Goodbye, 2 messages removed");
        Assert.Equal((0, 1, 2), ((await all.Mail.MessagesAsync(account)).Count, (await all.Mail.MessagesAsync(account, "Filed")).Count, (await all.Mail.MessagesAsync(account, "Trash")).Count));
    }

    [Fact]
    public async Task When_an_account_moves_to_another_volume_then_open_sessions_go_on_and_unique_ids_stay()
    {
        await using Pop3Rig two = await Pop3Rig.StartAsync(options => options.Store.With("b"));
        await two.Mail.Store.GivenHomeAsync(two.Mail.Ann, "default");
        await two.GivenMessagesAsync(two.Mail.Ann, "INBOX", [.. Enumerable.Range(1, 20).Select(i => $"Subject: {i}\r\n\r\n")]);
        await two.Mail.Store.MoveAsync(await two.GivenMailboxAsync(two.Mail.Ann), [3], await two.GivenMailboxAsync(two.Mail.Ann, "Filed"));
        await two.Mail.Store.MoveAsync(await two.GivenMailboxAsync(two.Mail.Ann, "Filed"), [1], await two.GivenMailboxAsync(two.Mail.Ann));
        await using WireScript c = await two.LogInAsync("ann@example.test"), lazy = await two.LogInAsync("ann@example.test");
        List<string> before = (await c.AskLinesAsync("UIDL")).Lines;
        Assert.EndsWith(".3", before[^1], StringComparison.Ordinal);

        await two.Mail.Store.MoveAccountAsync(two.Mail.Ann, "b", null, default);

        Assert.Equal("Subject: 20", (await c.AskLinesAsync("RETR 19")).Lines[0]);
        Assert.Equal(before, (await lazy.AskLinesAsync("UIDL")).Lines);
        await c.PlayAsync("C: DELE 1\nS: +OK *\nC: QUIT\nS: +OK Goodbye, 1 messages removed");
        await using WireScript after = await two.LogInAsync("ann@example.test");
        Assert.Equal(before[1..].Select(line => line.Split(' ')[1]), (await after.AskLinesAsync("UIDL")).Lines.Select(line => line.Split(' ')[1]));
    }

    [Theory]
    [InlineData("{uidvalidity}.{uid}", "1700000000.17")]
    [InlineData("{uid:08x}{uidvalidity:08x}", "000000116553f100")]
    [InlineData("{uid:08X}{uidvalidity:08X}", "000000116553F100")]
    [InlineData("UID{uid}-{uidvalidity}", "UID17-1700000000")]
    [InlineData("{uid:08x}{uidvalidity}", "000000111700000000")]
    [InlineData("{uid}{uidvalidity}", null)]
    [InlineData("{uid}a{uidvalidity}", null)]
    [InlineData("{uid}.{uid}", null)]
    [InlineData("{uid}", null)]
    [InlineData("{uid} {uidvalidity}", null)]
    [InlineData("{uid}.{uidvalidity}{0}", null)]
    [InlineData("{uid}.{uidvalidity}\u00e9", null)]
    [InlineData("{uid}.{uidvalidity}.0123456789012345678901234567890123456789012345678901234567890", null)]
    public void When_unique_ids_are_to_have_a_form_then_it_is_kept_or_refused(string form, string? expected)
    {
        Span<byte> to = stackalloc byte[UidlForm.MaxLength];
        Assert.Equal(expected, UidlForm.TryParse(form) is { } good ? Encoding.ASCII.GetString(to[..good.Write(to, 1_700_000_000, 17)]) : null);
        Assert.Equal(expected is null ? 1 : 0, EngineOptionsCheck.Check(new EngineOptions { Pop3 = { Uidl = form } }).Count(error => error.Contains("Pop3:Uidl", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("*", "a/b/c", true)]
    [InlineData("%", "a/b", false)]
    [InlineData("%", "a", true)]
    [InlineData("*/%", "a/b/c", true)]
    [InlineData("%/%", "a/b/c", false)]
    [InlineData("a/*c", "a/b/c", true)]
    [InlineData("a%c", "abbc", true)]
    [InlineData("a%c", "ab/c", false)]
    [InlineData("INBOX/*", "INBOX", false)]
    [InlineData("INBOX*", "INBOX", true)]
    [InlineData("*x%y*", "axbxcy/z", true)]
    [InlineData("*%*%*%*%*%*%*%*%*%*%*%*%*%*x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false)]
    public void When_a_pattern_names_folders_then_it_matches_as_LIST_does(string pattern, string name, bool matches) =>
        Assert.Equal(matches, MaildropFolders.Matches(pattern, name));

    [Fact]
    public void When_folders_are_set_wrongly_then_the_error_says_what_would_be_right()
    {
        static int Errors(params string[] folders) => EngineOptionsCheck.Check(new EngineOptions { Pop3 = { Folders = [.. folders] } }).Count(error => error.Contains("Pop3:Folders", StringComparison.Ordinal));
        Assert.Equal((0, 0, 1, 1, 1, 1), (Errors("INBOX", "Lists/*", "-\\Junk"), Errors(), Errors("-Trash"), Errors("*", ""), Errors("*", "-"), Errors("*", "a//b")));
    }
}
