using System.Globalization;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Cli;

static class AccountVerbs
{
    public static async Task<int> AddSuperuserAsync(CliSession session, CliArguments args)
    {
        var form = new SuperuserForm { Login = args.Word("NAME"), Password = ReadPassword(session, args) };
        args.End();
        ServiceResult<long> result = await (await session.GrantsAsync()).AddSuperuserAsync(session.Actor, form);
        CommandLine.Require(result);
        session.Output.Result($"{form.Login} administers the server now.", new { id = result.Value, login = form.Login });
        return 0;
    }

    public static async Task<int> AddAsync(CliSession session, CliArguments args)
    {
        EmailAddress address = AddressOf(args.Word("ADDRESS"));
        var form = new AccountForm { LocalPart = address.Local, DisplayName = args.Option("name") ?? "" };
        if (args.Option("quota") is { } quota)
            form.QuotaBytes = Size.TryParse(quota, out long bytes) ? bytes : throw new CliUsageException("--quota needs a size such as 500M or 1G, or 0 for no limit.");
        form.Invite = args.Flag("invite");
        form.RecoveryAddress = args.Option("recovery") ?? "";
        bool mail = args.Flag("mail");
        if (mail && (!form.Invite || form.RecoveryAddress.Length == 0))
            throw new CliUsageException("--mail goes with --invite and --recovery ADDRESS: the invitation is mailed there.");
        if (!form.Invite)
            form.Password = ReadPassword(session, args);
        else if (args.Flag("password-stdin"))
            throw new CliUsageException("--invite and --password-stdin do not go together: with an invitation the user picks the password.");
        args.End();
        form.DomainId = await DomainVerbs.IdOfAsync(session, address.Domain.Value);
        ServiceResult<long> result = await (await session.AccountsAsync()).CreateAsync(session.Actor, form);
        CommandLine.Require(result);
        await RunTasksAsync(session);
        if (form.Invite)
            return await InviteAsync(session, result.Value, address.ToString(), mail);
        session.Output.Result($"{address} is here now.", new { id = result.Value, address = address.ToString() });
        return 0;
    }

    /// <summary>A new link for somebody who has not picked a password yet.</summary>
    public static async Task<int> InviteAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS");
        bool mail = args.Flag("mail");
        args.End();
        return await InviteAsync(session, await IdOfAsync(session, name), name, mail);
    }

    static async Task<int> InviteAsync(CliSession session, long id, string name, bool mail)
    {
        ServiceResult<Invitation> invited = await (await session.InvitationsAsync()).InviteAsync(session.Actor, id, mail);
        CommandLine.Require(invited);
        Invitation invitation = invited.Value!;
        string until = invitation.EndsAt.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        string mailed = invitation.MailedTo.Length > 0 ? $"It was mailed to {invitation.MailedTo}."
            : mail ? "It could not be mailed (a server must be running, and the address must lead somewhere): give it to the user yourself."
            : "Give it to the user; it is shown only now.";
        session.Output.Result($"{name} has no password yet. Its user picks one here, once, until {until} UTC:{Environment.NewLine}{invitation.Link}{Environment.NewLine}{mailed}",
            new { id, address = name, invitation.Link, invitation.EndsAt, invitation.MailedTo });
        return 0;
    }

    /// <summary>Sets or takes away where a forgotten password's link goes.</summary>
    public static async Task<int> RecoveryAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS");
        string recovery = args.Word("RECOVERY");
        args.End();
        long id = await IdOfAsync(session, name);
        CommandLine.Require(await (await session.RecoveryAsync()).SetForAsync(session.Actor, id, recovery == "none" ? "" : recovery));
        session.Output.Result(recovery == "none" ? $"{name} has no recovery address any more." : $"A link for a new password of {name} goes to {recovery} from now on.", new { id, name, recovery });
        return 0;
    }

    public static async Task<int> ListAsync(CliSession session, CliArguments args)
    {
        long? domain = args.HasWord ? await DomainVerbs.IdOfAsync(session, args.Word("DOMAIN")) : null;
        args.End();
        AccountService accounts = await session.AccountsAsync();
        var rows = new List<AccountRow>();
        PageOf<AccountRow> page;
        do
        {
            ServiceResult<PageOf<AccountRow>> result = await accounts.ListAsync(session.Actor, new AccountQuery(new PageRequest(rows.Count, 500), domain));
            CommandLine.Require(result);
            page = result.Value!;
            rows.AddRange(page.Items);
        }
        while (page.Items.Count > 0 && rows.Count < page.Total);
        session.Output.Table(rows, ("LOGIN", a => a.Login), ("ADDRESS", a => a.Primary), ("STATE", a => a.State.ToString()),
            ("USED", a => Size.Text(a.UsedBytes)), ("QUOTA", a => a.QuotaBytes == 0 ? "-" : Size.Text(a.QuotaBytes)),
            ("LAST LOG-IN", a => a.LastLoginAt?.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "-"),
            ("ADMIN", a => a.IsSuperuser ? "server" : a.IsMaster ? "domain" : ""));
        return 0;
    }

    public static async Task<int> RemoveAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS");
        args.End();
        long id = await IdOfAsync(session, name);
        CommandLine.Require(await (await session.AccountsAsync()).DeleteAsync(session.Actor, id));
        await RunTasksAsync(session);
        session.Output.Result($"{name} is removed, with its mail.", new { id, name });
        return 0;
    }

    public static async Task<int> PasswordAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS");
        string password = ReadPassword(session, args);
        args.End();
        long id = await IdOfAsync(session, name);
        CommandLine.Require(await (await session.PasswordsAsync()).ResetAsync(session.Actor, id, new NewPasswordForm { New = password, Repeat = password }));
        session.Output.Result($"The password of {name} is changed; its sessions end.", new { id, name });
        return 0;
    }

    public static async Task<int> ImportAsync(CliSession session, CliArguments args)
    {
        string file = args.Word("FILE");
        args.End();
        if (!File.Exists(file))
            throw new CliRefusedException($"There is no file {file}.");
        using var csv = new StreamReader(file);
        ServiceResult<ImportReport> result = await (await session.ImportAsync()).ImportAsync(session.Actor, csv);
        CommandLine.Require(result);
        ImportReport report = result.Value!;
        // Folders of so many accounts are made by the server while it goes on; nobody waits for them here.
        session.Output.Result($"{report.Imported} accounts are here now.", report);
        return report.Errors.Count == 0 ? 0 : throw new CliRefusedException(FirstOf(report.Errors));
    }

    public static async Task<int> AddAliasAsync(CliSession session, CliArguments args)
    {
        string written = args.Word("ADDRESS");
        bool catchAll = written.StartsWith("*@", StringComparison.Ordinal);
        EmailAddress address = AddressOf(written);
        var form = new AddressForm { LocalPart = catchAll ? Address.CatchAll : address.Local, Targets = [.. args.Words()] };
        args.End();
        if (form.Targets.Count == 0)
            throw new CliUsageException("TARGET is missing: the address or log-in name that the mail goes to.");
        form.DomainId = await DomainVerbs.IdOfAsync(session, address.Domain.Value);
        ServiceResult<long> result = await (await session.AddressesAsync()).CreateAsync(session.Actor, form);
        CommandLine.Require(result);
        session.Output.Result($"{written} leads to {string.Join(", ", form.Targets)} now.", new { id = result.Value, address = written, form.Targets });
        return 0;
    }

    /// <summary>Has the folders made, or the mail removed, that the command brought with it. A store that is not to be had does it at its next start.</summary>
    public static async Task RunTasksAsync(CliSession session)
    {
        try
        {
            await (await session.StoreAsync()).RunTasksAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is StoreOpenException or IOException or System.Net.Sockets.SocketException or OperationCanceledException)
        {
            // The task stands in accounts.db; whoever opens the store next carries it out.
        }
    }

    static EmailAddress AddressOf(string text) =>
        EmailAddress.TryParse(text, out EmailAddress address) ? address : throw new CliUsageException($"\"{text}\" is not a mail address.");

    internal static async Task<long> IdOfAsync(CliSession session, string name)
    {
        string? login = Account.CanonicalLogin(name);
        AccountsDatabase database = await session.DatabaseAsync();
        await using AccountsContext db = database.NewContext();
        long id = login is null ? 0 : await db.Accounts.Where(a => a.NormalizedUserName == login).Select(a => a.Id).FirstOrDefaultAsync();
        if (id == 0 && EmailAddress.TryParse(name, out EmailAddress address))
        {
            id = await (
                from a in db.Accounts
                join p in db.Addresses on a.PrimaryAddressId equals (long?)p.Id
                join d in db.Domains on p.DomainId equals d.Id
                where p.LocalPart == address.CanonicalLocal && d.Name == address.Domain.Value
                select a.Id).FirstOrDefaultAsync();
        }
        return id != 0 ? id : throw new CliRefusedException($"There is no account {name}.");
    }

    // Never as an argument: every user of the machine can read those.
    static string ReadPassword(CliSession session, CliArguments args)
    {
        if (!args.Flag("password-stdin"))
            throw new CliUsageException("--password-stdin is missing: the password is read from the first line of standard input.");
        string? line = session.Input.ReadLine();
        return string.IsNullOrEmpty(line) ? throw new CliUsageException("There is no password on standard input.") : line;
    }

    /// <summary>A file with one mistake has it on every line: the first ones are enough to see it.</summary>
    static string FirstOf(IReadOnlyList<string> errors)
    {
        const int most = 20;
        IEnumerable<string> lines = errors.Take(most);
        return string.Join(Environment.NewLine, errors.Count > most ? lines.Append($"and {errors.Count - most} more lines like these; the lines without a mistake were imported.") : lines);
    }
}
