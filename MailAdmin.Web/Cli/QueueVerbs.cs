using System.Globalization;
using MailAdmin.Web.Services;

namespace MailAdmin.Web.Cli;

static class QueueVerbs
{
    public static async Task<int> ListAsync(CliSession session, CliArguments args)
    {
        args.End();
        IReadOnlyList<QueueRow> rows = await (await session.StoreAsync()).ReadQueueAsync();
        session.Output.Table(rows, ("ID", r => r.Id.ToString(CultureInfo.InvariantCulture)), ("STATE", r => r.State), ("FROM", r => r.From.Length == 0 ? "<>" : r.From),
            ("TO", r => r.To), ("TRIES", r => r.Attempts.ToString(CultureInfo.InvariantCulture)),
            ("NEXT", r => r.NextAttempt.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)), ("LAST REPLY", r => r.LastReply));
        return 0;
    }

    public static async Task<int> ChangeAsync(CliSession session, CliArguments args, QueueVerb verb)
    {
        bool all = args.Flag("all");
        IReadOnlyList<string> words = args.Words();
        args.End();
        if (all == words.Count > 0)
            throw new CliUsageException("Write the ids of queue rows (see: queue list), or --all.");
        var ids = new List<long>();
        foreach (string word in words)
            ids.Add(long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out long id) ? id : throw new CliUsageException($"\"{word}\" is not an id."));
        ServiceResult<int> changed = await (await session.QueueAsync()).ChangeAsync(session.Actor, verb, all ? null : ids);
        CommandLine.Require(changed);
        int count = changed.Value;
        session.Output.Result($"{count} rows changed.", new { verb, count });
        if (!all && count < ids.Distinct().Count())
            throw new CliRefusedException("Some rows were not changed: they are not there any more, are being sent just now, or are not in a state for it.");
        return 0;
    }
}
