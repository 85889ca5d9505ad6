using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;

namespace MailAdmin.Tests.Imap;

public class SessionTests
{
    [Fact]
    public async Task When_a_mail_program_does_its_day_then_all_is_answered_as_the_rfc_says()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("""
            C: a1 CAPABILITY
            S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE *
            S: a1 OK CAPABILITY completed
            C: a2 ID ("name" "test" "version" NIL)
            S: * ID ("name" "MailAdmin")
            S: a2 OK *
            C: a3 NAMESPACE
            S: * NAMESPACE (("" "/")) (("Other Users/" "/")) (("Shared/" "/"))
            S: a3 OK *
            C: a4 ENABLE X-NOTHING IDLE
            S: * ENABLED
            S: a4 OK *
            C: a5 LIST "" ""
            S: * LIST (\Noselect) "/" ""
            S: a5 OK *
            C: a6 CREATE Work/2026/
            S: a6 OK *
            C: a7 LIST "" Work*
            S: * LIST (\HasChildren) "/" "Work"
            S: * LIST (\HasNoChildren) "/" "Work/2026"
            S: a7 OK *
            C: a8 LIST "Work/" %
            S: * LIST (\HasNoChildren) "/" "Work/2026"
            S: a8 OK *
            C: a9 CREATE "Entw&APw-rfe 2" (USE (\Archive))
            S: a9 OK *
            C: a10 LIST "" "Entw&APw-rfe%"
            S: * LIST (\HasNoChildren \Archive) "/" "Entw&APw-rfe 2"
            S: a10 OK *
            C: a11 SUBSCRIBE Work/2026
            S: a11 OK *
            C: a12 LSUB "" Work/%
            S: * LSUB () "/" "Work/2026"
            S: a12 OK *
            C: a13 UNSUBSCRIBE Work/2026
            S: a13 OK *
            C: a14 RENAME Work/2026 Work/2027
            S: a14 OK *
            C: a15 DELETE Work/2026
            S: a15 NO [NONEXISTENT] *
            C: a16 CREATE INBOX
            S: a16 NO *
            C: a17 CREATE "bad&name"
            S: a17 NO [CANNOT] *
            C: a18 APPEND Work/2027 (\Seen $Work) "17-Jul-1996 02:44:25 -0700" {23}
            S: + Ready for the message
            """);
        await c.SendAsync("Subject: one\r\n\r\nHello\r\n\r\n");
        await c.PlayAsync("S: a18 OK [APPENDUID *");
        await c.PlayAsync("""
            C: b1 STATUS Work/2027 (MESSAGES UNSEEN UIDNEXT RECENT SIZE)
            S: * STATUS "Work/2027" (MESSAGES 1 RECENT 1 UIDNEXT 2 UNSEEN 0 SIZE 23)
            S: b1 OK *
            C: b2 EXAMINE Work/2027
            S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work)
            S: * OK [PERMANENTFLAGS ()] *
            S: * 1 EXISTS
            S: * 1 RECENT
            S: * OK [UIDVALIDITY *
            S: * OK [UIDNEXT 2] *
            S: * OK [MAILBOXID (*
            S: * OK [HIGHESTMODSEQ *
            S: b2 OK [READ-ONLY] *
            C: b3 STORE 1 +FLAGS (\Deleted)
            S: b3 NO [READ-ONLY] *
            C: b4 FETCH 1 FULL
            S: * 1 FETCH (FLAGS (\Seen \Recent $Work) INTERNALDATE "17-Jul-1996 09:44:25 +0000" RFC822.SIZE 23 ENVELOPE (NIL "one" NIL NIL NIL NIL NIL NIL NIL NIL) BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 7 1))
            S: b4 OK *
            C: b5 SELECT Work/2027
            S: * OK [CLOSED] *
            S: * FLAGS *
            S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work \*)] *
            S: * 1 EXISTS
            S: * 1 RECENT
            S: * OK [UIDVALIDITY *
            S: * OK [UIDNEXT 2] *
            S: * OK [MAILBOXID (*
            S: * OK [HIGHESTMODSEQ *
            S: b5 OK [READ-WRITE] *
            C: b6 UID STORE 1 FLAGS (\Deleted \Flagged Other)
            S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work Other)
            S: * OK [PERMANENTFLAGS *
            S: * 1 FETCH (UID 1 FLAGS (\Flagged \Deleted \Recent Other))
            S: b6 OK *
            C: b7 COPY 1 Missing
            S: b7 NO [TRYCREATE] *
            C: b8 COPY 1 INBOX
            S: b8 OK [COPYUID *
            C: b9 STORE 1 -FLAGS.SILENT \Flagged
            S: b9 OK *
            C: b10 FETCH 1 FLAGS
            S: * 1 FETCH (FLAGS (\Deleted \Recent Other))
            S: b10 OK *
            C: b11 EXPUNGE
            S: * 1 EXPUNGE
            S: b11 OK *
            C: b12 FETCH 1 FLAGS
            S: b12 BAD *
            C: b13 UID FETCH 1:* FLAGS
            S: b13 OK *
            C: b14 CLOSE
            S: b14 OK *
            C: b15 FETCH 1 FLAGS
            S: b15 BAD *
            C: b16 NOSUCH
            S: b16 BAD *
            C: b17 LOGOUT
            S: * BYE *
            S: b17 OK *
            """);
        Assert.True(await c.EndsAsync());
    }

    [Fact]
    public async Task When_messages_are_moved_then_copyuid_comes_before_the_expunges()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(4);
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("C: a CREATE T\nS: a OK *\nC: b MOVE 2:3 T\nS: * OK [COPYUID *");
        await c.PlayAsync("S: * 3 EXPUNGE\nS: * 2 EXPUNGE\nS: b OK *\nC: c UID SEARCH ALL\nS: * SEARCH 1 4\nS: c OK *");
        await c.PlayAsync("C: d STORE 1:2 +FLAGS.SILENT (\\Deleted)\nS: d OK *\nC: e UID EXPUNGE 4\nS: * 2 EXPUNGE\nS: e OK *\nC: f UNSELECT\nS: f OK *");
        await c.PlayAsync("C: g STATUS INBOX (MESSAGES)\nS: * STATUS \"INBOX\" (MESSAGES 1)\nS: g OK *");
    }

    [Fact]
    public async Task When_one_session_expunges_then_the_other_hears_it_only_where_that_is_safe()   // RFC 9051 §7.5.1
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(3);
        await using WireScript ann = await rig.SelectAsync(), bob = await rig.SelectAsync();
        await ann.PlayAsync("C: 1 STORE 1 +FLAGS.SILENT (\\Deleted)\nS: 1 OK *\nC: 2 EXPUNGE\nS: * 1 EXPUNGE\nS: 2 OK *");
        await rig.GivenMessagesAsync(1);
        // The numbers stay, the expunged message can still be read, new mail is told of at once.
        await bob.PlayAsync("""
            C: 1 FETCH 2 (UID)
            S: * 2 FETCH (UID 2)
            S: * 4 EXISTS
            S: * *
            S: 1 OK *
            C: 2 FETCH 1 (BODY.PEEK[TEXT] ENVELOPE)
            S: * 1 FETCH (ENVELOPE (NIL "message 1" NIL NIL NIL NIL NIL NIL NIL NIL) BODY[TEXT] {9}
            S: Hello 1
            S: )
            S: 2 OK *
            C: 3 STORE 2 +FLAGS (\Flagged)
            S: * 2 FETCH (FLAGS (\Flagged*
            S: 3 OK *
            C: 4 FETCH 2 (FLAGS)
            S: * 2 FETCH (FLAGS (\Flagged*
            S: 4 OK *
            C: 5 SEARCH FLAGGED
            S: * SEARCH 2
            S: 5 OK *
            C: 6 NOOP
            S: * 1 EXPUNGE
            S: 6 OK *
            C: 7 FETCH 1 (UID)
            S: * 1 FETCH (UID 2)
            S: 7 OK *
            """);
        await ann.PlayAsync("C: 3 NOOP\nS: * 3 EXISTS\nS: * *\nS: * 1 FETCH (UID 2 FLAGS (\\Flagged*\nS: 3 OK *");
    }

    [Fact]
    public async Task When_something_changes_while_a_session_idles_then_it_is_told_at_once()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(1);
        await using WireScript ann = await rig.SelectAsync(), bob = await rig.SelectAsync();
        await bob.PlayAsync("C: 1 IDLE\nS: + idling");
        for (int i = 2; i < 12; i++)
        {
            await rig.GivenMessagesAsync(1);
            await bob.PlayAsync($"S: * {i} EXISTS\nS: * *");
        }
        await ann.PlayAsync("C: 1 STORE 1 +FLAGS.SILENT (\\Deleted)\nS: * 11 EXISTS\nS: * *\nS: 1 OK *\nC: 2 EXPUNGE\nS: * 1 EXPUNGE\nS: 2 OK *");
        List<string> told = await bob.ReadUntilAsync("* 1 EXPUNGE");
        Assert.True(told.Count <= 2);
        await bob.PlayAsync("C: DONE\nS: 1 OK *\nC: 2 IDLE\nS: + idling\nC: NONSENSE\nS: 2 BAD *\nC: 3 NOOP\nS: 3 OK *");
    }

    [Fact]
    public async Task When_the_selected_mailbox_is_deleted_then_the_other_session_hears_bye()   // RFC 9051 §6.3.5
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript ann = await rig.LogInAsync();
        await ann.PlayAsync("C: 1 CREATE x\nS: 1 OK *");
        await using WireScript bob = await rig.SelectAsync("x");
        await using WireScript idle = await rig.SelectAsync("x");
        await idle.PlayAsync("C: 1 IDLE\nS: + idling");
        await ann.PlayAsync("C: 2 DELETE x\nS: 2 OK *");
        await bob.PlayAsync("C: 1 NOOP\nS: * BYE *");
        await idle.PlayAsync("S: * BYE *");
    }

    [Fact]
    public async Task When_tls_is_missing_then_no_password_is_taken_and_starttls_brings_it()
    {
        await using MailRig rig = await MailRig.StartAsync();
        await using WireScript c = await rig.ConnectAsync(MailProtocol.Imap);
        await c.PlayAsync($"""
            S: * OK [CAPABILITY IMAP4rev1 *
            C: 1 LOGIN ann@example.test secret
            S: 1 NO [PRIVACYREQUIRED] *
            C: 2 AUTHENTICATE PLAIN {MailRig.Plain("ann@example.test", MailRig.Password)}
            S: 2 NO [PRIVACYREQUIRED] *
            C: 3 STARTTLS
            S: 3 OK *
            """);
        c.Continue(await MailRig.TlsOverAsync(c.Stream));
        await c.PlayAsync($"""
            C: 4 CAPABILITY
            S: * CAPABILITY IMAP4rev1 *
            S: 4 OK *
            C: 5 AUTHENTICATE PLAIN
            S: + 
            C: *
            S: 5 BAD *
            C: 6 AUTHENTICATE PLAIN {MailRig.Plain("ann@example.test", "wrong password")}
            S: 6 NO [AUTHENTICATIONFAILED] *
            C: 7 AUTHENTICATE LOGIN
            S: + VXNlcm5hbWU6
            C: {Convert.ToBase64String("ann@example.test"u8)}
            S: + UGFzc3dvcmQ6
            C: {Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(MailRig.Password))}
            S: 7 OK [CAPABILITY *
            C: 8 LOGIN a b
            S: 8 BAD *
            """);
        await using WireScript implicitTls = await rig.ConnectAsync(MailProtocol.Imap, implicitTls: true);
        await implicitTls.PlayAsync("S: * OK [CAPABILITY IMAP4rev1 *");
    }

    [Fact]
    public async Task When_commands_are_sent_behind_starttls_in_the_clear_then_they_are_never_run()   // attack case A3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.ConnectAsync();
        await c.SendAsync("1 STARTTLS\r\n2 LOGOUT\r\n");
        Assert.True(await c.EndsAsync());
    }

    [Fact]
    public async Task When_an_account_is_suspended_then_its_sessions_end()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("C: 1 IDLE\nS: + idling");
        await rig.Mail.Accounts.WriteAsync(async db =>
        {
            Account account = (await db.Users.FindAsync(rig.Mail.Ann))!;
            account.State = AccountState.Suspended;
            await db.SaveChangesAsync();
        });
        await c.PlayAsync("S: * BYE *");
    }
}
