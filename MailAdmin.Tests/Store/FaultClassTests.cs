using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using MailAdmin.Tests.Imap;
using MailAdmin.Tests.Rig;
using MailEngine.Store;

namespace MailAdmin.Tests.Store;

/// <summary>Faults of the disk as clients see them: what is not hurt goes on working, the rest is put off or answered NO [UNAVAILABLE].</summary>
public sealed class FaultClassTests
{
    static string SegmentOf(ImapRig rig, in MessageEntry entry) =>
        Path.Combine(rig.Mail.Folder, "partitions/default/segments", entry.BodySegment.ToString("D8", CultureInfo.InvariantCulture));

    [Fact]
    public async Task When_a_segment_has_lost_its_bytes_then_its_messages_alone_answer_unavailable()
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.Store.SegmentBytes = 1);   // each commit in a segment of its own
        await rig.GivenMessagesAsync(1);
        await rig.GivenMessagesAsync(1, text: _ => "Subject: second\r\n\r\nstill here\r\n");
        Mailbox box = (await rig.Mail.Store.OpenAsync(rig.Mail.Ann, MailboxName.Inbox))!;
        await using (FileStream file = new FileStream(SegmentOf(rig, box.Current[0]), FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            file.SetLength(0);
        await using WireScript client = await rig.SelectAsync();
        await client.SendAsync("1 FETCH 1:2 (UID BODY.PEEK[TEXT])\r\n");
        List<string> answer = await client.ReadUntilAsync("1 ");
        Assert.Contains(answer, line => line.StartsWith("still here", StringComparison.Ordinal));
        Assert.StartsWith("1 NO [UNAVAILABLE]", answer[^1], StringComparison.Ordinal);
        await client.PlayAsync("C: 2 FETCH 2 (BODY.PEEK[TEXT])\nS: * 2 FETCH (BODY[TEXT] {12}\nS: still here\nS: )\nS: 2 OK *");
        await client.SendAsync("3 FETCH 1:2 (FLAGS RFC822.SIZE ENVELOPE)\r\n");   // what is in the index needs no segment
        Assert.StartsWith("3 OK", (await client.ReadUntilAsync("3 "))[^1], StringComparison.Ordinal);
        await client.SendAsync("4 STORE 1 +FLAGS (\\Deleted)\r\n");
        await client.ReadUntilAsync("4 OK");
        await client.SendAsync("5 EXPUNGE\r\n");
        await client.ReadUntilAsync("5 OK");
        await rig.GivenMessagesAsync(1);
        Assert.Equal(2, box.Current.Count);
    }

    [Fact]
    public async Task When_the_disk_of_a_server_is_full_then_senders_are_put_off_and_users_log_in_read_delete_and_expunge()
    {
        using var mount = new TempFolder();
        Run("mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", mount.Path);
        try
        {
            await using var server = new ServerProcess(mount["data"]);
            server.Set("AllowPlaintextAuth", "true");
            server.Set("Store__ReserveBytes", "4194304");
            await server.StartAsync();
            Assert.Equal(0, (await server.CliAsync(null, "domain", "add", "example.test")).Exit);
            Assert.Equal(0, (await server.CliAsync("correct horse 7 stairs", "account", "add", "ann@example.test", "--password-stdin")).Exit);
            await using (WireScript lmtp = await ConnectAsync(server, 24))
            {
                await lmtp.PlayAsync("S: 220 *\nC: LHLO client.test");
                await lmtp.ReadUntilAsync("250 ");
                string reply = "";
                for (int i = 0; i < 400 && !reply.StartsWith('4'); i++)
                    reply = await DeliverAsync(lmtp, i);
                Assert.StartsWith("4", reply, StringComparison.Ordinal);
            }
            await using WireScript imap = await ConnectAsync(server, 143);
            await imap.PlayAsync("S: * OK *\nC: 1 LOGIN ann@example.test \"correct horse 7 stairs\"\nS: 1 OK *");
            await imap.SendAsync("2 SELECT INBOX\r\n");
            await imap.ReadUntilAsync("2 OK");
            await imap.SendAsync("3 FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n");
            Assert.Contains(await imap.ReadUntilAsync("3 OK"), line => line.Contains("m0", StringComparison.Ordinal));
            await imap.SendAsync("4 STORE 1:3 +FLAGS (\\Deleted)\r\n");
            Assert.StartsWith("4 OK", (await imap.ReadUntilAsync("4 "))[^1], StringComparison.Ordinal);
            await imap.SendAsync("5 EXPUNGE\r\n");
            Assert.StartsWith("5 OK", (await imap.ReadUntilAsync("5 "))[^1], StringComparison.Ordinal);
            // Twice what was refused before: a small one may still find room beside the reserve.
            const int large = 400_000;
            await imap.SendAsync($"6 APPEND INBOX {{{large}+}}\r\n{"Subject: no room for this\r\n\r\n".PadRight(large, 'x')}\r\n");
            Assert.StartsWith("6 NO [UNAVAILABLE]", (await imap.ReadUntilAsync("6 "))[^1], StringComparison.Ordinal);
            Run("mount", "-o", "remount,size=80m", mount.Path);
            await using WireScript again = await ConnectAsync(server, 24);
            await again.PlayAsync("S: 220 *\nC: LHLO client.test");
            await again.ReadUntilAsync("250 ");
            string taken = "";
            for (int i = 0; i < 100 && !taken.StartsWith('2'); i++)
            {
                taken = await DeliverAsync(again, 1000 + i);
                await Task.Delay(50);   // space is looked for once a second
            }
            Assert.StartsWith("250", taken, StringComparison.Ordinal);
        }
        finally
        {
            Process.Start("umount", ["-l", mount.Path]).WaitForExit();
        }
    }

    static async Task<string> DeliverAsync(WireScript lmtp, int number)
    {
        await lmtp.PlayAsync("C: MAIL FROM:<x@example.org>\nS: 250 *\nC: RCPT TO:<ann@example.test>");
        string reply = await lmtp.ReadLineAsync();
        if (!reply.StartsWith("250", StringComparison.Ordinal))
        {
            await lmtp.PlayAsync("C: RSET\nS: 250 *");
            return reply;
        }
        await lmtp.PlayAsync("C: DATA\nS: 354 *");
        await lmtp.SendAsync($"Subject: m{number}\r\nMessage-ID: <{number}@x>\r\n\r\n{string.Concat(Enumerable.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abc\r\n", 3000))}.\r\n");
        return await lmtp.ReadLineAsync();
    }

    static async Task<WireScript> ConnectAsync(ServerProcess server, int port)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync("127.0.0.1", server.Port(port));
        return new WireScript(client.GetStream());
    }

    static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
