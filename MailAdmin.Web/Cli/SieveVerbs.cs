using System.Globalization;
using System.Text;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Sieve;

namespace MailAdmin.Web.Cli;

/// <summary>Sieve scripts of accounts, domains and the server.</summary>
static class SieveVerbs
{
    public static async Task<int> ListAsync(CliSession session, CliArguments args)
    {
        string where = args.Word("WHERE");
        args.End();
        ServiceResult<IReadOnlyList<ScriptInfo>> found = await (await session.ScriptsAsync()).ListAsync(session.Actor, await OwnerAsync(session, where));
        CommandLine.Require(found);
        session.Output.Table(found.Value!, ("NAME", s => s.Name), ("USE", s => s.IsActive ? "active" : WordOf(s.Place)),
            ("BYTES", s => s.Bytes.ToString(CultureInfo.InvariantCulture)), ("VERSION", s => s.Version.ToString(CultureInfo.InvariantCulture)),
            ("CHANGED", s => s.ChangedAt.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)));
        return 0;
    }

    public static async Task<int> GetAsync(CliSession session, CliArguments args)
    {
        (string where, string name) = (args.Word("WHERE"), args.Word("NAME"));
        args.End();
        ServiceResult<byte[]> found = await (await session.ScriptsAsync()).ReadAsync(session.Actor, await OwnerAsync(session, where), name);
        CommandLine.Require(found);
        string text = Encoding.UTF8.GetString(found.Value!);
        session.Output.Text(text.EndsWith('\n') ? text : text + Environment.NewLine, new { name, text });
        return 0;
    }

    public static async Task<int> PutAsync(CliSession session, CliArguments args)
    {
        (string where, string name) = (args.Word("WHERE"), args.Word("NAME"));
        args.End();
        ScriptOwner owner = await OwnerAsync(session, where);
        byte[] content = Encoding.UTF8.GetBytes(await session.Input.ReadToEndAsync());
        ServiceResult<IReadOnlyList<SieveError>> stored = await (await session.ScriptsAsync()).PutAsync(session.Actor, owner, name, content);
        if (stored.Refusal == Refusal.Invalid)
            throw new CliRefusedException(string.Join(Environment.NewLine, stored.Errors.Select(e => e.Message)));
        CommandLine.Require(stored);
        session.Output.Result(string.Join(Environment.NewLine, [$"{name} is stored.", .. stored.Value!.Select(warning => warning.ToString())]),
            new { name, warnings = stored.Value!.Select(warning => warning.ToString()) });
        return 0;
    }

    public static async Task<int> DeleteAsync(CliSession session, CliArguments args)
    {
        (string where, string name) = (args.Word("WHERE"), args.Word("NAME"));
        args.End();
        CommandLine.Require(await (await session.ScriptsAsync()).DeleteAsync(session.Actor, await OwnerAsync(session, where), name));
        session.Output.Result($"{name} is deleted.", new { name });
        return 0;
    }

    public static async Task<int> ActivateAsync(CliSession session, CliArguments args)
    {
        string where = args.Word("ADDRESS");
        string name = args.Flag("none") ? "" : args.Word("NAME");
        args.End();
        if ((await OwnerAsync(session, where)).AccountId is not { } account)
            throw new CliUsageException("Scripts of accounts are made active; those of domains and the server get their place with: sieve place");
        CommandLine.Require(await (await session.ScriptsAsync()).ActivateAsync(session.Actor, account, name));
        session.Output.Result(name.Length == 0 ? $"No script of {where} is active." : $"{name} is active.", new { name });
        return 0;
    }

    public static async Task<int> PlaceAsync(CliSession session, CliArguments args)
    {
        (string where, string name, string word) = (args.Word("DOMAIN"), args.Word("NAME"), args.Word("PLACE"));
        args.End();
        ScriptOwner owner = await OwnerAsync(session, where);
        ScriptPlace place = word switch
        {
            "before" => ScriptPlace.Before,
            "after" => ScriptPlace.After,
            "copied" => ScriptPlace.Copied,
            "active" => ScriptPlace.CopiedActive,
            "off" => ScriptPlace.None,
            _ => throw new CliUsageException($"\"{word}\" is no place: before, after, copied, active (copied, and the copy is active) and off are."),
        };
        if (owner.IsAccount)
            throw new CliUsageException("Scripts of accounts have no place; one of them is made active with: sieve activate");
        CommandLine.Require(await (await session.ScriptsAsync()).PlaceAsync(session.Actor, owner, name, place));
        session.Output.Result($"{name}: {WordOf(place)}.", new { name, place = WordOf(place) });
        return 0;
    }

    static string WordOf(ScriptPlace place) => place switch
    {
        ScriptPlace.Before => "before",
        ScriptPlace.After => "after",
        ScriptPlace.Copied => "copied",
        ScriptPlace.CopiedActive => "active",
        _ => "off",
    };

    static async Task<ScriptOwner> OwnerAsync(CliSession session, string where) =>
        where == "server" ? ScriptOwner.Server
        : where.Contains('@', StringComparison.Ordinal) ? ScriptOwner.Account(await AccountVerbs.IdOfAsync(session, where))
        : ScriptOwner.Domain(await DomainVerbs.IdOfAsync(session, where));
}
