using System.Globalization;
using MailAdmin.Web.Resources;
using MailAdmin.Web.Services;
using MailEngine.Accounts;

namespace MailAdmin.Web.Cli;

/// <summary>Address books of accounts: whom their filters take for somebody known. docs/filters.md</summary>
static class ContactVerbs
{
    const int PageRows = 500;

    public static async Task<int> ListAsync(CliSession session, CliArguments args)
    {
        (string name, string filter) = (args.Word("ADDRESS"), args.Option("filter") ?? "");
        args.End();
        long id = await AccountVerbs.IdOfAsync(session, name);
        ContactService contacts = await session.ContactsAsync();
        var rows = new List<ContactRow>();
        PageOf<ContactRow> page;
        do
        {
            ServiceResult<PageOf<ContactRow>> found = await contacts.ListAsync(session.Actor, id, new PageRequest(rows.Count, PageRows, Filter: filter));
            CommandLine.Require(found);
            page = found.Value!;
            rows.AddRange(page.Items);
        }
        while (page.Items.Count > 0 && rows.Count < page.Total);
        session.Output.Table(rows, ("ADDRESS", c => c.Address), ("NAME", c => c.Name), ("SINCE", c => c.CreatedAt.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)));
        return 0;
    }

    public static async Task<int> AddAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS");
        var form = new ContactForm { Address = args.Word("CONTACT"), Name = args.Option("name") ?? "" };
        args.End();
        long id = await AccountVerbs.IdOfAsync(session, name);
        CommandLine.Require(await (await session.ContactsAsync()).AddAsync(session.Actor, id, form));
        session.Output.Result($"{form.Address} is in the address book of {name} now.", new { id, address = form.Address, form.Name });
        return 0;
    }

    public static async Task<int> NameAsync(CliSession session, CliArguments args)
    {
        (string name, string contact, string text) = (args.Word("ADDRESS"), args.Word("CONTACT"), args.Word("NAME"));
        args.End();
        (long id, ContactRow row) = await FindAsync(session, name, contact);
        CommandLine.Require(await (await session.ContactsAsync()).NameAsync(session.Actor, id, row.Id, text));
        session.Output.Result($"{row.Address} has another name now.", new { id, row.Address, name = text });
        return 0;
    }

    public static async Task<int> RemoveAsync(CliSession session, CliArguments args)
    {
        (string name, string contact) = (args.Word("ADDRESS"), args.Word("CONTACT"));
        args.End();
        (long id, ContactRow row) = await FindAsync(session, name, contact);
        CommandLine.Require(await (await session.ContactsAsync()).RemoveAsync(session.Actor, id, row.Id));
        session.Output.Result($"{row.Address} is not in the address book of {name} any more.", new { id, row.Address });
        return 0;
    }

    public static async Task<int> ImportAsync(CliSession session, CliArguments args)
    {
        (string name, string path) = (args.Word("ADDRESS"), args.Word("FILE"));
        args.End();
        long id = await AccountVerbs.IdOfAsync(session, name);
        ContactService contacts = await session.ContactsAsync();
        var file = new FileInfo(path);
        if (!file.Exists)
            throw new CliRefusedException($"There is no file {path}.");
        if (file.Length > contacts.MostFileBytes)
            throw new CliRefusedException(Texts.Of("Contacts.FileLarge", Size.Text(contacts.MostFileBytes)));
        ServiceResult<ContactImport> made = await contacts.ImportAsync(session.Actor, id, await File.ReadAllBytesAsync(path));
        CommandLine.Require(made);
        ContactImport done = made.Value!;
        session.Output.Result(string.Create(CultureInfo.InvariantCulture, $"{done.Added} are in the address book of {name} now; {done.Known} were there already."), new { id, done.Added, done.Known, done.FaultCount, done.Faults });
        if (done.FaultCount == 0)
            return 0;
        string more = done.FaultCount > done.Faults.Count ? string.Create(CultureInfo.InvariantCulture, $"{Environment.NewLine}{done.FaultCount - done.Faults.Count} more are left out.") : "";
        throw new CliRefusedException(string.Join(Environment.NewLine, done.Faults) + more);
    }

    public static async Task<int> ExportAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS");
        args.End();
        long id = await AccountVerbs.IdOfAsync(session, name);
        ServiceResult<string> cards = await (await session.ContactsAsync()).ExportAsync(session.Actor, id);
        CommandLine.Require(cards);
        session.Output.Text(cards.Value!, new { id, vcards = cards.Value });
        return 0;
    }

    static async Task<(long Account, ContactRow Row)> FindAsync(CliSession session, string name, string contact)
    {
        long id = await AccountVerbs.IdOfAsync(session, name);
        ServiceResult<ContactRow> found = await (await session.ContactsAsync()).FindAsync(session.Actor, id, contact);
        CommandLine.Require(found);
        return (id, found.Value!);
    }
}
