using System.Globalization;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;

namespace MailAdmin.Tests.Imap;

public class AppendTests
{
    const string First = "Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\nSubject: afternoon meeting\r\n\r\nHello Joe, do you think we can meet at 3:30 tomorrow?\r\n";
    const string Second = "Date: Mon, 7 Feb 1994 22:43:04 -0800 (PST)\r\nSubject: Re: afternoon meeting\r\n\r\n3:30 is fine with me.\r\n";

    [Fact]
    public async Task When_several_messages_are_appended_then_all_come_at_once()   // RFC 3502 §6.3.11, the example
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync($"C: A002 CREATE saved-messages\nS: A002 OK *\nC: A003 APPEND saved-messages (\\Seen) {{{First.Length}}}\nS: + Ready *");
        await c.SendAsync($"{First} (\\Seen $Later) \" 7-Feb-1994 22:43:04 -0800\" {{{Second.Length}}}\r\n");
        await c.PlayAsync("S: + Ready *\nC: A00x NOOP\\");
        await using WireScript other = await rig.LogInAsync();
        await other.PlayAsync("C: 1 STATUS saved-messages (MESSAGES)\nS: * STATUS \"saved-messages\" (MESSAGES 0)\nS: 1 OK *");
        await c.SendAsync(Second[9..] + "\r\n");   // nine octets are there already
        await c.PlayAsync("S: A003 OK [APPENDUID *");
        string changed = "A00x NOOP" + Second[9..];
        Assert.Equal([First, changed], await rig.Mail.MessagesAsync(rig.Mail.Ann, "saved-messages"));
        await c.SendAsync("A004 SELECT saved-messages\r\n");
        Assert.Contains("* 2 EXISTS", await c.ReadUntilAsync("A004 OK"));
        await c.PlayAsync("""
            C: A005 FETCH 2 (FLAGS INTERNALDATE)
            S: * 2 FETCH (FLAGS (\Seen \Recent $Later) INTERNALDATE " 8-Feb-1994 06:43:04 +0000")
            S: A005 OK *
            C: A006 APPEND bogusname (\Flagged) {1023}
            S: A006 NO [TRYCREATE] *
            """);
    }

    [Fact]
    public async Task When_one_of_several_messages_is_refused_then_none_is_kept()
    {
        await using ImapRig rig = await ImapRig.StartAsync(options =>
        {
            options.Limits.MessageBytes = 2000;
            options.Limits.AppendMessages = 3;
        });
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("C: 1 APPEND INBOX {4}\nS: + *\nC: a: b {2001}\nS: 1 NO [TOOBIG] *");
        await c.PlayAsync("C: 2 APPEND INBOX {4}\nS: + *\nC: a: b {0}\nS: 2 NO [CANNOT] *");   // gives up
        await c.PlayAsync("C: 3 APPEND INBOX {4}\nS: + *\nC: a: b (\\Nonsense) {9}\nS: 3 BAD *");
        await c.PlayAsync("C: 4 APPEND INBOX {4+}\nC: a: b (\\Nonsense) {9+}\nC: 123456789 {3+}\nC: 123\nS: 4 BAD *");
        await c.PlayAsync("C: 5 APPEND INBOX {4+}\nC: a: b rubbish\nS: 5 BAD *");
        await c.PlayAsync("C: 6 APPEND INBOX {1+}\nC: 1 {1+}\nC: 2 {1+}\nC: 3 {1+}\nC: 4\nS: 6 NO [LIMIT] *");
        await c.PlayAsync("C: 7 APPEND INBOX {1+}\nC: 1 {2001+}");
        await c.SendAsync(new string('x', 2001));
        await c.PlayAsync("C:  (\\Seen) {1+}\nC: 3\nS: 7 NO [TOOBIG] *");
        await c.PlayAsync("C: 8 STATUS INBOX (MESSAGES)\nS: * STATUS \"INBOX\" (MESSAGES 0)\nS: 8 OK *");
        await c.PlayAsync("C: 9 APPEND INBOX {1+}\nC: 1 {1+}\nC: 2 {1+}\nC: 3\nS: * 3 EXISTS\nS: * 3 RECENT\nS: 9 OK [APPENDUID *");
        Assert.Equal(["1", "2", "3"], await rig.Mail.MessagesAsync(rig.Mail.Ann));
        // What is thrown away has an end too.
        await c.PlayAsync("C: 10 APPEND INBOX {9223372036854775807+}\nS: 10 BAD *");
        await using WireScript d = await rig.LogInAsync();
        await d.PlayAsync("C: 10 APPEND INBOX {999999999999+}\nS: * BYE [TOOBIG] *");
    }

    [Fact]
    public async Task When_the_account_is_almost_full_then_several_messages_are_counted_together()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.Mail.Accounts.WriteAsync(async db =>
        {
            Account account = (await db.Users.FindAsync(rig.Mail.Ann))!;
            account.QuotaBytes = 1 << 20;
            await db.SaveChangesAsync();
        });
        await using WireScript c = await rig.LogInAsync();
        await c.SendAsync("1 APPEND INBOX {1000000+}\r\n" + new string('x', 1_000_000) + " {100000}\r\n");
        await c.PlayAsync("S: 1 NO [OVERQUOTA] *\nC: 2 STATUS INBOX (MESSAGES)\nS: * STATUS \"INBOX\" (MESSAGES 0)\nS: 2 OK *");
    }

    [Fact]
    public async Task When_more_is_appended_than_fits_in_memory_then_the_messages_are_whole()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync();
        var messages = new List<string>();
        var command = new StringBuilder("1 APPEND INBOX");
        for (int i = 0; i < 12; i++)
        {
            messages.Add($"Subject: {i}\r\n\r\n" + new string((char)('a' + i), 700_000 + i));
            command.Append(CultureInfo.InvariantCulture, $" {{{messages[i].Length}+}}\r\n{messages[i]}");
        }
        await c.SendAsync(command + "\r\n");
        await c.PlayAsync("S: 1 OK [APPENDUID *");
        Assert.Equal(messages, await rig.Mail.MessagesAsync(rig.Mail.Ann));
    }

    [Fact]
    public async Task When_several_messages_come_in_any_two_pieces_then_they_are_the_same()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        const string Command = "1 APPEND {5+}\r\nINBOX (\\Seen) {6+}\r\na: b\r\n \"17-Jul-1996 02:44:25 -0700\" {3+}\r\n1\r\n {2+}\r\n\r\n\r\n";
        await using WireScript c = await rig.LogInAsync();
        for (int cut = 1; cut < Command.Length; cut++)
        {
            await c.SendAsync(Command[..cut]);
            await c.SendAsync(Command[cut..]);
            await c.PlayAsync("S: 1 OK [APPENDUID *");
        }
        List<string> kept = await rig.Mail.MessagesAsync(rig.Mail.Ann);
        Assert.Equal(3 * (Command.Length - 1), kept.Count);
        for (int i = 0; i < kept.Count; i++)
            Assert.Equal((i % 3) switch { 0 => "a: b\r\n", 1 => "1\r\n", _ => "\r\n" }, kept[i]);
    }

    [Fact]
    public async Task When_the_upload_limit_is_asked_for_then_it_is_told()   // RFC 7889 §2 and §3.1
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.Limits.MessageBytes = 257890);
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("C: t1 STATUS INBOX (APPENDLIMIT)\nS: * STATUS \"INBOX\" (APPENDLIMIT 257890)\nS: t1 OK *\nC: t2 CAPABILITY");
        Assert.Contains(" APPENDLIMIT=257890", await c.ReadLineAsync(), StringComparison.Ordinal);
    }
}
