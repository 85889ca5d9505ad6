using MailEngine.Store;
using MailEngine.Store.Repair;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Web.Cli;

/// <summary>Upkeep of the mail store.</summary>
static class StoreVerbs
{
    public static async Task<int> CheckAsync(CliSession session, CliArguments args)
    {
        long? account = args.HasWord ? await AccountVerbs.IdOfAsync(session, args.Word("ADDRESS")) : null;
        args.End();
        CheckReport report = await (await session.StoreAsync()).CheckAsync(account, CancellationToken.None);
        session.Output.Result(report.ToString(), report);
        return report.IsWhole ? 0 : throw new CliRefusedException(string.Join(Environment.NewLine, report.Faults));
    }

    /// <summary>One account, beside the running server too; or the whole store, when nobody has it open.</summary>
    public static async Task<int> RepairAsync(CliSession session, CliArguments args)
    {
        RepairReport report;
        if (args.HasWord)
        {
            long account = await AccountVerbs.IdOfAsync(session, args.Word("ADDRESS"));
            args.End();
            report = await (await session.StoreAsync()).RepairAsync(account, CancellationToken.None);
        }
        else
        {
            args.End();
            if (await ControlClient.FindAsync(session.Options.DataPath) is not null)
                throw new CliRefusedException("The server is running: give the address of one account, or stop the server to repair the whole store.");
            report = await OfflineRepair.RunAsync(session.Options.DataPath, session.Options.Store, TimeProvider.System, NullLogger.Instance, CancellationToken.None);
        }
        session.Output.Result(string.Join(Environment.NewLine, [report.ToString(), .. report.Done]), report);
        return report.Lost.Count == 0 ? 0 : throw new CliRefusedException(string.Join(Environment.NewLine, report.Lost));
    }
}
