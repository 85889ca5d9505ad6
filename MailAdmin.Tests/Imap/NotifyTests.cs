using MailAdmin.Tests.Rig;
using MailEngine.Store;

namespace MailAdmin.Tests.Imap;

/// <summary>RFC 5465: a client is told of what it asks for, at any time, and of nothing else.</summary>
public class NotifyTests
{
    static async Task<(ImapRig Rig, WireScript Client, WireScript Other)> GivenAsync()
    {
        ImapRig rig = await ImapRig.StartAsync();
        foreach (string name in new[] { "Lists", "Lists/Lemonade", "Lists/Im2000", "misc" })
            await rig.Mail.Store.CreateAsync(rig.Mail.Ann, MailboxName.Parse(name));
        await rig.GivenOldMessagesAsync(2);
        return (rig, await rig.SelectAsync(), await rig.LogInAsync());
    }

    [Fact]
    public async Task When_new_mail_comes_anywhere_then_the_client_hears_of_it_without_a_command()   // RFC 5465 §3.1, the example
    {
        (ImapRig rig, WireScript c, WireScript other) = await GivenAsync();
        await using (rig)
        await using (c)
        await using (other)
        {
            await c.PlayAsync("""
                C: b notify set status (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)) (subtree Lists (MessageNew MessageExpunge))
                S: * STATUS "Lists" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY *
                S: * STATUS "Lists/Im2000" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY *
                S: * STATUS "Lists/Lemonade" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY *
                S: b OK *
                """);
            await rig.GivenMessagesAsync(1, "Lists/Lemonade");
            await c.PlayAsync("S: * STATUS \"Lists/Lemonade\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY *");
            await rig.GivenMessagesAsync(1, "misc");   // nobody asked
            await rig.GivenMessagesAsync(1);
            await c.PlayAsync("S: * 3 EXISTS\nS: * 1 RECENT\nS: * 3 FETCH (UID 3 BODY[HEADER.FIELDS (from to subject)] {22}\nS: Subject: message 1\nS: \nS: )");
            // Flags were not asked for, expunged messages were; they come at once.
            await other.SendAsync("1 SELECT INBOX\r\n");
            await other.ReadUntilAsync("1 OK");
            await other.PlayAsync("C: 2 STORE 1 +FLAGS.SILENT (\\Deleted)\nS: 2 OK *\nC: 3 EXPUNGE\nS: * 1 EXPUNGE\nS: 3 OK *");
            await c.PlayAsync("S: * 1 EXPUNGE\nC: c NOOP\nS: c OK *");
            // The same while it idles: RFC 5465 §4.
            await c.PlayAsync("C: d IDLE\nS: + idling");
            await rig.GivenMessagesAsync(1, "Lists/Im2000");
            await c.PlayAsync("S: * STATUS \"Lists/Im2000\" (MESSAGES 1 *\nC: DONE\nS: d OK *");
            await c.PlayAsync("C: e SELECT Lists/Lemonade");
            await c.ReadUntilAsync("e OK");
            await rig.GivenMessagesAsync(1, "Lists/Lemonade");
            await c.PlayAsync("S: * 2 EXISTS\nS: * *\nS: * 2 FETCH (UID 2 BODY*\nS: Subject*\nS: \nS: )");   // selected now: no STATUS
            await c.PlayAsync("C: f NOTIFY NONE\nS: f OK *");
            await rig.GivenMessagesAsync(1, "Lists/Lemonade");
            await c.PlayAsync("C: g NOOP\nS: g OK *\nC: h LOGOUT\nS: * BYE *\nS: h OK *");
        }
    }

    [Fact]
    public async Task When_expunges_are_to_be_delayed_then_they_wait_for_a_command_and_flags_do_not()   // RFC 5465 §6.1.2
    {
        (ImapRig rig, WireScript c, WireScript other) = await GivenAsync();
        await using (rig)
        await using (c)
        await using (other)
        {
            await c.PlayAsync("C: 1 NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))\nS: 1 OK *");
            await other.SendAsync("1 SELECT INBOX\r\n");
            await other.ReadUntilAsync("1 OK");
            await other.PlayAsync("C: 2 STORE 1 +FLAGS.SILENT (\\Deleted)\nS: 2 OK *");
            await c.PlayAsync("S: * 1 FETCH (UID 1 FLAGS (\\Deleted))");
            await other.PlayAsync("C: 3 EXPUNGE\nS: * 1 EXPUNGE\nS: 3 OK *\nC: 4 STORE 1 +FLAGS.SILENT (\\Flagged)\nS: 4 OK *");
            await c.PlayAsync("S: * 2 FETCH (UID 2 FLAGS (\\Flagged))\nC: 2 FETCH 2 (UID)\nS: * 2 FETCH (UID 2)\nS: 2 OK *\nC: 3 NOOP\nS: * 1 EXPUNGE\nS: 3 OK *");
        }
    }

    [Fact]
    public async Task When_flags_change_elsewhere_then_the_figures_come_with_the_mod_sequence()   // RFC 5465 §5.1
    {
        (ImapRig rig, WireScript c, WireScript other) = await GivenAsync();
        await using (rig)
        await using (c)
        await using (other)
        {
            await rig.GivenOldMessagesAsync(1, "misc");
            await c.PlayAsync("C: 0 ENABLE CONDSTORE\nS: * OK [HIGHESTMODSEQ *\nS: * ENABLED CONDSTORE\nS: 0 OK *");
            await c.PlayAsync("C: 1 NOTIFY SET STATUS (MAILBOXES (misc INBOX nowhere) (MessageNew MessageExpunge FlagChange))\nS: * STATUS \"misc\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY *\nS: 1 OK *");
            await other.SendAsync("1 SELECT misc\r\n");
            await other.ReadUntilAsync("1 OK");
            await other.PlayAsync("C: 2 STORE 1 +FLAGS.SILENT (\\Seen)\nS: 2 OK *");
            string line = await c.ReadLineAsync();
            Assert.StartsWith("* STATUS \"misc\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY ", line, StringComparison.Ordinal);
            Assert.Contains(" UNSEEN 0 HIGHESTMODSEQ ", line, StringComparison.Ordinal);
            await rig.GivenMessagesAsync(1);   // INBOX is selected, and no group says SELECTED: not a word
            await c.PlayAsync("C: 2 NOOP\nS: 2 OK *");
        }
    }

    [Fact]
    public async Task When_names_come_go_and_change_then_list_responses_tell()   // RFC 5465 §5.4 and §5.5
    {
        (ImapRig rig, WireScript c, WireScript other) = await GivenAsync();
        await using (rig)
        await using (c)
        await using (other)
        {
            await c.PlayAsync("C: 1 NOTIFY SET (SELECTED (MessageNew MessageExpunge)) (SUBTREE (Lists New) (MailboxName)) (PERSONAL (SubscriptionChange))\nS: 1 OK *");
            await other.PlayAsync("C: 1 CREATE New/Box\nS: 1 OK *\nC: 2 CREATE elsewhere\nS: 2 OK *");
            await c.PlayAsync("S: * LIST (\\HasChildren) \"/\" \"New\"\nS: * LIST (\\HasNoChildren) \"/\" \"New/Box\"\nS: * LIST (\\HasChildren) \"/\" \"New\"");
            await other.PlayAsync("C: 3 SUBSCRIBE elsewhere\nS: 3 OK *");
            await c.PlayAsync("S: * LIST (\\Subscribed \\HasNoChildren) \"/\" \"elsewhere\"");
            await other.PlayAsync("C: 4 RENAME New/Box Lists/Box\nS: 4 OK *");
            await c.PlayAsync("S: * LIST (\\HasNoChildren) \"/\" \"Lists/Box\" (\"OLDNAME\" (\"New/Box\"))");
            await other.PlayAsync("C: 5 DELETE Lists/Box\nS: 5 OK *");
            await c.PlayAsync("S: * LIST (\\NonExistent) \"/\" \"Lists/Box\"\nS: * LIST (\\HasChildren) \"/\" \"Lists\"");
            await other.PlayAsync("C: 6 UNSUBSCRIBE elsewhere\nS: 6 OK *");
            await c.PlayAsync("S: * LIST (\\HasNoChildren) \"/\" \"elsewhere\"\nC: 2 NOOP\nS: 2 OK *");
        }
    }

    [Fact]
    public async Task When_a_mailbox_of_another_may_be_read_then_its_events_are_told_and_no_others()   // RFC 5465 §3.1 and §5.9
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        var boxes = new List<Mailbox>();
        foreach (string name in new[] { "Team", "Secret" })
        {
            await rig.Mail.Store.CreateAsync(rig.Mail.Bob, MailboxName.Parse(name));
            boxes.Add((await rig.Mail.Store.OpenAsync(rig.Mail.Bob, MailboxName.Parse(name)))!);
        }
        string ann = AclIdentifier.OfAccount(rig.Mail.Ann);
        await rig.Mail.Store.SetAclAsync(boxes[0].Id, ann, AclChangeMode.Replace, AclRights.Lookup | AclRights.Read);
        await using WireScript c = await rig.SelectAsync();   // so that INBOX is there already
        await c.PlayAsync("""
            C: 1 NOTIFY SET STATUS (SUBTREE "Other Users" (MessageNew MessageExpunge FlagChange)) (PERSONAL (MailboxName SubscriptionChange))
            S: * STATUS "Other Users/bob@example.test/Team" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY *
            S: 1 OK *
            """);
        await rig.GivenMessageAsync(boxes[1]);
        await rig.Mail.Store.SubscribeAsync(rig.Mail.Bob, MailboxName.Parse("Secret"), subscribed: true);
        await rig.Mail.Store.CreateAsync(rig.Mail.Bob, MailboxName.Parse("Another"));
        await rig.GivenMessageAsync(boxes[0]);
        await c.PlayAsync("S: * STATUS \"Other Users/bob@example.test/Team\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY *");
        await rig.Mail.Store.SetAclAsync(boxes[0].Id, ann, AclChangeMode.Replace, AclRights.None);
        await rig.GivenMessageAsync(boxes[0]);
        await c.PlayAsync("C: 2 NOOP\nS: 2 OK *");
    }

    [Fact]
    public async Task When_annotations_change_then_their_names_are_told_to_those_who_may_see_them()   // RFC 5465 §5.6 and §5.7, RFC 5464 §4.4.2
    {
        (ImapRig rig, WireScript c, WireScript other) = await GivenAsync();
        await using (rig)
        await using (c)
        await using (other)
        await using (WireScript bob = await rig.LogInAsync("bob@example.test"))
        {
            await bob.PlayAsync("C: 1 CREATE Team\nS: 1 OK *\nC: 2 SETACL Team ann@example.test lr\nS: 2 OK *\nC: 3 CREATE Listed\nS: 3 OK *\nC: 4 SETACL Listed ann@example.test l\nS: 4 OK *");
            await c.PlayAsync("C: 1 NOTIFY SET (PERSONAL (MailboxMetadataChange)) (SUBTREE \"Other Users\" (MailboxMetadataChange ServerMetadataChange))\nS: 1 OK *");
            await other.PlayAsync("C: 1 SETMETADATA misc (/shared/comment \"x\" /private/comment \"y\")\nS: 1 OK *");
            await c.PlayAsync("S: * METADATA \"misc\" /private/comment /shared/comment");
            await other.PlayAsync("C: 2 SETMETADATA INBOX (/shared/comment NIL)\nS: 2 OK *");   // selected or not makes no difference
            await c.PlayAsync("S: * METADATA \"INBOX\" /shared/comment");
            await other.PlayAsync("C: 3 SETMETADATA \"\" (/private/vendor/acme/x \"x\")\nS: 3 OK *");
            await c.PlayAsync("S: * METADATA \"\" /private/vendor/acme/x");
            // Its own changes, private ones of others, and mailboxes where it may not see any: not a word.
            await c.PlayAsync("C: 2 SETMETADATA misc (/private/comment \"z\")\nS: 2 OK *");
            await bob.PlayAsync("C: 5 SETMETADATA Listed (/shared/comment \"x\")\nS: 5 OK *\nC: 6 SETMETADATA Team (/private/comment \"x\")\nS: 6 OK *\nC: 7 SETMETADATA \"\" (/private/vendor/acme/y \"x\")\nS: 7 OK *");
            await c.PlayAsync("C: 3 NOOP\nS: 3 OK *\nC: 4 IDLE\nS: + idling");
            await bob.PlayAsync("C: 8 SETMETADATA Team (/shared/comment \"x\")\nS: 8 OK *");
            await c.PlayAsync("S: * METADATA \"Other Users/bob@example.test/Team\" /shared/comment\nC: DONE\nS: 4 OK *\nC: 5 NOTIFY NONE\nS: 5 OK *");
            await bob.PlayAsync("C: 9 SETMETADATA Team (/shared/comment \"y\")\nS: 9 OK *");
            await c.PlayAsync("C: 6 NOOP\nS: 6 OK *");
        }
    }

    [Theory]
    [InlineData("NOTIFY SET (SELECTED (MessageNew))", "BAD")]
    [InlineData("NOTIFY SET (SELECTED (FlagChange))", "BAD")]
    [InlineData("NOTIFY SET (SELECTED (MessageNew MessageExpunge MailboxName))", "BAD")]
    [InlineData("NOTIFY SET (SELECTED (MessageNew MessageExpunge)) (SELECTED-DELAYED NONE)", "BAD")]
    [InlineData("NOTIFY SET (PERSONAL (MessageNew (UID) MessageExpunge))", "BAD")]
    [InlineData("NOTIFY SET (PERSONAL (MessageExpunge (UID) MessageNew))", "BAD")]
    [InlineData("NOTIFY SET (NOSUCH (MessageNew MessageExpunge))", "BAD")]
    [InlineData("NOTIFY SET (1 (MessageNew MessageExpunge))", "BAD")]
    [InlineData("NOTIFY SET", "BAD")]
    [InlineData("NOTIFY SET ()", "BAD")]
    [InlineData("NOTIFY", "BAD")]
    [InlineData("NOTIFY SET (SUBTREE (MailboxName))", "BAD")]
    [InlineData("NOTIFY SET (PERSONAL (AnnotationChange))", "NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)]")]
    [InlineData("NOTIFY SET (SELECTED (MessageNew MessageExpunge MailboxMetadataChange))", "BAD")]
    [InlineData("NOTIFY SET (SELECTED (ServerMetadataChange))", "BAD")]
    [InlineData("NOTIFY SET (PERSONAL (MailboxName X-OTHER))", "NO [BADEVENT (")]
    public async Task When_notify_asks_for_what_cannot_be_then_it_is_refused_and_nothing_changes(string command, string answer)
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync($"C: 1 {command}\nS: 1 {answer}*");
        await rig.GivenMessagesAsync(1);
        await c.PlayAsync("C: 2 NOOP\nS: * 1 EXISTS\nS: * *\nS: 2 OK *");
    }

    [Fact]
    public async Task When_more_happens_than_can_wait_then_the_client_is_told_and_hears_no_more()   // RFC 5465 §5.8
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("C: 1 NOTIFY SET (PERSONAL (SubscriptionChange))\nS: 1 OK *");
        await c.SendAsync("2 NO");   // in the middle of a command nothing is told
        for (int i = 0; i < 2000; i++)
            await rig.Mail.Store.SubscribeAsync(rig.Mail.Ann, MailboxName.Parse($"s{i}"), subscribed: true);
        await c.SendAsync("OP\r\n");
        await c.ReadUntilAsync("* OK [NOTIFICATIONOVERFLOW] ");   // behind what was told before the server had read the first half
        await c.PlayAsync("S: 2 OK *");
        await rig.Mail.Store.SubscribeAsync(rig.Mail.Ann, MailboxName.Parse("late"), subscribed: true);
        await c.PlayAsync("C: 3 NOOP\nS: 3 OK *");
    }
}
