using System.Globalization;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Cli;

static class DomainVerbs
{
    public static async Task<int> AddAsync(CliSession session, CliArguments args)
    {
        var form = new DomainForm { Name = args.Word("NAME") };
        ReadLimits(args, form);
        if (args.Option("relay") is { } host)
        {
            // What comes for it is passed on; "mx" finds the host by DNS.
            form.Kind = DomainKind.Relay;
            form.RelayHost = host == "mx" ? "" : host;
        }
        args.End();
        ServiceResult<long> result = await (await session.DomainsAsync()).CreateAsync(session.Actor, form);
        CommandLine.Require(result);
        session.Output.Result($"{form.Name} is here now.", new { id = result.Value, name = form.Name });
        return 0;
    }

    /// <summary>Changes limits of a domain; what is not named stays.</summary>
    public static async Task<int> LimitsAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("NAME");
        var asked = new DomainForm();
        bool any = ReadLimits(args, asked);
        args.End();
        if (!any)
            throw new CliUsageException("Name a limit: --quota, --max-accounts, --max-scripts or --script-size.");
        long id = await IdOfAsync(session, name);
        DomainService domains = await session.DomainsAsync();
        ServiceResult<DomainForm> found = await domains.GetAsync(session.Actor, id);
        CommandLine.Require(found);
        ReadLimits(args, found.Value!);
        CommandLine.Require(await domains.UpdateAsync(session.Actor, id, found.Value!));
        session.Output.Result($"The limits of {name} are set.", new { id, name });
        return 0;
    }

    static bool ReadLimits(CliArguments args, DomainForm form)
    {
        bool any = false;
        if (args.Option("quota") is { } quota)
            (any, form.DefaultQuotaBytes) = (true, SizeOf(quota, "quota"));
        if (args.Option("max-accounts") is { } accounts)
            (any, form.MaxAccounts) = (true, NumberOf(accounts, "max-accounts"));
        if (args.Option("max-scripts") is { } scripts)
            (any, form.MaxScripts) = (true, NumberOf(scripts, "max-scripts"));
        if (args.Option("script-size") is { } size)
            (any, form.ScriptBytes) = (true, SizeOf(size, "script-size"));
        return any;
    }

    static long SizeOf(string text, string option) => Size.TryParse(text, out long bytes) ? bytes : throw new CliUsageException($"--{option} needs a size such as 64K, 500M or 1G.");

    static int NumberOf(string text, string option) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : throw new CliUsageException($"--{option} needs a number.");

    public static async Task<int> ListAsync(CliSession session, CliArguments args)
    {
        args.End();
        DomainService domains = await session.DomainsAsync();
        var rows = new List<DomainRow>();
        PageOf<DomainRow> page;
        do
        {
            ServiceResult<PageOf<DomainRow>> result = await domains.ListAsync(session.Actor, new PageRequest(rows.Count, 500));
            CommandLine.Require(result);
            page = result.Value!;
            rows.AddRange(page.Items);
        }
        while (page.Items.Count > 0 && rows.Count < page.Total);
        session.Output.Table(rows, ("DOMAIN", d => d.Display), ("KIND", d => d.Kind.ToString()), ("ON", d => d.Enabled ? "yes" : "no"),
            ("ACCOUNTS", d => d.Accounts.ToString(CultureInfo.InvariantCulture)), ("ADDRESSES", d => d.Addresses.ToString(CultureInfo.InvariantCulture)));
        return 0;
    }

    public static async Task<int> RemoveAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("NAME");
        bool withAccounts = args.Flag("with-accounts");
        args.End();
        long id = await IdOfAsync(session, name);
        CommandLine.Require(await (await session.DomainsAsync()).DeleteAsync(session.Actor, id, withAccounts));
        if (withAccounts)
            await AccountVerbs.RunTasksAsync(session);
        session.Output.Result($"{name} is removed.", new { id, name });
        return 0;
    }

    /// <summary>Asks all accounts of a domain for a second factor.</summary>
    public static async Task<int> SecondFactorAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("NAME");
        DateTimeOffset? from = DayOf(args.Word("DATE"));
        args.End();
        long id = await IdOfAsync(session, name);
        DomainService domains = await session.DomainsAsync();
        ServiceResult<DomainForm> form = await domains.GetAsync(session.Actor, id);
        CommandLine.Require(form);
        form.Value!.SecondFactorFrom = from;
        CommandLine.Require(await domains.UpdateAsync(session.Actor, id, form.Value));
        SayWhen(session, $"Accounts of {name}", from, new { id, name, secondFactorFrom = from });
        return 0;
    }

    /// <summary>Asks everybody who has a role for a second factor.</summary>
    public static async Task<int> RoleSecondFactorAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ROLE");
        DateTimeOffset? from = DayOf(args.Word("DATE"));
        args.End();
        PermissionSetService sets = new(await session.ChangesAsync());
        ServiceResult<IReadOnlyList<PermissionSetRow>> all = await sets.ListAsync(session.Actor);
        CommandLine.Require(all);
        PermissionSetRow? role = all.Value!.FirstOrDefault(r => r.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (role is null)
            throw new CliRefusedException($"There is no role \"{name}\". There are: {string.Join(", ", all.Value!.Select(r => r.Name))}.");
        CommandLine.Require(await sets.RequireSecondFactorAsync(session.Actor, role.Id, from));
        SayWhen(session, $"Whoever has the role {role.Name}", from, new { role.Id, role.Name, secondFactorFrom = from });
        return 0;
    }

    static void SayWhen(CliSession session, string who, DateTimeOffset? from, object json) => session.Output.Result(from is { } day
        ? $"{who} need a second factor from {day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)} (UTC) on; until they have one, the panel gives them only the page that sets it up, and mail programs only app passwords."
        : $"{who} need no second factor.", json);

    static DateTimeOffset? DayOf(string text) => text switch
    {
        "off" => null,
        "now" => DateTimeOffset.UtcNow,
        _ => DateTimeOffset.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset day) ? day
            : throw new CliUsageException($"\"{text}\" is no day: write it as 2027-01-31, or now, or off."),
    };

    public static async Task<long> IdOfAsync(CliSession session, string name)
    {
        if (!DomainName.TryParse(name, out DomainName domain))
            throw new CliUsageException($"\"{name}\" is not a domain name.");
        await using AccountsContext db = (await session.DatabaseAsync()).NewContext();
        long id = await db.Domains.Where(d => d.Name == domain.Value).Select(d => d.Id).FirstOrDefaultAsync();
        return id != 0 ? id : throw new CliRefusedException($"{domain.Display} is not a domain here. Add it with: domain add {domain.Display}");
    }
}
