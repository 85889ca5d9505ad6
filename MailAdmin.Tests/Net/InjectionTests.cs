using System.Text;
using MailAdmin.Tests.Imap;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Net;

/// <summary>Attack case A13: text from outside stays text, in whatever it is put: queries, paths, headers, records.</summary>
public sealed class InjectionTests
{
    static readonly string[] s_names =
    [
        "ann@example.test' OR '1'='1", "' OR 1=1 --", "ann@example.test'; DROP TABLE accounts; --", "ann@example.test\" OR \"\"=\"", "%", "_nn@example.test", "ann@example.test%00",
        "*)(uid=*))(|(uid=*", "ann@example.test)(&", "%u@%d", "%{user}", "${jndi:x}", "../../../etc/passwd", "..", "user/ann@example.test", "ann@example.test\u0000x",
        "ann@example.test\r\n* OK [CAPABILITY X]", "ann@example.test\nX-Evil: 1", "\u202eann@example.test", "ann@example.test\u2028", "<script>alert(1)</script>", "{0}", "%s%n",
    ];

    [Fact]
    public async Task When_a_user_name_is_a_query_a_pattern_or_a_path_then_nobody_is_logged_in_and_the_record_has_one_line_each()
    {
        await using ImapRig rig = await ImapRig.StartAsync(o => o.Limits.FailedLogins = 1000);
        foreach (string name in s_names)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(name);
            foreach (string password in new[] { MailRig.Password, "' OR '1'='1" })
            {
                await using WireScript client = await rig.ConnectAsync();
                await client.SendAsync($"1 LOGIN {{{bytes.Length}+}}\r\n");
                await client.SendAsync(bytes);
                await client.SendAsync($" \"{password}\"\r\n2 NOOP\r\n");
                string answer = await client.ReadLineAsync();
                Assert.True(answer.StartsWith("1 NO ", StringComparison.Ordinal) || answer.StartsWith("1 BAD ", StringComparison.Ordinal), $"{name}: {answer}");
                await client.PlayAsync("S: 2 OK *");
                Assert.DoesNotContain(rig.Mail.Sessions.List(), s => s.AccountId != 0);
            }
            await using WireScript sasl = await rig.ConnectAsync();
            await sasl.PlayAsync($"C: 1 AUTHENTICATE PLAIN {MailRig.Plain(name, MailRig.Password)}");
            Assert.DoesNotContain("OK", await sasl.ReadLineAsync(), StringComparison.Ordinal);
        }
        await rig.Mail.Accounts.Authenticator.FlushAsync();
        await using AccountsContext db = rig.Mail.Accounts.Database.NewContext();
        List<AuditEntry> record = await db.Audit.ToListAsync();
        Assert.NotEmpty(record);
        Assert.All(record, entry => Assert.DoesNotContain($"{entry.Actor}{entry.Object}{entry.After}{entry.Client}", char.IsControl));
        await using WireScript ann = await rig.LogInAsync();   // the table is there, the account is not throttled for others
        await ann.PlayAsync("C: 1 NOOP\nS: 1 OK *");
    }

    [Fact]
    public async Task When_mailboxes_are_named_like_paths_or_queries_then_they_are_names_and_no_file_is_touched()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        string outside = Path.GetDirectoryName(rig.Mail.Folder)!, mark = $"evil{Guid.NewGuid():N}";
        await using WireScript c = await rig.LogInAsync();
        string[] names = [$"../{mark}", $"../../{mark}", $"x/../../{mark}", $"/{mark}", $"a'; DROP TABLE mailbox; --{mark}", $"a' OR '1'='1{mark}", $"%{mark}", $"x.{mark}"];
        foreach (string name in names)
        {
            await c.SendAsync($"1 CREATE \"{name}\"\r\n");
            bool made = (await c.ReadUntilAsync("1 "))[^1].StartsWith("1 OK", StringComparison.Ordinal);
            await c.SendAsync($"2 STATUS \"{name}\" (MESSAGES)\r\n");
            Assert.Equal(made, (await c.ReadUntilAsync("2 "))[^1].StartsWith("2 OK", StringComparison.Ordinal));
            await c.SendAsync($"3 DELETE \"{name}\"\r\n");
            Assert.Equal(made, (await c.ReadUntilAsync("3 "))[^1].StartsWith("3 OK", StringComparison.Ordinal));
        }
        await c.PlayAsync("C: 4 STATUS INBOX (MESSAGES)\nS: * STATUS \"INBOX\" (MESSAGES 0)\nS: 4 OK *");
        Assert.Empty(Directory.EnumerateFileSystemEntries(outside, $"*{mark}*"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(rig.Mail.Folder, $"*{mark}*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("\" OR a*")]
    [InlineData("' OR 1=1 --")]
    [InlineData("NEAR(one two)")]
    [InlineData("text : thing")]
    [InlineData("%")]
    [InlineData("^first")]
    [InlineData("-not +this")]
    [InlineData("{a b} : c")]
    public async Task When_text_is_searched_that_looks_like_a_query_then_only_messages_that_hold_it_are_found(string text)
    {
        await using ImapRig rig = await ImapRig.StartAsync(o => o.Store.IndexDelay = TimeSpan.Zero);
        await rig.GivenOldMessagesAsync(3, text: i => $"Subject: m\r\n\r\none two not this first a b c {(i == 2 ? $"xx {text} xx" : "other")}\r\n");
        await using WireScript c = await rig.SelectAsync();
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        foreach (string key in new[] { "BODY", "TEXT" })
        {
            await c.SendAsync($"1 SEARCH {key} {{{bytes.Length}+}}\r\n{text}\r\n");
            await c.PlayAsync("S: * SEARCH 2\nS: 1 OK *");
        }
        Assert.Empty(await rig.Mail.Trace.FindAsync(text));
    }

    [Fact]
    public async Task When_SMTP_arguments_carry_line_ends_or_header_text_then_no_header_of_theirs_is_in_the_message()
    {
        await using MailRig rig = await MailRig.StartAsync();
        foreach (string hello in new[] { "c\rX-Evil: 1", "c\nX-Evil: 1", "c\r\n X-Evil: 1" })
        {
            await using WireScript client = await rig.ConnectAsync();
            await client.PlayAsync("S: 220 *");
            await client.SendAsync($"EHLO {hello}\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\nhello\r\n.\r\nQUIT\r\n");
            try
            {
                while (true)
                    await client.ReadLineAsync();
            }
            catch (EndOfStreamException)
            {
                // Said all it had to say.
            }
        }
        await using (WireScript client = await rig.ConnectAsync())
        {
            await client.PlayAsync("S: 220 *\nC: HELO c)(X-Evil:1;<script>\nS: *\nC: HELO c\nS: 250 *");
            await client.PlayAsync("C: MAIL FROM:<\"X-Evil: 1 (\\\\ ;\"@b.test>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *\nC: Subject: x\nC: \nC: hello\nC: .\nS: 250 *");
        }
        List<string> messages = await rig.MessagesAsync(rig.Ann);
        Assert.NotEmpty(messages);
        foreach (string message in messages)
        {
            string header = message.Split("\r\n\r\n")[0];
            Assert.DoesNotContain(header.Split("\r\n"), line => line.StartsWith("X-Evil", StringComparison.OrdinalIgnoreCase));
            Assert.DoesNotContain("\n", header.Replace("\r\n", "", StringComparison.Ordinal), StringComparison.Ordinal);
        }
        foreach (TraceEvent step in await rig.Trace.FindAsync("ann@example.test"))
            Assert.DoesNotContain($"{step.ReversePath}{step.Recipient}{step.Peer}{step.Text}", char.IsControl);
    }
}
