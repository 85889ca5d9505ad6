using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Imap;

/// <summary>Names that stay: RFC 8474 for mailboxes, messages and threads; and the date a message was put where it is, RFC 8514.</summary>
public class ObjectIdTests
{
    static string IdIn(string line, string name)
    {
        int start = line.IndexOf(name + " (", StringComparison.Ordinal);
        Assert.True(start >= 0, $"no {name} in {line}");
        start += name.Length + 2;
        return line[start..line.IndexOf(')', start)];
    }

    static async Task<string> LineAsync(WireScript c, string command) => string.Join('\n', await c.MustAsync(command));

    [Fact]
    public async Task When_a_mailbox_is_renamed_then_it_keeps_its_id_and_a_new_one_of_the_name_has_another()   // RFC 8474 §4.3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync();
        string foo = IdIn(await LineAsync(c, "CREATE foo"), "MAILBOXID"), bar = IdIn(await LineAsync(c, "CREATE bar"), "MAILBOXID");
        Assert.NotEqual(foo, bar);
        Assert.Equal(foo, IdIn(await LineAsync(c, "STATUS foo (MAILBOXID)"), "MAILBOXID"));
        Assert.Equal(foo, IdIn(await LineAsync(c, "SELECT foo"), "MAILBOXID"));
        await LineAsync(c, "RENAME foo renamed");
        Assert.Equal(foo, IdIn(await LineAsync(c, "STATUS renamed (MESSAGES MAILBOXID)"), "MAILBOXID"));
        Assert.Contains($"* STATUS \"renamed\" (MESSAGES 0 MAILBOXID ({foo}))", await LineAsync(c, "LIST \"\" renamed RETURN (STATUS (MESSAGES MAILBOXID))"), StringComparison.Ordinal);
        Assert.NotEqual(foo, IdIn(await LineAsync(c, "CREATE foo"), "MAILBOXID"));
        await c.PlayAsync("C: 1 CREATE foo\nS: 1 NO [ALREADYEXISTS] *");
    }

    [Fact]
    public async Task When_a_message_is_copied_and_moved_then_its_id_goes_with_it_and_threads_have_one_id()   // RFC 8474 §5.3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        string[] mails =
        [
            "Subject: Message A\r\nMessage-ID: <fake.1521475657.54797@example.com>\r\n\r\na\r\n",
            "Subject: Re: Message A\r\nMessage-ID: <fake.1521475657.21213@example.org>\r\nReferences: <fake.1521475657.54797@example.com>\r\n\r\nb\r\n",
            "Subject: Message C\r\nMessage-ID: <fake.1521475657.60280@example.com>\r\n\r\nc\r\n",
            "Subject: Re: Re: A\r\nMessage-ID: <d@example.com>\r\nReferences: <fake.1521475657.54797@example.com>\r\n <fake.1521475657.21213@example.org>\r\n\r\nd\r\n",
            "Subject: by In-Reply-To\r\nIn-Reply-To: <fake.1521475657.60280@example.com>\r\n\r\ne\r\n",
            "Subject: no names at all\r\n\r\nf\r\n",
        ];
        await rig.GivenOldMessagesAsync(mails.Length, text: i => mails[i - 1]);
        await using WireScript c = await rig.SelectAsync();
        await LineAsync(c, "CREATE foo");
        string[] lines = (await LineAsync(c, "FETCH 1:* (EMAILID THREADID)")).Split('\n')[..^1];
        string[] ids = [.. lines.Select(line => IdIn(line, "EMAILID"))];
        Assert.Equal(6, ids.Distinct().Count());
        Assert.EndsWith(" THREADID NIL)", lines[5], StringComparison.Ordinal);
        string[] threads = [.. lines[..5].Select(line => IdIn(line, "THREADID"))];
        Assert.Equal([threads[0], threads[0], threads[2], threads[0], threads[2]], threads);
        Assert.NotEqual(threads[0], threads[2]);
        Assert.Empty(ids.Intersect(threads));

        await LineAsync(c, "COPY 1:2 foo");
        await LineAsync(c, "MOVE 2 foo");
        await LineAsync(c, "SELECT foo");
        await LineAsync(c, "COPY 1 INBOX");
        string copies = await LineAsync(c, "FETCH 1:* (EMAILID THREADID)");
        Assert.Equal([ids[0], ids[1], ids[1]], copies.Split('\n')[..^1].Select(line => IdIn(line, "EMAILID")));
        Assert.Equal([threads[0], threads[0], threads[0]], copies.Split('\n')[..^1].Select(line => IdIn(line, "THREADID")));
        await c.PlayAsync($"C: 1 SEARCH EMAILID {ids[1]}\nS: * SEARCH 2 3\nS: 1 OK *");
        await LineAsync(c, "SELECT INBOX");
        Assert.Equal(ids[0], IdIn(await LineAsync(c, "UID FETCH 7 (EMAILID)"), "EMAILID"));   // a copy of a copy
        await c.PlayAsync($"C: 2 SEARCH THREADID {threads[0]}\nS: * SEARCH 1 3 6\nS: 2 OK *\nC: 3 UID SEARCH OR EMAILID {ids[2]} EMAILID {ids[0]}\nS: * SEARCH 1 3 7\nS: 3 OK *");
        await c.PlayAsync("C: 4 SEARCH EMAILID Mnone\nS: * SEARCH\nS: 4 OK *\nC: 5 SEARCH THREADID a.b\nS: 5 BAD *\nC: 6 SEARCH EMAILID\nS: 6 BAD *");
        await c.PlayAsync($"C: 7 SEARCH EMAILID {ids[0].ToUpperInvariant()}x\nS: * SEARCH\nS: 7 OK *");
    }

    [Fact]
    public async Task When_a_message_is_copied_then_its_save_date_is_that_of_the_copy()   // RFC 8514 §3 and §4
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("C: 1 APPEND INBOX \"01-Jan-2015 18:50:53 +0100\" {12+}\nC: Subject: a\nC: \nS: * 1 EXISTS\nS: * *\nS: 1 OK *");
        string line = await LineAsync(c, "FETCH 1 (INTERNALDATE SAVEDATE UID)");
        Assert.StartsWith("* 1 FETCH (UID 1 INTERNALDATE \" 1-Jan-2015 17:50:53 +0000\" SAVEDATE \"", line, StringComparison.Ordinal);
        Assert.Contains($"-{DateTime.UtcNow.Year} ", line, StringComparison.Ordinal);
        await c.PlayAsync("""
            C: 2 SEARCH SAVEDBEFORE 1-Jan-2016
            S: * SEARCH
            S: 2 OK *
            C: 3 SEARCH SAVEDSINCE 1-Jan-2016 BEFORE 1-Jan-2016 SAVEDATESUPPORTED
            S: * SEARCH 1
            S: 3 OK *
            C: 4 SEARCH SAVEDON 1-Jan-2015
            S: * SEARCH
            S: 4 OK *
            C: 5 SEARCH NOT SAVEDBEFORE 1-Jan-2999
            S: * SEARCH
            S: 5 OK *
            """);
    }
}
