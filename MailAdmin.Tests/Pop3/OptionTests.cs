using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;
using MailEngine.Store;

namespace MailAdmin.Tests.Pop3;

/// <summary>What settings change.</summary>
public sealed class OptionTests
{
    [Fact]
    public async Task When_drops_are_exclusive_then_a_second_session_waits_until_the_first_has_left()   // RFC 2449 §8.1.2
    {
        await using Pop3Rig rig = await Pop3Rig.StartAsync(options => options.Pop3.Exclusive = true);
        await using WireScript first = await rig.LogInAsync("ann@example.test"), second = await rig.ConnectAsync(), bob = await rig.LogInAsync("bob@example.test");
        string logIn = $"C: AUTH PLAIN {MailRig.Plain("ann@example.test", MailRig.Password)}";
        await second.PlayAsync($"{logIn}\nS: -ERR [IN-USE] *");
        await first.PlayAsync("C: QUIT\nS: +OK *");
        Assert.True(await first.EndsAsync());
        await second.PlayAsync($"{logIn}\nS: +OK 0 messages");
        await second.DisposeAsync();   // without a word
        await using WireScript third = await rig.ConnectAsync();
        for (int i = 0; ; i++)
        {
            await third.SendAsync(logIn[3..] + "\r\n");
            string answer = await third.ReadLineAsync();
            if (answer.StartsWith("+OK", StringComparison.Ordinal))
                break;
            Assert.StartsWith("-ERR [IN-USE]", answer, StringComparison.Ordinal);
            Assert.True(i < 1000, "the drop of a client that is gone stays shut");
            await Task.Delay(10);
        }
    }

    [Fact]
    public async Task When_what_was_retrieved_is_to_be_seen_then_IMAP_shows_it_however_the_session_ends()
    {
        await using Pop3Rig rig = await Pop3Rig.StartAsync(options => options.Pop3.MarkSeen = true);
        await rig.GivenMessagesAsync(rig.Mail.Ann, "INBOX", "Subject: 1\r\n\r\n", "Subject: 2\r\n\r\n", "Subject: 3\r\n\r\n", "Subject: 4\r\n\r\n");
        Mailbox box = await rig.GivenMailboxAsync(rig.Mail.Ann);
        await using (WireScript c = await rig.LogInAsync("ann@example.test"))
        {
            await c.AskLinesAsync("RETR 1");
            await c.AskLinesAsync("TOP 2 0");
            await c.AskLinesAsync("RETR 3");
            await c.PlayAsync("C: DELE 3\nS: +OK *\nC: QUIT\nS: +OK Goodbye, 1 messages removed");
        }
        Assert.Equal([MessageFlags.Seen, MessageFlags.None, MessageFlags.None], Enumerable.Range(0, box.Current.Count).Select(i => box.Current[i].Flags));
        MailboxSnapshot before = box.Current;
        await using (WireScript c = await rig.LogInAsync("ann@example.test"))
            await c.AskLinesAsync("RETR 3");
        await box.ChangedSince(before).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal([MessageFlags.Seen, MessageFlags.None, MessageFlags.Seen], Enumerable.Range(0, box.Current.Count).Select(i => box.Current[i].Flags));
    }

    [Fact]
    public async Task When_mail_may_not_be_left_then_that_is_announced_and_QUIT_takes_what_was_retrieved()   // RFC 2449 §6.7
    {
        await using Pop3Rig rig = await Pop3Rig.StartAsync(options => options.Pop3.LeaveMail = false);
        await rig.GivenMessagesAsync(rig.Mail.Ann, "INBOX", "Subject: 1\r\n\r\n", "Subject: 2\r\n\r\n", "Subject: 3\r\n\r\n");
        await using (WireScript lost = await rig.LogInAsync("ann@example.test"))
            await lost.AskLinesAsync("RETR 1");
        await using WireScript c = await rig.LogInAsync("ann@example.test");
        Assert.Contains("EXPIRE 0", (await c.AskLinesAsync("CAPA")).Lines);
        await c.AskLinesAsync("RETR 1");
        await c.PlayAsync("C: DELE 3\nS: +OK *\nC: QUIT\nS: +OK Goodbye, 2 messages removed");
        Assert.Equal(["Subject: 2\r\n\r\n"], await rig.Mail.MessagesAsync(rig.Mail.Ann));
    }

    [Fact]
    public async Task When_log_ins_follow_too_quickly_then_they_are_refused_until_the_delay_is_over()   // RFC 2449 §6.5
    {
        var clock = new ManualClock();
        await using Pop3Rig rig = await Pop3Rig.StartAsync(options => options.Pop3.LoginDelay = TimeSpan.FromMinutes(1), clock);
        await using (WireScript c = await rig.LogInAsync("ann@example.test"))
        {
            Assert.Contains("LOGIN-DELAY 60", (await c.AskLinesAsync("CAPA")).Lines);
            await c.PlayAsync("C: QUIT\nS: +OK *");
        }
        string logIn = $"C: AUTH PLAIN {MailRig.Plain("ann@example.test", MailRig.Password)}";
        await using WireScript again = await rig.ConnectAsync();
        await again.PlayAsync($"{logIn}\nS: -ERR [LOGIN-DELAY] *");
        clock.Advance(TimeSpan.FromSeconds(59));
        await using WireScript late = await rig.ConnectAsync();
        await late.PlayAsync($"{logIn}\nS: -ERR [LOGIN-DELAY] *\nC: AUTH PLAIN {MailRig.Plain("bob@example.test", MailRig.Password)}\nS: +OK 0 messages");
        clock.Advance(TimeSpan.FromSeconds(2));
        await using WireScript good = await rig.ConnectAsync();
        await good.PlayAsync($"{logIn}\nS: +OK 0 messages");
    }

    [Fact]
    public async Task When_the_mailbox_does_not_allow_it_then_QUIT_says_so_and_nothing_is_gone()
    {
        await using Pop3Rig rig = await Pop3Rig.StartAsync(options => options.Pop3.Folders = ["*"]);
        await rig.GivenMessagesAsync(rig.Mail.Ann, "INBOX", "Subject: 1\r\n\r\n");
        await rig.GivenMessagesAsync(rig.Mail.Ann, "Kept", "Subject: 2\r\n\r\n");
        Mailbox kept = await rig.GivenMailboxAsync(rig.Mail.Ann, "Kept");
        await rig.Mail.Store.SetAclAsync(kept.Id, AclIdentifier.OfAccount(rig.Mail.Ann), AclChangeMode.Replace, AclRights.Lookup | AclRights.Read);
        await using WireScript c = await rig.LogInAsync("ann@example.test");
        await c.PlayAsync("C: DELE 1\nS: +OK *\nC: DELE 2\nS: +OK *\nC: QUIT\nS: -ERR [SYS/PERM] *");
        Assert.True(await c.EndsAsync());
        Assert.Single(await rig.Mail.MessagesAsync(rig.Mail.Ann));
    }
}
