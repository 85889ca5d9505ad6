using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;

namespace MailAdmin.Tests.Pop3;

/// <summary>Programs that nobody here wrote, over TLS; what they took is compared octet by octet.</summary>
public sealed class RealClientTests(Pop3Rig rig) : IClassFixture<Pop3Rig>
{
    static readonly string[] s_mail =
    [
        "From: Bob <bob@example.test>\r\nTo: ann@example.test\r\nSubject: one\r\nMessage-ID: <1@example.test>\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800\r\n\r\nHello\r\n.\r\n..dots\r\n",
        "From: bob@example.test\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n and a second line\r\nMessage-ID: <2@example.test>\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
            + "Content-Transfer-Encoding: 8bit\r\n\r\nGr\u00fc\u00dfe\r\nFrom here on\r\n\r\n\r\n",
        "From: bob@example.test\r\nSubject: three\r\nMessage-ID: <3@example.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
            + new string('x', 900) + "\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + Convert.ToBase64String(new byte[30_000], Base64FormattingOptions.InsertLineBreaks) + "\r\n--b--\r\n",
    ];

    string Port => $"{rig.Mail.Listeners.PortOf(MailProtocol.Pop3, implicitTls: true)}";

    string ClearPort => $"{rig.Mail.Listeners.PortOf(MailProtocol.Pop3)}";

    static string Lf(string text) => text.Replace("\r\n", "\n", StringComparison.Ordinal);

    static string[] Sorted(IEnumerable<string> mail) => [.. mail.Select(Lf).Order(StringComparer.Ordinal)];

    static string[] Read(string folder) => Sorted(Directory.EnumerateFiles(folder).Select(f => File.ReadAllText(f, Encoding.Latin1)));

    async Task<(TempFolder Home, long Account, string Name)> GivenMailAsync()
    {
        (long account, string name) = await rig.GivenAccountAsync();
        await rig.GivenMessagesAsync(account, "INBOX", s_mail);
        var home = new TempFolder();
        Directory.CreateDirectory(home["in"]);
        // A delivery agent: a file a message.
        await File.WriteAllTextAsync(home["take"], $"#!/bin/sh\nexec cat > \"$(mktemp {home["in"]}/XXXXXX)\"\n");
        return (home, account, name);
    }

    [Fact]
    public async Task When_curl_lists_reads_and_deletes_then_the_octets_are_the_same()
    {
        (TempFolder home, long account, string name) = await GivenMailAsync();
        using (home)
        {
            Task<string> Curl(params string[] arguments) =>
                Programs.MustAtHomeAsync(home, "curl", ["--silent", "--show-error", "--insecure", "--user", $"{name}:{MailRig.Password}", .. arguments]);
            string server = $"pop3s://127.0.0.1:{Port}";
            Assert.Equal(string.Concat(s_mail.Select((text, i) => $"{i + 1} {text.Length}\r\n")), await Curl(server));
            for (int i = 0; i < s_mail.Length; i++)
            {
                await Curl($"{server}/{i + 1}", "--output", home["got"]);
                Assert.Equal(s_mail[i], await File.ReadAllTextAsync(home["got"], Encoding.Latin1));
            }
            Assert.Equal(3, (await Curl("--ssl-reqd", "--login-options", "AUTH=LOGIN", "--request", "UIDL", $"pop3://127.0.0.1:{ClearPort}")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
            await Curl($"{server}/2", "--request", "DELE", "--head");
            Assert.Equal([s_mail[0], s_mail[2]], await rig.Mail.MessagesAsync(account));
        }
    }

    [Fact]
    public async Task When_fetchmail_takes_the_mail_then_what_is_kept_is_not_taken_twice_and_what_is_not_is_gone()
    {
        (TempFolder home, long account, string name) = await GivenMailAsync();
        using (home)
        {
            async Task FetchAsync(string options, string port = "", string tls = "ssl no sslcertck")
            {
                await File.WriteAllTextAsync(home["rc"], $"""
                    set invisible
                    poll 127.0.0.1 protocol POP3 service {(port.Length > 0 ? port : Port)} uidl
                      user "{name}" password "{MailRig.Password}" {tls} {options} no rewrite no mimedecode stripcr
                      mda "/bin/sh {home["take"]}"
                    """);
                File.SetUnixFileMode(home["rc"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
                (int exit, string output) = await Programs.RunAsync("env", $"HOME={home.Path}", $"FETCHMAILHOME={home.Path}", "fetchmail", "--fetchmailrc", home["rc"], "--pidfile", home["pid"], "--idfile", home["ids"], "--nodetach", "--nosyslog");
                Assert.True(exit is 0 or 1, output);   // 1: there was no new mail
            }
            await FetchAsync("keep");
            Assert.Equal(Sorted(s_mail), Read(home["in"]));
            await FetchAsync("keep", ClearPort, "sslproto tls1.2+ no sslcertck");   // by STLS
            Assert.Equal(3, Directory.GetFiles(home["in"]).Length);
            await rig.GivenMessagesAsync(account, "INBOX", "From: x@example.test\r\nSubject: new\r\n\r\n");
            await FetchAsync("no keep");
            Assert.Equal(4, Directory.GetFiles(home["in"]).Length);
            await FetchAsync("fetchall no keep");
            Assert.Empty(await rig.Mail.MessagesAsync(account));
        }
    }

    [Fact]
    public async Task When_getmail_takes_the_mail_then_all_of_it_is_delivered_and_gone()
    {
        (TempFolder home, long account, string name) = await GivenMailAsync();
        using (home)
        {
            Directory.CreateDirectory(home["getmail"]);
            await File.WriteAllTextAsync(home["getmail/getmailrc"], $"""
                [retriever]
                type = SimplePOP3SSLRetriever
                server = 127.0.0.1
                port = {Port}
                username = {name}
                password = {MailRig.Password}
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
            Assert.Equal(Sorted(s_mail.Select(text => "Return-Path: <unknown>\n" + text)), Read(home["in"]));
            Assert.Empty(await rig.Mail.MessagesAsync(account));
        }
    }

    [Fact]
    public async Task When_mpop_takes_the_mail_then_all_of_it_is_delivered_and_gone()
    {
        (TempFolder home, long account, string name) = await GivenMailAsync();
        using (home)
        {
            async Task FetchAsync(string options)
            {
                await File.WriteAllTextAsync(home["rc"], $"""
                    account default
                    host 127.0.0.1
                    tls on
                    tls_trust_file
                    tls_certcheck off
                    user {name}
                    password {MailRig.Password}
                    uidls_file {home["uidls"]}
                    received_header off
                    delivery mda /bin/sh {home["take"]}
                    {options}
                    """);
                File.SetUnixFileMode(home["rc"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
                await Programs.MustAtHomeAsync(home, "mpop", ["--file", home["rc"], "--quiet"]);
            }
            await FetchAsync($"port {ClearPort}\ntls_starttls on\nkeep on");
            Assert.Equal(Sorted(s_mail), Read(home["in"]));
            await FetchAsync($"port {Port}\ntls_starttls off\nkeep off");
            Assert.Equal(3, Directory.GetFiles(home["in"]).Length);
            Assert.Empty(await rig.Mail.MessagesAsync(account));
        }
    }

    [Fact]
    public async Task When_pythons_poplib_works_with_a_maildrop_then_all_goes_well()
    {
        const string Script = """
            import poplib, ssl, sys
            context = ssl._create_unverified_context()
            p = poplib.POP3('127.0.0.1', int(sys.argv[1]))
            assert 'STLS' in p.capa() and 'UTF8' in p.capa(), p.capa()
            p.stls(context)
            p.user(sys.argv[3]); p.pass_(sys.argv[4])
            count, octets = p.stat()
            response, sizes, _ = p.list()
            assert count == 3 and sum(int(s.split()[1]) for s in sizes) == octets, (count, octets, sizes)
            for i in range(1, count + 1):
                response, lines, total = p.retr(i)
                assert len(b''.join(l + b'\r\n' for l in lines)) == int(sizes[i - 1].split()[1]), i
            assert p.top(1, 1)[1][-1] == b'Hello', p.top(1, 1)
            ids = p.uidl()[1]
            assert p.uidl(2).split()[2] == ids[1].split()[1]
            p.dele(1); p.rset(); p.dele(2)
            p.quit()
            s = poplib.POP3_SSL('127.0.0.1', int(sys.argv[2]), context=context)
            s.user(sys.argv[3]); s.pass_(sys.argv[4])
            assert [l.split()[1] for l in s.uidl()[1]] == [ids[0].split()[1], ids[2].split()[1]]
            try:
                s.retr(3)
                assert False
            except poplib.error_proto as e:
                assert b'There is no message' in e.args[0]
            s.quit()
            print('done')
            """;
        (TempFolder home, long account, string name) = await GivenMailAsync();
        using (home)
            Assert.Equal("done", (await Programs.MustAsync("python3", "-c", Script, ClearPort, Port, name, MailRig.Password)).Trim());
        Assert.Equal(2, (await rig.Mail.MessagesAsync(account)).Count);
    }
}
