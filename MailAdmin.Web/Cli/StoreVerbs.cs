using MailAdmin.Web.Services;
using MailEngine.Store;
using MailEngine.Store.Backup;
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

    public static async Task<int> BackUpAsync(CliSession session, CliArguments args)
    {
        string target = Path.GetFullPath(args.Word("DIR"));
        args.End();
        BackupReport report = await (await session.StoreAsync()).BackUpAsync(target, CancellationToken.None);
        session.Output.Result($"{target} is up to date: {report.Segments} segments, {report.Copied} of them new, {Size.Text(report.CopiedBytes)} copied.", report);
        return report.Missing.Count == 0 ? 0 : throw new CliRefusedException(string.Join(Environment.NewLine, report.Missing));
    }

    /// <summary>One account into the store, beside the running server too; or everything, when nobody has the data folder open.</summary>
    public static async Task<int> RestoreAsync(CliSession session, CliArguments args)
    {
        string backup = Path.GetFullPath(args.Word("DIR"));
        string? account = args.Option("account");
        args.End();
        if (account is not null)
        {
            long id = await AccountVerbs.IdOfAsync(session, account);
            AccountRestored restored = await (await session.StoreAsync()).RestoreAccountAsync(backup, id, CancellationToken.None);
            session.Output.Result($"{restored.Messages} messages of {account} are back; those that were there stayed.", restored);
            return restored.Faults.Count == 0 ? 0 : throw new CliRefusedException(string.Join(Environment.NewLine, restored.Faults));
        }
        if (await ControlClient.FindAsync(session.Options.DataPath) is not null)
            throw new CliRefusedException("The server is running: stop it to restore everything, or give --account ADDRESS to restore one account.");
        string aside = await Task.Run(() => StoreRestore.Run(backup, session.Options.DataPath, DateTimeOffset.UtcNow, CancellationToken.None, session.Options.Store));
        session.Output.Result($"The backup is in place. What was there before is in {aside}; recipients of the queue are on hold.", new { aside });
        return 0;
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
            report = await OfflineRepair.RunAsync(session.Options.DataPath, session.Options.Store, TimeProvider.System, NullLogger.Instance, CancellationToken.None, session.Options.Limits);
        }
        session.Output.Result(string.Join(Environment.NewLine, [report.ToString(), .. report.Done]), report);
        return report.Lost.Count == 0 ? 0 : throw new CliRefusedException(string.Join(Environment.NewLine, report.Lost));
    }
}
