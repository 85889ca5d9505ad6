using System.Buffers;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.ManageSieve;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.ManageSieve;

/// <summary>RFC 5804: every command, by wire scripts and by a real client.</summary>
public sealed class ManageSieveTests : IAsyncLifetime
{
    MailRig _rig = null!;

    public async Task InitializeAsync() => _rig = await MailRig.StartAsync(options =>
    {
        options.Sieve.Scripts = 3;
        options.Sieve.ScriptBytes = 20_000;
    });

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    async Task<WireScript> GreetedAsync()
    {
        WireScript client = await _rig.ConnectAsync(MailProtocol.ManageSieve);
        await client.ReadUntilAsync("OK");
        return client;
    }

    async Task<WireScript> UnderTlsAsync()
    {
        WireScript client = await GreetedAsync();
        await client.PlayAsync("C: STARTTLS\nS: OK");
        client.Continue(await MailRig.TlsOverAsync(client.Stream));
        await client.ReadUntilAsync("OK");
        return client;
    }

    async Task<WireScript> LoggedInAsync(string user = "ann@example.test")
    {
        WireScript client = await UnderTlsAsync();
        await client.PlayAsync($"C: AUTHENTICATE \"PLAIN\" \"{MailRig.Plain(user, MailRig.Password)}\"\nS: OK");
        return client;
    }

    static string Literal(string text) => $"{{{Encoding.UTF8.GetByteCount(text)}+}}\r\n{text}";

    [Fact]
    public async Task When_a_client_connects_then_it_is_told_what_there_is_and_no_password_is_taken_in_the_clear()   // RFC 5804 §1.7, RFC 5804 §2.2
    {
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.ManageSieve);
        List<string> greeting = await client.ReadUntilAsync("OK");
        Assert.Contains("\"IMPLEMENTATION\" \"MailAdmin\"", greeting);
        Assert.Contains("\"SASL\" \"\"", greeting);
        Assert.Contains("\"STARTTLS\"", greeting);
        Assert.Contains("\"VERSION\" \"1.0\"", greeting);
        Assert.Contains(greeting, line => line.StartsWith("\"SIEVE\" \"", StringComparison.Ordinal) && line.Contains(" variables ", StringComparison.Ordinal));
        await client.PlayAsync($"C: AUTHENTICATE \"PLAIN\" \"{MailRig.Plain("ann@example.test", MailRig.Password)}\"\nS: NO (ENCRYPT-NEEDED) *\nC: LISTSCRIPTS\nS: NO \"Log in first, by AUTHENTICATE\"");
        await client.PlayAsync("C: STARTTLS\nS: OK");
        client.Continue(await MailRig.TlsOverAsync(client.Stream));
        List<string> again = await client.ReadUntilAsync("OK");
        Assert.Contains("\"SASL\" \"PLAIN LOGIN\"", again);
        Assert.DoesNotContain("\"STARTTLS\"", again);
        await client.PlayAsync("C: STARTTLS\nS: NO \"TLS is on already\"\nC: logout\nS: OK");
        Assert.True(await client.EndsAsync());
    }

    [Fact]
    public async Task When_something_is_sent_behind_STARTTLS_in_the_clear_then_it_is_never_run()
    {
        await using WireScript client = await GreetedAsync();
        await client.SendAsync("STARTTLS\r\nNOOP \"x\"\r\n");
        Assert.True(await client.EndsAsync());
    }

    [Fact]
    public async Task When_a_client_logs_in_then_by_any_of_the_forms_of_the_exchange()   // RFC 5804 §2.1
    {
        string plain = MailRig.Plain("ann@example.test", MailRig.Password);
        await using WireScript client = await UnderTlsAsync();
        await client.PlayAsync("C: AUTHENTICATE \"PLAIN\" \"AGFubgB3cm9uZw==\"\nS: NO \"Wrong user name or password\"");
        await client.PlayAsync("C: AUTHENTICATE \"KLINGON\"\nS: NO \"No such mechanism\"");
        await client.PlayAsync("C: AUTHENTICATE \"PLAIN\" \"%%%\"\nS: NO \"Not base64\"");
        await client.PlayAsync("C: AUTHENTICATE \"PLAIN\"\nS: \"\"\nC: \"*\"\nS: NO \"Log-in given up\"");
        await client.PlayAsync($"C: AUTHENTICATE \"PLAIN\"\nS: \"\"\nC: {{{plain.Length}+}}\nC: {plain}\nS: OK");
        await client.PlayAsync("C: AUTHENTICATE \"PLAIN\"\nS: NO \"AUTHENTICATE is only possible before log-in\"\nC: UNAUTHENTICATE\nS: OK\nC: LISTSCRIPTS\nS: NO *");
        string user = Convert.ToBase64String("bob@example.test"u8), password = Convert.ToBase64String(Encoding.UTF8.GetBytes(MailRig.Password));
        await client.PlayAsync($"C: AUTHENTICATE \"LOGIN\"\nS: \"VXNlcm5hbWU6\"\nC: \"{user}\"\nS: \"UGFzc3dvcmQ6\"\nC: \"{password}\"\nS: OK");
        await client.SendAsync("CAPABILITY\r\n");
        Assert.Contains("\"OWNER\" \"bob@example.test\"", await client.ReadUntilAsync("OK"));
    }

    [Fact]
    public async Task When_a_client_looks_after_its_scripts_then_all_commands_do_what_they_should()
    {
        await using WireScript client = await LoggedInAsync();
        await client.PlayAsync("C: LISTSCRIPTS\nS: OK\nC: HAVESPACE \"main\" 9999\nS: OK\nC: HAVESPACE \"main\" 20001\nS: NO (QUOTA/MAXSIZE) *");
        await client.SendAsync($"PUTSCRIPT \"main\" {Literal("require \"fileinto\";\r\nfileinto \"Lists\";\r\n")}\r\n");
        await client.PlayAsync("S: OK\nC: PUTSCRIPT {5+}\nC: Grü\\\nC:  \"keep;\"\nS: OK".Replace("Grü", Encoding.Latin1.GetString("Gr\u00fc!"u8)));
        await client.PlayAsync("C: PUTSCRIPT \"quote \\\" and \\\\\" \"\"\nS: NO \"A script has at least one octet*\nC: PUTSCRIPT \"quote \\\" and \\\\\" \"stop;\"\nS: OK\nC: PUTSCRIPT \"fourth\" \"keep;\"\nS: NO (QUOTA/MAXSCRIPTS) *\nC: HAVESPACE \"fourth\" 1\nS: NO (QUOTA/MAXSCRIPTS) *\nC: HAVESPACE \"main\" 1\nS: OK");
        await client.PlayAsync("C: SETACTIVE \"main\"\nS: OK\nC: SETACTIVE \"none\"\nS: NO (NONEXISTENT) *");
        await client.SendAsync("LISTSCRIPTS\r\n");
        Assert.Equal(["\"Gr\u00c3\u00bc!\"", "\"main\" ACTIVE", "\"quote \\\" and \\\\\"", "OK"], await client.ReadUntilAsync("OK"));
        await client.PlayAsync("C: GETSCRIPT \"main\"\nS: {40}\nS: require \"fileinto\";\nS: fileinto \"Lists\";\nS: \nS: OK\nC: GETSCRIPT \"none\"\nS: NO (NONEXISTENT) *");
        await client.PlayAsync("C: DELETESCRIPT \"main\"\nS: NO (ACTIVE) *\nC: RENAMESCRIPT \"main\" \"other\"\nS: OK\nC: RENAMESCRIPT \"other\" \"quote \\\" and \\\\\"\nS: NO (ALREADYEXISTS) *\nC: RENAMESCRIPT \"main\" \"x\"\nS: NO (NONEXISTENT) *");
        await client.PlayAsync("C: SETACTIVE \"\"\nS: OK\nC: DELETESCRIPT \"other\"\nS: OK\nC: DELETESCRIPT \"other\"\nS: NO (NONEXISTENT) *");
        await client.PlayAsync("C: PUTSCRIPT \"\" \"keep;\"\nS: NO *\nC: PUTSCRIPT \"a\tb\" \"keep;\"\nS: NO *");
        await client.PlayAsync("C: NOOP\nS: OK\nC: noop \"tag 1\"\nS: OK (TAG \"tag 1\") \"Done\"");   // RFC 5804 §2.13
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        List<AuditEntry> audit = await db.Audit.Where(a => a.Action.StartsWith("sieve.")).OrderBy(a => a.Id).ToListAsync();
        Assert.Equal(["sieve.put", "sieve.put", "sieve.put", "sieve.activate", "sieve.rename", "sieve.activate", "sieve.delete"], audit.Select(a => a.Action));
        Assert.All(audit, a => Assert.Equal(("ann@example.test", "ann@example.test", "127.0.0.1"), (a.Actor, a.Object, a.Client)));
    }

    [Fact]
    public async Task When_a_script_has_errors_then_they_are_told_and_the_script_there_was_stays()   // RFC 5804 §2.6, RFC 5804 §2.12
    {
        await using WireScript client = await LoggedInAsync();
        await client.PlayAsync("C: PUTSCRIPT \"main\" \"keep;\"\nS: OK");
        await client.SendAsync($"PUTSCRIPT \"main\" {Literal("kep;\r\nif true { stop }\r\n")}\r\n");
        await client.PlayAsync("S: NO {*\nS: main: line 1: \"kep\" is no command that is known here. (column 1)\nS: main: line 2: \";\" is missing behind \"stop\" and its arguments, before \"}\". (column 16)");
        await client.PlayAsync("C: GETSCRIPT \"main\"\nS: {5}\nS: keep;\nS: OK\nC: CHECKSCRIPT \"discard;\"\nS: OK\nC: CHECKSCRIPT \"discard\"\nS: NO \"line 1: \\\";\\\" is missing behind \\\"discard\\\" and its arguments, before the end of the script. (column 8)\"");
        await client.SendAsync($"CHECKSCRIPT {Literal("require \"ihave\"; if ihave \"teleport\" { teleport; }")}\r\n");
        await client.PlayAsync("S: OK (WARNINGS) *");
    }

    [Fact]
    public async Task When_a_script_is_larger_than_may_be_then_it_is_passed_over_and_the_session_goes_on()
    {
        await using WireScript client = await LoggedInAsync();
        await client.SendAsync($"PUTSCRIPT \"main\" {{5000000+}}\r\n");
        for (int i = 0; i < 50; i++)
            await client.SendAsync(new string('#', 100_000));
        await client.PlayAsync("C: \nS: NO (QUOTA/MAXSIZE) *\nC: LISTSCRIPTS\nS: OK\nC: PUTSCRIPT \"x\" {99999999999+}\nS: BYE *");
        Assert.True(await client.EndsAsync());
    }

    [Theory]
    [InlineData("MAKE \"it\" \"so\"", "NO \"No such command\"")]
    [InlineData("", "NO \"No such command\"")]
    [InlineData("LISTSCRIPTS \"x\"", "NO \"There is more than the command takes\"")]
    [InlineData("GETSCRIPT", "NO \"An argument is missing\"")]
    [InlineData("GETSCRIPT main", "NO \"An argument must be a string*")]
    [InlineData("GETSCRIPT \"main", "NO \"A quoted string has no end*")]
    [InlineData("GETSCRIPT \"a\\nb\"", "NO \"A quoted string has no end*")]
    [InlineData("GETSCRIPT \"\u00fc\"", "NO \"A string is not UTF-8\"")]
    [InlineData("HAVESPACE \"x\" many", "NO \"An argument must be a number*")]
    [InlineData("HAVESPACE \"x\" 4294967296", "NO \"An argument must be a number*")]
    [InlineData("HAVESPACE \"x\" -1", "NO \"An argument must be a number*")]
    public async Task When_a_command_is_not_as_it_should_be_then_it_is_refused_and_the_session_goes_on(string command, string answer)
    {
        await using WireScript client = await LoggedInAsync();
        await client.PlayAsync($"C: {command}\nS: {answer}\nC: NOOP\nS: OK");
    }

    [Fact]
    public void When_commands_come_in_any_two_pieces_then_they_are_the_same()
    {
        string[] commands = [$"PUTSCRIPT {Literal("main")} {Literal("keep;\r\n")}\r\n", "NOOP \"a\"\r\n", $"CHECKSCRIPT {Literal("# {3+}\r\n")}\r\n", $"PUTSCRIPT \"x\" {Literal(new string('y', 50))}\r\n", "LISTSCRIPTS\r\n"];
        byte[] bytes = Encoding.UTF8.GetBytes(string.Concat(commands));
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            var framer = new CommandFramer(1000, 40);
            var found = new List<string>();
            var held = new List<byte>();
            foreach (byte[] piece in new[] { bytes[..cut], bytes[cut..] })
            {
                held.AddRange(piece);
                var input = new ReadOnlySequence<byte>(held.ToArray());
                CommandFraming framing;
                while ((framing = framer.Take(ref input)) != CommandFraming.NeedMore)
                    found.Add(framing == CommandFraming.Command ? Encoding.UTF8.GetString(framer.Command.Span) : framing.ToString());
                held = [.. input.ToArray()];
            }
            Assert.Equal([.. commands[..3], "LiteralTooLarge", commands[4]], found);
        }
    }

    [Fact]
    public async Task When_a_stranger_sends_much_or_rubbish_then_the_connection_ends()
    {
        foreach (string rubbish in new[] { new string('x', 40_000) + "\r\n", "NOOP\n", "NOOP {9000+}\r\n" + new string('x', 9000), string.Concat(Enumerable.Repeat("NOOP\r\n", 2000)) })
        {
            await using WireScript client = await GreetedAsync();
            try
            {
                await client.SendAsync(rubbish);
                await client.ReadUntilAsync("BYE ");
            }
            catch (IOException)   // what was not read cuts the line, and the farewell may be lost
            {
            }
        }
    }

    [Fact]
    public async Task When_the_account_may_no_longer_use_it_then_an_open_session_ends()
    {
        await using WireScript client = await LoggedInAsync();
        await client.PlayAsync("C: NOOP\nS: OK");
        await _rig.Accounts.WriteAsync(async db =>
        {
            (await db.Accounts.FindAsync(_rig.Ann))!.Services = MailServices.All & ~MailServices.ManageSieve;
            await db.SaveChangesAsync();
        });
        await client.PlayAsync("S: BYE \"The session was ended*");
        await using WireScript next = await UnderTlsAsync();
        await next.PlayAsync($"C: AUTHENTICATE \"PLAIN\" \"{MailRig.Plain("ann@example.test", MailRig.Password)}\"\nS: NO \"ManageSieve is not switched on for this account\"");
    }

    [Fact]
    public async Task When_sieve_connect_is_used_then_scripts_go_up_are_listed_made_active_fetched_and_deleted()
    {
        using var home = new TempFolder();
        string script = Path.Combine(home.Path, "rules.sieve"), password = Path.Combine(home.Path, "password"), fetched = Path.Combine(home.Path, "fetched.sieve");
        await File.WriteAllTextAsync(script, "require \"fileinto\";\r\nfileinto \"Lists\";\r\n");
        await File.WriteAllTextAsync(password, MailRig.Password + "\n");
        string[] common = ["--server", "127.0.0.1", "--port", _rig.Listeners.PortOf(MailProtocol.ManageSieve).ToString(System.Globalization.CultureInfo.InvariantCulture), "--user", "ann@example.test", "--passwordfd", "3", "--notlsverify"];
        Task<string> Run(params string[] arguments) =>
            Programs.MustAtHomeAsync(home, "bash", ["-c", "exec sieve-connect \"$@\" 3<" + password, "sieve-connect", .. common, .. arguments]);

        await Run("--upload", "--localsieve", script, "--remotesieve", "rules");
        await Run("--activate", "--remotesieve", "rules");
        Assert.Contains("\"rules\" ACTIVE", await Run("--list"));
        await Run("--download", "--remotesieve", "rules", "--localsieve", fetched);
        Assert.Equal(await File.ReadAllTextAsync(script), await File.ReadAllTextAsync(fetched));
        await Run("--deactivate");
        await Run("--delete", "--remotesieve", "rules");
        Assert.DoesNotContain("rules", await Run("--list"));
    }

    [Fact]
    public async Task When_the_domain_allows_less_then_that_is_what_its_accounts_have()   // RFC 5804 §1.3; CHECKSCRIPT does not ask: RFC 5804 §2.12
    {
        await _rig.Accounts.WriteAsync(async db =>
        {
            Domain domain = (await db.Domains.FindAsync(_rig.Domain))!;
            (domain.MaxScripts, domain.ScriptBytes) = (1, 1024);
            await db.SaveChangesAsync();
        });
        await using WireScript client = await LoggedInAsync();
        await client.PlayAsync("C: HAVESPACE \"a\" 1024\nS: OK\nC: HAVESPACE \"a\" 1025\nS: NO (QUOTA/MAXSIZE) \"A script has 1024 octets at the most\"");
        await client.SendAsync($"PUTSCRIPT \"a\" {Literal(new string('#', 1023) + "\r\n")}\r\nCHECKSCRIPT {Literal(new string('#', 1023) + "\r\n")}\r\nPUTSCRIPT \"a\" {Literal(new string('#', 1022) + "\r\n")}\r\n");
        await client.PlayAsync("S: NO (QUOTA/MAXSIZE) *\nS: OK\nS: OK\nC: HAVESPACE \"b\" 1\nS: NO (QUOTA/MAXSCRIPTS) \"There is room for 1 scripts; delete one first\"");
        await client.PlayAsync("C: PUTSCRIPT \"b\" \"keep;\"\nS: NO (QUOTA/MAXSCRIPTS) *\nC: PUTSCRIPT \"a\" \"keep;\"\nS: OK");
    }

    [Fact]
    public async Task When_Roundcubes_plug_in_works_with_scripts_then_it_gets_what_it_reads()
    {
        // Its library: capabilities from the greeting and once more after STARTTLS; PLAIN with the response in the command; no empty line anywhere; a
        // script as a literal with its line end and OK behind it; errors as NO with a literal at the end of the line.
        string plain = MailRig.Plain("ann@example.test", MailRig.Password), script = "# rule:[lists]\r\nif header :contains \"list-id\" \"x\"\r\n{\r\n\tfileinto \"Lists\";\r\n}\r\n";
        await using WireScript client = await UnderTlsAsync();
        await client.PlayAsync($"C: AUTHENTICATE \"PLAIN\" \"{plain}\"\nS: OK");
        await client.SendAsync("CAPABILITY\r\n");
        List<string> told = await client.ReadUntilAsync("OK");
        Assert.DoesNotContain("", told);
        Assert.All(told[..^1], line => Assert.Matches("^\"[A-Z]+\"( \".*\")?$", line));
        Assert.Contains("\"SASL\" \"PLAIN LOGIN\"", told);
        await client.PlayAsync("C: LISTSCRIPTS\nS: OK\nC: HAVESPACE \"roundcube\" 120\nS: OK");
        await client.SendAsync($"PUTSCRIPT \"roundcube\" {Literal(script)}\r\n");
        await client.PlayAsync("S: NO \"roundcube: line 4: *");
        await client.SendAsync($"PUTSCRIPT \"roundcube\" {Literal("require [\"fileinto\"];\r\n" + script)}\r\n");
        await client.PlayAsync($"S: OK\nC: SETACTIVE \"roundcube\"\nS: OK\nC: LISTSCRIPTS\nS: \"roundcube\" ACTIVE\nS: OK\nC: GETSCRIPT \"roundcube\"\nS: {{{script.Length + 23}}}\nS: require [\"fileinto\"];");
        await client.ReadUntilAsync("}");
        await client.PlayAsync("S: \nS: OK\nC: SETACTIVE \"\"\nS: OK\nC: DELETESCRIPT \"roundcube\"\nS: OK\nC: LOGOUT\nS: OK");
    }

    [Fact]
    public async Task When_Thunderbirds_add_on_works_with_scripts_then_it_gets_what_it_reads()
    {
        // As its sources have it: capabilities of the greeting; STARTTLS with nothing behind it; then CAPABILITY at once, and it reads two answers, ours
        // after the handshake and the one it asked for, taking one of them for optional. It takes the first mechanism of the list that it knows, LOGIN last;
        // PLAIN with its answer in the command and the user's own name as the one to act for.
        await using WireScript client = await GreetedAsync();
        await client.PlayAsync("C: STARTTLS\nS: OK");
        client.Continue(await MailRig.TlsOverAsync(client.Stream));
        await client.SendAsync("CAPABILITY\r\n");
        List<string> told = await client.ReadUntilAsync("OK");
        Assert.Equal(told, await client.ReadUntilAsync("OK"));
        Assert.StartsWith("PLAIN ", told.Single(line => line.StartsWith("\"SASL\" ", StringComparison.Ordinal))[8..], StringComparison.Ordinal);
        Assert.Contains("\"VERSION\" \"1.0\"", told);   // from which it knows RENAMESCRIPT, CHECKSCRIPT and NOOP
        await client.PlayAsync($"C: AUTHENTICATE \"PLAIN\" \"{Convert.ToBase64String(Encoding.UTF8.GetBytes($"ann@example.test\0ann@example.test\0{MailRig.Password}"))}\"\nS: OK");
        await client.PlayAsync("C: LISTSCRIPTS\nS: OK");
        // A new script is this one comment; what is opened comes as a string with its own line, and OK behind it.
        await client.SendAsync($"PUTSCRIPT \"new \\\"script\\\"\" {Literal("#test\r\n")}\r\n");
        await client.PlayAsync("S: OK\nC: LISTSCRIPTS\nS: \"new \\\"script\\\"\"\nS: OK\nC: GETSCRIPT \"new \\\"script\\\"\"\nS: {7}\nS: #test\nS: \nS: OK");
        // While it is written it is checked; of an answer it takes a quoted string without line ends, or a literal and its own line end.
        await client.SendAsync($"CHECKSCRIPT {Literal("keep;\r\ndiscart;\r\n")}\r\n");
        await client.PlayAsync("S: NO \"line 2: *");
        await client.SendAsync($"CHECKSCRIPT {Literal("kep;\r\ndiscart;\r\n")}\r\n");
        await client.PlayAsync("S: NO {*\nS: line 1: *\nS: line 2: *\nC: NOOP\nS: OK");   // so it keeps the session alive
        await client.PlayAsync("C: RENAMESCRIPT \"new \\\"script\\\"\" \"rules\"\nS: OK\nC: SETACTIVE \"rules\"\nS: OK\nC: DELETESCRIPT \"rules\"\nS: NO (ACTIVE) *\nC: SETACTIVE \"\"\nS: OK\nC: DELETESCRIPT \"rules\"\nS: OK\nC: LOGOUT\nS: OK");
        await using WireScript old = await UnderTlsAsync();   // LOGIN, where it is told to
        await old.PlayAsync($"C: AUTHENTICATE \"LOGIN\"\nS: \"VXNlcm5hbWU6\"\nC: \"{Convert.ToBase64String("ann@example.test"u8)}\"\nS: \"UGFzc3dvcmQ6\"\nC: \"{Convert.ToBase64String(Encoding.UTF8.GetBytes(MailRig.Password))}\"\nS: OK");
    }

    [Fact]
    public async Task When_names_are_as_long_as_they_may_be_then_they_are_told_as_they_are()   // RFC 5804 §1.6, RFC 5804 §4
    {
        await using WireScript client = await LoggedInAsync();
        string name = string.Concat(Enumerable.Repeat("\U0001F4EE", 128)), octets = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(name));
        await client.PlayAsync($"C: PUTSCRIPT \"{octets}\" \"keep;\"\nS: OK\nC: PUTSCRIPT \"{octets}x\" \"keep;\"\nS: NO *\nC: LISTSCRIPTS\nS: \"{octets}\"\nS: OK");
        // A quoted string has 1024 octets at the most.
        await client.PlayAsync($"C: NOOP \"{octets}{octets}\"\nS: OK (TAG \"{octets}{octets}\") *\nC: NOOP \"{octets}{octets}x\"\nS: OK (TAG {{1025}}\nS: {octets}{octets}x) *");
    }

    [Fact]
    public void When_the_old_port_is_wanted_then_it_is_one_more_listener()
    {
        Assert.DoesNotContain(new EngineOptions().EffectiveListeners(), l => l.Port == 12000);
        Assert.Equal([14190, 12000], new EngineOptions { Sieve = { OldPort = true } }.EffectiveListeners().Where(l => l.Protocol == MailProtocol.ManageSieve).Select(l => l.Port));
    }

    [Fact]
    public async Task When_Cyruss_sieveshell_is_used_then_scripts_go_up_are_listed_made_active_fetched_and_deleted()
    {
        // It takes no text behind capabilities, and logs in by PLAIN over the clear or under TLS, as it is told.
        await using MailRig rig = await MailRig.StartAsync(options => options.AllowPlaintextAuth = true);
        using var home = new TempFolder();
        const string Script = "require \"fileinto\";\r\nfileinto \"Lists\";\r\n";
        await File.WriteAllTextAsync(home["rules.sieve"], Script);
        string port = rig.Listeners.PortOf(MailProtocol.ManageSieve).ToString(System.Globalization.CultureInfo.InvariantCulture);
        Task<string> Run(string commands) => Programs.MustAtHomeAsync(home, "sieveshell", "--user=ann@example.test", "--authname=ann@example.test", $"--password={MailRig.Password}", $"--exec={commands}", $"127.0.0.1:{port}");

        await using (WireScript clear = await rig.ConnectAsync(MailProtocol.ManageSieve))
        {
            Assert.Contains("\"STARTTLS\"", await clear.ReadUntilAsync("OK"));
            await clear.PlayAsync($"C: AUTHENTICATE \"PLAIN\" \"{MailRig.Plain("ann@example.test", MailRig.Password)}\"\nS: OK");
            await clear.SendAsync("CAPABILITY\r\n");
            Assert.DoesNotContain("\"STARTTLS\"", await clear.ReadUntilAsync("OK"));   // RFC 5804 §1.7
        }
        Assert.Contains("rules  <- active script", await Run("put rules.sieve rules\nactivate rules\nlist\n"));
        await Run("get rules fetched.sieve\n");
        Assert.Equal(Script, await File.ReadAllTextAsync(home["fetched.sieve"]));
        Assert.DoesNotContain("rules", await Run("deactivate\ndelete rules\nlist\n"));
    }
}
