using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MailAdmin.Tests.Architecture;
using MailAdmin.Tests.Rig;
using MailEngine;

namespace MailAdmin.Tests.Imap;

/// <summary>Programs that nobody here wrote, each with a home of its own, over TLS; what they did is compared octet by octet.</summary>
public class RealClientTests
{
    const string User = "ann@example.test";

    /// <summary>What mail is like: folded and encoded header, 8-bit text, dots, long lines, an attachment, no line end at the end.</summary>
    static readonly string[] s_mail =
    [
        "From: Bob <bob@example.test>\r\nTo: ann@example.test\r\nSubject: one\r\nMessage-ID: <1@example.test>\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800\r\n\r\nHello\r\n.\r\n..dots\r\n",
        "From: bob@example.test\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n and a second line\r\nMessage-ID: <2@example.test>\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
            + "Content-Transfer-Encoding: 8bit\r\n\r\nGr\u00fc\u00dfe\r\nFrom here on\r\n\r\n\r\n",
        "From: bob@example.test\r\nSubject: three\r\nMessage-ID: <3@example.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
            + new string('x', 900) + "\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + Convert.ToBase64String(new byte[30_000], Base64FormattingOptions.InsertLineBreaks) + "\r\n--b--\r\n",
    ];

    static async Task<(ImapRig Rig, TempFolder Home, string Port)> StartAsync()
    {
        ImapRig rig = await ImapRig.StartAsync(options => options.AllowPlaintextAuth = false);
        await rig.GivenMessagesAsync(s_mail.Length, text: n => s_mail[n - 1]);
        await rig.Mail.Store.CreateAsync(rig.Mail.Ann, MailEngine.Store.MailboxName.Parse("Done"));
        return (rig, new TempFolder(), $"{rig.Mail.Listeners.PortOf(MailProtocol.Imap, true)}");
    }

    static string Lf(string text) => text.Replace("\r\n", "\n", StringComparison.Ordinal);

    static IEnumerable<string> FilesBelow(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(f => f.Contains("/cur/", StringComparison.Ordinal) || f.Contains("/new/", StringComparison.Ordinal));

    static string[] Read(IEnumerable<string> files) => [.. files.Select(f => Lf(File.ReadAllText(f, Encoding.Latin1))).Order(StringComparer.Ordinal)];

    static string[] Sorted(IEnumerable<string> mail) => [.. mail.Select(Lf).Order(StringComparer.Ordinal)];

    /// <summary>A delivery agent: a file a message.</summary>
    static Task GivenTakerAsync(TempFolder home) =>
        File.WriteAllTextAsync(home["take"], $"#!/bin/sh\nexec cat > \"$(mktemp {home["in"]}/XXXXXX)\"\n");

    [Fact]
    public async Task When_curl_reads_appends_flags_and_moves_then_the_octets_are_the_same()
    {
        (ImapRig rig, TempFolder home, string port) = await StartAsync();
        using (home)
        await using (rig)
        {
            Task<string> Curl(params string[] arguments) =>
                Programs.MustAtHomeAsync(home, "curl", ["--silent", "--show-error", "--insecure", "--user", $"{User}:{MailRig.Password}", .. arguments]);
            string server = $"imaps://127.0.0.1:{port}";
            Assert.Contains("\"Done\"", await Curl(server), StringComparison.Ordinal);
            for (int i = 0; i < s_mail.Length; i++)
            {
                await Curl($"{server}/INBOX;MAILINDEX={i + 1}", "--output", home["got"]);
                Assert.Equal(s_mail[i], await File.ReadAllTextAsync(home["got"], Encoding.Latin1));
            }
            await Curl($"{server}/INBOX;UID=3;SECTION=1", "--output", home["got"]);
            Assert.Equal(new string('x', 900), await File.ReadAllTextAsync(home["got"]));
            await File.WriteAllTextAsync(home["up"], s_mail[1], Encoding.Latin1);
            await Curl("--upload-file", home["up"], $"{server}/Done");
            await Curl($"{server}/INBOX", "--request", "UID STORE 1 +FLAGS (\\Flagged)");
            await Curl($"{server}/INBOX", "--request", "UID MOVE 1 Done");
            Assert.Equal([s_mail[1], s_mail[0]], await rig.Mail.MessagesAsync(rig.Mail.Ann, "Done"));
            Assert.Contains("FLAGS (\\Flagged", await Curl($"{server}/Done", "--request", "FETCH 2 FLAGS"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task When_fetchmail_takes_the_mail_then_all_of_it_is_delivered_and_gone()
    {
        (ImapRig rig, TempFolder home, string port) = await StartAsync();
        using (home)
        await using (rig)
        {
            Directory.CreateDirectory(home["in"]);
            await GivenTakerAsync(home);
            await File.WriteAllTextAsync(home["rc"], $"""
                set invisible
                poll 127.0.0.1 protocol IMAP service {port}
                  user "{User}" password "{MailRig.Password}" ssl no sslcertck fetchall no rewrite no mimedecode stripcr
                  mda "/bin/sh {home["take"]}"
                """);
            File.SetUnixFileMode(home["rc"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
            await Programs.MustAtHomeAsync(home, "fetchmail", ["--fetchmailrc", home["rc"], "--pidfile", home["pid"], "--nodetach", "--nosyslog"]);
            Assert.Equal(Sorted(s_mail), Read(Directory.EnumerateFiles(home["in"])));
            Assert.Empty(await rig.Mail.MessagesAsync(rig.Mail.Ann));
        }
    }

    [Fact]
    public async Task When_getmail_takes_the_mail_then_all_of_it_is_delivered_and_gone()
    {
        (ImapRig rig, TempFolder home, string port) = await StartAsync();
        using (home)
        await using (rig)
        {
            Directory.CreateDirectory(home["in"]);
            Directory.CreateDirectory(home["getmail"]);
            await GivenTakerAsync(home);
            await File.WriteAllTextAsync(home["getmail/getmailrc"], $"""
                [retriever]
                type = SimpleIMAPSSLRetriever
                server = 127.0.0.1
                port = {port}
                username = {User}
                password = {MailRig.Password}
                mailboxes = ("INBOX",)
                [destination]
                type = MDA_external
                path = /bin/sh
                arguments = ("{home["take"]}",)
                allow_root_commands = true
                unixfrom = false
                [options]
                delete = true
                received = false
                delivered_to = false
                """);
            await Programs.MustAtHomeAsync(home, "/usr/bin/getmail", ["--getmaildir", home["getmail"], "--quiet"]);
            // Its own fields: one before the message, one behind its header.
            Assert.Equal(
                Sorted(s_mail.Select(text => "Return-Path: <unknown>\n" + text)),
                Sorted(Read(Directory.EnumerateFiles(home["in"])).Select(text => text.Replace("X-getmail-retrieved-from-mailbox: INBOX\n", "", StringComparison.Ordinal))));
            Assert.Empty(await rig.Mail.MessagesAsync(rig.Mail.Ann));
        }
    }

    [Fact]
    public async Task When_offlineimap_syncs_both_ways_then_mail_and_flags_are_the_same_on_both_sides()
    {
        (ImapRig rig, TempFolder home, string port) = await StartAsync();
        using (home)
        await using (rig)
        {
            using var certificate = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(Path.Combine(rig.Mail.Folder, "tls", "self-signed.pem")));
            await File.WriteAllTextAsync(home["rc"], $"""
                [general]
                accounts = ann
                metadata = {home["metadata"]}
                [Account ann]
                localrepository = local
                remoterepository = remote
                [Repository local]
                type = Maildir
                localfolders = {home["Mail"]}
                [Repository remote]
                type = IMAP
                remotehost = 127.0.0.1
                remoteport = {port}
                remoteuser = {User}
                remotepass = {MailRig.Password}
                ssl = yes
                cert_fingerprint = {certificate.GetCertHashString(HashAlgorithmName.SHA1).ToLowerInvariant()}
                """);
            string[] sync = ["-o", "-u", "quiet", "-c", home["rc"]];
            await Programs.MustAtHomeAsync(home, "offlineimap", sync);
            Assert.Equal(Sorted(s_mail), Read(FilesBelow(home["Mail/INBOX"])));
            // A flag set, and a message filed, here; both have to be there after the next round.
            string first = FilesBelow(home["Mail/INBOX"]).First(f => File.ReadAllText(f).Contains("Subject: one", StringComparison.Ordinal));
            string flagged = Path.Combine(home["Mail/INBOX/cur"], Path.GetFileName(first).Split(':')[0] + ":2,F");
            File.Move(first, flagged);
            await File.WriteAllTextAsync(home["Mail/Done/new/1.2.host"], Lf(s_mail[0]), Encoding.Latin1);
            await Programs.MustAtHomeAsync(home, "offlineimap", sync);
            Assert.Equal([s_mail[0]], await rig.Mail.MessagesAsync(rig.Mail.Ann, "Done"));
            await using WireScript c = await rig.Mail.ConnectAsync(MailProtocol.Imap, implicitTls: true);
            await c.PlayAsync($"S: * OK *\nC: 1 LOGIN {User} \"{MailRig.Password}\"\nS: 1 OK *\nC: 2 EXAMINE INBOX");
            await c.ReadUntilAsync("2 OK");
            await c.PlayAsync("C: 3 SEARCH FLAGGED SUBJECT one\nS: * SEARCH 1\nS: 3 OK *");
        }
    }

    [Fact]
    public async Task When_mutt_reads_flags_copies_and_deletes_then_that_is_what_the_mailboxes_hold()
    {
        (ImapRig rig, TempFolder home, string port) = await StartAsync();
        using (home)
        await using (rig)
        {
            // The keys that somebody would press: read and keep 1, flag and copy 2, delete 3.
            await File.WriteAllTextAsync(home["rc"], $"""
                set folder = "imaps://127.0.0.1:{port}/"
                set imap_user = "{User}"
                set imap_pass = "{MailRig.Password}"
                set certificate_file = "{Path.Combine(rig.Mail.Folder, "tls", "self-signed.pem")}"
                set ssl_verify_host = no
                set tmpdir = "{home.Path}"
                set confirmappend = no
                set delete = yes
                set quit = yes
                set sort = mailbox-order
                set sleep_time = 0
                set pipe_decode = no
                set wait_key = no
                set mark_old = no
                push '<jump>1<enter><display-message><exit><pipe-message>cat > {home["got"]}<enter><jump>2<enter><flag-message><jump>2<enter><copy-message>=Done<enter><jump>3<enter><delete-message><sync-mailbox><quit>'
                """);
            await Programs.MustAtHomeAsync(home, "script", ["-qec", $"TERM=vt100 mutt -n -F {home["rc"]} -f imaps://127.0.0.1:{port}/INBOX", "/dev/null"]);
            Assert.Equal(Lf(s_mail[0]), await File.ReadAllTextAsync(home["got"], Encoding.Latin1));
            Assert.Equal(s_mail[..2], await rig.Mail.MessagesAsync(rig.Mail.Ann));
            Assert.Equal([s_mail[1]], await rig.Mail.MessagesAsync(rig.Mail.Ann, "Done"));
            MailEngine.Store.MailboxSnapshot inbox = (await rig.Mail.Store.OpenAsync(rig.Mail.Ann, MailEngine.Store.MailboxName.Inbox))!.Current;
            Assert.Equal((MailEngine.Store.MessageFlags.Seen, MailEngine.Store.MessageFlags.Flagged), (inbox[0].Flags, inbox[1].Flags & ~MailEngine.Store.MessageFlags.Seen));
            Assert.Single(rig.Mail.Store.DeletedMessages(rig.Mail.Ann, "", matchText: false, 0, 10).Page);
        }
    }

    [Fact]
    public async Task When_imapfilter_sorts_the_mail_then_it_is_where_its_rules_say()
    {
        (ImapRig rig, TempFolder home, string port) = await StartAsync();
        using (home)
        await using (rig)
        {
            await File.WriteAllTextAsync(home["config.lua"], $$"""
                options.certificates = false
                options.hostnames = false
                options.timeout = 30
                account = IMAP { server = '127.0.0.1', port = {{port}}, username = '{{User}}', password = '{{MailRig.Password}}', ssl = 'auto' }
                three = account.INBOX:contain_subject('three')
                assert(#three == 1)
                text = account.INBOX[three[1][2]]:fetch_message()
                file = io.open('{{home["got"]}}', 'wb')
                file:write(text)
                file:close()
                three:mark_flagged()
                three:move_messages(account['Done'])
                assert(account.Done:append_message(text, { '\\Seen' }, '17-Jul-1996 02:44:25 -0700'))
                mailboxes, folders = account:list_all()
                for _, name in ipairs(mailboxes) do print('box ' .. name) end
                """);
            string said = await Programs.MustAtHomeAsync(home, "imapfilter", ["-t", Path.Combine(rig.Mail.Folder, "tls", "self-signed.pem"), "-c", home["config.lua"]]);
            Assert.Contains("box Done", said, StringComparison.Ordinal);
            Assert.Equal(s_mail[2], await File.ReadAllTextAsync(home["got"], Encoding.Latin1));
            Assert.Equal([s_mail[2], s_mail[2]], await rig.Mail.MessagesAsync(rig.Mail.Ann, "Done"));
            Assert.Equal(s_mail[..2], await rig.Mail.MessagesAsync(rig.Mail.Ann));
        }
    }

    [Fact]
    public async Task When_imaplib_works_over_tls_then_all_goes_well()
    {
        const string Script = """
            import imaplib, ssl, sys
            port, password, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            m = imaplib.IMAP4_SSL('127.0.0.1', port, ssl_context=context)
            m.login('ann@example.test', password)
            assert m.select('INBOX') == ('OK', [b'3'])
            for n in range(1, 4):
                text = m.fetch(str(n), '(BODY.PEEK[])')[1][0][1]
                open(folder + '/%d' % n, 'wb').write(text)
            assert m.append('Done', '(\\Seen)', None, text)[0] == 'OK'
            assert m.uid('MOVE', '1', 'Done')[0] == 'OK'
            assert m.uid('STORE', '2', '+FLAGS', '(\\Answered)')[0] == 'OK'
            assert any(b'"Done"' in line for line in m.list()[1])
            assert m.logout()[0] == 'BYE'
            """;
        (ImapRig rig, TempFolder home, string port) = await StartAsync();
        using (home)
        await using (rig)
        {
            await Programs.MustAtHomeAsync(home, "python3", ["-c", Script, port, MailRig.Password, home.Path]);
            for (int n = 1; n <= s_mail.Length; n++)
                Assert.Equal(s_mail[n - 1], await File.ReadAllTextAsync(home[$"{n}"], Encoding.Latin1));
            Assert.Equal([s_mail[2], s_mail[0]], await rig.Mail.MessagesAsync(rig.Mail.Ann, "Done"));
        }
    }

    [Fact]
    public async Task When_imapflow_works_with_the_mail_then_all_goes_well()
    {
        string folder = Path.Combine(Repository.Root, "tools", "imapflow");
        Assert.True(Directory.Exists(Path.Combine(folder, "node_modules", "imapflow")), "test.sh installs imapflow (npm ci in tools/imapflow)");
        (ImapRig rig, TempFolder home, string port) = await StartAsync();
        using (home)
        await using (rig)
        {
            Assert.Equal("done", (await Programs.MustAtHomeAsync(home, "node", [Path.Combine(folder, "round.mjs"), port, MailRig.Password, home.Path])).Trim());
            for (int n = 1; n <= s_mail.Length; n++)
                Assert.Equal(s_mail[n - 1], await File.ReadAllTextAsync(home[$"{n}"], Encoding.Latin1));
            Assert.Equal([s_mail[2], s_mail[0]], await rig.Mail.MessagesAsync(rig.Mail.Ann, "Done"));
        }
    }
}
