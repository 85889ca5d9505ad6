using System.Globalization;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Store;

namespace MailAdmin.Tests.Imap;

/// <summary>Promise 2: nobody reads or changes what is not his. Every command against every right, in one's own mailboxes and in others'.</summary>
public class AccessTests
{
    /// <param name="Needs">Rights without which it is refused.</param>
    /// <param name="Line">{0}: the mailbox; {1}: one that it is renamed to, in the same place.</param>
    /// <param name="Absent">Code for a mailbox that is not there.</param>
    sealed record Row(string Name, string Needs, string Line, string Absent = "NONEXISTENT", bool Selected = false);

    static readonly Row[] s_rows =
    [
        new("SELECT", "r", "SELECT \"{0}\""),
        new("EXAMINE", "r", "EXAMINE \"{0}\""),
        new("STATUS", "r", "STATUS \"{0}\" (MESSAGES UNSEEN RECENT SIZE)"),
        new("GETACL", "a", "GETACL \"{0}\""),
        new("SETACL", "a", "SETACL \"{0}\" anyone +p"),
        new("DELETEACL", "a", "DELETEACL \"{0}\" -anyone"),
        new("LISTRIGHTS", "a", "LISTRIGHTS \"{0}\" anyone"),
        new("DELETE", "x", "DELETE \"{0}\""),
        new("RENAME", "x", "RENAME \"{0}\" \"{1}\""),
        new("APPEND", "i", "APPEND \"{0}\" (\\Seen) {{16+}}\r\nSubject: x\r\n\r\nxy", "TRYCREATE"),
        new("COPY", "i", "COPY 1 \"{0}\"", "TRYCREATE"),
        new("MOVE", "i", "MOVE 1 \"{0}\"", "TRYCREATE"),
        new("STORE seen", "s", "STORE 1 +FLAGS (\\Seen)", Selected: true),
        new("STORE flagged", "w", "STORE 1 +FLAGS (\\Flagged)", Selected: true),
        new("STORE keyword", "w", "UID STORE 1 -FLAGS.SILENT ($Work)", Selected: true),
        new("STORE deleted", "t", "STORE 1 +FLAGS (\\Deleted)", Selected: true),
        new("EXPUNGE", "e", "EXPUNGE", Selected: true),
        new("UID EXPUNGE", "e", "UID EXPUNGE 1", Selected: true),
        new("MOVE from", "te", "UID MOVE 1 INBOX", Selected: true),
    ];

    const string All = "lrswipkxtea";

    static string Less(string rights, string taken) => string.Concat(rights.Except(taken));

    static AclRights Rights(string text)
    {
        Assert.True(AclText.TryParse(text, out AclRights rights));
        return rights;
    }

    /// <summary>A mailbox of bob's with a message, that ann has these rights on.</summary>
    static async Task<string> GivenBoxAsync(ImapRig rig, int number, string rights, long? to = null)
    {
        string name = FormattableString.Invariant($"B{number}");
        Assert.Equal(StoreError.None, await rig.Mail.Store.CreateAsync(rig.Mail.Bob, MailboxName.Parse(name)));
        Mailbox box = (await rig.Mail.Store.OpenAsync(rig.Mail.Bob, MailboxName.Parse(name)))!;
        await rig.GivenMessageAsync(box);
        await rig.Mail.Store.SetAclAsync(box.Id, AclIdentifier.OfAccount(to ?? rig.Mail.Ann), AclChangeMode.Replace, Rights(rights));
        return name;
    }

    static async Task<string> AnswerAsync(WireScript client, string line) => (await client.AskAsync(line, "x"))[^1][2..];

    static async Task<string> RunAsync(WireScript client, Row row, string name, string renamed)
    {
        if (row.Selected && await AnswerAsync(client, $"SELECT \"{name}\"") is var selected && !selected.StartsWith("OK", StringComparison.Ordinal))
            return selected;
        if (row.Name is "COPY" or "MOVE")
            await AnswerAsync(client, "SELECT INBOX");
        string answer = await AnswerAsync(client, string.Format(CultureInfo.InvariantCulture, row.Line, name, renamed));
        await AnswerAsync(client, "UNSELECT");
        return answer;
    }

    [Fact]
    public async Task When_a_right_is_missing_in_another_s_mailbox_then_every_command_that_needs_it_is_refused()
    {
        await using ImapRig rig = await ImapRig.StartAsync(o => o.Limits.BadCommands = 1000);
        await rig.GivenMessagesAsync(200);
        await using WireScript ann = await rig.LogInAsync();
        var faults = new List<string>();
        int number = 0;
        // "k" for the new name is asked of the mailbox above it: bob's INBOX.
        await rig.Mail.Store.OpenAsync(rig.Mail.Bob, MailboxName.Inbox);
        MailboxInfo inbox = rig.Mail.Store.Find(rig.Mail.Bob, MailboxName.Inbox)!;
        await rig.Mail.Store.SetAclAsync(inbox.Id, AclIdentifier.OfAccount(rig.Mail.Ann), AclChangeMode.Replace, AclRights.Create);

        async Task ExpectAsync(Row row, string rights, string start)
        {
            string name = await GivenBoxAsync(rig, ++number, rights);
            const string place = "Other Users/bob@example.test/";
            string answer = await RunAsync(ann, row, place + name, place + name + "new");
            if (!answer.StartsWith(start, StringComparison.Ordinal))
                faults.Add($"{row.Name} with \"{rights}\": expected {start}, got {answer}");
            if (start != "NO" + $" [{row.Absent}]")
                return;
            // Whoever may not list it is told what he is told of a mailbox, and of a user, that are not there.
            foreach (string missing in new[] { place + "Missing", "Other Users/nobody@example.test", "Other Users/nobody@example.test/X", "Shared/Missing" })
            {
                string same = await RunAsync(ann, row, missing, place + "Missing2");
                if (same != answer)
                    faults.Add($"{row.Name} of {missing}: {same}, of a hidden one: {answer}");
            }
        }
        foreach (Row row in s_rows)
        {
            await ExpectAsync(row, All, "OK");
            await ExpectAsync(row, row.Selected ? row.Needs + "r" : row.Needs, "OK");   // nothing more is needed, not even to list it
            foreach (char needed in row.Needs)
                await ExpectAsync(row, Less(All, needed.ToString()), "NO [NOPERM]");
            if (row.Selected)
                await ExpectAsync(row, Less(All, "r"), "NO [NOPERM]");
            await ExpectAsync(row, "", $"NO [{(row.Selected ? "NONEXISTENT" : row.Absent)}]");
            if (!row.Selected)
                await ExpectAsync(row, Less(All, row.Needs + "l"), $"NO [{row.Absent}]");
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults));
        Assert.True((await rig.Mail.Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_an_owner_has_taken_a_right_from_himself_then_his_own_commands_are_refused_too()
    {
        await using ImapRig rig = await ImapRig.StartAsync(o => o.Limits.BadCommands = 1000);
        await using WireScript bob = await rig.LogInAsync("bob@example.test");
        await rig.GivenMessageAsync((await rig.Mail.Store.OpenAsync(rig.Mail.Bob, MailboxName.Inbox))!, 100);
        var faults = new List<string>();
        int number = 0;
        foreach (Row row in s_rows.Where(row => row.Needs != "a"))   // that one he cannot lose
        {
            foreach ((string rights, string start) in new[] { (All, "OK"), (Less(All, row.Needs), "NO [NOPERM]") })
            {
                string name = await GivenBoxAsync(rig, ++number, rights, rig.Mail.Bob);
                string answer = await RunAsync(bob, row, name, name + "new");
                if (!answer.StartsWith(start, StringComparison.Ordinal))
                    faults.Add($"{row.Name} with \"{rights}\": expected {start}, got {answer}");
            }
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults));
        await bob.PlayAsync("""
            C: a SETACL B1 bob@example.test ""
            S: a OK *
            C: b MYRIGHTS B1
            S: * MYRIGHTS "B1" la
            S: b OK *
            C: c CREATE B1/below
            S: c NO [NOPERM] *
            C: d SETACL B1 bob@example.test +k
            S: d OK *
            C: e CREATE B1/below
            S: e OK *
            C: f MYRIGHTS B1/below
            S: * MYRIGHTS "B1/below" lkac
            S: f OK *
            C: g DELETEACL B1 bob@example.test
            S: g OK *
            C: h MYRIGHTS B1
            S: * MYRIGHTS "B1" lrswipkxteacd
            S: h OK *
            """);
    }

    [Fact]
    public async Task When_mailboxes_are_made_in_another_s_tree_then_k_above_them_decides_and_the_maker_can_use_them()   // RFC 4314 §4
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript ann = await rig.LogInAsync(), bob = await rig.LogInAsync("bob@example.test");
        await bob.PlayAsync("C: a CREATE Work\nS: a OK *\nC: b CREATE Private\nS: b OK *\nC: c SETACL Work ann@example.test lrik\nS: c OK *");
        await ann.PlayAsync("""
            C: a CREATE "Other Users/bob@example.test/Work/A/B"
            S: a OK *
            C: b MYRIGHTS "Other Users/bob@example.test/Work/A/B"
            S: * MYRIGHTS "Other Users/bob@example.test/Work/A/B" lrikc
            S: b OK *
            C: c CREATE "Other Users/bob@example.test/New"
            S: c NO [NOPERM] *
            C: d CREATE "Other Users/bob@example.test/Private/New"
            S: d NO [NOPERM] *
            C: e CREATE "Other Users/bob@example.test/Missing/New"
            S: e NO [NOPERM] *
            C: f CREATE "Other Users/nobody@example.test/New"
            S: f NO [NOPERM] *
            C: g CREATE "Other Users/New"
            S: g NO [NOPERM] *
            C: h CREATE "Other Users"
            S: h NO [NOPERM] *
            C: i CREATE Shared/New
            S: i NO [NOPERM] *
            C: j RENAME INBOX "Other Users/bob@example.test/Work/Mine"
            S: j NO [CANNOT] *
            C: k CREATE "Other Users/bob@example.test/Work/A"
            S: k NO [ALREADYEXISTS] *
            C: l CREATE "Other Users/ann@example.test/Own"
            S: l NO [NOPERM] *
            """);
        await bob.PlayAsync("C: d SETACL INBOX ann@example.test lrk\nS: d OK *");
        await ann.PlayAsync("""
            C: a CREATE "Other Users/bob@example.test/New"
            S: a OK *
            C: b MYRIGHTS "Other Users/bob@example.test/New"
            S: * MYRIGHTS "Other Users/bob@example.test/New" lrkc
            S: b OK *
            C: c RENAME "Other Users/bob@example.test" "Other Users/bob@example.test/Taken"
            S: c NO [NOPERM] *
            """);
    }

    [Fact]
    public async Task When_names_are_listed_then_only_those_with_the_right_l_are_there_and_missing_parents_are_missing()   // RFC 4314 §4 (LIST)
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript ann = await rig.LogInAsync(), bob = await rig.LogInAsync("bob@example.test");
        await bob.PlayAsync("""
            C: a CREATE A/B
            S: a OK *
            C: b CREATE Secret
            S: b OK *
            C: c SETACL A/B anyone lr
            S: c OK *
            C: d SETACL Secret ann@example.test r
            S: d OK *
            C: e CREATE Sent (USE (\Sent))
            S: e OK *
            C: f SETACL Sent $@example.test l
            S: f OK *
            """);
        await ann.PlayAsync("""
            C: a1 NAMESPACE
            S: * NAMESPACE (("" "/")) (("Other Users/" "/")) (("Shared/" "/"))
            S: a1 OK *
            C: a2 LIST "" *
            S: * LIST (\HasNoChildren) "/" "INBOX"
            S: * LIST (\HasNoChildren) "/" "Other Users/bob@example.test/A/B"
            S: * LIST (\HasNoChildren) "/" "Other Users/bob@example.test/Sent"
            S: a2 OK *
            C: a3 LIST "" %
            S: * LIST (\HasNoChildren) "/" "INBOX"
            S: * LIST (\Noselect \HasChildren) "/" "Other Users"
            S: a3 OK *
            C: a4 LIST () "Other Users/bob@example.test/" % RETURN (MYRIGHTS STATUS (MESSAGES) SUBSCRIBED)
            S: * LIST (\NonExistent \HasChildren) "/" "Other Users/bob@example.test/A"
            S: * LIST (\HasNoChildren) "/" "Other Users/bob@example.test/Sent"
            S: * MYRIGHTS "Other Users/bob@example.test/Sent" l
            S: a4 OK *
            C: a5 SUBSCRIBE "Other Users/bob@example.test/A/B"
            S: a5 OK *
            C: a6 SUBSCRIBE "Other Users/bob@example.test/Secret"
            S: a6 OK *
            C: a7 LSUB "" *
            S: * LSUB () "/" "INBOX"
            S: * LSUB () "/" "Other Users/bob@example.test/A/B"
            S: * LSUB () "/" "Other Users/bob@example.test/Secret"
            S: a7 OK *
            C: a8 LIST (SUBSCRIBED) "" * RETURN (STATUS (MESSAGES) MYRIGHTS)
            S: * LIST (\Subscribed \HasNoChildren) "/" "INBOX"
            S: * MYRIGHTS "INBOX" lrswipkxteacd
            S: * STATUS "INBOX" (MESSAGES 0)
            S: * LIST (\Subscribed \HasNoChildren) "/" "Other Users/bob@example.test/A/B"
            S: * MYRIGHTS "Other Users/bob@example.test/A/B" lr
            S: * STATUS "Other Users/bob@example.test/A/B" (MESSAGES 0)
            S: * LIST (\NonExistent \Subscribed) "/" "Other Users/bob@example.test/Secret"
            S: a8 OK *
            C: b1 MYRIGHTS "Other Users/bob@example.test/A"
            S: b1 NO [NONEXISTENT] *
            C: b2 SELECT "Other Users/bob@example.test/Secret"
            S: * FLAGS *
            S: * OK [PERMANENTFLAGS ()] *
            S: * 0 EXISTS
            S: * 0 RECENT
            S: * OK [UIDVALIDITY *
            S: * OK [UIDNEXT 1] *
            """);
        await ann.ReadUntilAsync("b2 OK [READ-ONLY]");
    }

    [Fact]
    public async Task When_lists_are_changed_by_command_then_they_read_as_the_rfc_says()   // RFC 4314 §3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.Mail.Accounts.GivenAddressAsync(rig.Mail.Domain, "team", rig.Mail.Ann);
        await using WireScript ann = await rig.LogInAsync(), bob = await rig.LogInAsync("bob@example.test");
        await bob.PlayAsync("""
            C: a1 CREATE Drafts
            S: a1 OK *
            C: a2 GETACL Drafts
            S: * ACL "Drafts" bob@example.test lrswipkxteacd
            S: a2 OK *
            C: a3 SETACL Drafts ann@example.test lrswida
            S: a3 OK *
            C: a4 SETACL Drafts -ann@example.test w
            S: a4 OK *
            C: a5 SETACL Drafts $Team@example.test lk
            S: a5 OK *
            C: a6 SETACL Drafts ANYONE l
            S: a6 OK *
            C: a7 GETACL Drafts
            S: * ACL "Drafts" bob@example.test lrswipkxteacd $team@example.test lkc -ann@example.test w ann@example.test lrswitead anyone l
            S: a7 OK *
            C: a8 SETACL Drafts ann@example.test +c-x
            S: a8 BAD *
            C: a9 SETACL Drafts ann@example.test -a
            S: a9 OK *
            C: b1 SETACL Drafts ann@example.test lrQ
            S: b1 BAD *
            C: b2 SETACL Drafts "" lr
            S: b2 BAD *
            C: b3 SETACL Drafts nobody@example.test lr
            S: b3 NO [CANNOT] *
            C: b4 SETACL Drafts $team@elsewhere.test lr
            S: b4 NO [CANNOT] *
            C: b5 LISTRIGHTS Drafts bob@example.test
            S: * LISTRIGHTS "Drafts" bob@example.test la r s w i p k x t e c d
            S: b5 OK *
            C: b6 LISTRIGHTS Drafts anyone
            S: * LISTRIGHTS "Drafts" anyone "" l r s w i p k x t e a c d
            S: b6 OK *
            """);
        await ann.PlayAsync("""
            C: a MYRIGHTS "Other Users/bob@example.test/Drafts"
            S: * MYRIGHTS "Other Users/bob@example.test/Drafts" lrsiktecd
            S: a OK *
            C: b GETACL "Other Users/bob@example.test/Drafts"
            S: b NO [NOPERM] *
            """);
        await rig.Mail.Accounts.WriteAsync(async db => { db.Targets.RemoveRange(db.Targets.Where(t => t.AccountId == rig.Mail.Ann && t.AddressId != 1)); await db.SaveChangesAsync(); });
        await ann.PlayAsync("C: c MYRIGHTS \"Other Users/bob@example.test/Drafts\"\nS: * MYRIGHTS \"Other Users/bob@example.test/Drafts\" lrsited\nS: c OK *");
        await bob.PlayAsync("C: c DELETEACL Drafts ann@example.test\nS: c OK *\nC: d DELETEACL Drafts -ann@example.test\nS: d OK *");
        await bob.PlayAsync("C: e GETACL Drafts\nS: * ACL \"Drafts\" bob@example.test lrswipkxteacd $team@example.test lkc anyone l\nS: e OK *");
    }

    [Fact]
    public async Task When_two_read_one_mailbox_then_each_has_his_own_seen_and_both_see_the_other_flags()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript ann = await rig.LogInAsync(), bob = await rig.LogInAsync("bob@example.test");
        await bob.PlayAsync("C: a CREATE Work\nS: a OK *\nC: b SETACL Work ann@example.test lrsw\nS: b OK *");
        await rig.GivenMessageAsync((await rig.Mail.Store.OpenAsync(rig.Mail.Bob, MailboxName.Parse("Work")))!, 3);
        await bob.SendAsync("s SELECT Work\r\n");
        await bob.ReadUntilAsync("s OK [READ-WRITE]");
        await ann.PlayAsync("""
            C: s SELECT "Other Users/bob@example.test/Work"
            S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
            S: * OK [PERMANENTFLAGS (\Answered \Flagged \Seen \Draft \*)] *
            S: * 3 EXISTS
            S: * 3 RECENT
            S: * OK [UNSEEN 1] *
            S: * OK [UIDVALIDITY *
            S: * OK [UIDNEXT 4] *
            """);
        await ann.ReadUntilAsync("s OK [READ-WRITE]");
        await ann.PlayAsync("""
            C: a FETCH 1 BODY[HEADER.FIELDS (SUBJECT)]
            S: * 1 FETCH (FLAGS (\Seen \Recent) BODY[HEADER.FIELDS (SUBJECT)] {16}
            """);
        await ann.ReadUntilAsync("a OK");
        await ann.PlayAsync("""
            C: b STORE 2 +FLAGS (\Flagged \Seen \Deleted)
            S: * 2 FETCH (FLAGS (\Flagged \Seen \Recent))
            S: b OK *
            C: c SEARCH UNSEEN
            S: * SEARCH 3
            S: c OK *
            """);
        await bob.PlayAsync("""
            C: a NOOP
            S: * 2 FETCH (UID 2 FLAGS (\Flagged \Recent))
            S: a OK *
            C: b SEARCH SEEN
            S: * SEARCH
            S: b OK *
            C: c STORE 3 +FLAGS.SILENT (\Seen)
            S: c OK *
            C: d STATUS Work (UNSEEN)
            S: * STATUS "Work" (UNSEEN 2)
            S: d OK *
            """);
        await ann.PlayAsync("""
            C: d NOOP
            S: d OK *
            C: e STATUS "Other Users/bob@example.test/Work" (UNSEEN MESSAGES)
            S: * STATUS "Other Users/bob@example.test/Work" (MESSAGES 3 UNSEEN 1)
            S: e OK *
            C: f COPY 1,3 INBOX
            S: f OK [COPYUID *
            C: g STATUS INBOX (MESSAGES UNSEEN)
            S: * STATUS "INBOX" (MESSAGES 2 UNSEEN 1)
            S: g OK *
            C: h CLOSE
            S: h OK *
            """);
    }

    [Fact]
    public async Task When_the_right_to_read_is_taken_away_then_the_sessions_that_have_it_selected_end()   // RFC 4314 §5.1.1
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript one = await rig.LogInAsync(), two = await rig.LogInAsync(), bob = await rig.LogInAsync("bob@example.test");
        await bob.PlayAsync("C: a CREATE Work\nS: a OK *\nC: b SETACL Work ann@example.test lr\nS: b OK *");
        foreach (WireScript ann in new[] { one, two })
        {
            await ann.SendAsync("s SELECT \"Other Users/bob@example.test/Work\"\r\n");
            await ann.ReadUntilAsync("s OK [READ-ONLY]");
        }
        await one.PlayAsync("C: i IDLE\nS: + idling");
        await bob.PlayAsync("C: c SETACL Work -anyone r\nS: c OK *");
        await one.PlayAsync("S: * BYE [NOPERM] *");
        await two.PlayAsync("C: f FETCH 1:* FLAGS\nS: * BYE [NOPERM] *");
        Assert.True(await two.EndsAsync());
    }

    [Fact]
    public async Task When_mail_is_put_into_another_s_mailbox_then_he_pays_and_flags_without_right_are_left_out()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.Mail.Accounts.WriteAsync(async db => { (await db.Accounts.FindAsync(rig.Mail.Bob))!.QuotaBytes = 40; await db.SaveChangesAsync(); });
        await using WireScript ann = await rig.LogInAsync(), bob = await rig.LogInAsync("bob@example.test");
        await bob.PlayAsync("C: a CREATE Drop\nS: a OK *\nC: b SETACL Drop ann@example.test i\nS: b OK *");
        await ann.PlayAsync("C: a APPEND \"Other Users/bob@example.test/Drop\" (\\Seen \\Deleted Key) {23+}");
        await ann.SendAsync("Subject: one\r\n\r\nHello\r\n\r\n");
        await ann.PlayAsync("S: a OK [APPENDUID *\nC: b APPEND \"Other Users/bob@example.test/Drop\" {23}\nS: b NO [OVERQUOTA] *");
        await rig.GivenMessagesAsync(1);
        await ann.SendAsync("s SELECT INBOX\r\n");
        await ann.ReadUntilAsync("s OK");
        await ann.PlayAsync("C: c MOVE 1 \"Other Users/bob@example.test/Drop\"\nS: c NO [OVERQUOTA] *");
        await bob.SendAsync("s SELECT Drop\r\n");
        await bob.ReadUntilAsync("s OK");
        await bob.PlayAsync("C: c FETCH 1:* FLAGS\nS: * 1 FETCH (FLAGS (\\Recent))\nS: c OK *");
        Assert.Equal((23, 31), ((await rig.Mail.Store.UseAsync(rig.Mail.Bob)).Bytes, (await rig.Mail.Store.UseAsync(rig.Mail.Ann)).Bytes));
    }

    [Fact]
    public async Task When_mailboxes_belong_to_a_domain_then_its_accounts_see_them_by_their_rights_and_nobody_else_does()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.Mail.Accounts.GivenDomainAsync("other.test");
        await rig.Mail.Accounts.GivenAccountAsync("eve@other.test", MailRig.Password);
        long tree = MailStore.SharedTree(rig.Mail.Domain);
        await rig.Mail.Store.CreateAsync(tree, MailboxName.Parse("Team/Plans"));
        foreach (string name in new[] { "Team", "Team/Plans" })
            await rig.Mail.Store.SetAclAsync(rig.Mail.Store.Find(tree, MailboxName.Parse(name))!.Id, AclIdentifier.Anyone, AclChangeMode.Replace, Rights("lrsi"));
        await using WireScript ann = await rig.LogInAsync(), bob = await rig.LogInAsync("bob@example.test"), eve = await rig.LogInAsync("eve@other.test");
        await ann.PlayAsync("C: a APPEND Shared/Team/Plans (\\Seen) {23+}");
        await ann.SendAsync("Subject: one\r\n\r\nHello\r\n\r\n");
        await ann.PlayAsync("S: a OK [APPENDUID *\nC: b STATUS Shared/Team/Plans (UNSEEN)\nS: * STATUS \"Shared/Team/Plans\" (UNSEEN 0)\nS: b OK *");
        await bob.PlayAsync("""
            C: a LIST "" Shared/*
            S: * LIST (\HasChildren) "/" "Shared/Team"
            S: * LIST (\HasNoChildren) "/" "Shared/Team/Plans"
            S: a OK *
            C: b STATUS Shared/Team/Plans (MESSAGES UNSEEN)
            S: * STATUS "Shared/Team/Plans" (MESSAGES 1 UNSEEN 1)
            S: b OK *
            C: c STATUS Shared/INBOX (MESSAGES)
            S: c NO [NONEXISTENT] *
            C: d DELETE Shared/Team/Plans
            S: d NO [NOPERM] *
            """);
        await eve.PlayAsync("""
            C: a LIST "" *
            S: * LIST (\HasNoChildren) "/" "INBOX"
            S: a OK *
            C: b SELECT Shared/Team
            S: b NO [NONEXISTENT] *
            C: c CREATE Shared/Team/x
            S: c NO [NOPERM] *
            """);
    }

    [Theory]
    [InlineData("", "INBOX")]
    [InlineData("anyone lp", "Work")]
    [InlineData("anyone lrsi", "INBOX")]
    [InlineData("anyone p|-anyone p", "INBOX")]
    [InlineData("bob@example.test p", "INBOX")]
    public async Task When_mail_comes_by_a_subaddress_then_it_goes_to_the_folder_that_lets_anyone_post(string list, string folder)
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript ann = await rig.LogInAsync();
        await ann.PlayAsync("C: a CREATE Work\nS: a OK *");
        foreach (string entry in list.Split('|', StringSplitOptions.RemoveEmptyEntries))
            await ann.PlayAsync($"C: b SETACL Work {entry}\nS: b OK *");
        await using WireScript smtp = await rig.Mail.ConnectAsync(MailProtocol.Lmtp);
        await smtp.PlayAsync("S: 220 *\nC: LHLO client.test");
        await smtp.ReadUntilAsync("250 ");
        await smtp.PlayAsync("C: MAIL FROM:<x@elsewhere.test>\nS: 250 *\nC: RCPT TO:<ann+work@example.test>\nS: 250 *\nC: DATA\nS: 354 *\nC: Subject: x\nC: \nC: y\nC: .\nS: 250 *");
        Assert.Equal(folder == "Work" ? 1 : 0, (await rig.Mail.MessagesAsync(rig.Mail.Ann, "Work")).Count);
        Assert.Equal(folder == "INBOX" ? 1 : 0, (await rig.Mail.MessagesAsync(rig.Mail.Ann)).Count);
    }

    [Fact]
    public async Task When_an_account_is_gone_then_its_rights_are_not_those_of_the_next_one_of_its_name()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        long first = await rig.Mail.Accounts.GivenAccountAsync("carl@example.test", MailRig.Password);
        await using WireScript bob = await rig.LogInAsync("bob@example.test");
        await bob.PlayAsync("C: a CREATE Work\nS: a OK *\nC: b SETACL Work carl@example.test lr\nS: b OK *");
        await rig.Mail.Accounts.WriteAsync(async db =>
        {
            db.Targets.RemoveRange(db.Targets.Where(t => t.AccountId == first));
            (await db.Accounts.FindAsync(first))!.PrimaryAddressId = null;
            await db.SaveChangesAsync();
            db.Addresses.RemoveRange(db.Addresses.Where(a => a.LocalPart == "carl"));
            db.Accounts.Remove((await db.Accounts.FindAsync(first))!);
            await db.SaveChangesAsync();
        });
        await rig.Mail.Accounts.GivenAccountAsync("carl@example.test", MailRig.Password);
        await using WireScript carl = await rig.LogInAsync("carl@example.test");
        await carl.PlayAsync("C: a SELECT \"Other Users/bob@example.test/Work\"\nS: a NO [NONEXISTENT] *");
        await bob.PlayAsync($"C: c GETACL Work\nS: * ACL \"Work\" bob@example.test lrswipkxteacd #{first} lr\nS: c OK *");
        await bob.PlayAsync($"C: d DELETEACL Work #{first}\nS: d OK *\nC: e GETACL Work\nS: * ACL \"Work\" bob@example.test lrswipkxteacd\nS: e OK *");
    }
}
