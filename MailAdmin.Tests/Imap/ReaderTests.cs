using System.Buffers;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine.Imap;
using MailEngine.Mime;
using MailEngine.Store;

namespace MailAdmin.Tests.Imap;

public class ReaderTests
{
    [Theory]
    [InlineData("INBOX", "INBOX")]
    [InlineData("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語")]   // RFC 3501 §5.1.3
    [InlineData("a&-b", "a&b")]
    [InlineData("&2D3eAA-", "😀")]
    [InlineData("&Jjo!", null)]       // never shifted back
    [InlineData("&U,BTFw-&ZeVnLIqe-", null)]   // superfluous shift
    [InlineData("&AGE-", null)]       // "a" needs no shift
    [InlineData("&U,BTFx-", null)]    // left-over bits are not 0
    [InlineData("&=-", null)]
    [InlineData("a&", null)]
    public void When_a_mailbox_name_is_in_modified_utf7_then_only_its_one_right_form_is_taken(string wire, string? name)
    {
        bool ok = ModifiedUtf7.TryDecode(Encoding.ASCII.GetBytes(wire), out string decoded);
        Assert.Equal(name, ok ? decoded : null);
        if (name is not null)
            Assert.Equal(wire, ModifiedUtf7.Encode(name));
    }

    [Theory]
    [InlineData("*", "a/b", true)]
    [InlineData("%", "a/b", false)]
    [InlineData("%/%", "a/b", true)]
    [InlineData("a*", "a", true)]
    [InlineData("*b", "a/b", true)]
    [InlineData("%b", "a/b", false)]
    [InlineData("inbox", "INBOX", true)]
    [InlineData("inbox/*", "INBOX/x", true)]
    [InlineData("a%c*e", "abc/d/e", true)]
    [InlineData("", "a", false)]
    [InlineData("%*%*%*%*%*%*%*%*%*%*%*%*%*x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false)]
    [InlineData("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false)]
    public void When_a_pattern_is_matched_then_percent_stops_at_the_separator(string pattern, string name, bool matches) =>
        Assert.Equal(matches, new ListPattern("", pattern).Matches(name));

    static MailboxSnapshot Snapshot(params uint[] uids)
    {
        MessageEntry[] entries = [.. uids.Select(uid => new MessageEntry { Uid = uid })];
        Chunk[] chunks = entries.Length == 0 ? [] : [new Chunk(1, entries)];
        return new MailboxSnapshot(new MailboxCounters(1, uids.LastOrDefault() + 1, 1, uids.Length, 0, 0, 2, 1), chunks, [[]]);
    }

    static string Resolve(string set, bool uid, params uint[] uids)
    {
        var reader = new ImapReader(Encoding.ASCII.GetBytes(set), 100);
        SequenceSet parsed = reader.SequenceSet();
        Assert.False(reader.Failed);
        bool all = true;
        List<IndexRange> ranges = uid ? parsed.ResolveUids(Snapshot(uids)) : parsed.ResolveNumbers(Snapshot(uids), out all);
        return string.Join(',', ranges.Select(r => $"{r.First + 1}-{r.Last + 1}")) + (all ? "" : "!");
    }

    [Fact]
    public void When_a_set_is_resolved_then_it_is_sorted_and_bounded_by_the_mailbox()
    {
        Assert.Equal("1-3", Resolve("1:*", false, 5, 7, 9));
        Assert.Equal("1-3", Resolve("3,2,1,1:2,*", false, 5, 7, 9));
        Assert.Equal("2-3", Resolve("*:2", false, 5, 7, 9));
        Assert.Equal("3-3!", Resolve("3,4", false, 5, 7, 9));
        Assert.Equal("!", Resolve("1:*", false));
        Assert.Equal("2-3", Resolve("6:4294967295", true, 5, 7, 9));
        Assert.Equal("3-3", Resolve("100:*", true, 5, 7, 9));   // RFC 9051 §6.4.9: always the last one
        Assert.Equal("", Resolve("1:4,6,8", true, 5, 7, 9));
        Assert.Equal("", Resolve("1:*", true));
        string bomb = string.Join(',', Enumerable.Repeat("1:*", 16_000));   // attack case A11
        Assert.Equal("1-3", Resolve(bomb, true, 5, 7, 9));
    }

    [Fact]
    public void When_a_command_arrives_in_any_two_pieces_then_it_is_framed_the_same()
    {
        byte[] bytes = Encoding.ASCII.GetBytes("a LOGIN {3+}\r\nann {4}\r\nwo\r\n \"x\"\r\nb NOOP\r\n");
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            var framer = new CommandFramer(1000, 1000);
            int prompts = 0;
            CommandFraming framing = Drive(ref framer, Segments.Of(bytes.AsMemory(0, cut)), ref prompts);
            if (framing == CommandFraming.NeedMore)
                framing = Drive(ref framer, Segments.Of(bytes.AsMemory(0, cut), bytes.AsMemory(cut)), ref prompts);
            Assert.Equal(CommandFraming.Command, framing);
            Assert.Equal(bytes.Length - 8, framer.Length);
            Assert.Equal(1, prompts);
        }
    }

    static CommandFraming Drive(ref CommandFramer framer, ReadOnlySequence<byte> input, ref int prompts)
    {
        CommandFraming framing = framer.Scan(input);
        while (framing == CommandFraming.Literal)
        {
            prompts += framer.LiteralWaits ? 1 : 0;
            framer.AcceptLiteral();
            framing = framer.Scan(input);
        }
        return framing;
    }

    static readonly string[] s_commands =
    [
        "LOGIN {3}\r\nann \"pass\\\"word\"", "AUTHENTICATE PLAIN AGEAYg==", "SELECT \"INBOX\"", "CREATE a (USE (\\Sent))", "RENAME a {1+}\r\nb",
        "LIST \"\" \"a/%\"", "STATUS x (MESSAGES UIDNEXT)", "APPEND x (\\Seen a) \" 7-Jul-1996 02:44:25 -0700\" {5}", "STORE 1:2,4:* +FLAGS.SILENT (\\Seen kw)",
        "FETCH 1,3:5 (FLAGS BODY.PEEK[1.2.HEADER.FIELDS (A \"B\")]<0.10> BODY[] UID ENVELOPE)", "UID FETCH 1:* (BODYSTRUCTURE BODY[TEXT])", "COPY 1 x",
        "SEARCH CHARSET UTF-8 OR (NOT SEEN FROM \"x\") (1:3 SINCE 1-Jan-2020 HEADER a {1}\r\nb) NOT NOT KEYWORD k", "UID SEARCH UID 1:* TEXT x", "ID (\"a\" NIL)",
        "ENABLE X Y", "UID EXPUNGE 1:2",
    ];

    static string? Parse(ReadOnlySpan<byte> command)
    {
        var reader = new ImapReader(command, 100);
        if (ImapCommandTable.Find(ref reader) is not { } row)
            return "unknown";
        row.Parse(ref reader);
        if (row.Name != "APPEND")
            reader.End();
        return reader.Error;
    }

    [Fact]
    public void When_commands_are_right_then_they_parse_and_cut_anywhere_they_are_refused()
    {
        foreach (string text in s_commands)
        {
            byte[] bytes = Encoding.ASCII.GetBytes(text + "\r\n");
            Assert.Null(Parse(bytes));
            for (int cut = 0; cut < bytes.Length - 2; cut++)
                Parse(bytes.AsSpan(0, cut));   // whatever it is, it ends
        }
    }

    [Fact]
    public void When_commands_are_garbled_then_parsing_ends_with_an_error_or_without()
    {
        var random = new Random(20261121);
        byte[] evil = Encoding.Latin1.GetBytes("(){}[]<>\"\\*%:,.+- \r\n\0\u00e9019aZ");
        for (int round = 0; round < 30_000; round++)
        {
            byte[] bytes = Encoding.ASCII.GetBytes(s_commands[round % s_commands.Length] + "\r\n");
            for (int change = random.Next(1, 6); change > 0; change--)
                bytes[random.Next(bytes.Length)] = evil[random.Next(evil.Length)];
            Parse(bytes);
        }
    }

    [Theory]
    [InlineData("SEARCH ", "(", 60_000)]
    [InlineData("SEARCH ", "NOT ", 15_000)]
    [InlineData("SEARCH ", "OR ", 20_000)]
    [InlineData("SEARCH ", "OR (NOT ", 8_000)]
    [InlineData("FETCH 1 ", "(", 60_000)]
    [InlineData("FETCH 1 BODY[", "1.", 30_000)]
    public void When_brackets_nest_too_deep_then_the_command_is_refused(string start, string nested, int times)   // attack case A7
    {
        Assert.NotNull(Parse(Encoding.ASCII.GetBytes(start + new StringBuilder().Insert(0, nested, times) + "\r\n")));
    }

    [Fact]
    public void When_a_search_is_long_but_flat_then_it_parses_in_little_depth()
    {
        byte[] bytes = Encoding.ASCII.GetBytes("SEARCH" + new StringBuilder().Insert(0, " NOT (OR SEEN DRAFT)", 3000) + "\r\n");
        Assert.Null(Parse(bytes));
    }

    [Fact]
    public void When_the_table_is_read_then_every_command_stands_there_once()
    {
        Assert.Equal(ImapCommandTable.Rows.Count, ImapCommandTable.Rows.Select(r => r.Name).Distinct().Count());
        Assert.All(ImapCommandTable.Rows.Where(r => r.Name is "FETCH" or "STORE" or "SEARCH"), r => Assert.Equal(SeqUse.Numbers, r.Numbers));
    }
}
