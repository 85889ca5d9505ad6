using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Store;

namespace MailAdmin.Tests.Imap;

/// <summary>What clients see of several volumes: nothing.</summary>
public sealed class PartitionSessionTests
{
    const string Team = "Other Users/bob@example.test/Team";

    static async Task<ImapRig> StartAsync()
    {
        ImapRig rig = await ImapRig.StartAsync(options => options.Store.With("b"));
        await rig.Mail.Store.GivenHomeAsync(rig.Mail.Ann, "default");
        await rig.Mail.Store.GivenHomeAsync(rig.Mail.Bob, "b");
        return rig;
    }

    static async Task<string> AnswerAsync(WireScript client, string line) => string.Join('\n', await client.AskAsync(line, "x"));

    [Fact]
    public async Task When_users_live_on_two_volumes_then_they_share_mailboxes_and_mail_comes_to_both()
    {
        await using ImapRig rig = await StartAsync();
        MailStore store = rig.Mail.Store;
        await store.CreateAsync(rig.Mail.Bob, MailboxName.Parse("Team"));
        Mailbox team = (await store.OpenAsync(rig.Mail.Bob, MailboxName.Parse("Team")))!;
        await store.SetAclAsync(team.Id, AclIdentifier.OfAccount(rig.Mail.Ann), AclChangeMode.Replace, AclRights.All);
        await using (WireScript lmtp = await rig.Mail.ConnectAsync(MailProtocol.Lmtp))
        {
            await lmtp.PlayAsync("S: 220 *\nC: LHLO client.test");
            await lmtp.ReadUntilAsync("250 ");
            await lmtp.PlayAsync("C: MAIL FROM:<x@example.org>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: RCPT TO:<bob@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
            await lmtp.PlayAsync("C: Subject: both\nC: \nC: text\nC: .\nS: 250 *\nS: 250 *");
        }
        Assert.Single(await rig.Mail.MessagesAsync(rig.Mail.Bob));

        await using WireScript ann = await rig.SelectAsync();
        Assert.Contains($"\"{Team}\"", await AnswerAsync(ann, "LIST \"\" \"Other Users/*\""), StringComparison.Ordinal);
        Assert.Contains("[COPYUID ", await AnswerAsync(ann, $"COPY 1 \"{Team}\""), StringComparison.Ordinal);
        Assert.Contains("MOVE completed", await AnswerAsync(ann, $"MOVE 1 \"{Team}\""), StringComparison.Ordinal);
        Assert.Contains("MESSAGES 2", await AnswerAsync(ann, $"STATUS \"{Team}\" (MESSAGES)"), StringComparison.Ordinal);
        Assert.Contains("x OK", await AnswerAsync(ann, $"SELECT \"{Team}\""), StringComparison.Ordinal);
        Assert.Contains("Subject: both", await AnswerAsync(ann, "FETCH 2 (BODY.PEEK[HEADER])"), StringComparison.Ordinal);
        Assert.Contains("[APPENDUID", await AnswerAsync(ann, $"UID REPLACE 1 INBOX () {{16+}}\r\nSubject: x\r\n\r\nxy"), StringComparison.Ordinal);
        Assert.Contains($"[APPENDUID", await AnswerAsync(ann, $"APPEND \"{Team}\" CATENATE (URL \"/INBOX/;UID=2\" TEXT {{4+}}\r\nmore)"), StringComparison.Ordinal);
        Assert.Equal(["both"], (await rig.Mail.MessagesAsync(rig.Mail.Bob, "Team")).Where(m => m.Contains("both", StringComparison.Ordinal)).Select(_ => "both"));
        Assert.True((await store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_an_account_moves_then_a_session_with_a_mailbox_selected_notices_nothing()
    {
        await using ImapRig rig = await StartAsync();
        await rig.GivenOldMessagesAsync(20);
        await using WireScript ann = await rig.SelectAsync(), idle = await rig.SelectAsync();
        await AnswerAsync(ann, "STATUS INBOX (HIGHESTMODSEQ)");   // RFC 7162 §3.1: from here on the client knows mod-sequences
        string status = await AnswerAsync(ann, "STATUS INBOX (UIDNEXT UIDVALIDITY UNSEEN MAILBOXID SIZE HIGHESTMODSEQ)");
        string ids = await AnswerAsync(ann, "FETCH 1:* (UID FLAGS EMAILID THREADID INTERNALDATE SAVEDATE)");
        await idle.PlayAsync("C: i IDLE\nS: + *");

        await rig.Mail.Store.MoveAccountAsync(rig.Mail.Ann, "b", null, default);

        Assert.Equal(ids, await AnswerAsync(ann, "FETCH 1:* (UID FLAGS EMAILID THREADID INTERNALDATE SAVEDATE)"));
        Assert.Equal(status, await AnswerAsync(ann, "STATUS INBOX (UIDNEXT UIDVALIDITY UNSEEN MAILBOXID SIZE HIGHESTMODSEQ)"));
        Assert.Contains("Hello 7", await AnswerAsync(ann, "FETCH 7 (BODY.PEEK[])"), StringComparison.Ordinal);
        Assert.Contains("* SEARCH 7", await AnswerAsync(ann, "SEARCH BODY \"Hello 7\""), StringComparison.Ordinal);
        Assert.Contains("* SORT", await AnswerAsync(ann, "SORT (SUBJECT) UTF-8 ALL"), StringComparison.Ordinal);
        Assert.Contains("\\Deleted", await AnswerAsync(ann, "STORE 3 +FLAGS (\\Deleted)"), StringComparison.Ordinal);
        Assert.Contains("* 3 EXPUNGE", await AnswerAsync(ann, "EXPUNGE"), StringComparison.Ordinal);
        await idle.PlayAsync("S: * 3 FETCH *\nS: * 3 EXPUNGE");
        await rig.GivenMessagesAsync(1);
        await idle.ReadUntilAsync("* 20 EXISTS");
        await idle.PlayAsync("C: DONE");
        await idle.ReadUntilAsync("i OK");
        Assert.Equal("b", rig.Mail.Store.PartitionOf(rig.Mail.Ann));
    }

    [Fact]
    public async Task When_an_account_moves_while_a_large_message_is_on_its_way_then_the_message_arrives_whole()
    {
        await using ImapRig rig = await StartAsync();
        await using WireScript ann = await rig.SelectAsync();
        string mail = "Subject: large\r\n\r\n" + string.Concat(Enumerable.Range(0, 40_000).Select(i => $"line {i} of a message that has a file of its own\r\n"));
        await ann.SendAsync($"1 APPEND INBOX {{{mail.Length}+}}\r\n");
        await ann.SendAsync(mail[..1_200_000]);
        await AnswerAsync(await rig.SelectAsync(), "NOOP");
        await rig.Mail.Store.MoveAccountAsync(rig.Mail.Ann, "b", null, default);
        await ann.SendAsync(mail[1_200_000..] + "\r\n");
        Assert.StartsWith("1 OK [APPENDUID", (await ann.ReadUntilAsync("1 "))[^1], StringComparison.Ordinal);
        Assert.Equal("b", rig.Mail.Store.PartitionOf(rig.Mail.Ann));
        await ann.PlayAsync($"C: 2 FETCH 1 (BODY.PEEK[])\nS: * 1 FETCH (BODY[] {{{mail.Length}}}");
        Assert.Equal(mail, Encoding.ASCII.GetString(await ann.ReadBytesAsync(mail.Length)));
        Assert.True((await rig.Mail.Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_a_message_is_expunged_and_its_account_moves_then_a_session_that_still_counts_it_is_never_given_other_bytes()
    {
        await using ImapRig rig = await StartAsync();
        await rig.GivenMessagesAsync(3);
        await using WireScript ann = await rig.SelectAsync(), other = await rig.SelectAsync();
        await AnswerAsync(other, "STORE 1 +FLAGS (\\Deleted)");
        await AnswerAsync(other, "EXPUNGE");
        await rig.Mail.Store.MoveAccountAsync(rig.Mail.Ann, "b", null, default);
        Assert.Contains("UID 2", await AnswerAsync(ann, "FETCH 2 (UID)"), StringComparison.Ordinal);

        string gone = await AnswerAsync(ann, "FETCH 1 (BODY.PEEK[])");

        Assert.Contains("x NO [UNAVAILABLE]", gone, StringComparison.Ordinal);
        Assert.DoesNotContain("Hello", gone, StringComparison.Ordinal);
        Assert.Contains("Hello 3", await AnswerAsync(ann, "FETCH 3 (BODY.PEEK[])"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_a_volume_is_not_there_then_its_users_are_told_so_and_nobody_else_notices()
    {
        await using ImapRig rig = await StartAsync();
        MailEngine.Store.Partitions.PartitionSlot volume = rig.Mail.Store.Slot("b");
        await volume.Open!.DisposeAsync();
        volume.Open = null;   // as after a start without it
        await using WireScript bob = await rig.LogInAsync("bob@example.test"), ann = await rig.SelectAsync();
        Assert.StartsWith("x NO [UNAVAILABLE]", await AnswerAsync(bob, "SELECT INBOX"), StringComparison.Ordinal);
        Assert.StartsWith("x NO [UNAVAILABLE]", await AnswerAsync(bob, "LIST \"\" *"), StringComparison.Ordinal);
        Assert.StartsWith("x NO [UNAVAILABLE]", await AnswerAsync(bob, "STATUS INBOX (MESSAGES)"), StringComparison.Ordinal);
        Assert.StartsWith("x OK", await AnswerAsync(bob, "NOOP"), StringComparison.Ordinal);
        Assert.Contains("x OK", await AnswerAsync(ann, "LIST \"\" *"), StringComparison.Ordinal);
        await using WireScript lmtp = await rig.Mail.ConnectAsync(MailProtocol.Lmtp);
        await lmtp.PlayAsync("S: 220 *\nC: LHLO client.test");
        await lmtp.ReadUntilAsync("250 ");
        await lmtp.PlayAsync("C: MAIL FROM:<x@example.org>\nS: 250 *\nC: RCPT TO:<bob@example.test>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
        await lmtp.PlayAsync("C: Subject: both\nC: \nC: text\nC: .\nS: 451 *\nS: 250 *");
    }
}
