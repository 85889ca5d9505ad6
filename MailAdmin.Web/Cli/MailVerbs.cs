using System.Globalization;
using MailAdmin.Web.Services;
using MailEngine.Store.Exchange;

namespace MailAdmin.Web.Cli;

/// <summary>All mail of an account, out into an archive and back.</summary>
static class MailVerbs
{
    public static async Task<int> ExportAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS"), path = Path.GetFullPath(args.Word("PATH"));
        ArchiveFormat format = FormatOf(args, path.EndsWith(".tar", StringComparison.OrdinalIgnoreCase) ? ArchiveFormat.Tar : ArchiveFormat.Maildir);
        args.End();
        long id = await AccountVerbs.IdOfAsync(session, name);
        using var progress = new ConsoleProgress();
        ServiceResult<ExchangeReport> result = await (await session.ExchangeAsync()).ExportAsync(session.Actor, id, path, format, progress);
        progress.Dispose();
        return Tell(session, result, $"of {name} are in {path} now");
    }

    public static async Task<int> ImportAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS"), path = Path.GetFullPath(args.Word("PATH"));
        if (!Path.Exists(path))
            throw new CliRefusedException($"There is no file or folder {path}.");
        ArchiveFormat format = FormatOf(args, Directory.Exists(Path.Combine(path, "cur")) ? ArchiveFormat.Maildir
            : path.EndsWith(".tar", StringComparison.OrdinalIgnoreCase) ? ArchiveFormat.Tar : ArchiveFormat.Mbox);
        bool keepUids = args.Flag("keep-uids");
        args.End();
        long id = await AccountVerbs.IdOfAsync(session, name);
        using var progress = new ConsoleProgress();
        ServiceResult<ExchangeReport> result = await (await session.ExchangeAsync()).ImportAsync(session.Actor, id, path, format, keepUids, progress);
        progress.Dispose();
        return Tell(session, result, $"are in {name} now");
    }

    static ArchiveFormat FormatOf(CliArguments args, ArchiveFormat usual) => args.Option("format") switch
    {
        null => usual,
        "maildir" => ArchiveFormat.Maildir,
        "mbox" => ArchiveFormat.Mbox,
        "tar" => ArchiveFormat.Tar,
        string other => throw new CliUsageException($"--format is maildir, mbox or tar, not \"{other}\"."),
    };

    static int Tell(CliSession session, ServiceResult<ExchangeReport> result, string where)
    {
        CommandLine.Require(result);
        ExchangeReport report = result.Value!;
        string text = string.Create(CultureInfo.InvariantCulture, $"{report.Messages} messages ({Size.Text(report.Bytes)}) in {report.Mailboxes} mailboxes {where}.");
        session.Output.Result(text, report);
        if (!session.Output.IsJson)
        {
            foreach (string note in report.Notes)
                session.Output.Result(note, note);
        }
        return 0;
    }
}
