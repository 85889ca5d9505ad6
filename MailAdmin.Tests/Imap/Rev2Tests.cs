using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Imap;

namespace MailAdmin.Tests.Imap;

/// <summary>What ENABLE changes for one session: IMAP4rev2 (RFC 9051), UIDONLY (RFC 9586); what UNAUTHENTICATE (RFC 8437) takes back.</summary>
public class Rev2Tests
{
    [Fact]
    public async Task When_rev2_is_enabled_then_nothing_is_recent_search_is_extended_and_select_lists()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(3);
        await using WireScript c = await rig.LogInAsync(), old = await rig.LogInAsync();
        await c.PlayAsync("""
            C: 1 ENABLE imap4REV2 imap4rev2 X-OTHER
            S: * ENABLED IMAP4rev2
            S: 1 OK *
            C: 2 SELECT INBOX
            S: * FLAGS *
            S: * OK [PERMANENTFLAGS *
            S: * 3 EXISTS
            S: * LIST () "/" "INBOX"
            S: * OK [UIDVALIDITY *
            S: * OK [UIDNEXT 4] *
            S: * OK [MAILBOXID *
            S: * OK [HIGHESTMODSEQ *
            S: 2 OK [READ-WRITE] *
            C: 3 FETCH 1 (FLAGS)
            S: * 1 FETCH (FLAGS ())
            S: 3 OK *
            C: 4 SEARCH UNSEEN
            S: * ESEARCH (TAG "4") ALL 1:3
            S: 4 OK *
            C: 5 UID SEARCH DELETED
            S: * ESEARCH (TAG "5") UID
            S: 5 OK *
            C: 6 SEARCH RETURN (COUNT) ALL
            S: * ESEARCH (TAG "6") COUNT 3
            S: 6 OK *
            C: 7 STORE 2 +FLAGS.SILENT (\Deleted)
            S: 7 OK *
            C: 8 STATUS INBOX (MESSAGES DELETED SIZE)
            S: * STATUS "INBOX" (MESSAGES 3 SIZE *
            S: 8 OK *
            """);
        await old.SendAsync("1 SELECT INBOX\r\n");
        Assert.Contains("* 3 RECENT", await old.ReadUntilAsync("1 OK"));   // a rev2 session takes it from nobody
        await rig.GivenMessagesAsync(1);
        await c.PlayAsync("C: 9 NOOP\nS: * 4 EXISTS\nS: 9 OK *");
    }

    [Fact]
    public async Task When_rev2_is_enabled_then_mailbox_names_are_utf8_both_ways()   // RFC 9051 §5.1
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync(), old = await rig.LogInAsync();
        string name = System.Text.Encoding.Latin1.GetString("Entw\u00fcrfe & mehr"u8);
        await c.PlayAsync($"""
            C: 1 ENABLE IMAP4rev2
            S: * ENABLED IMAP4rev2
            S: 1 OK *
            C: 2 CREATE "{name}"
            S: 2 OK *
            C: 3 LIST "" "Entw*"
            S: * LIST (\HasNoChildren) "/" "{name}"
            S: 3 OK *
            C: 4 STATUS "{name}" (MESSAGES)
            S: * STATUS "{name}" (MESSAGES 0)
            S: 4 OK *
            C: 5 CREATE "a\"b\\c"
            S: 5 OK *
            C: 6 LIST "" a*
            S: * LIST (\HasNoChildren) "/" "a\"b\\c"
            S: 6 OK *
            """);
        await c.SendAsync("7 SELECT \"\u00ff\u00fe\"\r\n");   // no UTF-8
        await c.PlayAsync("S: 7 BAD *");
        await old.PlayAsync("C: 1 LIST \"\" Entw*\nS: * LIST (\\HasNoChildren) \"/\" \"Entw&APw-rfe &- mehr\"\nS: 1 OK *\nC: 2 SELECT \"Entw&APw-rfe &- mehr\"");
        await old.ReadUntilAsync("2 OK");
    }

    [Fact]
    public async Task When_uidonly_is_enabled_then_no_sequence_number_goes_either_way()   // RFC 9586
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(6);
        await using WireScript c = await rig.LogInAsync(), other = await rig.SelectAsync();
        await other.PlayAsync("C: 1 UID STORE 1:2 +FLAGS.SILENT (\\Deleted)\nS: 1 OK *\nC: 2 EXPUNGE\nS: * 2 EXPUNGE\nS: * 1 EXPUNGE\nS: 2 OK *");
        await c.PlayAsync("C: 1 ENABLE UIDONLY\nS: * ENABLED UIDONLY\nS: 1 OK *\nC: 2 SELECT INBOX");
        await c.ReadUntilAsync("2 OK");
        foreach (string command in new[]
        {
            "FETCH 1 (UID)", "STORE 1 +FLAGS (\\Seen)", "SEARCH ALL", "COPY 1 INBOX", "MOVE 1 INBOX", "UID SEARCH 1:2", "UID SEARCH OR SEEN NOT 3",
        })
            await c.PlayAsync($"C: 3 {command}\nS: 3 BAD [UIDREQUIRED] *");
        await c.PlayAsync("""
            C: 4 UID FETCH 3:4 (FLAGS)
            S: * 3 UIDFETCH (FLAGS ())
            S: * 4 UIDFETCH (FLAGS ())
            S: 4 OK *
            C: 5 UID FETCH 3 (UID BODY.PEEK[TEXT])
            S: * 3 UIDFETCH (UID 3 BODY[TEXT] {9}
            S: Hello 3
            S: )
            S: 5 OK *
            C: 6 UID STORE 4 +FLAGS (\Deleted)
            S: * 4 UIDFETCH (FLAGS (\Deleted))
            S: 6 OK *
            C: 7 UID FETCH 5 (BODY[TEXT])
            S: * 5 UIDFETCH (FLAGS (\Seen) BODY[TEXT] {9}
            S: Hello 5
            S: )
            S: 7 OK *
            C: 8 EXPUNGE
            S: * VANISHED 4
            S: 8 OK [HIGHESTMODSEQ *
            C: 9 UID SEARCH ALL
            S: * SEARCH 3 5 6
            S: 9 OK *
            """);
        await other.SendAsync("3 UID STORE 6 +FLAGS.SILENT (\\Flagged)\r\n");
        await other.ReadUntilAsync("3 OK");
        await c.PlayAsync("C: 10 NOOP\nS: * 6 UIDFETCH (FLAGS (\\Flagged))\nS: 10 OK *");
        await c.PlayAsync("C: 11 ENABLE QRESYNC\nS: * OK [HIGHESTMODSEQ *\nS: * ENABLED QRESYNC\nS: 11 OK *\nC: 12 SELECT INBOX (QRESYNC (1 1 1:9 (1 1)))\nS: 12 BAD [UIDREQUIRED] *");
        await c.SendAsync("13 UID FETCH 3 (FLAGS) (CHANGEDSINCE 1)\r\n");
        Assert.StartsWith("* 3 UIDFETCH (FLAGS () MODSEQ (", (await c.ReadUntilAsync("13 OK"))[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_a_program_unauthenticates_then_nothing_of_the_last_user_is_left()   // RFC 8437 §3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(1);
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync($$"""
            C: 1 ENABLE IMAP4rev2 QRESYNC UIDONLY
            S: * OK [HIGHESTMODSEQ *
            S: * ENABLED IMAP4rev2 QRESYNC UIDONLY
            S: 1 OK *
            C: 2 UNAUTHENTICATE
            S: 2 OK *
            C: 3 FETCH 1 (UID)
            S: 3 BAD *
            C: 4 LIST "" *
            S: 4 BAD *
            C: 5 UNAUTHENTICATE
            S: 5 BAD *
            C: 6 LOGIN bob@example.test "{{MailRig.Password}}"
            S: 6 OK [CAPABILITY *
            C: 7 SELECT INBOX
            S: * FLAGS *
            S: * OK [PERMANENTFLAGS *
            S: * 0 EXISTS
            S: * 0 RECENT
            """);
        await c.ReadUntilAsync("7 OK");
        await c.PlayAsync("C: 8 SEARCH ALL\nS: * SEARCH\nS: 8 OK *\nC: 9 SELECT INBOX (QRESYNC (1 1))\nS: 9 BAD *");
        Assert.Equal(["bob@example.test"], rig.Mail.Sessions.List().Select(session => session.Login));
    }

    [Fact]
    public async Task When_unauthenticate_is_switched_off_then_it_is_neither_announced_nor_done()   // RFC 8437 §8
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.ImapUnauthenticate = false);
        await using WireScript c = await rig.LogInAsync();
        await c.SendAsync("1 CAPABILITY\r\n");
        Assert.DoesNotContain("UNAUTHENTICATE", (await c.ReadUntilAsync("1 OK"))[0], StringComparison.Ordinal);
        await c.PlayAsync("C: 2 UNAUTHENTICATE\nS: 2 BAD *\nC: 3 NOOP\nS: 3 OK *");
    }

    [Fact]
    public async Task When_somebody_else_expunged_messages_then_a_command_on_numbers_says_so()   // RFC 5530 §3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(3);
        await using WireScript c = await rig.SelectAsync(), other = await rig.SelectAsync();
        await other.PlayAsync("C: 1 STORE 2 +FLAGS.SILENT (\\Deleted)\nS: 1 OK *\nC: 2 EXPUNGE\nS: * 2 EXPUNGE\nS: 2 OK *");
        await c.PlayAsync("C: 1 SEARCH ALL\nS: * SEARCH 1 2 3\nS: 1 OK [EXPUNGEISSUED] *\nC: 2 NOOP\nS: * 2 EXPUNGE\nS: 2 OK NOOP completed");
        await c.PlayAsync("C: 3 SEARCH ALL\nS: * SEARCH 1 2\nS: 3 OK SEARCH completed");
    }

    [Fact]
    public async Task When_literal_minus_is_set_then_what_comes_unasked_must_be_small()   // RFC 7888 §5
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.ImapLiteralMinus = true);
        await using WireScript c = await rig.LogInAsync(), d = await rig.LogInAsync(), e = await rig.LogInAsync();
        await c.SendAsync("1 CAPABILITY\r\n");
        string[] words = (await c.ReadUntilAsync("1 OK"))[0].Split(' ');
        Assert.Contains("LITERAL-", words);
        Assert.DoesNotContain("LITERAL+", words);
        await c.SendAsync("2 APPEND INBOX {4096+}\r\n" + new string('x', 4096) + "\r\n");
        await c.PlayAsync("S: 2 OK *\nC: 3 APPEND INBOX {4097}\nS: + *");
        await c.SendAsync(new string('x', 4097) + "\r\n");
        await c.PlayAsync("S: 3 OK *\nC: 4 APPEND INBOX {4097+}\nS: 4 BAD [TOOBIG] *\nS: * BYE [TOOBIG] *");
        await d.PlayAsync("C: 1 CREATE {4097+}\nS: 1 BAD [TOOBIG] *\nS: * BYE [TOOBIG] *");
        await e.PlayAsync("C: 1 STATUS {5+}\nC: INBOX (MESSAGES)\nS: * STATUS \"INBOX\" (MESSAGES 2)\nS: 1 OK *");
    }

    [Theory]   // RFC 7888 §5: every literal of a command
    [InlineData("1 APPEND INBOX {3+}\r\nabc {4097+}\r\n")]                        // RFC 3502 §6.3.11
    [InlineData("1 APPEND INBOX CATENATE (TEXT {3+}\r\nabc TEXT {4097+}\r\n")]    // RFC 4469 §5
    [InlineData("1 APPEND INBOX CATENATE (URL {4097+}\r\n")]
    [InlineData("1 APPEND INBOX {3+}\r\nabc (\\Nonsense) {4097+}\r\n")]
    public async Task When_literal_minus_is_set_then_a_later_literal_must_be_small_too(string command)
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.ImapLiteralMinus = true);
        await using WireScript c = await rig.LogInAsync(), d = await rig.LogInAsync();
        await c.SendAsync(command);
        await c.PlayAsync("S: 1 BAD [TOOBIG] *\nS: * BYE [TOOBIG] *");
        Assert.Empty(await rig.Mail.MessagesAsync(rig.Mail.Ann));
        await d.SendAsync(command.Replace("4097+", "4096+", StringComparison.Ordinal));
        await d.SendAsync(new string('x', 4096) + (command.Contains("CATENATE", StringComparison.Ordinal) ? ")" : "") + "\r\n");
        Assert.DoesNotContain("TOOBIG", (await d.ReadUntilAsync("1 "))[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void When_capabilities_are_announced_then_each_has_its_state_and_rev2_has_all_that_it_folds_in()   // RFC 9051 §6.1.1
    {
        var options = new EngineOptions();
        string[] clear = Capabilities.Before(options, mayStartTls: true, mayLogIn: false).Split(' '), tls = Capabilities.Before(options, mayStartTls: false, mayLogIn: true).Split(' '),
            after = Capabilities.After(options, "mail.example.test").Split(' ');
        Assert.Equal(["STARTTLS", "LOGINDISABLED"], clear.Except(after));
        Assert.Equal(["AUTH=PLAIN", "AUTH=LOGIN"], tls.Except(after));
        Assert.Equal(["IMAP4rev1", "LITERAL+", "SASL-IR", "ID", "ENABLE"], clear.Intersect(after).Except(["IMAP4rev2"]));
        Assert.Equal(after.Length, after.Distinct().Count());
        Assert.Equal(after.Contains("BINARY"), after.Contains("IMAP4rev2"));
        Assert.All(new[] { clear, tls }, before => Assert.Equal(after.Contains("IMAP4rev2"), before.Contains("IMAP4rev2")));
    }
}
