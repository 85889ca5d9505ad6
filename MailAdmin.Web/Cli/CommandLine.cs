using System.Globalization;
using MailAdmin.Web.Services;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Store;

namespace MailAdmin.Web.Cli;

/// <summary>The command line: the same services as the panel, acting for whoever may write to the data folder.</summary>
/// <remarks>Exit codes: 0 done, 1 refused or failed, 2 written wrongly. Errors go to stderr. Changes are in force in a running server within a
/// second: it polls the change stamp of accounts.db; what concerns the store is asked of it over the control socket.</remarks>
public static class CommandLine
{
    const string Usage = """
        usage: MailAdmin.Web [COMMAND] [--json] [--reason TEXT]

          serve                                              run the server (this is the default)
          superuser add NAME --password-stdin                an administrator without a mailbox
          domain add NAME [--quota 1G] [--max-accounts N] [--max-scripts N] [--script-size 64K] [--relay HOST[:PORT]|mx]
          domain limits NAME [--quota 1G] [--max-accounts N] [--max-scripts N] [--script-size 64K]   those of new accounts, and of Sieve; 0: none
          domain list
          domain remove NAME [--with-accounts]
          domain second-factor NAME DATE|now|off             from that day on its accounts need a second factor
          role second-factor ROLE DATE|now|off               the same for everybody who has the role
          domain rename NAME NEW [--drop-old]                logins, addresses and mailboxes follow; mail to the old name still arrives
          account add ADDRESS --password-stdin|--invite [--quota 1G] [--name TEXT] [--recovery ADDRESS] [--mail]
                                                             --invite: without a password, which the user picks by a link
          account invite ADDRESS [--mail]                    another such link; the one before is void
          account recovery ADDRESS RECOVERY|none             where a link for a new password is mailed to
          account list [DOMAIN]
          account remove ADDRESS
          account rename ADDRESS NEW [--login NAME] [--drop-old]
          account password ADDRESS --password-stdin
          account deleted ADDRESS [--filter TEXT]            deleted mail and mailboxes that can be brought back
          account restore ADDRESS ID...|--all|--mailbox ID
          vacation show|off ADDRESS
          vacation set ADDRESS --text-stdin [--from DAY] [--until DAY] [--subject TEXT] [--interval DAYS] [--known-only]
          contact list ADDRESS [--filter TEXT]               the address book of an account
          contact add ADDRESS CONTACT [--name TEXT]
          contact name ADDRESS CONTACT NAME                  another name; "": none
          contact remove ADDRESS CONTACT
          contact import ADDRESS FILE                        a list, a table (CSV) or vCards
          contact export ADDRESS                             as vCards, on standard output
          sieve list|get|delete WHERE [NAME]                 WHERE: an ADDRESS, a DOMAIN, or server; docs/filters.md
          sieve put WHERE NAME                               store the script that is read from standard input
          sieve activate ADDRESS NAME|--none                 the script that decides about mail
          sieve place DOMAIN|server NAME before|after|copied|active|off
                                                             run before or after everybody's own; copy to new accounts
          account import FILE.csv                            columns address, password or password_hash, quota, name
          mail export ADDRESS PATH [--format maildir|mbox|tar]
          mail import ADDRESS PATH [--format maildir|mbox|tar] [--keep-uids]
          alias add ADDRESS TARGET...
          queue list
          queue retry|hold|release|remove ID...|--all
          store check [ADDRESS]                              hold all rows against the messages, and say what is wrong
          store backup DIR                                   bring a backup up to date, beside the running server too
          store restore DIR [--account ADDRESS]              one account at any time; everything with the server stopped
          store repair [ADDRESS]                             put it right; without ADDRESS the server must be stopped
          store partitions                                   volumes that mail is on: accounts, mail, free space
          store move ADDRESS PARTITION                       an account to another volume, beside the running server too
          doctor                                             look for what is wrong: settings, ports, folder, names, certificate

        --reason TEXT stands in the record of changes. Settings: appsettings.json, Mail__NAME in the environment, or --Mail:NAME=value. Exit: 0 done, 1 refused, 2 wrong usage.

        """;

    static readonly Dictionary<string, Func<CliSession, CliArguments, Task<int>>> s_verbs = new(StringComparer.Ordinal)
    {
        ["superuser add"] = AccountVerbs.AddSuperuserAsync,
        ["domain add"] = DomainVerbs.AddAsync,
        ["domain limits"] = DomainVerbs.LimitsAsync,
        ["domain list"] = DomainVerbs.ListAsync,
        ["domain remove"] = DomainVerbs.RemoveAsync,
        ["domain second-factor"] = DomainVerbs.SecondFactorAsync,
        ["role second-factor"] = DomainVerbs.RoleSecondFactorAsync,
        ["domain rename"] = RenameVerbs.DomainAsync,
        ["account add"] = AccountVerbs.AddAsync,
        ["account invite"] = AccountVerbs.InviteAsync,
        ["account recovery"] = AccountVerbs.RecoveryAsync,
        ["account list"] = AccountVerbs.ListAsync,
        ["account remove"] = AccountVerbs.RemoveAsync,
        ["account rename"] = RenameVerbs.AccountAsync,
        ["vacation show"] = VacationVerbs.ShowAsync,
        ["vacation set"] = VacationVerbs.SetAsync,
        ["vacation off"] = VacationVerbs.OffAsync,
        ["contact list"] = ContactVerbs.ListAsync,
        ["contact add"] = ContactVerbs.AddAsync,
        ["contact name"] = ContactVerbs.NameAsync,
        ["contact remove"] = ContactVerbs.RemoveAsync,
        ["contact import"] = ContactVerbs.ImportAsync,
        ["contact export"] = ContactVerbs.ExportAsync,
        ["sieve list"] = SieveVerbs.ListAsync,
        ["sieve get"] = SieveVerbs.GetAsync,
        ["sieve put"] = SieveVerbs.PutAsync,
        ["sieve delete"] = SieveVerbs.DeleteAsync,
        ["sieve activate"] = SieveVerbs.ActivateAsync,
        ["sieve place"] = SieveVerbs.PlaceAsync,
        ["account password"] = AccountVerbs.PasswordAsync,
        ["account deleted"] = DeletedMailVerbs.ListAsync,
        ["account restore"] = DeletedMailVerbs.RestoreAsync,
        ["account import"] = AccountVerbs.ImportAsync,
        ["mail export"] = MailVerbs.ExportAsync,
        ["mail import"] = MailVerbs.ImportAsync,
        ["alias add"] = AccountVerbs.AddAliasAsync,
        ["queue list"] = QueueVerbs.ListAsync,
        ["queue retry"] = (s, a) => QueueVerbs.ChangeAsync(s, a, QueueVerb.Retry),
        ["queue hold"] = (s, a) => QueueVerbs.ChangeAsync(s, a, QueueVerb.Hold),
        ["queue release"] = (s, a) => QueueVerbs.ChangeAsync(s, a, QueueVerb.Release),
        ["queue remove"] = (s, a) => QueueVerbs.ChangeAsync(s, a, QueueVerb.Remove),
        ["store check"] = StoreVerbs.CheckAsync,
        ["store backup"] = StoreVerbs.BackUpAsync,
        ["store restore"] = StoreVerbs.RestoreAsync,
        ["store repair"] = StoreVerbs.RepairAsync,
        ["store partitions"] = PartitionVerbs.ListAsync,
        ["store move"] = PartitionVerbs.MoveAsync,
    };

    /// <summary>Carries out the command in <paramref name="args"/>.</summary>
    /// <param name="configuration">Holds <c>Mail:</c>.</param>
    /// <returns>The exit code; null: it is <c>serve</c>, the caller's business.</returns>
    public static Task<int?> RunAsync(string[] args, IConfiguration configuration) =>
        RunAsync(args, configuration, Console.In, Console.Out, Console.Error);

    internal static async Task<int?> RunAsync(string[] args, IConfiguration configuration, TextReader input, TextWriter output, TextWriter errors)
    {
        // Scripts read these lines: they are the same in every country.
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo("en");
        try
        {
            var arguments = new CliArguments(args, "quota", "max-accounts", "max-scripts", "script-size", "name", "recovery", "relay", "format", "filter", "mailbox", "account", "reason", "login", "from", "until", "subject", "interval", "environment", "contentRoot", "applicationName");
            string verb = arguments.HasWord ? arguments.Word("COMMAND") : "serve";
            if (arguments.Flag("help") || verb == "help")
            {
                await output.WriteAsync(Usage);
                return 0;
            }
            if (verb == "serve")
                return arguments.HasWord ? throw new CliUsageException("serve takes no more words.") : null;
            if (Server.ReadOptions(configuration, out EngineOptions options) is { Count: > 0 } unreadable)
                throw new CliUsageException(string.Join(Environment.NewLine, unreadable));
            await using var session = new CliSession(options, new CliOutput(output, arguments.Flag("json")), input, arguments.Option("reason") ?? "");
            if (verb == "doctor")
            {
                arguments.End();
                return await Doctor.RunAsync(session);
            }
            if (EngineOptionsCheck.Check(options) is { Count: > 0 } wrong)
                throw new CliUsageException(string.Join(Environment.NewLine, wrong));
            string full = arguments.HasWord ? $"{verb} {arguments.Word("")}" : verb;
            if (!s_verbs.TryGetValue(full, out Func<CliSession, CliArguments, Task<int>>? run))
                throw new CliUsageException($"There is no command \"{full}\". See --help.");
            return await run(session, arguments);
        }
        catch (CliUsageException e)
        {
            await errors.WriteLineAsync(e.Message);
            return 2;
        }
        catch (Exception e) when (e is CliRefusedException or AccountsOpenException or StoreOpenException or IOException or UnauthorizedAccessException)
        {
            await errors.WriteLineAsync(e.Message);
            return 1;
        }
    }

    /// <summary>Throws what the service refused; its message goes to stderr.</summary>
    internal static void Require(ServiceResult result)
    {
        if (!result.Ok)
            throw new CliRefusedException(string.Join(Environment.NewLine, result.Errors.Select(e => e.Message)));
    }
}
