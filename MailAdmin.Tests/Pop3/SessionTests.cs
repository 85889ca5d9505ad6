using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Store;

namespace MailAdmin.Tests.Pop3;

/// <summary>Commands and states on the wire.</summary>
public sealed class SessionTests(Pop3Rig rig) : IClassFixture<Pop3Rig>
{
    /// <summary>A message of so many octets.</summary>
    static string Message(int octets) => "Subject: one\r\n\r\n" + new string('x', octets - 18) + "\r\n";

    [Fact]
    public async Task When_the_session_of_the_RFC_is_played_then_the_answers_are_those_of_the_RFC()   // RFC 1939 §10
    {
        (long account, string name) = await rig.GivenAccountAsync();
        await rig.GivenMessagesAsync(account, "INBOX", Message(120), Message(200));
        await using WireScript c = await rig.LogInAsync(name);
        await c.PlayAsync("C: STAT\nS: +OK 2 320\nC: LIST\nS: +OK 2 messages, 320 octets\nS: 1 120\nS: 2 200\nS: .\nC: RETR 1\nS: +OK 120 octets\nS: Subject: one\nS: \nS: xxx*\nS: .");
        await c.PlayAsync("C: DELE 1\nS: +OK *\nC: RETR 2\nS: +OK 200 octets\nS: Subject: one\nS: \nS: xxx*\nS: .\nC: DELE 2\nS: +OK *\nC: QUIT\nS: +OK Goodbye, 2 messages removed");
        Assert.True(await c.EndsAsync());
        Assert.Empty(await rig.Mail.MessagesAsync(account));
    }

    [Fact]
    public async Task When_commands_are_given_with_and_without_numbers_then_each_does_its_part()   // RFC 1939 §5
    {
        (long account, string name) = await rig.GivenAccountAsync();
        await rig.GivenMessagesAsync(account, "INBOX", Message(120), Message(200));
        await using WireScript c = await rig.LogInAsync(name);
        await c.PlayAsync("C: list 2\nS: +OK 2 200\nC: LIST 3\nS: -ERR There is no message of that number\nC: LIST 0\nS: -ERR There is no *\nC: LIST 99999999999999999999\nS: -ERR There is no *");
        await c.PlayAsync("C: DELE 1\nS: +OK *\nC: DELE 1\nS: -ERR The message is deleted\nC: RETR 1\nS: -ERR The message is deleted\nC: TOP 1 0\nS: -ERR *\nC: LIST 1\nS: -ERR *\nC: UIDL 1\nS: -ERR *");
        await c.PlayAsync("C: STAT\nS: +OK 1 200\nC: LIST\nS: +OK 1 messages, 200 octets\nS: 2 200\nS: .\nC: NOOP\nS: +OK *\nC: RSET\nS: +OK 2 messages, 320 octets\nC: STAT\nS: +OK 2 320");
        await c.PlayAsync("C: RETR\nS: -ERR An argument is missing\nC: RETR one\nS: -ERR An argument must be a number\nC: RETR -1\nS: -ERR *\nC: TOP 1\nS: -ERR An argument is missing\nC: NOOP x\nS: -ERR There is more*");
        await c.PlayAsync("C: LIST 1 \nS: +OK 1 120\nC: XTND XMIT\nS: -ERR There is no such command\nC: \nS: -ERR There is no such command\nC: USER x\nS: -ERR Only before log-in\nC: QUIT\nS: +OK Goodbye");
        Assert.True(await c.EndsAsync());
    }

    [Fact]
    public async Task When_a_client_comes_then_it_is_told_what_there_is_and_no_password_is_taken_in_the_clear()   // RFC 2449 §5, RFC 2595 §4
    {
        await using Pop3Rig strict = await Pop3Rig.StartAsync(options => options.AllowPlaintextAuth = false);
        await using WireScript c = await strict.ConnectAsync();
        List<string> clear = (await c.AskLinesAsync("CAPA")).Lines;
        Assert.Equal(["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "STLS", "EXPIRE NEVER", "UTF8", "LANG", "IMPLEMENTATION MailAdmin"], clear);
        await c.PlayAsync("C: USER ann@example.test\nS: -ERR Passwords are only taken under TLS*\nC: PASS x\nS: -ERR Passwords *\nC: AUTH PLAIN\nS: -ERR Passwords *\nC: STAT\nS: -ERR Log in first");
        await c.PlayAsync("C: APOP ann c4c9334bac560ecc979e58001b3e22fb\nS: -ERR APOP is not offered*\nC: STLS\nS: +OK Begin TLS");
        c.Continue(await MailRig.TlsOverAsync(c.Stream));
        List<string> secret = (await c.AskLinesAsync("CAPA")).Lines;
        Assert.Equal(["USER", "SASL PLAIN LOGIN"], secret.Except(clear));
        Assert.DoesNotContain("STLS", secret);
        await c.PlayAsync($"C: STLS\nS: -ERR TLS is on already\nC: USER ann@example.test\nS: +OK *\nC: PASS {MailRig.Password}\nS: +OK 0 messages\nC: STLS\nS: -ERR Only before*");
        Assert.Equal(secret, (await c.AskLinesAsync("CAPA")).Lines);
        await using WireScript implied = await strict.ConnectAsync(tls: true);
        await implied.PlayAsync($"C: USER ann@example.test\nS: +OK *\nC: PASS {MailRig.Password}\nS: +OK 0 messages");
        Assert.Equal(2, strict.Mail.Sessions.List().Count(s => s.Protocol == MailProtocol.Pop3 && s.Login == "ann@example.test" && s.Tls));
    }

    [Fact]
    public async Task When_something_is_sent_behind_STLS_in_the_clear_then_it_is_never_run()   // attack case A3
    {
        await using WireScript c = await rig.ConnectAsync();
        await c.SendAsync("STLS\r\nCAPA\r\n");
        Assert.True(await c.EndsAsync());
        await using WireScript late = await rig.ConnectAsync();
        await late.PlayAsync("C: UTF8\nS: +OK *\nC: STLS\nS: -ERR STLS goes before UTF8");   // RFC 6856 §2.1
    }

    static string Octets(string text) => System.Text.Encoding.Latin1.GetString(System.Text.Encoding.UTF8.GetBytes(text));

    [Theory]
    [InlineData("")]
    [InlineData("Grüße\r\n")]
    [InlineData("long")]   // longer than what is read at once
    public async Task When_a_client_has_not_said_UTF8_then_headers_of_parts_are_ASCII_and_texts_are_as_they_were(string text)   // RFC 6856 §2.1
    {
        text = text == "long" ? string.Concat(Enumerable.Repeat(new string('x', 76) + "\r\n", 1500)) + "ö\r\n" + string.Concat(Enumerable.Repeat(new string('y', 76) + "\r\n", 1500)) : text;
        string message = "Subject: *ü*\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nvor dem ü\r\n--b\r\n\r\n" + text + "\r\n--b\r\nContent-Type: application/pdf\r\n"
            + "Content-Disposition: attachment; filename=\"*ü*\"\r\n\r\nö\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: *ü*\r\nX: y\r\n\r\n.ä\r\n--b--\r\nnach dem ü\r\n";
        (long account, string name) = await rig.GivenAccountAsync();
        await rig.GivenMessagesAsync(account, "INBOX", Octets(message.Replace("*", "", StringComparison.Ordinal)));

        await using WireScript c = await rig.LogInAsync(name);
        string surrogate = message.Replace("*ü*", "=?utf-8?B?w7w=?=", StringComparison.Ordinal);
        Assert.Equal(Octets(surrogate), string.Concat((await c.AskLinesAsync("RETR 1")).Lines.Select(line => line + "\r\n")));
        Assert.Equal(Octets(surrogate), string.Concat((await c.AskLinesAsync("TOP 1 9999")).Lines.Select(line => line + "\r\n")));
        int lines = surrogate.Split("\r\n\r\n", 2)[1].Split("\r\n").Length - 1;
        for (int most = text.Length > 1000 ? lines - 15 : 0; most < lines; most++)   // also where it ends in a header
            Assert.Equal(Octets(string.Join("\r\n", surrogate.Split("\r\n").Take(3 + most)) + "\r\n"), string.Concat((await c.AskLinesAsync($"TOP 1 {most}")).Lines.Select(line => line + "\r\n")));
        await c.PlayAsync("C: QUIT\nS: +OK *");
    }

    [Fact]
    public async Task When_a_client_has_not_said_UTF8_then_headers_are_ASCII_and_the_rest_is_as_it_was()   // RFC 6856 §2.1
    {
        (long account, string name) = await rig.GivenAccountAsync();
        const string Text = "Received: from é by x\r\nFrom: \"Jörg\" <joerg@büro.example>, <jörg@example.org>, Team ö: anna@example.org;\r\nSubject: Grüße,\r\n an alle\r\nX-Plain: as it is\r\n  here\r\n"
            + "Content-Type: text/plain; name=\"Grüße.txt\"; charset=utf-8\r\njunk ö\r\n\r\n.Grüße\r\n";
        const string Surrogate = "Received: from ?? by x\r\nFrom: =?utf-8?B?SsO2cmc=?= <joerg@xn--bro-hoa.example>,\r\n =?utf-8?B?asO2cmdAZXhhbXBsZS5vcmc=?=:;,\r\n =?utf-8?B?VGVhbSDDtg==?=: <anna@example.org>;\r\n"
            + "Subject: =?utf-8?B?R3LDvMOfZSwgYW4gYWxsZQ==?=\r\nX-Plain: as it is\r\n  here\r\nContent-Type: text/plain; name=\"=?utf-8?B?R3LDvMOfZS50eHQ=?=\"; charset=utf-8\r\njunk ??\r\n\r\n.Grüße\r\n";
        string longHeader = string.Concat(Enumerable.Range(0, 3000).Select(i => $"X-{i}: {new string('x', 60)} ö\r\n"));
        await rig.GivenMessagesAsync(account, "INBOX", Octets(Text), Octets(longHeader + "\r\nö\r\n"), Octets("Subject: only ö\r\n"), Octets("\r\nö\r\n"), "Subject: Gr\u00fc\u00dfe\r\n\r\n");

        await using WireScript c = await rig.LogInAsync(name);
        Assert.Equal(Surrogate, await AskAsync(c, 1));
        Assert.Equal(longHeader.Replace("ö", "??", StringComparison.Ordinal) + "\r\nö\r\n", await AskAsync(c, 2));
        Assert.Equal("Subject: =?utf-8?B?b25seSDDtg==?=\r\n", await AskAsync(c, 3));
        Assert.Equal("\r\nö\r\n", await AskAsync(c, 4));
        Assert.Equal("Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n\r\n", await AskAsync(c, 5));   // not even UTF-8
        Assert.Contains("Subject: =?utf-8?B?R3LDvMOfZSwgYW4gYWxsZQ==?=", (await c.AskLinesAsync("TOP 1 0")).Lines);
        await c.PlayAsync("C: QUIT\nS: +OK *");

        await using WireScript utf8 = await rig.ConnectAsync();
        await utf8.PlayAsync($"C: UTF8\nS: +OK *\nC: USER {name}\nS: +OK *\nC: PASS {MailRig.Password}\nS: +OK *");
        Assert.Equal(Text, await AskAsync(utf8, 1));

        static async Task<string> AskAsync(WireScript client, int number)
        {
            (string first, List<string> lines) = await client.AskLinesAsync($"RETR {number}");
            string octets = string.Concat(lines.Select(line => line + "\r\n"));
            if (number != 2)   // longer than what is read at once
                Assert.Equal($"+OK {octets.Length} octets", first);
            return System.Text.Encoding.UTF8.GetString(System.Text.Encoding.Latin1.GetBytes(octets));
        }
    }

    [Fact]
    public async Task When_a_client_logs_in_then_by_any_of_the_forms()
    {
        (_, string name) = await rig.GivenAccountAsync();
        string plain = MailRig.Plain(name, MailRig.Password), user = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(name)),
            password = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(MailRig.Password));
        await using (WireScript c = await rig.ConnectAsync())
        {
            await c.PlayAsync("C: AUTH\nS: +OK *\nS: PLAIN\nS: LOGIN\nS: .\nC: PASS x\nS: -ERR Send USER first\nC: AUTH KLINGON\nS: -ERR There is no such mechanism\nC: AUTH PLAIN %%%\nS: -ERR This is not base64");
            await c.PlayAsync("C: AUTH PLAIN\nS: + \nC: *\nS: -ERR Log-in given up\nC: AUTH PLAIN\nS: + \nC: %%%\nS: -ERR This is not base64\nC: AUTH PLAIN =\nS: -ERR [AUTH] Wrong user name or password");
            await c.PlayAsync($"C: AUTH PLAIN {MailRig.Plain(name, "wrong")}\nS: -ERR [AUTH] *\nC: USER {name}\nS: +OK *\nC: PASS wrong\nS: -ERR [AUTH] *\nC: PASS {MailRig.Password}\nS: -ERR Send USER first");
            await c.PlayAsync($"C: auth plain {plain}\nS: +OK 0 messages\nC: AUTH PLAIN\nS: -ERR Only before log-in\nC: QUIT\nS: +OK *");
        }
        foreach (string script in new[] { $"C: AUTH PLAIN\nS: + \nC: {plain}", $"C: AUTH LOGIN\nS: + VXNlcm5hbWU6\nC: {user}\nS: + UGFzc3dvcmQ6\nC: {password}", $"C: USER {name}\nS: +OK *\nC: PASS {MailRig.Password}" })
        {
            await using WireScript c = await rig.ConnectAsync();
            await c.PlayAsync($"{script}\nS: +OK 0 messages\nC: QUIT\nS: +OK *");
        }
    }

    [Fact]
    public async Task When_the_account_may_not_use_it_then_log_in_is_refused_and_open_sessions_end()
    {
        (long account, string name) = await rig.GivenAccountAsync();
        await using (WireScript open = await rig.LogInAsync(name))
        {
            await rig.Mail.Accounts.WriteAsync(async db =>
            {
                (await db.Accounts.FindAsync(account))!.Services = MailServices.All & ~MailServices.Pop3;
                await db.SaveChangesAsync();
            });
            await open.PlayAsync("S: -ERR [SYS/TEMP] The session was ended*");
            Assert.True(await open.EndsAsync());
        }
        await using WireScript next = await rig.ConnectAsync();
        await next.PlayAsync($"C: AUTH PLAIN {MailRig.Plain(name, MailRig.Password)}\nS: -ERR [AUTH] POP3 is not switched on for this account");
        await rig.Mail.Accounts.WriteAsync(async db =>
        {
            (await db.Accounts.FindAsync(account))!.State = AccountState.Suspended;
            await db.SaveChangesAsync();
        });
        await next.PlayAsync($"C: AUTH PLAIN {MailRig.Plain(name, MailRig.Password)}\nS: -ERR [AUTH] This account is suspended");
    }

    [Fact]
    public async Task When_an_app_password_is_for_POP3_then_it_opens_POP3_alone()
    {
        (long account, string name) = await rig.GivenAccountAsync();
        string good = AppPassword.NewSecret(), other = AppPassword.NewSecret();
        await rig.Mail.Accounts.WriteAsync(async db =>
        {
            db.AppPasswords.Add(new AppPassword { AccountId = account, Name = "pop", Hash = AppPassword.HashOf(good)!, Services = MailServices.Pop3, CreatedAt = DateTimeOffset.UtcNow });
            db.AppPasswords.Add(new AppPassword { AccountId = account, Name = "imap", Hash = AppPassword.HashOf(other)!, Services = MailServices.Imap, CreatedAt = DateTimeOffset.UtcNow });
            await db.SaveChangesAsync();
        });
        await using WireScript c = await rig.ConnectAsync();
        await c.PlayAsync($"C: USER {name}\nS: +OK *\nC: PASS {other}\nS: -ERR [AUTH] *\nC: USER {name}\nS: +OK *\nC: PASS {good}\nS: +OK 0 messages");
        await rig.Mail.Accounts.Authenticator.FlushAsync();
        await using AccountsContext db = rig.Mail.Accounts.Database.NewContext();
        Assert.Single(db.LastLogins.Where(l => l.AccountId == account && l.Service == MailServices.Pop3));
    }

    [Fact]
    public async Task When_the_language_is_chosen_then_answers_are_in_it()   // RFC 6856 §3.3
    {
        (_, string name) = await rig.GivenAccountAsync();
        await using WireScript c = await rig.ConnectAsync();
        Assert.Equal(["en English", "de Deutsch"], (await c.AskLinesAsync("LANG")).Lines);
        await c.PlayAsync("C: LANG MUL\nS: -ERR There are no answers in this language\nC: LANG de-AT\nS: +OK de Antworten sind auf Deutsch\nC: LANG uga\nS: -ERR In dieser Sprache gibt es keine Antworten");
        await c.PlayAsync($"C: USER {name}\nS: +OK Nun das Passwort\nC: PASS {MailRig.Password}\nS: +OK 0 Nachrichten\nC: LIST 1\nS: -ERR Eine Nachricht dieser Nummer gibt es nicht\nC: LANG *\nS: +OK en Answers are in English\nC: LIST 1\nS: -ERR There is no *");
    }

    [Fact]
    public async Task When_commands_are_pipelined_then_each_is_answered_in_turn()   // RFC 2449 §6.6
    {
        (long account, string name) = await rig.GivenAccountAsync();
        await rig.GivenMessagesAsync(account, "INBOX", [.. Enumerable.Range(0, 300).Select(i => Message(1000 + i))]);
        await using WireScript c = await rig.ConnectAsync();
        await c.SendAsync($"USER {name}\r\nPASS {MailRig.Password}\r\nSTAT\r\n{string.Concat(Enumerable.Range(1, 300).Select(i => $"RETR {i}\r\nDELE {i}\r\n"))}QUIT\r\n");
        await c.PlayAsync("S: +OK *\nS: +OK 300 messages\nS: +OK 300 344850");
        for (int i = 0; i < 300; i++)
        {
            await c.PlayAsync($"S: +OK {1000 + i} octets\nS: Subject: one\nS: \nS: xx*\nS: .\nS: +OK Deleted with QUIT");
        }
        await c.PlayAsync("S: +OK Goodbye, 300 messages removed");
        Assert.Empty(await rig.Mail.MessagesAsync(account));
    }

    [Fact]
    public async Task When_a_session_arrives_in_any_two_pieces_then_the_answers_are_the_same()
    {
        (long account, string name) = await rig.GivenAccountAsync();
        await rig.GivenMessagesAsync(account, "INBOX", Message(50));
        string script = $"CAPA\r\nUSER {name}\r\nPASS {MailRig.Password}\r\nSTAT\r\nTOP 1 1\r\nBAD\r\nUIDL\r\nQUIT\r\n";
        async Task<List<string>> PlayAsync(params int[] pieces)
        {
            await using WireScript c = await rig.ConnectAsync();
            int at = 0;
            foreach (int piece in pieces)
            {
                await c.SendAsync(script.Substring(at, piece));
                at += piece;
            }
            return await c.ReadUntilAsync("+OK Goodbye");
        }
        List<string> whole = await PlayAsync(script.Length);
        Assert.Equal(whole, await PlayAsync([.. Enumerable.Repeat(1, script.Length)]));
        for (int cut = 1; cut < script.Length; cut++)
            Assert.Equal(whole, await PlayAsync(cut, script.Length - cut));
    }
}
