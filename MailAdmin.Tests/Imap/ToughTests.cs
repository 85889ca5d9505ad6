using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;
using MailEngine.Accounts;
using MailEngine.Io;
using MailEngine.Store;

namespace MailAdmin.Tests.Imap;

/// <summary>Full accounts, clients that do not read, lost bytes, log-ins that end, and waiting that costs nothing.</summary>
public class ToughTests
{
    static Task ChangeAnnAsync(ImapRig rig, Action<Account> change) => rig.Mail.Accounts.WriteAsync(async db =>
    {
        change((await db.Users.FindAsync(rig.Mail.Ann))!);
        await db.SaveChangesAsync();
    });

    [Fact]
    public async Task When_the_account_is_full_then_append_and_copy_are_refused_and_nothing_is_kept()   // RFC 9208 §4.3.1
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await ChangeAnnAsync(rig, account => account.QuotaBytes = 100);
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("C: 1 APPEND INBOX {101}\nS: 1 NO [OVERQUOTA] *");   // before it is sent
        await c.SendAsync("2 APPEND INBOX {101+}\r\n" + new string('x', 101) + "\r\n");
        await c.PlayAsync("S: 2 NO [OVERQUOTA] *\nC: 3 NOOP\nS: 3 OK *");
        await c.SendAsync("4 APPEND INBOX {60+}\r\n" + new string('x', 60) + "\r\n");
        await c.PlayAsync("S: * 1 EXISTS\nS: * 1 RECENT\nS: 4 OK *\nC: 5 COPY 1 INBOX\nS: 5 NO [OVERQUOTA] *\nC: 6 STATUS INBOX (MESSAGES)\nS: * STATUS \"INBOX\" (MESSAGES 1)\nS: 6 OK *");
        await c.PlayAsync("C: 7 STORE 1 +FLAGS.SILENT (\\Deleted)\nS: 7 OK *\nC: 8 EXPUNGE\nS: * 1 EXPUNGE\nS: 8 OK *");
        await c.SendAsync("9 APPEND INBOX {100+}\r\n" + new string('x', 100) + "\r\n");
        await c.PlayAsync("S: * 1 EXISTS\nS: * 1 RECENT\nS: 9 OK *");
    }

    [Fact]
    public async Task When_the_bytes_of_messages_are_lost_then_the_answer_is_no_and_the_session_lives()   // invariant S5
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(3, text: i => $"Subject: message {i}\r\n\r\n{new string((char)('a' + i), 2000)}\r\n");
        await using WireScript c = await rig.SelectAsync();
        Mailbox box = (await rig.Mail.Store.OpenAsync(rig.Mail.Ann, MailboxName.Inbox))!;
        string segment = Path.Combine(rig.Mail.Folder, "partitions/default/segments", box.Current[1].BodySegment.ToString("D8", System.Globalization.CultureInfo.InvariantCulture));
        using (var file = new FileStream(segment, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            file.SetLength(box.Current[1].BodyOffset + 10L);   // the second is cut, the third is gone
        await c.PlayAsync("C: 1 FETCH 2 (BODY.PEEK[])\nS: * 2 FETCH (BODY[] NIL)\nS: 1 NO [UNAVAILABLE] *");
        await c.SendAsync("2 FETCH 1:3 (UID BODY.PEEK[TEXT])\r\n");
        List<string> lines = await c.ReadUntilAsync("2 ");
        Assert.StartsWith("* 1 FETCH (UID 1 BODY[TEXT] {2002}", lines[0], StringComparison.Ordinal);
        Assert.Contains("* 3 FETCH (UID 3 BODY[TEXT] NIL)", lines);
        Assert.StartsWith("2 NO [UNAVAILABLE]", lines[^1], StringComparison.Ordinal);
        await c.PlayAsync("C: 3 SEARCH BODY bbb\nS: * SEARCH 1\nS: 3 OK [UNAVAILABLE] *");
        await c.PlayAsync("C: 4 FETCH 3 (FLAGS ENVELOPE)\nS: * 3 FETCH (FLAGS () ENVELOPE (NIL \"message 3\" *\nS: 4 OK *");
        await c.PlayAsync("C: 5 UID STORE 3 +FLAGS.SILENT (\\Deleted)\nS: 5 OK *\nC: 6 UID EXPUNGE 3\nS: * 3 EXPUNGE\nS: 6 OK *");
    }

    [Fact]
    public async Task When_the_index_cannot_be_read_then_the_command_is_refused_and_the_session_lives()
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.Store.TextIndex = false);
        await rig.GivenOldMessagesAsync(1);
        await using WireScript c = await rig.SelectAsync();
        using (var db = new SqliteDatabase(Path.Combine(rig.Mail.Folder, "partitions/default/index.db"), SqliteOpen.ReadWrite))
        {
            db.Execute("ALTER TABLE mailbox RENAME TO elsewhere");
            await c.PlayAsync("C: 1 STATUS Unknown (MESSAGES)\nS: 1 NO [UNAVAILABLE] *");
            // Octets that nobody took must not be taken for commands.
            await using WireScript other = await rig.LogInAsync("bob@example.test");
            await other.SendAsync("1 APPEND Unknown {12+}\r\n2 LOGOUT\r\n\r\n\r\n");
            List<string> lines = await other.ReadUntilAsync("1 ");
            Assert.StartsWith("* BYE [UNAVAILABLE]", lines[0], StringComparison.Ordinal);
            Assert.StartsWith("1 NO [UNAVAILABLE]", lines[1], StringComparison.Ordinal);
            db.Execute("ALTER TABLE elsewhere RENAME TO mailbox");
        }
        await c.PlayAsync("C: 2 STATUS Unknown (MESSAGES)\nS: 2 NO [NONEXISTENT] *\nC: 3 FETCH 1 (FLAGS)\nS: * 1 FETCH *\nS: 3 OK *");
    }

    [Fact]
    public async Task When_the_password_or_a_service_changes_then_open_sessions_end()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using (WireScript idle = await rig.SelectAsync(), waits = await rig.LogInAsync(), bob = await rig.LogInAsync("bob@example.test"))
        {
            await idle.PlayAsync("C: 1 IDLE\nS: + idling");
            await ChangeAnnAsync(rig, account => account.SecurityStamp = Guid.NewGuid().ToString());   // what every change of a password does
            await idle.PlayAsync("S: * BYE *");
            await waits.PlayAsync("S: * BYE *");
            await bob.PlayAsync("C: 1 NOOP\nS: 1 OK *");
        }
        await using WireScript c = await rig.SelectAsync();
        await ChangeAnnAsync(rig, account => account.Services &= ~MailServices.Imap);
        await c.PlayAsync("S: * BYE *");
        await using WireScript late = await rig.ConnectAsync();
        await late.PlayAsync($"C: 1 LOGIN ann@example.test \"{MailRig.Password}\"\nS: 1 NO [AUTHORIZATIONFAILED] *");
    }

    [Fact]
    public async Task When_a_client_idles_again_and_again_then_nothing_piles_up_at_the_mailbox()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(1);
        Mailbox box = (await rig.Mail.Store.OpenAsync(rig.Mail.Ann, MailboxName.Inbox))!;
        await using WireScript c = await rig.SelectAsync(), other = await rig.SelectAsync();
        for (int i = 0; i < 200; i++)
            await c.PlayAsync("C: 1 IDLE\nS: + idling\nC: DONE\nS: 1 OK *");
        Assert.Equal(0, box.Watchers);
        await c.PlayAsync("C: 2 IDLE\nS: + idling");
        await other.PlayAsync("C: 1 IDLE\nS: + idling");
        Assert.Equal(2, box.Watchers);
        await other.DisposeAsync();
        for (int i = 0; box.Watchers > 1; i++)
        {
            Assert.True(i < 1000, "the watch of a client that is gone stays");
            await Task.Delay(10);
        }
        await rig.GivenOldMessagesAsync(1);
        await c.PlayAsync("S: * 2 EXISTS\nS: * *\nC: DONE\nS: 2 OK *");
    }

    [Fact]
    public async Task When_a_client_waits_under_tls_then_every_wake_is_heard_and_no_command_is_lost()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenOldMessagesAsync(1);
        await using WireScript c = await rig.ConnectAsync(tls: true);
        await c.PlayAsync($"C: l LOGIN ann@example.test \"{MailRig.Password}\"\nS: l OK *\nC: s SELECT INBOX");
        await c.ReadUntilAsync("s OK");
        for (int i = 0; i < 20; i++)
        {
            await c.PlayAsync("C: 1 IDLE\nS: + idling");
            await rig.GivenOldMessagesAsync(1);
            await c.PlayAsync($"S: * {i + 2} EXISTS\nS: * *\nC: DONE\nS: 1 OK *");
        }
        await rig.Mail.Store.CreateAsync(rig.Mail.Ann, MailboxName.Parse("x"));
        await c.PlayAsync("C: 2 NOTIFY SET (PERSONAL (MessageNew MessageExpunge))\nS: 2 OK *");
        for (int i = 0; i < 20; i++)
        {
            // A wake falls into a command that is on its way in pieces.
            await c.SendAsync("3 NO");
            await rig.GivenMessagesAsync(1, "x");
            await c.SendAsync("OP\r\n");
            List<string> lines = await c.ReadUntilAsync("3 OK");
            while (!lines.Exists(line => line.StartsWith($"* STATUS \"x\" (MESSAGES {i + 1} ", StringComparison.Ordinal)))
                lines.Add(await c.ReadLineAsync());
        }
    }

    [Theory]
    [InlineData("COPY 1:600 There", "Copying")]
    [InlineData("MOVE 1:600 There", "Moving")]
    [InlineData("STORE 1:600 +FLAGS.SILENT (\\Deleted)", "Storing flags")]
    [InlineData("EXPUNGE", "Expunging")]
    public async Task When_a_change_of_many_messages_takes_long_then_the_client_hears_that_it_goes_on(string command, string what)   // RFC 9585
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.Limits.ImapProgress = TimeSpan.FromMilliseconds(1));
        await rig.GivenOldMessagesAsync(600);
        await rig.Mail.Store.CreateAsync(rig.Mail.Ann, MailboxName.Parse("There"));
        await using WireScript c = await rig.SelectAsync();
        using var goOn = new ManualResetEventSlim();
        rig.Mail.Store.Default.StepReached = step =>
        {
            if (step == CommitStep.Taken)
                goOn.Wait();
        };
        await c.PlayAsync($"C: 1 {command}\nS: * OK [INPROGRESS (\"1\" NIL NIL)] {what}\nS: * OK [INPROGRESS (\"1\" NIL NIL)] {what}");
        goOn.Set();
        Assert.StartsWith("1 OK", (await c.ReadUntilAsync("1 "))[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_a_search_takes_long_then_the_client_hears_how_far_it_is()   // RFC 9585
    {
        await using ImapRig rig = await ImapRig.StartAsync(options =>
        {
            options.Limits.ImapProgress = TimeSpan.FromMilliseconds(50);
            options.Store.TextIndex = false;   // it would know that there is nothing to look at
        }, clock: new HurriedClock());
        await rig.GivenMessagesAsync(500);
        await using WireScript c = await rig.SelectAsync();
        await c.SendAsync("a1 SEARCH TEXT nowhere\r\n");
        List<string> lines = await c.ReadUntilAsync("a1 OK");
        Assert.Contains(lines, line => line.StartsWith("* OK [INPROGRESS (\"a1\" ", StringComparison.Ordinal) && line.Contains(" 500)] Searching", StringComparison.Ordinal));
        await c.SendAsync("b]c SEARCH TEXT nowhere\r\n");
        Assert.Contains(await c.ReadUntilAsync("b]c OK"), line => line.StartsWith("* OK [INPROGRESS (NIL ", StringComparison.Ordinal));
    }

    /// <summary>A millisecond passes whenever somebody looks.</summary>
    sealed class HurriedClock : TimeProvider
    {
        long _looks;

        public override long GetTimestamp() => base.GetTimestamp() + (Interlocked.Increment(ref _looks) * TimestampFrequency / 1000);
    }
}
