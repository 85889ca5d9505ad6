using System.Globalization;
using MailAdmin.Web.Services;

namespace MailAdmin.Web.Cli;

/// <summary>Vacation answers: shown, set, switched off. Days are those of this machine's time zone.</summary>
static class VacationVerbs
{
    const string DayFormat = "yyyy-MM-dd";

    public static async Task<int> ShowAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS");
        args.End();
        long id = await AccountVerbs.IdOfAsync(session, name);
        ServiceResult<VacationForm> found = await (await session.VacationsAsync()).GetAsync(session.Actor, id);
        CommandLine.Require(found);
        VacationForm form = found.Value!;
        string days = $"{form.From?.ToString(DayFormat, CultureInfo.InvariantCulture) ?? "now"} until {form.Until?.ToString(DayFormat, CultureInfo.InvariantCulture) ?? "it is switched off"}";
        session.Output.Result(!form.Enabled ? $"{name} is not away." : $"{name} is away, from {days}{(form.IsOn ? "" : "; not just now")}.",
            new { id, form.Enabled, on = form.IsOn, form.From, form.Until, form.Subject, form.IntervalDays, form.KnownSendersOnly });
        return 0;
    }

    public static async Task<int> SetAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS");
        if (!args.Flag("text-stdin"))
            throw new CliUsageException("--text-stdin is missing: the answer is read from standard input. (To switch it off: vacation off ADDRESS.)");
        var form = new VacationForm { Enabled = true, From = DayOf(args, "from"), Until = DayOf(args, "until"), Subject = args.Option("subject") ?? "", KnownSendersOnly = args.Flag("known-only") };
        if (args.Option("interval") is { } days)
            form.IntervalDays = int.TryParse(days, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : throw new CliUsageException("--interval needs a number of days.");
        args.End();
        long id = await AccountVerbs.IdOfAsync(session, name);
        form.Text = await session.Input.ReadToEndAsync();
        CommandLine.Require(await (await session.VacationsAsync()).SetAsync(session.Actor, id, form));
        session.Output.Result($"Senders to {name} are told now that he is away.", new { id, name });
        return 0;
    }

    public static async Task<int> OffAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS");
        args.End();
        long id = await AccountVerbs.IdOfAsync(session, name);
        VacationService vacations = await session.VacationsAsync();
        ServiceResult<VacationForm> found = await vacations.GetAsync(session.Actor, id);
        CommandLine.Require(found);
        found.Value!.Enabled = false;   // its text stays for the next time
        CommandLine.Require(await vacations.SetAsync(session.Actor, id, found.Value));
        session.Output.Result($"{name} is back.", new { id, name });
        return 0;
    }

    static DateOnly? DayOf(CliArguments args, string option) => args.Option(option) is not { } text ? null
        : DateOnly.TryParseExact(text, DayFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day) ? day
        : throw new CliUsageException($"--{option} needs a day such as 2026-12-24.");
}
