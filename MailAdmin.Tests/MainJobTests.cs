using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using MailAdmin.Tests.Rig;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests;

/// <summary>The main job, end to end, with parts that nobody here wrote: a browser, swaks, mbsync, curl, another server.</summary>
public sealed partial class MainJobTests
{
    const string Password = "correct horse battery staple";

    [Fact]
    public async Task When_a_server_is_set_up_then_real_mail_flows_and_nothing_acknowledged_is_lost()
    {
        using var folder = new TempFolder();
        using var sink = new SmtpSink();
        await using var server = new ServerProcess(folder["data"]);
        server.Set("Relayhosts__0", $"127.0.0.1:{sink.Port}");
        await using Browser browser = await Browser.StartAsync();

        // An administrator sets the system up in a browser and makes accounts.
        string link = SetupLink().Match(await server.StartAsync()).Value;
        await using (BrowserTab tab = await browser.OpenAsync(server.Home))
        {
            await SetUpAsync(tab, link);
            await CreateAccountAsync(tab, "example.test", "ann");
            await CreateAccountAsync(tab, "example.test", "bob");
            await CreateDomainAsync(tab, "other.test");
            await CreateAccountAsync(tab, "other.test", "eve");
            await tab.GoAsync("/administrators");
            await tab.Page.FillAsync("#appoint-account", "ann@example.test");
            await tab.Page.SelectOptionAsync("#appoint-domain", new SelectOptionValue { Label = "example.test" });
            await tab.Page.ClickAsync("#appoint button[type=submit]");
            await Expect(tab.Toast("ann@example.test")).ToBeVisibleAsync();
            Assert.Empty(tab.Complaints);
        }

        // A stock mail program sends a multipart message with an attachment over submission, STARTTLS and AUTH.
        string attachment = folder["attachment.bin"];
        byte[] bytes = new byte[200_000];
        new Random(1).NextBytes(bytes);
        await File.WriteAllBytesAsync(attachment, bytes);
        string sent = await SubmitAsync(server, "ann@example.test", "bob@example.test", "first", "--attach", "@" + attachment);
        Assert.Matches("250 2[^ ]* .*queued as [A-Za-z0-9]+", sent);

        // Another server's mail comes in on port 25 and is refused for unknown users.
        string port25 = server.Port(25).ToString(CultureInfo.InvariantCulture);
        await Programs.MustAsync("swaks", "--server", "127.0.0.1", "--port", port25, "--from", "friend@elsewhere.test", "--to", "bob@example.test", "--header", "Subject: from outside");
        (int refused, string reply) = await Programs.RunAsync("swaks", "--server", "127.0.0.1", "--port", port25, "--from", "friend@elsewhere.test", "--to", "nobody@example.test");
        Assert.Equal(24, refused);   // swaks: RCPT was refused
        Assert.Contains("550 5.1.1", reply, StringComparison.Ordinal);
        (refused, reply) = await Programs.RunAsync("swaks", "--server", "127.0.0.1", "--port", port25, "--from", "friend@elsewhere.test", "--to", "someone@third.test");
        Assert.Equal(24, refused);
        Assert.Contains("550 5.7.1", reply, StringComparison.Ordinal);

        // A stock IMAP client reads: the bytes are those that were sent, but for the added trace fields.
        string maildir = await SyncAsync(server, folder, "bob@example.test", "before");
        string[] mails = Directory.GetFiles(Path.Combine(maildir, "INBOX"), "*", SearchOption.AllDirectories).Where(f => f.Contains("/new/", StringComparison.Ordinal) || f.Contains("/cur/", StringComparison.Ordinal)).ToArray();
        Assert.Equal(2, mails.Length);
        string read = (await Task.WhenAll(mails.Select(f => File.ReadAllTextAsync(f, Encoding.Latin1)))).Single(m => m.Contains("Subject: first", StringComparison.Ordinal));
        Assert.Equal(SwaksData(sent), WithoutTrace(read));
        Assert.StartsWith("Return-Path: <ann@example.test>", read, StringComparison.Ordinal);
        Assert.Contains("\nDelivered-To: bob@example.test\n", read, StringComparison.Ordinal);

        // curl moves a message.
        await CurlAsync(server, "", "CREATE Kept");
        string moved = await CurlAsync(server, "INBOX", "MOVE 1 Kept");
        Assert.Contains("[COPYUID", moved, StringComparison.Ordinal);
        Assert.Contains("* STATUS \"Kept\" (MESSAGES 1)", await CurlAsync(server, "", "STATUS Kept (MESSAGES)"), StringComparison.Ordinal);

        // A reply leaves through the queue to another server.
        await SubmitAsync(server, "bob@example.test", "friend@elsewhere.test", "a reply");
        SunkMail left = await sink.TakeAsync();
        Assert.Contains("<friend@elsewhere.test>", Assert.Single(left.RcptLines), StringComparison.Ordinal);
        Assert.Contains("Subject: a reply", left.Data, StringComparison.Ordinal);

        // A domain master logs in and cannot see the other domain.
        await using (BrowserTab tab = await browser.OpenAsync(server.Home))
        {
            await tab.SignInAsync("ann@example.test", Password);
            await tab.GoAsync("/domains");
            await Expect(tab.Page.GetByRole(AriaRole.Link, new() { Name = "example.test", Exact = true })).ToBeVisibleAsync();
            await Expect(tab.Page.GetByText("other.test")).ToHaveCountAsync(0);
            await tab.GoAsync("/accounts");
            await Expect(tab.Page.GetByText("eve@other.test")).ToHaveCountAsync(0);
        }

        // Mail comes in from several senders when the process is killed; what was acknowledged is there after the restart.
        List<string> acknowledged = await KillUnderLoadAsync(server, port25);
        await server.StartAsync();
        string after = await SyncAsync(server, folder, "bob@example.test", "after");
        string all = string.Concat(Directory.GetFiles(after, "*", SearchOption.AllDirectories).Select(File.ReadAllText));
        Assert.Contains("Subject: first", all, StringComparison.Ordinal);
        Assert.Contains("Subject: from outside", all, StringComparison.Ordinal);
        Assert.All(acknowledged, subject => Assert.Equal(1, all.Split($"Subject: {subject}\n").Length - 1));
        Assert.NotEmpty(acknowledged);
        Assert.Equal(0, await server.StopAsync());
    }

    static async Task SetUpAsync(BrowserTab tab, string link)
    {
        await tab.GoStaticAsync(link);
        await tab.Page.FillAsync("#setup-domain", "example.test");
        await tab.Page.FillAsync("#setup-hostname", "mail.example.test");
        await tab.Page.FillAsync("#setup-login", "root");
        await tab.Page.FillAsync("#setup-password", Password);
        await tab.Page.FillAsync("#setup-repeat", Password);
        await tab.SubmitAsync("button[type=submit]");
        await tab.LiveAsync();
    }

    static async Task CreateDomainAsync(BrowserTab tab, string name)
    {
        await tab.GoAsync("/domains");
        await tab.FollowAsync("#domain-new");
        await tab.Page.FillAsync("#Name", name);
        await tab.Page.ClickAsync("main button[type=submit]");
        await Expect(tab.Toast($"{name} is ready")).ToBeVisibleAsync();
    }

    static async Task CreateAccountAsync(BrowserTab tab, string domain, string localPart)
    {
        await tab.GoAsync("/domains");
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = domain, Exact = true }).ClickAsync();
        await tab.Page.WaitForURLAsync("**/domains/*");
        string id = tab.Page.Url.Split('/')[^1];
        await tab.GoAsync($"/accounts/new?domain={id}");
        await tab.Page.FillAsync("#LocalPart", localPart);
        await tab.Page.FillAsync("#Password", Password);
        await tab.Page.ClickAsync("main button[type=submit]");
        await Expect(tab.Toast($"{localPart}@{domain} is ready")).ToBeVisibleAsync();
    }

    static Task<string> SubmitAsync(ServerProcess server, string from, string to, string subject, params string[] more) => Programs.MustAsync("swaks",
        ["--server", "127.0.0.1", "--port", server.Port(587).ToString(CultureInfo.InvariantCulture), "--tls", "--auth", "PLAIN", "--auth-user", from,
            "--auth-password", Password, "--from", from, "--to", to, "--header", "Subject: " + subject, .. more]);

    static Task<string> CurlAsync(ServerProcess server, string mailbox, string command) => Programs.MustAsync("curl",
        "--silent", "--show-error", "--verbose", "--insecure", "--ssl-reqd", "--url", $"imap://127.0.0.1:{server.Port(143)}/{mailbox}", "--user", "bob@example.test:" + Password, "--request", command);

    static async Task<string> SyncAsync(ServerProcess server, TempFolder folder, string account, string name)
    {
        string maildir = folder[name];
        Directory.CreateDirectory(maildir);
        await File.WriteAllTextAsync(folder["mbsyncrc"], $"""
            IMAPStore server
            Host 127.0.0.1
            Port {server.Port(143)}
            User {account}
            Pass "{Password}"
            SSLType STARTTLS
            CertificateFile {folder["data/tls/self-signed.pem"]}

            MaildirStore local
            Path {maildir}/
            Inbox {maildir}/INBOX
            SubFolders Verbatim

            Channel all
            Far :server:
            Near :local:
            Patterns *
            Create Near
            Sync Pull
            CopyArrivalDate yes
            SyncState *

            """);
        await Programs.MustAsync("mbsync", "--config", folder["mbsyncrc"], "all");
        return maildir;
    }

    /// <summary>Sends with several programs at once, kills the server in the middle.</summary>
    /// <returns>Subjects of the messages that were answered with 250.</returns>
    static async Task<List<string>> KillUnderLoadAsync(ServerProcess server, string port)
    {
        var acknowledged = new List<string>();
        int sent = 0;
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task[] senders = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                string subject = $"load-{Interlocked.Increment(ref sent)}";
                (int exit, string output) = await Programs.RunAsync("swaks", "--server", "127.0.0.1", "--port", port, "--from", "friend@elsewhere.test", "--to", "bob@example.test", "--header", "Subject: " + subject);
                if (output.Contains("queued as", StringComparison.Ordinal))
                {
                    lock (acknowledged)
                    {
                        acknowledged.Add(subject);
                        if (acknowledged.Count >= 9)
                            enough.TrySetResult();
                    }
                }
                if (exit != 0)
                    return;
            }
        }))];
        await enough.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await server.KillAsync();
        await Task.WhenAll(senders);
        return acknowledged;
    }

    /// <summary>What swaks put on the wire, from its transcript: the lines between 354 and the dot.</summary>
    static string SwaksData(string transcript)
    {
        IEnumerable<string> lines = transcript.Split('\n').SkipWhile(line => !line.Contains(" 354 ", StringComparison.Ordinal)).Skip(1)
            .TakeWhile(line => line is not " ~> .").Select(line => line.Length > 4 ? line[4..] : "");
        return string.Join('\n', lines.Select(line => line.TrimEnd('\r'))) + "\n";   // a Maildir has line feeds alone
    }

    /// <summary>Takes off what servers put on top: Return-Path, Delivered-To, Received; and the field that mbsync adds.</summary>
    static string WithoutTrace(string mail)
    {
        List<string> lines = [.. mail.Split('\n')];
        while (lines[0].StartsWith("Return-Path:", StringComparison.Ordinal) || lines[0].StartsWith("Delivered-To:", StringComparison.Ordinal)
            || lines[0].StartsWith("Received:", StringComparison.Ordinal) || lines[0].StartsWith('\t') || lines[0].StartsWith(' '))
            lines.RemoveAt(0);
        lines.RemoveAll(line => line.StartsWith("X-TUID:", StringComparison.Ordinal));
        return string.Join('\n', lines);
    }

    [GeneratedRegex("/setup\\?token=\\S+")]
    private static partial Regex SetupLink();
}
