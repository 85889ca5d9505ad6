using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Imap;

/// <summary>Named searches. RFC 5466</summary>
public class FilterTests
{
    [Fact]
    public async Task When_a_filter_is_named_then_its_criteria_stand_in_its_place()   // RFC 5466 §3.1 and §3.2, the examples
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(6, text: i => $"Subject: n{i}\r\nFrom: {(i == 5 ? "boss" : "other")}@example.com\r\nDate: 4 Dec 2002 10:00:00 +0000\r\n\r\n{new string('x', i < 3 ? 10 : 6000)}\r\n");
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("""
            C: a007 SETMETADATA "" ("/private/filters/values/on-the-road" "OR SMALLER 5000 FROM \"boss@example.com\"")
            S: a007 OK *
            C: a SEARCH UID 1:300 FILTER on-the-road SENTSINCE "3-Dec-2002"
            S: * SEARCH 1 2 5
            S: a OK *
            C: b SEARCH UID 2:300 FILTER ON-THE-ROAD
            S: * SEARCH 2 5
            S: b OK *
            C: c UID SEARCH RETURN (COUNT) NOT FILTER on-the-road
            S: * ESEARCH (TAG "c") UID COUNT 3
            S: c OK *
            C: d SORT (REVERSE ARRIVAL REVERSE SUBJECT) UTF-8 FILTER on-the-road
            S: * SORT 5 2 1
            S: d OK *
            C: e THREAD ORDEREDSUBJECT UTF-8 FILTER on-the-road
            S: * THREAD (1)(2)(5)
            S: e OK *
            C: f ESEARCH IN (PERSONAL) FILTER on-the-road
            S: * ESEARCH (TAG "f" MAILBOX "INBOX" UIDVALIDITY *
            S: f OK *
            C: g SEARCH OR FILTER on-the-road SUBJECT n6
            S: * SEARCH 1 2 5 6
            S: g OK *
            C: h SETMETADATA "" ("/private/filters/values/text" {23+}
            C: SUBJECT {2+}
            C: n4 UNSEEN)
            S: h OK *
            C: i SEARCH FILTER text
            S: * SEARCH 4
            S: i OK *
            C: j SEARCH CHARSET KOI8-R FILTER text
            S: j BAD [BADCHARSET *
            C: k SEARCH CHARSET KOI8-R SUBJECT x
            S: k NO [BADCHARSET *
            C: l SORT (ARRIVAL) KOI8-R FILTER text
            S: l BAD [BADCHARSET *
            """);
    }

    [Fact]
    public async Task When_a_filter_is_there_twice_then_ones_own_goes_first_and_only_superusers_share()   // RFC 5466 §1
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(3);
        await rig.Mail.Accounts.WriteAsync(async db =>
        {
            db.Grants.Add(new MailEngine.Accounts.Grant { AccountId = rig.Mail.Bob, SetId = MailEngine.Accounts.PermissionSet.Superuser });
            await db.SaveChangesAsync();
        });
        await using WireScript c = await rig.SelectAsync(), bob = await rig.LogInAsync("bob@example.test");
        await c.PlayAsync("C: a SETMETADATA \"\" (/shared/filters/values/f \"UID 3\")\nS: a NO [NOPERM] *");
        await bob.PlayAsync("C: a SETMETADATA \"\" (/shared/filters/values/f \"UID 2\" /private/filters/values/mine \"ALL\")\nS: a OK *");
        await c.PlayAsync("""
            C: b SEARCH FILTER f
            S: * SEARCH 2
            S: b OK *
            C: c SETMETADATA "" (/private/filters/values/f "UID 1")
            S: c OK *
            C: d SEARCH FILTER f
            S: * SEARCH 1
            S: d OK *
            C: e SETMETADATA "" (/private/filters/values/f NIL)
            S: e OK *
            C: f SEARCH FILTER f
            S: * SEARCH 2
            S: f OK *
            C: g SEARCH FILTER mine
            S: g NO [UNDEFINED-FILTER mine] *
            C: h SEARCH ALL NOT FILTER None!
            S: h NO [UNDEFINED-FILTER None!] *
            """);
    }

    [Fact]
    public async Task When_filters_name_filters_then_some_passes_are_made_and_no_loop_is_run()   // RFC 5466 §3.1
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(3);
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("C: 0 SETMETADATA \"\" (/private/filters/values/f0 \"UID 2\" /private/filters/values/loop \"FILTER pool\" /private/filters/values/pool \"FILTER loop UNSEEN\")\nS: 0 OK *");
        for (int i = 1; i < 30; i++)   // each names the one before it twice
            await c.PlayAsync($"C: 1 SETMETADATA \"\" (/private/filters/values/f{i} \"OR FILTER f{i - 1} NOT (FILTER f{i - 1} DELETED)\")\nS: 1 OK *");
        await c.PlayAsync("""
            C: 2 SEARCH FILTER f3
            S: * SEARCH 1 2 3
            S: 2 OK *
            C: 3 SEARCH FILTER f9 UID 3
            S: * SEARCH 3
            S: 3 OK *
            C: 4 SEARCH FILTER f29
            S: 4 NO [UNDEFINED-FILTER f19] *
            C: 5 SEARCH FILTER loop
            S: 5 NO [UNDEFINED-FILTER loop] *
            """);
        string wide = string.Join(' ', Enumerable.Repeat("FILTER w0", 1500));
        await c.PlayAsync($"C: 6 SETMETADATA \"\" (/private/filters/values/w0 \"{string.Join(' ', Enumerable.Repeat("UNSEEN", 1000))}\" /private/filters/values/w1 \"{wide}\")\nS: 6 OK *\nC: 7 SEARCH FILTER w1\nS: 7 NO [LIMIT] *");
    }

    [Theory]
    [InlineData("f", "OR SMALLER 5000")]
    [InlineData("f", "")]
    [InlineData("f", "(UNSEEN")]
    [InlineData("f", "UNSEEN)")]
    [InlineData("f", "NOSUCHKEY")]
    [InlineData("f", "UNSEEN ")]
    [InlineData("f", "CHARSET UTF-8 ALL")]
    [InlineData("a/b", "UNSEEN")]
    [InlineData("a(b", "UNSEEN")]
    [InlineData("a b", "UNSEEN")]
    public async Task When_a_value_is_no_whole_search_or_a_name_none_that_can_be_used_then_it_is_not_kept(string name, string value)   // RFC 5466 §3.2 and §4
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync($"C: 1 SETMETADATA \"\" (/private/comment \"x\" \"/private/filters/values/{name}\" \"{value}\")\nS: 1 NO [CANNOT] *");
        await c.PlayAsync($"C: 2 GETMETADATA \"\" /private/comment\nS: * METADATA \"\" (/private/comment NIL)\nS: 2 OK *\nC: 3 SETMETADATA \"\" (\"/private/filters/descriptions/f\" \"{value}\")\nS: 3 OK *");
        await c.PlayAsync("C: 4 SEARCH FILTER\nS: 4 BAD *\nC: 5 SEARCH FILTER \"f\"\nS: 5 BAD *\nC: 6 SEARCH FILTER a/b\nS: 6 BAD *");
    }

    [Fact]
    public async Task When_a_filter_says_fuzzy_numbers_or_mod_sequences_then_the_command_goes_by_it()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(4, text: i => $"Subject: {(i % 2 == 0 ? "breakfast" : "other")}\r\n\r\nx\r\n");
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("""
            C: 1 SETMETADATA "" (/private/filters/values/fuzzy "FUZZY SUBJECT breaks" /private/filters/values/plain "SUBJECT breaks" /private/filters/values/numbers "2:3" /private/filters/values/seq "MODSEQ 1" /private/filters/values/via "FILTER plain")
            S: 1 OK *
            C: 2 SEARCH RETURN (RELEVANCY ALL) FILTER fuzzy
            S: * ESEARCH (TAG "2") ALL 2,4 RELEVANCY (40 40)
            S: 2 OK *
            C: 3 SEARCH RETURN (RELEVANCY ALL) FILTER plain
            S: 3 BAD *
            C: 4 SEARCH FUZZY FILTER via
            S: * SEARCH 2 4
            S: 4 OK *
            C: 5 SEARCH FILTER via
            S: * SEARCH
            S: 5 OK *
            C: 6 SEARCH RETURN (SAVE) FILTER numbers
            S: 6 OK *
            C: 7 UID SEARCH $ FILTER numbers
            S: * SEARCH 2 3
            S: 7 OK *
            C: 8 SEARCH RETURN (COUNT) FILTER seq
            S: * OK [HIGHESTMODSEQ *
            S: * ESEARCH (TAG "8") COUNT 4 MODSEQ *
            S: 8 OK *
            C: 9 UID SEARCH RETURN (UPDATE COUNT) FILTER fuzzy FLAGGED
            S: * ESEARCH (TAG "9") UID COUNT 0
            S: 9 OK *
            C: a UID STORE 2:3 +FLAGS.SILENT (\Flagged)
            S: * ESEARCH (TAG "9") UID ADDTO (0 2)
            S: * 2 FETCH (UID 2 MODSEQ *
            S: * 3 FETCH (UID 3 MODSEQ *
            S: a OK *
            C: b ENABLE UIDONLY
            S: * ENABLED UIDONLY
            S: b OK *
            C: c UID SEARCH FILTER numbers
            S: c BAD [UIDREQUIRED] *
            C: d UID SEARCH FILTER seq
            S: * SEARCH 1 2 3 4 (MODSEQ *
            S: d OK *
            """);
    }
}
