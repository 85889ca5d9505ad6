using System.Globalization;
using MailAdmin.Tests.Rig;
using MailEngine.Accounts;
using MailEngine.Imap.Urls;

namespace MailAdmin.Tests.Imap;

public class CatenateTests
{
    const string Header = "Subject: trip\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n";
    const string Draft = Header + "--b\r\nContent-Type: text/plain\r\n\r\nThe schedule.\r\n--b\r\nContent-Type: application/x-zip-compressed\r\n\r\nPK...\r\n--b--\r\n";
    const string Picture = "Content-Type: image/gif\r\n\r\nGIF89a";

    static async Task<(ImapRig Rig, WireScript Client, string Box)> GivenDraftAsync()
    {
        ImapRig rig = await ImapRig.StartAsync(options => options.Limits.MessageBytes = 5000);
        WireScript c = await rig.LogInAsync();
        await c.PlayAsync("C: 0 CREATE \"Entw&APw-rfe 1\"\nS: 0 OK *");
        await rig.GivenMessagesAsync(2, "Entwürfe 1", n => n == 1 ? Draft : Picture);
        await c.PlayAsync("C: 0 STATUS \"Entw&APw-rfe 1\" (UIDVALIDITY)");
        string line = await c.ReadLineAsync();
        await c.PlayAsync("S: 0 OK *");
        return (rig, c, $"/Entw%C3%BCrfe%201;UIDVALIDITY={line[(line.LastIndexOf(' ') + 1)..^1]}");
    }

    [Fact]
    public async Task When_an_attachment_is_replaced_then_what_stays_does_not_travel()   // RFC 4469 §A, example 1
    {
        (ImapRig rig, WireScript c, string box) = await GivenDraftAsync();
        await using (rig)
        await using (c)
        {
            await c.PlayAsync($"C: A003 APPEND \"Entw&APw-rfe 1\" (\\Seen \\Draft $MDNSent) CATENATE (URL \"{box}/;UID=1/;section=HEADER\" TEXT {{5}}\nS: + Ready *");
            await c.SendAsync($"--b\r\n URL \"{box}/;uid=1/;Section=1.MIME\" URL \"{box}/;UID=1/;section=1\" TEXT {{7+}}\r\n");
            await c.SendAsync($"\r\n--b\r\n URL {{{box.Length + 7}}}\r\n");
            await c.PlayAsync("S: + Ready *");
            await c.SendAsync($"{box}/;UID=2 TEXT {{9}}\r\n");
            await c.PlayAsync("S: + Ready *");
            await c.SendAsync("\r\n--b--\r\n)\r\n");
            await c.PlayAsync("S: A003 OK [APPENDUID *");
            List<string> kept = await rig.Mail.MessagesAsync(rig.Mail.Ann, "Entwürfe 1");
            Assert.Equal(Header + "--b\r\nContent-Type: text/plain\r\n\r\nThe schedule.\r\n--b\r\n" + Picture + "\r\n--b--\r\n", kept[2]);
            await c.PlayAsync("C: A004 SELECT \"Entw&APw-rfe 1\"");
            await c.ReadUntilAsync("A004 OK");
            // Nothing was marked as read; the selected mailbox is the base of what begins with the message.
            await c.PlayAsync("C: A005 FETCH 1:3 FLAGS\nS: * 1 FETCH (FLAGS (\\Recent))\nS: * 2 FETCH (FLAGS (\\Recent))\nS: * 3 FETCH (FLAGS (\\Seen \\Draft \\Recent $MDNSent))\nS: A005 OK *");
            await c.PlayAsync("C: A006 APPEND INBOX CATENATE (URL \";UID=2/;PARTIAL=0.12\" URL \"/;UID=1/;SECTION=1/;PARTIAL=3\" TEXT {1+}\nC: ! URL \"/;UID=1/;SECTION=HEADER.FIELDS%20(Subject)\")");
            await c.PlayAsync("S: A006 OK [APPENDUID *");
            Assert.Equal(["Content-Type schedule.!Subject: trip\r\n\r\n"], await rig.Mail.MessagesAsync(rig.Mail.Ann));
        }
    }

    [Fact]
    public async Task When_a_url_names_nothing_then_its_command_is_refused_whole()   // RFC 4469 §4
    {
        (ImapRig rig, WireScript c, string box) = await GivenDraftAsync();
        await using (rig)
        await using (c)
        {
            string[] bad =
            [
                "/Missing/;UID=1", "/Entw%C3%BCrfe%201;UIDVALIDITY=1/;UID=1", box + "/;UID=3", box + "/;UID=1/;SECTION=1.5", box + "/;UID=1/;SECTION=nonsense",
                box + "/;UID=1;section=1.5", box + "/;UID=0", box + "/;UID=4294967296", box + "/;UID=1/;PARTIAL=0.0", box, "/INBOX", ";UID=1", "", "/%zz/;UID=1",
                "imap://mail.example.test" + box + "/;UID=1", "http://mail.example.test/;UID=1", box + "/;UID=1;URLAUTH=authuser", "/../" + box + "/;UID=1",
                box + "/;UID=1/;SECTION=HEADER.FIELDS%20(", box + "/;UID=1/;SECTION=1%0d%0aX",
            ];
            foreach (string url in bad)
            {
                await c.PlayAsync($"C: 1 APPEND INBOX {{1+}}\nC: x CATENATE (URL \"{url}\" TEXT {{1+}}\nC: x TEXT {{9}}");
                Assert.StartsWith($"1 NO [BADURL {ImapUrl.Printable(url)}] ", await c.ReadLineAsync(), StringComparison.Ordinal);
            }
            await c.PlayAsync($$"""
                C: 2 APPEND INBOX CATENATE (URL "{{box}}/;UID=1" TEXT {5000}
                S: 2 NO [TOOBIG] *
                C: 3 APPEND INBOX CATENATE (URL {99999}
                S: 3 BAD *
                C: 4 APPEND INBOX CATENATE (TEXT {0+}
                C: )
                S: 4 NO [CANNOT] *
                C: 5 APPEND INBOX CATENATE ()
                S: 5 BAD *
                C: 6 APPEND INBOX CATENATE (TEXT {1+}
                C: x TEXT "quoted")
                S: 6 BAD *
                C: 7 APPEND INBOX CATENATE (URL "{{box}}/;UID=1"
                S: 7 BAD *
                C: 8 APPEND INBOX CATENATE (TEXT {1+}
                C: x
                S: 8 BAD *
                C: 9 STATUS INBOX (MESSAGES)
                S: * STATUS "INBOX" (MESSAGES 0)
                S: 9 OK *
                C: 10 APPEND INBOX CATENATE (URL "{{box}}/;UID=2") (\Seen) {1+}
                C: x CATENATE (TEXT ~{1+}
                C: y)
                S: 10 OK [APPENDUID *
                """);
            Assert.Equal([Picture, "x", "y"], await rig.Mail.MessagesAsync(rig.Mail.Ann));
            // Nobody reads with a URL what is not his.
            await using WireScript bob = await rig.LogInAsync("bob@example.test");
            await bob.PlayAsync("C: 1 APPEND INBOX CATENATE (URL \"/INBOX/;UID=1\")\nS: 1 NO [BADURL *");
        }
    }

    [Fact]
    public async Task When_a_message_is_replaced_then_the_old_one_goes_as_the_new_one_comes()   // RFC 8508 §3.2, §3.3 and §4.2
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(4);
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("""
            C: A003 REPLACE 4 INBOX (\Seen \Draft) {3}
            S: + Ready *
            C: new
            S: * OK [APPENDUID *
            S: * 4 EXPUNGE
            S: * 4 EXISTS
            S: * *
            S: A003 OK [HIGHESTMODSEQ *
            C: A004 FETCH 3:4 (UID FLAGS RFC822.SIZE)
            S: * 3 FETCH (UID 3 FLAGS (\Recent) RFC822.SIZE 31)
            S: * 4 FETCH (UID 5 FLAGS (\Seen \Draft*
            S: A004 OK *
            C: A005 CREATE Sent
            S: A005 OK *
            C: A006 UID REPLACE 5 Sent CATENATE (TEXT {3+}
            C: To: URL "/INBOX/;UID=5")
            S: * OK [APPENDUID *
            S: * 4 EXPUNGE
            S: A006 OK *
            C: A007 REPLACE * Sent {1+}
            C: z
            S: * OK [APPENDUID *
            S: * 3 EXPUNGE
            S: A007 OK *
            C: A008 REPLACE 3 Sent {1}
            S: A008 BAD *
            C: A009 UID REPLACE 99 Sent {1}
            S: A009 NO [EXPUNGEISSUED] *
            C: A010 REPLACE 1:2 Sent {1}
            S: A010 BAD *
            """);
        await c.PlayAsync("""
            C: A011 REPLACE 1 Missing {1}
            S: A011 NO [TRYCREATE] *
            C: A012 REPLACE 1 Sent {1+}
            C: 1 {1+}
            C: 2
            S: A012 BAD *
            C: A013 EXAMINE INBOX
            """);
        Assert.Contains("* 2 EXISTS", await c.ReadUntilAsync("A013 OK"));
        await c.PlayAsync("C: A014 REPLACE 1 Sent {1}\nS: A014 NO [READ-ONLY] *\nC: A015 UNSELECT\nS: A015 OK *\nC: A016 REPLACE 1 Sent {1}\nS: A016 BAD *");
        Assert.Equal(["To:new", "z"], await rig.Mail.MessagesAsync(rig.Mail.Ann, "Sent"));
    }

    [Fact]
    public async Task When_an_account_is_full_then_a_message_can_still_be_replaced_by_a_smaller_one()   // RFC 8508 §3.4
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.Mail.Accounts.WriteAsync(async db =>
        {
            Account account = (await db.Users.FindAsync(rig.Mail.Ann))!;
            account.QuotaBytes = 1_000_000;
            await db.SaveChangesAsync();
        });
        await rig.GivenMessagesAsync(1, text: _ => new string('x', 1_000_000));
        await using WireScript c = await rig.SelectAsync(), other = await rig.SelectAsync();
        await c.PlayAsync("C: 1 REPLACE 1 INBOX {1000001}\nS: 1 NO [OVERQUOTA] *");
        await c.SendAsync(string.Create(CultureInfo.InvariantCulture, $"2 REPLACE 1 INBOX {{999999+}}\r\n{new string('y', 999_999)}\r\n"));
        await c.PlayAsync("S: * OK [APPENDUID *\nS: * 1 EXPUNGE\nS: * 1 EXISTS\nS: * *\nS: 2 OK *");
        // The other session still has the old one: somebody was faster.
        await other.PlayAsync("C: 1 UID REPLACE 1 INBOX {1+}\nC: z\nS: * 1 EXPUNGE\nS: * 1 EXISTS\nS: * *\nS: 1 NO [EXPUNGEISSUED] *");
        Assert.Equal(999_999, Assert.Single(await rig.Mail.MessagesAsync(rig.Mail.Ann)).Length);
    }
}
