using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Cli;

/// <summary>Other names for domains and accounts; the old ones still lead there unless they are dropped.</summary>
static class RenameVerbs
{
    public static async Task<int> DomainAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("NAME");
        var form = new DomainNameForm { Name = args.Word("NEW"), KeepOld = !args.Flag("drop-old") };
        args.End();
        long id = await DomainVerbs.IdOfAsync(session, name);
        CommandLine.Require(await (await session.DomainNamesAsync()).RenameAsync(session.Actor, id, form));
        await AccountVerbs.RunTasksAsync(session);
        session.Output.Result($"{name} is called {form.Name} now.", new { id, name = form.Name, form.KeepOld });
        return 0;
    }

    public static async Task<int> AccountAsync(CliSession session, CliArguments args)
    {
        string name = args.Word("ADDRESS"), written = args.Word("NEW");
        var form = new AccountNameForm { Login = args.Option("login") ?? "", KeepOld = !args.Flag("drop-old") };
        args.End();
        long id = await AccountVerbs.IdOfAsync(session, name);
        if (!EmailAddress.TryParse(written, out EmailAddress to))
            throw new CliUsageException($"\"{written}\" is not a mail address.");
        await using (AccountsContext db = (await session.DatabaseAsync()).NewContext())
        {
            string? domain = await (from a in db.Accounts where a.Id == id join d in db.Domains on a.DomainId equals d.Id select d.Name).FirstOrDefaultAsync();
            if (domain != to.Domain.Value)
                throw new CliRefusedException($"An account stays in its domain: write a name in {domain ?? "one"}, or make an account in {to.Domain} and move the mail with mail export and import.");
        }
        form.LocalPart = to.Local;
        CommandLine.Require(await (await session.AccountNamesAsync()).RenameAsync(session.Actor, id, form));
        session.Output.Result($"{name} is called {to} now.", new { id, address = to.ToString(), form.KeepOld });
        return 0;
    }
}
