using System.Globalization;
using MailAdmin.Web.Services;
using MailEngine.Store.Partitions;

namespace MailAdmin.Web.Cli;

/// <summary>Volumes that mail is kept on, and who lives on which.</summary>
static class PartitionVerbs
{
    public static async Task<int> ListAsync(CliSession session, CliArguments args)
    {
        args.End();
        ServiceResult<IReadOnlyList<PartitionInfo>> result = await (await session.PartitionsAsync()).ListAsync(session.Actor);
        CommandLine.Require(result);
        IEnumerable<string> lines = result.Value!.Select(p => string.Create(CultureInfo.InvariantCulture,
            $"{p.Name,-16} {p.Accounts,8} accounts {Size.Text(p.Bytes),10} of mail {Size.Text(p.FreeBytes),10} free  {p.Folder}{(p.Closed ? "  (closed)" : "")}{(p.Fault.Length > 0 ? $"  NOT THERE: {p.Fault}" : "")}"));
        session.Output.Result(string.Join(Environment.NewLine, lines), result.Value!);
        return result.Value!.All(p => p.Fault.Length == 0) ? 0 : throw new CliRefusedException("Not all partitions are there.");
    }

    public static async Task<int> MoveAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS"), partition = args.Word("PARTITION");
        args.End();
        long id = await AccountVerbs.IdOfAsync(session, name);
        ServiceResult<MoveReport> result;
        using (var progress = new ConsoleProgress())
            result = await (await session.PartitionsAsync()).MoveAsync(session.Actor, id, partition, progress);
        CommandLine.Require(result);
        MoveReport report = result.Value!;
        session.Output.Result(report.From == report.To
            ? $"{name} is in {partition} already."
            : string.Create(CultureInfo.InvariantCulture,
                $"{name} moved from {report.From} to {report.To}: {report.Messages} messages, {Size.Text(report.Bytes)}; its changes waited {report.Frozen.TotalMilliseconds:0} ms."), report);
        return 0;
    }
}
