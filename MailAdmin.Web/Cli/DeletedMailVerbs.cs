using System.Globalization;
using MailAdmin.Web.Services;

namespace MailAdmin.Web.Cli;

/// <summary>Deleted mail of an account: what there is, and bringing it back.</summary>
static class DeletedMailVerbs
{
    const int RowsAtOnce = 500;

    public static async Task<int> ListAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS"), filter = args.Option("filter") ?? "";
        args.End();
        long id = await AccountVerbs.IdOfAsync(session, name);
        DeletedMailService service = await session.DeletedMailAsync();
        ServiceResult<IReadOnlyList<DeletedMailboxRow>> boxes = await service.MailboxesAsync(session.Actor, id);
        CommandLine.Require(boxes);
        var messages = new List<DeletedMessageRow>();
        PageOf<DeletedMessageRow> page;
        do
        {
            ServiceResult<PageOf<DeletedMessageRow>> result = await service.ListAsync(session.Actor, id, new PageRequest(messages.Count, RowsAtOnce, Filter: filter));
            CommandLine.Require(result);
            page = result.Value!;
            messages.AddRange(page.Items);
        }
        while (page.Items.Count > 0 && messages.Count < page.Total);
        if (session.Output.IsJson)
        {
            session.Output.Value(new { mailboxes = boxes.Value, messages });
            return 0;
        }
        session.Output.Table(boxes.Value!, ("MAILBOX ID", b => Number(b.Id)), ("DELETED", b => Time(b.DeletedAt)), ("NAME", b => b.Name),
            ("MESSAGES", b => Number(b.Messages)), ("SIZE", b => Size.Text(b.Bytes)));
        session.Output.Table(messages, ("ID", m => Number(m.Id)), ("DELETED", m => Time(m.DeletedAt)), ("MAILBOX", m => m.Mailbox),
            ("SIZE", m => Size.Text(m.Bytes)), ("FROM", m => m.From), ("SUBJECT", m => m.Subject));
        return 0;
    }

    public static async Task<int> RestoreAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS");
        bool all = args.Flag("all");
        long? mailbox = args.Option("mailbox") is { } written ? IdOf(written) : null;
        long[] ids = [.. args.Words().Select(IdOf)];
        args.End();
        if ((all ? 1 : 0) + (mailbox is null ? 0 : 1) + (ids.Length > 0 ? 1 : 0) != 1)
            throw new CliUsageException("Write the ids of deleted messages (see: account deleted), or --all, or --mailbox with the id of a deleted mailbox.");
        long id = await AccountVerbs.IdOfAsync(session, name);
        DeletedMailService service = await session.DeletedMailAsync();
        ServiceResult<int> result = mailbox is { } box
            ? await service.RestoreMailboxAsync(session.Actor, id, box)
            : await service.RestoreMessagesAsync(session.Actor, id, all ? null : ids);
        CommandLine.Require(result);
        session.Output.Result($"{result.Value} messages are back.", new { messages = result.Value });
        if (result.Value < ids.Distinct().Count())
            throw new CliRefusedException("Some messages were not there any more, or were brought back before.");
        return 0;
    }

    static long IdOf(string word) =>
        long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out long id) ? id : throw new CliUsageException($"\"{word}\" is not an id.");

    static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    static string Time(DateTimeOffset time) => time.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}
