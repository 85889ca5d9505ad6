using MailAdmin.Tests.Rig;
using MailEngine;

namespace MailAdmin.Tests.Imap;

public class ListTests
{
    /// <summary>The hierarchy of RFC 5258 §5, subscribed as there.</summary>
    static async Task<WireScript> GivenFruitAsync(ImapRig rig)
    {
        WireScript c = await rig.LogInAsync();
        foreach (string name in new[] { "Fruit/Apple", "Fruit/Banana", "Fruit/Peach", "Tofu", "Vegetable/Broccoli", "Vegetable/Corn" })
            await c.PlayAsync($"C: m CREATE {name}\nS: m OK *");
        foreach (string name in new[] { "INBOX", "Fruit/Banana", "Fruit/Peach", "Vegetable", "Vegetable/Broccoli" })
            await c.PlayAsync($"C: m SUBSCRIBE {name}\nS: m OK *");
        await c.PlayAsync("C: m DELETE Fruit/Peach\nS: m OK *");
        return c;
    }

    [Fact]
    public async Task When_the_examples_of_list_extended_are_played_then_the_answers_are_those_of_the_rfc()   // RFC 5258 §5
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await GivenFruitAsync(rig);
        await c.PlayAsync("""
            C: A02 LIST (SUBSCRIBED) "" "*"
            S: * LIST (\Subscribed \HasNoChildren) "/" "INBOX"
            S: * LIST (\Subscribed \HasNoChildren) "/" "Fruit/Banana"
            S: * LIST (\NonExistent \Subscribed) "/" "Fruit/Peach"
            S: * LIST (\Subscribed \HasChildren) "/" "Vegetable"
            S: * LIST (\Subscribed \HasNoChildren) "/" "Vegetable/Broccoli"
            S: A02 OK *
            C: A03 LIST () "" "%" RETURN (CHILDREN)
            S: * LIST (\HasNoChildren) "/" "INBOX"
            S: * LIST (\HasChildren) "/" "Fruit"
            S: * LIST (\HasNoChildren) "/" "Tofu"
            S: * LIST (\HasChildren) "/" "Vegetable"
            S: A03 OK *
            C: A06 LIST (REMOTE) "" "*" RETURN (SUBSCRIBED)
            S: * LIST (\Subscribed \HasNoChildren) "/" "INBOX"
            S: * LIST (\HasChildren) "/" "Fruit"
            S: * LIST (\HasNoChildren) "/" "Fruit/Apple"
            S: * LIST (\Subscribed \HasNoChildren) "/" "Fruit/Banana"
            S: * LIST (\HasNoChildren) "/" "Tofu"
            S: * LIST (\Subscribed \HasChildren) "/" "Vegetable"
            S: * LIST (\Subscribed \HasNoChildren) "/" "Vegetable/Broccoli"
            S: * LIST (\HasNoChildren) "/" "Vegetable/Corn"
            S: A06 OK *
            C: BBB LIST "" (inbox "Tofu" "Vegetable/%")
            S: * LIST (\HasNoChildren) "/" "INBOX"
            S: * LIST (\HasNoChildren) "/" "Tofu"
            S: * LIST (\HasNoChildren) "/" "Vegetable/Broccoli"
            S: * LIST (\HasNoChildren) "/" "Vegetable/Corn"
            S: BBB OK *
            C: C04 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
            S: * LIST (\Subscribed \HasNoChildren) "/" "INBOX"
            S: * LIST (\HasChildren) "/" "Fruit" ("CHILDINFO" ("SUBSCRIBED"))
            S: * LIST (\Subscribed \HasChildren) "/" "Vegetable" ("CHILDINFO" ("SUBSCRIBED"))
            S: C04 OK *
            C: C05 LIST (RECURSIVEMATCH SUBSCRIBED) "" "*"
            S: * LIST (\Subscribed \HasNoChildren) "/" "INBOX"
            S: * LIST (\Subscribed \HasNoChildren) "/" "Fruit/Banana"
            S: * LIST (\NonExistent \Subscribed) "/" "Fruit/Peach"
            S: * LIST (\Subscribed \HasChildren) "/" "Vegetable"
            S: * LIST (\Subscribed \HasNoChildren) "/" "Vegetable/Broccoli"
            S: C05 OK *
            C: d LIST (SUBSCRIBED) "" ""
            S: d OK *
            C: e1 LIST (RECURSIVEMATCH) "" "%"
            S: e1 BAD *
            C: e2 LIST (NOSUCH) "" "%"
            S: e2 BAD *
            C: e3 LIST "" "%" RETURN (NOSUCH)
            S: e3 BAD *
            C: e4 LIST "" "%" ELSE
            S: e4 BAD *
            C: e5 LIST "" ("%" "*"
            S: e5 BAD *
            """);
        await c.SendAsync($"e6 LIST \"\" ({string.Join(' ', Enumerable.Repeat(new string('%', 1000) + "a", 3))})\r\n");
        await c.PlayAsync("S: e6 BAD *");
    }

    [Fact]
    public async Task When_a_subscribed_mailbox_has_no_parent_then_the_parent_is_told_of_as_missing()   // RFC 5258 §5, A2
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("""
            C: a SUBSCRIBE Foo/Baz
            S: a OK *
            C: b LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
            S: * LIST (\Subscribed \HasNoChildren) "/" "INBOX"
            S: * LIST (\NonExistent) "/" "Foo" ("CHILDINFO" ("SUBSCRIBED"))
            S: b OK *
            C: c LSUB "" "%"
            S: * LSUB () "/" "INBOX"
            S: * LSUB (\Noselect) "/" "Foo"
            S: c OK *
            C: d LIST "" "%"
            S: * LIST (\HasNoChildren) "/" "INBOX"
            S: d OK *
            """);
    }

    [Fact]
    public async Task When_special_uses_are_given_then_they_are_listed_selected_and_refused_as_the_rfc_says()   // RFC 6154 §5
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("""
            C: t1 CREATE MySpecial (USE (\Drafts))
            S: t1 OK *
            C: t2 CREATE Sub/Sent (USE (\Sent))
            S: t2 OK *
            C: t3 CREATE Everything (USE (\All))
            S: t3 NO [USEATTR] *
            C: t4 CREATE Both (USE (\Sent \Drafts))
            S: t4 NO [USEATTR] *
            C: t5 LIST (SPECIAL-USE) "" "*"
            S: * LIST (\HasNoChildren \Drafts) "/" "MySpecial"
            S: * LIST (\HasNoChildren \Sent) "/" "Sub/Sent"
            S: t5 OK *
            C: t6 LIST (SPECIAL-USE SUBSCRIBED) "" "*"
            S: t6 OK *
            C: t7 LIST (SPECIAL-USE RECURSIVEMATCH) "" "%" RETURN (SPECIAL-USE)
            S: * LIST (\HasNoChildren \Drafts) "/" "MySpecial"
            S: * LIST (\HasChildren) "/" "Sub" ("CHILDINFO" ("SPECIAL-USE"))
            S: t7 OK *
            C: t8 LIST "" Everything
            S: t8 OK *
            """);
    }

    [Fact]
    public async Task When_status_is_asked_for_with_list_then_it_follows_each_mailbox_that_has_one()   // RFC 5819 §3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(3, text: _ => "Subject: x\r\n\r\n1234567\r\n");
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("""
            C: a CREATE foo
            S: a OK *
            C: b SUBSCRIBE gone
            S: b OK *
            C: A01 LIST "" % RETURN (STATUS (MESSAGES UNSEEN))
            S: * LIST (\HasNoChildren) "/" "INBOX"
            S: * STATUS "INBOX" (MESSAGES 3 UNSEEN 3)
            S: * LIST (\HasNoChildren) "/" "foo"
            S: * STATUS "foo" (MESSAGES 0 UNSEEN 0)
            S: A01 OK *
            C: A02 LIST (SUBSCRIBED) "" % RETURN (STATUS (SIZE))
            S: * LIST (\Subscribed \HasNoChildren) "/" "INBOX"
            S: * STATUS "INBOX" (SIZE 69)
            S: * LIST (\NonExistent \Subscribed) "/" "gone"
            S: A02 OK *
            C: A03 STATUS INBOX (SIZE MESSAGES)
            S: * STATUS "INBOX" (MESSAGES 3 SIZE 69)
            S: A03 OK *
            C: A04 LIST "" % RETURN (STATUS)
            S: A04 BAD *
            C: A05 LIST "" % RETURN (STATUS (NOSUCH))
            S: A05 BAD *
            """);
    }

    [Fact]
    public async Task When_a_listener_has_courier_s_names_then_they_and_the_usual_ones_mean_the_same_mailboxes()
    {
        await using ImapRig rig = await ImapRig.StartAsync(o =>
        {
            o.Listeners = [.. o.Listeners.Where(l => l.Protocol != MailProtocol.Imap),
                new ListenerOptions { Protocol = MailProtocol.Imap, MailboxSeparator = ".", MailboxPrefix = "INBOX." },
                new ListenerOptions { Protocol = MailProtocol.Imap, ImplicitTls = true }];
        });
        await using WireScript dot = await rig.LogInAsync();
        await dot.PlayAsync("""
            C: a1 NAMESPACE
            S: * NAMESPACE (("INBOX." ".")) (("Other Users." ".")) (("Shared." "."))
            S: a1 OK *
            C: a2 LIST "" ""
            S: * LIST (\Noselect) "." ""
            S: a2 OK *
            C: a3 CREATE inbox.Work.2026.
            S: a3 OK *
            C: a4 CREATE INBOX.v1/2
            S: a4 OK *
            C: a5 CREATE "INBOX.Entw&APw-rfe"
            S: a5 OK *
            C: a6 LIST "" "*"
            S: * LIST (\HasChildren) "." "INBOX"
            S: * LIST (\HasNoChildren) "." "INBOX.Entw&APw-rfe"
            S: * LIST (\HasChildren) "." "INBOX.Work"
            S: * LIST (\HasNoChildren) "." "INBOX.Work.2026"
            S: * LIST (\HasNoChildren) "." "INBOX.v1/2"
            S: a6 OK *
            C: a7 LIST "INBOX." "%"
            S: * LIST (\HasNoChildren) "." "INBOX.Entw&APw-rfe"
            S: * LIST (\HasChildren) "." "INBOX.Work"
            S: * LIST (\HasNoChildren) "." "INBOX.v1/2"
            S: a7 OK *
            C: a8 LIST "" "Inbox.Work.%"
            S: * LIST (\HasNoChildren) "." "INBOX.Work.2026"
            S: a8 OK *
            C: a9 STATUS INBOX.Work.2026 (MESSAGES)
            S: * STATUS "INBOX.Work.2026" (MESSAGES 0)
            S: a9 OK *
            C: b1 SUBSCRIBE INBOX.v1/2
            S: b1 OK *
            C: b2 LSUB "" "*"
            S: * LSUB () "." "INBOX"
            S: * LSUB () "." "INBOX.v1/2"
            S: b2 OK *
            C: b3 CREATE Work
            S: b3 NO [CANNOT] *
            C: b4 CREATE INBOX.INBOX
            S: b4 NO [CANNOT] *
            C: b5 CREATE INBOX.INBOX.below
            S: b5 OK *
            C: b6 SELECT "Work.2026"
            S: b6 NO [CANNOT] *
            C: b7 RENAME INBOX.Work.2026 INBOX.Done
            S: b7 OK *
            """);
        await using WireScript usual = await rig.ConnectAsync(tls: true);
        await usual.PlayAsync($"""
            C: l LOGIN ann@example.test "{MailRig.Password}"
            S: l OK *
            C: a LIST "" "*"
            S: * LIST (\HasChildren) "/" "INBOX"
            S: * LIST (\HasNoChildren) "/" "Done"
            S: * LIST (\HasNoChildren) "/" "Entw&APw-rfe"
            S: * LIST (\HasNoChildren) "/" "INBOX/below"
            S: * LIST (\HasNoChildren) "/" "Work"
            S: * LIST (\HasNoChildren) "/" "v1.2"
            S: a OK *
            """);
    }

    [Fact]
    public async Task When_a_name_comes_in_other_forms_then_it_is_the_same_mailbox()   // RFC 9051 §5.1; attack case A15
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("""
            C: a CREATE "Cafe&AwE-"
            S: a OK *
            C: b LIST "" "Caf*"
            S: * LIST (\HasNoChildren) "/" "Caf&AOk-"
            S: b OK *
            C: c CREATE "Caf&AOk-"
            S: c NO [ALREADYEXISTS] *
            C: d STATUS iNbOx (MESSAGES)
            S: * STATUS "INBOX" (MESSAGES 0)
            S: d OK *
            C: e CREATE inbox/below
            S: e OK *
            C: f LIST "" "InBox/%"
            S: * LIST (\HasNoChildren) "/" "INBOX/below"
            S: f OK *
            C: g CREATE "&AEE-"
            S: g NO [CANNOT] *
            """);
    }
}
