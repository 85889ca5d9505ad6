using System.Text;
using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Flow;
using MailEngine.Sieve;
using MailEngine.Sieve.Rules;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>What makes scripts easier to write: what is wrong with a text, what it would do with a message, what it was before.</summary>
/// <remarks>Scripts are stored by <see cref="ScriptService"/>, which says who may see and change whose.</remarks>
/// <param name="store">Null: this process has no store open.</param>
public sealed class FilterService(Changes changes, ScriptService scripts, FilterTrials trials, AccountDirectory directory, EngineOptions options, MailStore? store)
{
    /// <summary>Messages that are offered for a trial.</summary>
    const int Offered = 20;

    public int MostScriptBytes => options.Sieve.ScriptBytes;

    public int MostTrialBytes => options.Sieve.TrialBytes;

    /// <summary>Errors and warnings of a text, from the top down.</summary>
    public Task<ServiceResult<IReadOnlyList<SieveError>>> CheckAsync(Actor actor, byte[] script, CancellationToken ct = default) =>
        changes.ReadAsync<IReadOnlyList<SieveError>>(actor, (_, rights) => Task.FromResult(
            rights.AccountId is null && !actor.OwnsTheMachine ? ServiceResult.Forbidden() : ServiceResult<IReadOnlyList<SieveError>>.Of(SieveCompiler.Compile(script, options.Sieve).Errors)), ct);

    /// <summary>The newest messages of the actor's own INBOX. Nobody else's, and not for an administrator in somebody's place: they read no mail.</summary>
    public Task<ServiceResult<IReadOnlyList<MessageHead>>> RecentAsync(Actor actor, CancellationToken ct = default) =>
        changes.ReadAsync<IReadOnlyList<MessageHead>>(actor, async (_, rights) => rights.AccountId is not { } id || actor.InPlaceOf ? ServiceResult.Forbidden()
            : ServiceResult<IReadOnlyList<MessageHead>>.Of(store is not null && await store.OpenAsync(id, MailboxName.Inbox) is { } inbox ? NewestMail.List(store, inbox, Offered) : []), ct);

    Task<ServiceResult<byte[]>> OwnMessageAsync(Actor actor, uint uid, CancellationToken ct) =>
        changes.ReadAsync<byte[]>(actor, async (_, rights) => rights.AccountId is { } id && !actor.InPlaceOf && store is not null
            && await store.OpenAsync(id, MailboxName.Inbox) is { } inbox && NewestMail.Read(store, inbox, uid, MostTrialBytes) is { } message ? message : ServiceResult.NotFound("message"), ct);

    /// <summary>Main address of whose scripts they are; empty: of nobody's.</summary>
    public async Task<ServiceResult<string>> RecipientAsync(Actor actor, ScriptOwner owner, CancellationToken ct = default)
    {
        ServiceResult<IReadOnlyList<ScriptInfo>> may = await scripts.ListAsync(actor, owner, ct);
        return !may.Ok ? new ServiceResult.Refused(may.Refusal, may.Errors) : await changes.ReadAsync<string>(actor, async (db, _) =>
        {
            if (owner.AccountId is not { } id)
                return owner.DomainId is { } domainId && await db.Domains.Where(d => d.Id == domainId).Select(d => d.Name).FirstOrDefaultAsync(ct) is { } name ? $"postmaster@{name}" : "";
            var main = await (
                from a in db.Accounts
                where a.Id == id
                join m in db.Addresses on a.PrimaryAddressId equals m.Id
                join d in db.Domains on m.DomainId equals d.Id
                select new { m.DisplayLocal, d.Name }).FirstOrDefaultAsync(ct);
            return main is null ? "" : AddressParts.Join(main.DisplayLocal, main.Name)?.ToString() ?? "";
        }, ct);
    }

    /// <summary>What would become of a message if a text were the script in its place: all scripts run that a delivery asks. Nothing is done.</summary>
    public async Task<ServiceResult<TrialOutcome>> TryAsync(Actor actor, ScriptOwner owner, TrialForm form, CancellationToken ct = default)
    {
        // Of an account only who may change it tries: a script can ask about more than whoever just looks is shown.
        ServiceResult may = owner.IsAccount ? await scripts.MayChangeAsync(actor, owner, ct) : await scripts.ListAsync(actor, owner, ct);
        if (!may.Ok)
            return new ServiceResult.Refused(may.Refusal, may.Errors);
        var problems = new Problems();
        problems.Require(form.From.Length == 0 || EmailAddress.TryParse(form.From, out _), nameof(form.From), Texts.Of("Error.NoAddress", form.From));
        problems.Require(EmailAddress.TryParse(form.To, out _), nameof(form.To), Texts.Of("Error.NoAddress", form.To));
        problems.Require(form.Message.Length <= MostTrialBytes, nameof(form.Message), Texts.Of("Error.TrialLarge", MostTrialBytes));
        problems.Require(form.Uid is not null || form.Message.AsSpan().Trim(" \t\r\n"u8).Length > 0, nameof(form.Message), Texts.Of("Error.TrialEmpty"));
        SieveCompilation compilation = SieveCompiler.Compile(form.Script, options.Sieve);
        problems.Require(compilation.Program is not null, "Text", Texts.Of("Error.TrialScript"));
        if (problems.Any)
            return problems.Refuse();
        byte[] message = form.Message;
        if (form.Uid is { } uid)
        {
            ServiceResult<byte[]> own = await OwnMessageAsync(actor, uid, ct);
            if (!own.Ok)
                return new ServiceResult.Refused(own.Refusal, own.Errors);
            message = own.Value!;
        }
        EmailAddress to = EmailAddress.Parse(form.To);
        (AccountEntry? account, long? domainId) = await RecipientOfAsync(actor, owner, to, ct);
        FilterTrialOutcome tried = await trials.RunAsync(new FilterTrial
        {
            Program = compilation.Program!, Owner = owner, Place = form.Place, Name = form.Name.Trim(), ScriptId = await ScriptIdAsync(actor, owner, form, ct), Account = account,
            DomainId = domainId, ByOwner = account is not null && account.AccountId == actor.AccountId && !actor.InPlaceOf,
            From = form.From.Length == 0 ? null : EmailAddress.Parse(form.From), To = to, Message = Lines(message),
        }, changes.Now, ct);
        var seen = new bool[tried.Row.Count];
        for (int i = 0; i < seen.Length; i++)
        {
            FilterScript script = tried.Row[i];
            seen[i] = i == tried.Tried || script.Place is not (ScriptPlace.Before or ScriptPlace.After)
                || (await scripts.ListAsync(actor, script.DomainId is { } of ? ScriptOwner.Domain(of) : ScriptOwner.Server, ct)).Ok;
        }
        bool Exists(string name) => account is null || trials.MailboxExists(account.AccountId, name);
        return new TrialOutcome(
            [.. tried.Outcome.Actions.Select(a => StepOf(a, Exists, tried.Kept, a.Script < 0 || seen[a.Script]) with { IsEdited = a.Header is not null || a.Text is not null, Script = a.Script })],
            [.. tried.Row.Select((script, i) => new TrialScript(KindOf(script), script.Name, i == tried.Tried, i < tried.Outcome.Ran,
                tried.Outcome.Faults.Where(f => f.Script == i).Select(f => f.Reason).FirstOrDefault()))],
            tried.Outcome.Steps)
        {
            Notes = [.. tried.Outcome.Notes.Where((_, i) => seen[tried.Outcome.NotedBy[i]])],
        };
    }

    /// <summary>Whose scripts run beside the one that is tried: the account's whose it is; for one of a domain or the server those of the account that the
    /// recipient is, if the actor may change them, else none but the domain's and the server's.</summary>
    async Task<(AccountEntry? Account, long? DomainId)> RecipientOfAsync(Actor actor, ScriptOwner owner, EmailAddress to, CancellationToken ct)
    {
        if (owner.AccountId is { } id)
            return (await directory.FindAccountAsync(id, ct), null);
        Resolution found = await directory.ResolveAsync(to, ct);
        if (found.Domain?.DomainId is not { } domain || (owner.DomainId ?? domain) != domain)
            return (null, owner.DomainId);
        if (found.Address?.Targets is [{ Account: { } account }] && (await scripts.MayChangeAsync(actor, account.AccountId, ct)).Ok)
            return (account, null);
        return (null, owner.DomainId ?? ((await scripts.ListAsync(actor, ScriptOwner.Domain(domain), ct)).Ok ? domain : null));
    }

    async Task<long?> ScriptIdAsync(Actor actor, ScriptOwner owner, TrialForm form, CancellationToken ct) =>
        form.Place == ScriptPlace.Panel || form.OldName.Length == 0 ? null
        : (await changes.ReadAsync<long>(actor, async (db, _) => await ScriptRows.FindAsync(db, owner, form.OldName, ct) is { } script ? script.Id : ServiceResult.NotFound("script"), ct))
            is { Ok: true, Value: var found } ? found : null;

    static string KindOf(FilterScript script) => script.Place switch
    {
        ScriptPlace.Before or ScriptPlace.After => script.DomainId is null ? "Server" : "Domain",
        ScriptPlace.Panel => "Panel",
        ScriptPlace.Vacation => "Vacation",
        _ => script.Name.Length > 0 ? "OwnNamed" : "Own",
    };

    /// <summary>What is pasted has the line ends of the browser; messages have CRLF. RFC 5322 §2.1</summary>
    static byte[] Lines(byte[] message)
    {
        var lines = new List<byte>(message.Length + 256);
        for (int i = 0; i < message.Length; i++)
        {
            if (message[i] == (byte)'\n' && (i == 0 || message[i - 1] != (byte)'\r'))
                lines.Add((byte)'\r');
            lines.Add(message[i]);
        }
        return [.. lines];
    }

    /// <param name="seen">The actor may know what the script says: to whom a script of others sends mail on is nothing for everybody's eyes.</param>
    static TrialStep StepOf(SieveAction action, Func<string, bool> exists, MailboxName kept, bool seen) => action switch
    {
        SieveAction.Store { Mailbox: SieveAction.Store.Inbox } keep => kept == MailboxName.Inbox ? new TrialStep("Keep", "", keep.Flags) : new TrialStep("FileInto", kept.Value, keep.Flags),
        SieveAction.Store file => new TrialStep(exists(file.Mailbox) ? "FileInto" : file.Create ? "FileIntoNew" : "FileIntoNone", file.Mailbox, file.Flags),
        SieveAction.Redirect redirect => seen ? new TrialStep("Redirect", redirect.To.ToString(), []) : new TrialStep("RedirectUnseen", "", []),
        SieveAction.Reject reject => new TrialStep("Reject", reject.Reason, []),
        SieveAction.Notify notify => seen ? new TrialStep("Notify", string.Join(", ", notify.Target.To.Concat(notify.Target.Copies)), []) : new TrialStep("NotifyUnseen", "", []),
        SieveAction.Report report => seen ? new TrialStep("Report", report.To.ToString(), []) : new TrialStep("NotifyUnseen", "", []),
        SieveAction.Vacation vacation => new TrialStep("Vacation", vacation.Reason, []),
        _ => new TrialStep("Other", action.GetType().Name, []),
    };

    /// <summary>The versions that are kept of a script, the newest first.</summary>
    public async Task<ServiceResult<IReadOnlyList<ScriptVersionRow>>> HistoryAsync(Actor actor, ScriptOwner owner, string name, CancellationToken ct = default)
    {
        ServiceResult<IReadOnlyList<ScriptInfo>> may = await scripts.ListAsync(actor, owner, ct);
        return !may.Ok ? new ServiceResult.Refused(may.Refusal, may.Errors) : await changes.ReadAsync<IReadOnlyList<ScriptVersionRow>>(actor, async (db, _) =>
        {
            if (await ScriptRows.FindAsync(db, owner, name, ct) is not { } script)
                return ServiceResult.NotFound("script");
            var rows = await db.SieveScriptVersions.Where(v => v.ScriptId == script.Id).OrderByDescending(v => v.Version)
                .Select(v => new { v.Version, v.SavedAt, Bytes = v.Content.Length }).ToListAsync(ct);
            return ServiceResult<IReadOnlyList<ScriptVersionRow>>.Of([.. rows.Select(v => new ScriptVersionRow(v.Version, v.SavedAt, v.Bytes, v.Version == script.Version))]);
        }, ct);
    }

    /// <summary>The text of a version.</summary>
    public async Task<ServiceResult<byte[]>> VersionAsync(Actor actor, ScriptOwner owner, string name, long version, CancellationToken ct = default)
    {
        ServiceResult<IReadOnlyList<ScriptInfo>> may = await scripts.ListAsync(actor, owner, ct);
        return !may.Ok ? new ServiceResult.Refused(may.Refusal, may.Errors) : await changes.ReadAsync<byte[]>(actor, async (db, _) =>
            await ScriptRows.FindAsync(db, owner, name, ct) is { } script
            && await db.SieveScriptVersions.Where(v => v.ScriptId == script.Id && v.Version == version).Select(v => v.Content).FirstOrDefaultAsync(ct) is { } content
                ? content : ServiceResult.NotFound("script"), ct);
    }

    /// <summary>Makes an older version the one that counts again, as a new version.</summary>
    public async Task<ServiceResult> TakeBackAsync(Actor actor, ScriptOwner owner, string name, long version, CancellationToken ct = default)
    {
        ServiceResult<byte[]> text = await VersionAsync(actor, owner, name, version, ct);
        return text.Ok ? await scripts.PutAsync(actor, owner, name, text.Value!, ct) : text;
    }

    /// <summary>The rules that the panel keeps for an account.</summary>
    public async Task<ServiceResult<RulesOf>> RulesAsync(Actor actor, long accountId, CancellationToken ct = default)
    {
        ServiceResult<byte[]> text = await scripts.ReadPanelAsync(actor, accountId, ct);
        return !text.Ok ? new ServiceResult.Refused(text.Refusal, text.Errors)
            : new RulesOf(text.Value!.Length == 0 ? [] : RuleScript.Read(text.Value, options.Sieve), Encoding.UTF8.GetString(text.Value));
    }

    /// <summary>Stores rules; none: the panel's script goes.</summary>
    /// <param name="was">What was changed: if something else is there by now, nothing is stored.</param>
    public async Task<ServiceResult> SetRulesAsync(Actor actor, long accountId, RulesOf was, IReadOnlyList<Rule> rules, CancellationToken ct = default) =>
        RuleScript.Check(rules, out int rule, out RuleFault fault)
            ? await SetRulesTextAsync(actor, accountId, was, rules.Count == 0 ? [] : Encoding.UTF8.GetBytes(RuleScript.Write(rules)), ct)
            : ServiceResult.Invalid($"Rule{rule}", Texts.Of("RuleFault." + fault));

    /// <summary>The same for who would rather write Sieve.</summary>
    public async Task<ServiceResult> SetRulesTextAsync(Actor actor, long accountId, RulesOf was, byte[] text, CancellationToken ct = default)
    {
        ServiceResult<RulesOf> now = await RulesAsync(actor, accountId, ct);
        return !now.Ok ? now : now.Value!.Text != was.Text ? ServiceResult.Conflict() : await scripts.SetPanelAsync(actor, accountId, text, ct);
    }
}
