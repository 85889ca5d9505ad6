using System.Text.Json;
using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;
using MailAdmin.Tests.Services;
using MailAdmin.Web.Cli;
using MailAdmin.Web.Services;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Sasl;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Cli;

/// <summary>The commands, each run whole: arguments in, exit code and both outputs out. Nobody has the data folder open meanwhile.</summary>
public sealed class CommandLineTests : IDisposable
{
    const string Password = ServicesRig.Password;

    readonly string _folder = Directory.CreateTempSubdirectory("cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    internal static async Task<(int? Exit, string Output, string Errors)> RunAsync(string folder, string command, string input = "")
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Mail:DataPath"] = folder, ["Mail:Passwords:Iterations"] = "1000", ["Mail:Dns:Servers:0"] = "127.0.0.1:9", ["Mail:Dns:Timeout"] = "00:00:00.2",
        }).Build();
        using var output = new StringWriter();
        using var errors = new StringWriter();
        using var stdin = new StringReader(input);
        int? exit = await CommandLine.RunAsync(command.Split(' ', StringSplitOptions.RemoveEmptyEntries), configuration, stdin, output, errors);
        return (exit, output.ToString(), errors.ToString());
    }

    async Task<string> Must(string command, string input = "")
    {
        (int? exit, string output, string errors) = await RunAsync(_folder, command, input);
        Assert.True(exit == 0, $"{command}: {exit}: {errors}");
        Assert.Empty(errors);
        return output;
    }

    async Task<string> MustFail(int expected, string command, string input = "")
    {
        (int? exit, string output, string errors) = await RunAsync(_folder, command, input);
        Assert.True(exit == expected, $"{command}: {exit}: {errors}");
        Assert.NotEmpty(errors);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        return errors;
    }

    [Fact]
    public async Task When_a_second_factor_is_asked_for_then_domain_and_role_have_its_day()
    {
        await Must("domain add own.test");
        Assert.Contains("2031-05-06", await Must("domain second-factor own.test 2031-05-06"), StringComparison.Ordinal);
        await Must("role second-factor helpdesk 2031-05-07");
        await using (AccountsDatabase database = await AccountsDatabase.OpenAsync(_folder, TimeProvider.System, NullLogger<AccountsDatabase>.Instance))
        await using (AccountsContext db = database.NewContext())
        {
            Assert.Equal(new DateTimeOffset(2031, 5, 6, 0, 0, 0, TimeSpan.Zero), Assert.Single(db.Domains.ToList()).SecondFactorFrom);
            Assert.Equal([(PermissionSet.Helpdesk, new DateTimeOffset(2031, 5, 7, 0, 0, 0, TimeSpan.Zero))],
                db.PermissionSets.Where(s => s.SecondFactorFrom != null).ToList().Select(s => (s.Id, s.SecondFactorFrom!.Value)));
        }
        await Must("domain second-factor own.test off");
        await MustFail(2, "domain second-factor own.test tomorrow");
        Assert.Contains("Auditor", await MustFail(1, "role second-factor nobody now"), StringComparison.Ordinal);
        await MustFail(1, "domain second-factor other.test now");
    }

    [Fact]
    public async Task When_limits_of_a_domain_are_set_then_those_that_are_named_change_and_no_others()
    {
        await Must("domain add own.test --quota 2G --max-scripts 7");
        async Task<(long, int, int, long)> LimitsAsync()
        {
            await using AccountsDatabase database = await AccountsDatabase.OpenAsync(_folder, TimeProvider.System, NullLogger<AccountsDatabase>.Instance);
            await using AccountsContext db = database.NewContext();
            Domain domain = Assert.Single(db.Domains.ToList());
            return (domain.DefaultQuotaBytes, domain.MaxAccounts, domain.MaxScripts, domain.ScriptBytes);
        }

        Assert.Contains("own.test", await Must("domain limits own.test --max-accounts 5 --script-size 64K"), StringComparison.Ordinal);
        Assert.Equal((2L << 30, 5, 7, 64L << 10), await LimitsAsync());
        await Must("domain limits own.test --quota 1G --max-scripts 0 --max-accounts 0 --json");
        Assert.Equal((1L << 30, 0, 0, 64L << 10), await LimitsAsync());
        Assert.Contains("--script-size", await MustFail(2, "domain limits own.test"), StringComparison.Ordinal);
        Assert.Contains("64K", await MustFail(2, "domain limits own.test --script-size big"), StringComparison.Ordinal);
        await MustFail(2, "domain limits own.test --max-accounts -1");
        await MustFail(2, "domain limits");
        Assert.Contains("domain add", await MustFail(1, "domain limits other.test --quota 1G"), StringComparison.Ordinal);
        Assert.Equal((1L << 30, 0, 0, 64L << 10), await LimitsAsync());
    }

    [Fact]
    public async Task When_an_account_is_added_by_invitation_then_the_link_is_said_once_and_a_later_one_takes_its_place()
    {
        await Must("domain add own.test");
        string said = await Must("account add ann@own.test --invite --recovery ann@example.net --json");
        Invitation first = JsonSerializer.Deserialize<Invitation>(said, JsonSerializerOptions.Web)!;
        Assert.Equal("", first.MailedTo);
        string second = await Must("account invite ann@own.test --mail");   // no server runs that could send it
        Assert.Contains("give it to the user yourself", second, StringComparison.Ordinal);
        await using (AccountsDatabase database = await AccountsDatabase.OpenAsync(_folder, TimeProvider.System, NullLogger<AccountsDatabase>.Instance))
        await using (AccountsContext db = database.NewContext())
        {
            Assert.Equal(OneTimeLink.HashOf(InboxSteps.TokenIn(second)), Assert.Single(db.OneTimeLinks.ToList()).TokenHash);
            Assert.Null(Assert.Single(db.Accounts.ToList()).PasswordHash);
        }
        await Must("account recovery ann@own.test none");
        await MustFail(1, "account invite ann@own.test --mail");
        await MustFail(1, "account recovery ann@own.test ann@own.test");
        await MustFail(2, "account add bob@own.test --invite --password-stdin", Password);
        await MustFail(2, "account add bob@own.test --invite --mail");
        await Must("account password ann@own.test --password-stdin", Password);
        await MustFail(1, "account invite ann@own.test");
    }

    [Theory]
    [InlineData("")]
    [InlineData("serve")]
    [InlineData("--urls x")]
    [InlineData("--Mail:PanelPort 5")]
    public async Task When_it_is_serve_then_it_is_the_callers_business(string command)
    {
        if (command == "--urls x")
            command = "--urls=x";
        Assert.Null((await RunAsync(_folder, command)).Exit);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("domain")]
    [InlineData("domain add")]
    [InlineData("domain add example.test more")]
    [InlineData("domain add example.test --quota")]
    [InlineData("domain add example.test --quota big")]
    [InlineData("domain list --no-such-option")]
    [InlineData("account add ann@example.test")]
    [InlineData("account add ann@example.test --password-stdin")]
    [InlineData("account add nonsense --password-stdin")]
    [InlineData("alias add a@example.test")]
    [InlineData("queue hold")]
    [InlineData("queue hold x")]
    [InlineData("queue hold 1 --all")]
    [InlineData("account restore ann@example.test")]
    [InlineData("account restore ann@example.test 1 --all")]
    [InlineData("account restore ann@example.test x")]
    [InlineData("serve more")]
    public async Task When_a_command_is_written_wrongly_then_it_ends_with_2_and_does_nothing(string command)
    {
        await MustFail(2, command);
        Assert.DoesNotContain("example.test", await Must("domain list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_a_setting_is_wrong_then_the_command_names_it()
    {
        (int? exit, _, string errors) = await RunAsync("/dev/null", "domain list");
        Assert.Equal(2, exit);
        Assert.Contains("Mail:DataPath", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_help_is_asked_for_then_every_command_is_in_it()
    {
        string help = await Must("--help");
        foreach (string verb in new[] { "serve", "superuser add", "domain add", "account import", "alias add", "queue list", "store check", "doctor" })
            Assert.Contains(verb, help, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_mail_was_deleted_then_it_is_listed_and_restored()
    {
        await Must("domain add example.test");
        await Must("account add ann@example.test --password-stdin", Password);
        long account = JsonDocument.Parse(await Must("account list --json")).RootElement[0].GetProperty("id").GetInt64();
        long message;
        DeletedMailbox box;
        await using (StoreRig rig = await StoreRig.OpenAsync(folder: _folder))
        {
            message = await rig.Store.GivenExpungedAsync(account, "budget");
            box = await rig.Store.GivenDeletedMailboxAsync(account, "Projects");
        }
        string list = await Must("account deleted ann@example.test");
        Assert.Contains("budget", list, StringComparison.Ordinal);
        Assert.Contains("Projects", list, StringComparison.Ordinal);
        JsonElement json = JsonDocument.Parse(await Must("account deleted ann@example.test --json --filter budget")).RootElement;
        Assert.Equal(message, json.GetProperty("messages")[0].GetProperty("id").GetInt64());
        await Must($"account restore ann@example.test {message}");
        await MustFail(1, $"account restore ann@example.test {message}");
        await Must($"account restore ann@example.test --mailbox {box.Id}");
        await MustFail(1, $"account restore ann@example.test --mailbox {box.Id}");
        Assert.DoesNotContain("Projects", await Must("account deleted ann@example.test"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_the_store_is_backed_up_destroyed_repaired_and_restored_then_the_mail_is_there_each_time()
    {
        await Must("domain add example.test");
        await Must("account add ann@example.test --password-stdin", Password);
        long account = JsonDocument.Parse(await Must("account list --json")).RootElement[0].GetProperty("id").GetInt64();
        async Task<int> CountAsync()
        {
            await using StoreRig rig = await StoreRig.OpenAsync(folder: _folder);
            return (await rig.Store.OpenAsync(account, MailboxName.Inbox))!.Current.Count;
        }
        await using (StoreRig rig = await StoreRig.OpenAsync(folder: _folder))
            await rig.GivenMailboxAsync(account, "INBOX", messages: 5);
        string backup = Path.Combine(_folder, "..", Path.GetFileName(_folder) + "-backup");
        try
        {
            Assert.Contains("up to date", await Must($"store backup {backup}"), StringComparison.Ordinal);
            Assert.Equal(0, JsonDocument.Parse(await Must($"store backup {backup} --json")).RootElement.GetProperty("copied").GetInt32());
            await Must("store check");
            await Must("store check ann@example.test");
            Assert.Contains("nothing to repair", await Must("store repair ann@example.test"), StringComparison.Ordinal);
            Assert.Contains("nothing to repair", await Must("store repair"), StringComparison.Ordinal);

            string index = Path.Combine(_folder, "partitions/default/index.db");
            await File.WriteAllTextAsync(index, new string('x', 5000));
            Assert.Contains("store repair", await MustFail(1, "store check"), StringComparison.Ordinal);
            Assert.Contains("a new one was made", await Must("store repair"), StringComparison.Ordinal);
            Assert.Equal(5, await CountAsync());
            await Must("store check");

            await using (StoreRig rig = await StoreRig.OpenAsync(folder: _folder))
                await rig.Store.DeleteAccountAsync(account);
            Assert.Contains("5 messages", await Must($"store restore {backup} --account ann@example.test"), StringComparison.Ordinal);
            Assert.Equal(5, await CountAsync());
            Directory.Delete(Path.Combine(_folder, "partitions"), recursive: true);
            Assert.Contains("in place", await Must($"store restore {backup}"), StringComparison.Ordinal);
            Assert.Equal(5, await CountAsync());
            Assert.Contains("ann@example.test", await Must("account list"), StringComparison.Ordinal);
            await MustFail(1, "store restore /nowhere");
            await MustFail(2, "store restore");
        }
        finally
        {
            if (Directory.Exists(backup))
                Directory.Delete(backup, recursive: true);
        }
    }

    [Fact]
    public async Task When_a_whole_life_is_run_through_then_each_command_does_its_part()
    {
        await Must("superuser add chief --password-stdin", Password + "\n");
        await Must("domain add relayed.test --relay 127.0.0.1:2525");
        await Must("domain remove relayed.test");
        await Must("domain add example.test --quota 1G --max-accounts 2");
        await Must("account add Ann@Example.Test --password-stdin --quota 500M --name Ann", Password + "\nnot this line\n");
        await MustFail(1, "account add ann@example.test --password-stdin", Password);
        await MustFail(1, "account add bob@example.test --password-stdin", "short");
        await MustFail(1, "account add bob@example.org --password-stdin", Password);
        await Must("account add bob@example.test --password-stdin", Password);
        await MustFail(1, "account add cid@example.test --password-stdin", Password);
        await Must("alias add info@example.test ann@example.test bob@example.test out@example.org");
        await Must("alias add *@example.test bob@example.test");

        JsonElement accounts = JsonDocument.Parse(await Must("account list --json")).RootElement;
        Assert.Equal(3, accounts.GetArrayLength());
        JsonElement ann = accounts.EnumerateArray().Single(a => a.GetProperty("login").GetString() == "ann@example.test");
        Assert.Equal(500L << 20, ann.GetProperty("quotaBytes").GetInt64());
        Assert.Contains("1 GiB", await Must("account list example.test"), StringComparison.Ordinal);
        Assert.Equal("example.test", JsonDocument.Parse(await Must("domain list --json")).RootElement[0].GetProperty("name").GetString());

        await Must("account password ann@example.test --password-stdin", "lagoon trombone 9");
        await using (AccountsRig rig = await AccountsRig.OpenAsync(folder: Copy()))
        {
            Assert.Equal(AuthFailure.None, (await rig.Authenticator.AuthenticateAsync("ann@example.test", "lagoon trombone 9", MailServices.Imap, null, default)).Failure);
            Assert.Equal(3, (await rig.Directory.ResolveAsync(EmailAddress.Parse("info@example.test"), default)).Address!.Targets.Count);
            Assert.True((await rig.Directory.ResolveAsync(EmailAddress.Parse("any@example.test"), default)).Address!.IsCatchAll);
        }
        Assert.Contains("all whole", await Must("store check"), StringComparison.Ordinal);
        Assert.Equal("[]", (await Must("queue list --json")).Trim());
        await MustFail(1, "queue hold 17");
        await Must("queue hold --all");
        await using (AccountsRig rig = await AccountsRig.OpenAsync(folder: Copy()))
        {
            await using AccountsContext db = rig.Database.NewContext();
            Assert.Equal(["17", "all"], db.Audit.Where(e => e.Action == "queue.hold").OrderBy(e => e.Id).Select(e => e.Object).ToList());
        }
        await Must("account remove bob@example.test");
        await MustFail(1, "account remove bob@example.test");
        await MustFail(1, "domain remove example.test");
        await Must("domain remove example.test --with-accounts");
        Assert.Single(JsonDocument.Parse(await Must("account list --json")).RootElement.EnumerateArray());
    }

    [Fact]
    public async Task When_accounts_are_imported_then_good_rows_are_kept_and_bad_ones_named()
    {
        await Must("domain add example.test");
        await Must("account add taken@example.test --password-stdin", Password);
        string csv = Path.Combine(_folder, "import.csv");
        string hash = LegacyCryptTestDoor.Make("old secret", "$6$saltsalt$");
        await File.WriteAllTextAsync(csv, string.Join("\r\n",
            "name,Address,quota,password,password_hash",
            "\"Ann, the \"\"first\"\"\",ann@example.test,1G,correct horse 7 stairs,",
            $"Old,old@example.test,,,{hash}",
            "",
            ",taken@example.test,,correct horse 7 stairs,",
            ",nonsense,,correct horse 7 stairs,",
            ",far@example.org,,correct horse 7 stairs,",
            ",weak@example.test,,short,",
            ",none@example.test,,,",
            ",odd@example.test,,,$99$x",
            ",big@example.test,many,correct horse 7 stairs,",
            ",ann@example.test,,correct horse 7 stairs,",
            ",last@example.test,0,correct horse 7 stairs,"));
        (int? exit, string output, string errors) = await RunAsync(_folder, $"account import {csv}");
        Assert.Equal(1, exit);
        Assert.StartsWith("3 accounts", output, StringComparison.Ordinal);
        Assert.Equal(["line 5", "line 6", "line 7", "line 8", "line 9", "line 10", "line 11", "line 12"],
            errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l[..l.IndexOf(':', StringComparison.Ordinal)]).OrderBy(l => l.Length).ThenBy(l => l));
        await using AccountsRig rig = await AccountsRig.OpenAsync(folder: Copy());
        AccountEntry ann = (await rig.Directory.FindLoginAsync("ann@example.test", default))!;
        Assert.Equal(("Ann, the \"first\"", 1L << 30), (ann.DisplayName, ann.QuotaBytes));
        Assert.Equal(AuthFailure.None, (await rig.Authenticator.AuthenticateAsync("old@example.test", "old secret", MailServices.Imap, null, default)).Failure);
        Assert.NotNull((await rig.Directory.ResolveAsync(EmailAddress.Parse("postmaster@example.test"), default)).Address);
    }

    [Fact]
    public async Task When_thousands_are_imported_then_limits_hold_and_a_second_run_finds_them_there()
    {
        await Must("domain add example.test --max-accounts 2100");
        string csv = Path.Combine(_folder, "import.csv");
        string hash = LegacyCryptTestDoor.Make("old secret", "$1$saltsalt$");
        await File.WriteAllLinesAsync(csv, Enumerable.Range(0, 2200).Select(i => $"user{i}@example.test,{hash}").Prepend("address,password_hash"));
        (int? exit, string output, _) = await RunAsync(_folder, $"account import {csv} --json");
        Assert.Equal((1, 2100), (exit, JsonDocument.Parse(output).RootElement.GetProperty("imported").GetInt32()));
        (exit, output, _) = await RunAsync(_folder, $"account import {csv} --json");
        Assert.Equal((1, 0), (exit, JsonDocument.Parse(output).RootElement.GetProperty("imported").GetInt32()));
    }

    [Fact]
    public async Task When_names_change_and_somebody_is_away_then_the_commands_do_what_the_panel_does_and_the_reason_is_kept()
    {
        await Must("domain add example.test");
        await Must("account add ann@example.test --password-stdin", Password);
        await Must("account rename ann@example.test anna@example.test --drop-old --reason married");
        Assert.Contains("no account ann@", await MustFail(1, "account rename ann@example.test x@example.test"), StringComparison.Ordinal);
        Assert.Contains("stays in its domain", await MustFail(1, "account rename anna@example.test anna@example.org"), StringComparison.Ordinal);
        Assert.Contains("anna@example.test", await Must("account list"), StringComparison.Ordinal);
        await Must("domain rename example.test example.org --reason merger");
        Assert.Contains("no account", await MustFail(1, "vacation show nobody@example.org"), StringComparison.Ordinal);
        Assert.Contains("--text-stdin", await MustFail(2, "vacation set anna@example.org --until 2031-01-01"), StringComparison.Ordinal);
        Assert.Contains("--until needs a day", await MustFail(2, "vacation set anna@example.org --text-stdin --until soon", "away"), StringComparison.Ordinal);
        await Must("vacation set anna@example.org --text-stdin --from 2030-12-24 --until 2031-01-01 --interval 3 --known-only", "I am away.\nAnna\n");
        JsonElement away = JsonDocument.Parse(await Must("vacation show anna@example.org --json")).RootElement;
        Assert.Equal(("2030-12-24", "2031-01-01", true, false), (away.GetProperty("from").GetString(), away.GetProperty("until").GetString(), away.GetProperty("enabled").GetBoolean(), away.GetProperty("on").GetBoolean()));
        await Must("vacation off anna@example.org");
        Assert.Contains("not away", await Must("vacation show anna@example.org"), StringComparison.Ordinal);

        await using AccountsRig rig = await AccountsRig.OpenAsync(folder: Copy());
        await using AccountsContext db = rig.Database.NewContext();
        Assert.Equal(["account.rename married", "domain.rename merger"], await db.Audit.Where(e => e.Reason != "").OrderBy(e => e.Id).Select(e => e.Action + " " + e.Reason).ToListAsync());
        Assert.NotNull((await rig.Directory.ResolveAsync(EmailAddress.Parse("anna@example.test"), default)).Address);   // the old name of the domain still leads there
        Assert.Null((await rig.Directory.ResolveAsync(EmailAddress.Parse("ann@example.org"), default)).Address);
    }

    [Fact]
    public async Task When_an_address_book_is_kept_by_command_then_it_is_filled_listed_named_and_written()
    {
        await Must("domain add example.test");
        await Must("account add ann@example.test --password-stdin", Password);
        await Must("contact add ann@example.test Dan@example.org --name Dan");
        Assert.Contains("already", await MustFail(1, "contact add ann@example.test dan@example.org"), StringComparison.Ordinal);
        Assert.Contains("CONTACT is missing", await MustFail(2, "contact add ann@example.test"), StringComparison.Ordinal);
        string file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.csv");
        await File.WriteAllTextAsync(file, "eve@example.org\nwho@\n");
        Assert.Contains("Line 2", await MustFail(1, $"contact import ann@example.test {file}"), StringComparison.Ordinal);
        File.Delete(file);
        Assert.Contains("There is no file", await MustFail(1, $"contact import ann@example.test {file}"), StringComparison.Ordinal);
        await Must("contact name ann@example.test EVE@example.org Evi");
        string[] rows = (await Must("contact list ann@example.test")).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.Equal(["ADDRESS NAME SINCE", "Dan@example.org Dan", "eve@example.org Evi"], rows.Select((row, i) => string.Join(' ', row.Split(' ', StringSplitOptions.RemoveEmptyEntries)[..(i == 0 ? 3 : 2)])));
        Assert.DoesNotContain("Dan", await Must("contact list ann@example.test --filter evi --json"), StringComparison.Ordinal);
        Assert.Contains("FN:Evi\r\n", await Must("contact export ann@example.test"), StringComparison.Ordinal);
        await Must("contact remove ann@example.test dan@example.org");
        Assert.Contains("not in this address book", await MustFail(1, "contact remove ann@example.test dan@example.org"), StringComparison.Ordinal);
        Assert.DoesNotContain("Dan", await Must("contact list ann@example.test"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_scripts_are_kept_by_command_then_they_are_stored_placed_shown_and_deleted()
    {
        await Must("domain add example.test");
        await Must("account add ann@example.test --password-stdin", Password);
        Assert.Contains("line 1, column 1", await MustFail(1, "sieve put server main", "nonsense;"), StringComparison.Ordinal);
        await Must("sieve put server main", "discard;\r\n\tstop;\r\n");
        Assert.Equal("discard;\r\n\tstop;\r\n", await Must("sieve get server main"));
        await Must("sieve put server main", "discard;");
        await Must("sieve put example.test house", "keep;");
        await Must("sieve put ann@example.test own", "stop;");
        Assert.Contains("sieve activate", await MustFail(2, "sieve place ann@example.test own before"), StringComparison.Ordinal);
        Assert.Contains("sieve place", await MustFail(2, "sieve activate server main"), StringComparison.Ordinal);
        Assert.Contains("no place", await MustFail(2, "sieve place server main sideways"), StringComparison.Ordinal);
        await Must("sieve place server main after");
        await Must("sieve activate ann@example.test own");
        Assert.Equal("discard;", (await Must("sieve get server main")).Trim());
        Assert.Contains("after", await Must("sieve list server"), StringComparison.Ordinal);
        Assert.Contains("active", await Must("sieve list ann@example.test"), StringComparison.Ordinal);
        Assert.Contains("in use", await MustFail(1, "sieve delete server main"), StringComparison.Ordinal);
        await Must("sieve place server main off");
        await Must("sieve delete server main");
        Assert.Contains("no script", await MustFail(1, "sieve get server main"), StringComparison.Ordinal);
        await Must("sieve activate ann@example.test --none");
        await Must("sieve delete ann@example.test own");
    }

    [Fact]
    public async Task When_the_doctor_looks_then_a_taken_port_and_a_dead_name_server_are_named()
    {
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        int port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Mail:DataPath"] = _folder, ["Mail:PanelPort"] = $"{port}", ["Mail:PortOffset"] = "23000", ["Mail:Hostname"] = "mail.example.test",
            ["Mail:Dns:Servers:0"] = "127.0.0.1:9", ["Mail:Dns:Timeout"] = "00:00:00.2",
        }).Build();
        using var output = new StringWriter();
        int? exit = await CommandLine.RunAsync(["doctor", "--json"], configuration, TextReader.Null, output, TextWriter.Null);
        Assert.Equal(1, exit);
        var findings = JsonDocument.Parse(output.ToString()).RootElement.EnumerateArray()
            .Select(f => (Verdict: f.GetProperty("verdict").GetString(), What: f.GetProperty("what").GetString())).ToList();
        Assert.Contains(("fail", $"port {port} panel"), findings);
        Assert.Contains(("fail", "DNS"), findings);
        Assert.Contains(("pass", "data folder"), findings);
    }

    [Fact]
    public async Task When_accounts_db_is_damaged_then_one_line_says_what_to_do()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "accounts.db"), new string('x', 9000));
        Assert.Contains("put back a backup", await MustFail(1, "domain list"), StringComparison.Ordinal);
    }

    // What the command left, for a look by another process.
    string Copy()
    {
        string copy = Directory.CreateTempSubdirectory("cli-copy-").FullName;
        foreach (string file in Directory.GetFiles(_folder, "accounts.db*"))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        return copy;
    }
}

/// <summary>Commands while a server has the store open.</summary>
public sealed class ControlSocketTests
{
    [Fact]
    public async Task When_a_server_runs_then_commands_reach_its_store_and_its_memory()
    {
        await using ServicesRig rig = await ServicesRig.OpenAsync(withStore: true);
        using var server = new ControlServer(rig.Options, rig.Get<IStoreDoor>(), TimeProvider.System, NullLogger<ControlServer>.Instance);
        await server.StartAsync(default);
        string socket = Path.Combine(rig.Accounts.Folder, "control.sock");
        while (await ControlClient.FindAsync(rig.Accounts.Folder) is null)
            await Task.Yield();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(socket));
        async Task<string> Must(string command, string input = "")
        {
            (int? exit, string output, string errors) = await CommandLineTests.RunAsync(rig.Accounts.Folder, command, input);
            Assert.True(exit == 0, errors);
            return output;
        }

        await Must("account add dora@own.test --password-stdin", ServicesRig.Password);
        rig.Accounts.Hands.Advance(TimeSpan.FromSeconds(1));
        AccountEntry dora = (await rig.Accounts.Directory.FindLoginAsync("dora@own.test", default))!;
        Assert.Equal(6, (await rig.Store!.ListAsync(dora.AccountId)).Count);
        using (BodyWriter writer = rig.Store.NewBody())
        {
            writer.Write("Subject: x\r\n\r\nbody\r\n"u8);
            using Body body = writer.Complete();
            DateTimeOffset now = rig.Accounts.Clock.GetUtcNow();
            await rig.Store.AcceptAsync(new Acceptance
            {
                Body = body,
                Deposits = [new Deposit { Owner = new Owner(dora.AccountId, 0), Mailbox = MailboxName.Inbox, Prefix = default, InternalDate = now }],
                Queue = [new QueueEntry { MessageKey = "K", ReversePath = "", Recipient = EmailAddress.Parse("x@example.org"), QueuedAt = now, NextAttempt = now.AddHours(1) }],
            }, default);
        }
        JsonElement row = JsonDocument.Parse(await Must("account list own.test --json")).RootElement.EnumerateArray().Single(a => a.GetProperty("login").GetString() == "dora@own.test");
        Assert.Equal(1, row.GetProperty("messages").GetInt64());
        JsonElement waiting = JsonDocument.Parse(await Must("queue list --json")).RootElement[0];
        Assert.Equal(("x@example.org", "waiting"), (waiting.GetProperty("to").GetString(), waiting.GetProperty("state").GetString()));
        long id = waiting.GetProperty("id").GetInt64();
        await Must($"queue hold {id}");
        Assert.Equal(QueueState.Held, rig.Store.ReadQueue().Single().State);
        await Must($"queue release {id}");
        Assert.Equal(QueueState.Waiting, rig.Store.ReadQueue().Single().State);
        await Must("queue retry --all");
        await Must($"queue remove {id}");
        Assert.Empty(rig.Store.ReadQueue());
        Assert.Contains("all whole", await Must("store check"), StringComparison.Ordinal);
        await Must("account remove dora@own.test");
        rig.Accounts.Hands.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await rig.Accounts.Directory.FindLoginAsync("dora@own.test", default));
        Assert.Equal(0, (await rig.Store.UseAsync(dora.AccountId)).Messages);
        await server.StopAsync(default);
        Assert.False(File.Exists(socket));
    }

    [Theory]
    [InlineData("")]
    [InlineData("not json\n")]
    [InlineData("null\n")]
    [InlineData("{\"verb\":\"no such\"}\n")]
    [InlineData("{\"verb\":\"use\"}\n")]
    [InlineData("{\"verb\":5}\n")]
    public async Task When_the_socket_is_given_nonsense_then_it_answers_once_and_lives_on(string request)
    {
        await using ServicesRig rig = await ServicesRig.OpenAsync();
        using var server = new ControlServer(rig.Options, rig.Get<IStoreDoor>(), TimeProvider.System, NullLogger<ControlServer>.Instance);
        await server.StartAsync(default);
        while (await ControlClient.FindAsync(rig.Accounts.Folder) is null)
            await Task.Yield();
        using (var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified))
        {
            await socket.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(Path.Combine(rig.Accounts.Folder, "control.sock")));
            await socket.SendAsync(System.Text.Encoding.UTF8.GetBytes(request));
            socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            byte[] buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer) > 0)
            {
            }
        }
        Assert.NotNull(await ControlClient.FindAsync(rig.Accounts.Folder));
        await server.StopAsync(default);
    }
}
