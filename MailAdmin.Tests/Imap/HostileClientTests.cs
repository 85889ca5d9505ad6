using System.Diagnostics;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;

namespace MailAdmin.Tests.Imap;

/// <summary>Attack cases A5, A6, A7, A11 over the wire: every one ends with BAD, NO or BYE, and the server goes on.</summary>
public class HostileClientTests
{
    [Fact]
    public async Task When_a_session_arrives_byte_by_byte_then_the_answers_are_the_same()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(2);
        string script = $"1 LOGIN {{16+}}\r\nann@example.test \"{MailRig.Password}\"\r\n2 SELECT INBOX\r\n3 FETCH 1:2 (UID BODY.PEEK[HEADER.FIELDS (subject)])\r\n"
            + "4 SEARCH OR SUBJECT {3+}\r\nage (SEEN)\r\n5 LOGOUT\r\n";
        List<string> whole = await PlayAsync(rig, script, [script.Length]);
        Assert.Contains("* SEARCH 1 2", whole);
        Assert.Equal(whole, await PlayAsync(rig, script, [.. Enumerable.Repeat(1, script.Length)]));
        for (int cut = 1; cut < script.Length; cut += 7)
            Assert.Equal(whole, await PlayAsync(rig, script, [cut, script.Length - cut]));
    }

    static async Task<List<string>> PlayAsync(ImapRig rig, string script, int[] pieces)
    {
        await using WireScript c = await rig.ConnectAsync();
        Task<List<string>> answers = c.ReadUntilAsync("5 OK");
        int at = 0;
        foreach (int piece in pieces)
        {
            await c.SendAsync(script.Substring(at, piece));
            at += piece;
        }
        List<string> lines = await answers;
        lines.RemoveAll(l => l.Contains("RECENT", StringComparison.OrdinalIgnoreCase));   // told once only
        return lines;
    }

    [Fact]
    public async Task When_a_stranger_sends_too_much_then_he_is_sent_away()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript literal = await rig.ConnectAsync();
        await literal.SendAsync("1 LOGIN {4294967295}\r\n");
        await literal.PlayAsync("S: 1 BAD [TOOBIG] *\nC: 2 LOGIN {1048576+}\nS: 2 BAD [TOOBIG] *\nS: * BYE *");

        await using WireScript append = await rig.ConnectAsync();
        await append.PlayAsync("C: 1 APPEND INBOX {100}\nS: 1 BAD *\nC: 2 LOGOUT\nS: * BYE *\nS: 2 OK *");

        await using WireScript flood = await rig.ConnectAsync();
        await flood.SendAsync(new string('x', 9000));
        await flood.PlayAsync("S: * BYE *");

        await using WireScript lines = await rig.ConnectAsync();
        await lines.SendAsync(new StringBuilder().Insert(0, "1 ID NIL\r\n", 900).ToString());
        Assert.StartsWith("* BYE", (await lines.ReadUntilAsync("* BYE"))[^1], StringComparison.Ordinal);

        await using WireScript http = await rig.ConnectAsync();
        await http.SendAsync(new StringBuilder("GET / HTTP/1.1\r\n").Insert(16, "Host: x\r\n", 30).ToString());
        Assert.StartsWith("* BYE [CLIENTBUG] Too many bad", (await http.ReadUntilAsync("* BYE"))[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_a_user_sends_bombs_then_they_are_refused_and_the_session_goes_on()
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.Limits.MessageBytes = 1000);
        await rig.GivenMessagesAsync(3);
        await using WireScript c = await rig.SelectAsync();
        await c.SendAsync($"1 SEARCH {new string('(', 30_000)}\r\n");
        await c.PlayAsync("S: 1 BAD *");
        await c.SendAsync($"2 UID SEARCH UID {string.Join(',', Enumerable.Repeat("1:*", 15_000))}\r\n");
        await c.PlayAsync("S: * SEARCH 1 2 3\nS: 2 OK *");
        await c.PlayAsync("C: 3 APPEND INBOX {1001}\nS: 3 NO [TOOBIG] *\nC: 4 APPEND INBOX {1001+}");
        await c.SendAsync(new string('x', 1001) + "\r\n");
        await c.PlayAsync("S: 4 NO [TOOBIG] *\nC: 5 APPEND Missing {3+}");
        await c.PlayAsync("C: abc\nS: 5 NO [TRYCREATE] *\nC: 6 FETCH 1 BODY[999999999999]\nS: 6 BAD *\nC: 7 FETCH 4294967296 UID\nS: 7 BAD *\nC: 8 FETCH 0 UID\nS: 8 BAD *");
        await c.PlayAsync("C: 9 LIST \"\" \"%*%*%*%*%*%*%*%*%*%*%*%*%*%*%*%*%*%*%*%*%*%*%*%*%*%*x\"\nS: 9 OK *\nC: 10 NOOP\nS: 10 OK *");
        await c.SendAsync("11 LOGIN {70000}\r\n");
        await c.PlayAsync("S: 11 BAD *");
        await c.SendAsync(new string('y', 70_000));
        await c.PlayAsync("S: * BYE *");
    }

    [Fact]
    public async Task When_garbage_is_sent_then_the_session_ends_in_order_and_others_do_not_notice()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript other = await rig.SelectAsync();
        var random = new Random(7);
        string[] words = ["a ", "b ", "FETCH ", "UID ", "1:* ", "(", ")", "{5}\r\n", "{3+}\r\n", "BODY[", "]", "\"", "\\", "SEARCH ", "NOT ", "\r\n", "\0", "\u00ff", "STORE ", "FLAGS ", "IDLE", "DONE\r\n", "APPEND ",
            "NOTIFY SET ", "(SELECTED ", "(MessageNew ", "MessageExpunge", "(QRESYNC (", "(CHANGEDSINCE 1 VANISHED)", "UNCHANGEDSINCE ", "ENABLE QRESYNC UIDONLY IMAP4rev2\r\n", "SELECT INBOX ",
            "MODSEQ ", "9223372036854775807 ", "18446744073709551615 ", "4294967295:1,", "UNAUTHENTICATE\r\n"];
        for (int round = 0; round < 40; round++)
        {
            await using WireScript c = round % 2 == 0 ? await rig.SelectAsync() : await rig.ConnectAsync();
            var text = new StringBuilder();
            for (int i = 0; i < 400; i++)
                text.Append(words[random.Next(words.Length)]);
            try
            {
                await c.SendAsync(text + "\r\n\r\nDONE\r\nz LOGOUT\r\n");
                ((System.Net.Sockets.NetworkStream)c.Stream).Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
                while (true)
                    await c.ReadLineAsync();
            }
            catch (Exception e) when (e is EndOfStreamException or IOException)
            {
                // Ended: that is what is asked of it.
            }
        }
        await other.PlayAsync("C: 1 NOOP\nS: 1 OK *");
    }

    [Fact]
    public async Task When_pythons_imaplib_works_with_a_mailbox_then_all_goes_well()
    {
        const string Script = """
            import imaplib, sys, time
            m = imaplib.IMAP4('127.0.0.1', int(sys.argv[1]))
            assert m.starttls is not None
            m.login('ann@example.test', sys.argv[2])
            assert m.create('Py')[0] == 'OK'
            t, d = m.append('Py', '(\\Flagged)', imaplib.Time2Internaldate(time.time()), b'Subject: py\r\nFrom: a@b\r\n\r\nbody\r\n')
            assert t == 'OK' and b'APPENDUID' in d[0], d
            assert m.select('Py') == ('OK', [b'1'])
            assert m.uid('SEARCH', None, 'FLAGGED', 'SUBJECT', 'py') == ('OK', [b'1'])
            t, d = m.uid('FETCH', '1', '(FLAGS BODY[])')
            assert d[0][1] == b'Subject: py\r\nFrom: a@b\r\n\r\nbody\r\n', d
            assert m.store('1', '+FLAGS', '\\Deleted')[0] == 'OK'
            assert m.copy('1', 'INBOX')[0] == 'OK'
            assert m.expunge() == ('OK', [b'1'])
            assert m.status('INBOX', '(MESSAGES)')[1] == [b'"INBOX" (MESSAGES 1)']
            assert any(b'"Py"' in l for l in m.list()[1])
            assert m.close()[0] == 'OK'
            assert m.delete('Py')[0] == 'OK'
            m.logout()
            print('done')
            """;
        await using ImapRig rig = await ImapRig.StartAsync();
        var start = new ProcessStartInfo("python3") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[] { "-c", Script, $"{rig.Mail.Listeners.PortOf(MailProtocol.Imap, false)}", MailRig.Password })
            start.ArgumentList.Add(argument);
        using Process python = Process.Start(start)!;
        string error = await python.StandardError.ReadToEndAsync();
        Assert.Equal("done", (await python.StandardOutput.ReadToEndAsync()).Trim() + error);
    }
}
