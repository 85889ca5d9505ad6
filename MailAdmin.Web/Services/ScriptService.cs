using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Sieve;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Sieve scripts: everybody's own, those of domains and of the server, and what the panel writes for an account.</summary>
/// <remarks>Which of them decide about a message, and in which order: docs/filters.md. A text with errors is never stored. Scripts say much about
/// somebody, so those of accounts are shown only to their owners, to who may change the account, and to who may see its mailboxes.</remarks>
public sealed class ScriptService(Changes changes, SieveScripts scripts, EngineOptions options)
{
    public Task<ServiceResult<IReadOnlyList<ScriptInfo>>> ListAsync(Actor actor, ScriptOwner owner, CancellationToken ct = default) =>
        ReadAsync(actor, owner, async () => ServiceResult<IReadOnlyList<ScriptInfo>>.Of(await scripts.ListAsync(owner, ct)), ct);

    public Task<ServiceResult<byte[]>> ReadAsync(Actor actor, ScriptOwner owner, string name, CancellationToken ct = default) =>
        ReadAsync<byte[]>(actor, owner, async () => await scripts.ReadAsync(owner, name, ct) is { } text ? text : ServiceResult.NotFound("script"), ct);

    /// <summary>What the panel wrote for an account, which runs before the active script; empty: nothing.</summary>
    public Task<ServiceResult<byte[]>> ReadPanelAsync(Actor actor, long accountId, CancellationToken ct = default) =>
        ReadAsync<byte[]>(actor, accountId, async () => await scripts.ReadPanelAsync(accountId, ct) ?? [], ct);

    /// <summary>Stores a script, new or in place of the one of that name.</summary>
    /// <returns>What was noticed about its text; with errors nothing is stored, and they are the messages of the refusal.</returns>
    public Task<ServiceResult<IReadOnlyList<SieveError>>> PutAsync(Actor actor, ScriptOwner owner, string name, byte[] content, CancellationToken ct = default)
    {
        SieveCompilation looked = SieveCompiler.Compile(content, options.Sieve);
        return ChangeAsync<IReadOnlyList<SieveError>>(actor, owner, "sieve.put", async db =>
        {
            ScriptLimits limits = await ScriptLimits.OfAsync(db, owner, options.Sieve, ct);
            if (Refuse(content, looked, limits.Bytes) is { } refused)
                return (refused, null);
            ScriptChange change = await ScriptRows.PutAsync(db, owner, name, content, limits.Scripts, changes.Now, ct);
            return (Refused(change.Fault, limits.Scripts), change);
        }, looked.Errors, ct);
    }

    /// <summary>Stores what a form says: name, text and use, all or nothing.</summary>
    public Task<ServiceResult<bool>> SaveAsync(Actor actor, ScriptOwner owner, ScriptForm form, CancellationToken ct = default) =>
        changes.RunAsync<bool>(actor, async (db, rights) =>
        {
            (ServiceResult.Refused? no, Account? account, string what, long? domainId) = await MayAsync(db, rights, owner, toChange: true, ct);
            ScriptLimits limits = await ScriptLimits.OfAsync(db, owner, options.Sieve, ct);
            if ((no ?? Refuse(form.Text, SieveCompiler.Compile(form.Text, options.Sieve), limits.Bytes)) is { } refused)
                return refused;
            string name = form.Name.Trim();
            SieveScript? script = form.OldName.Length == 0 ? null : await ScriptRows.FindAsync(db, owner, form.OldName, ct);
            if (form.OldName.Length > 0 && script?.Version != form.Version)
                return script is null ? ServiceResult.NotFound("script") : ServiceResult.Conflict();
            if (script is null && await ScriptRows.FindAsync(db, owner, name, ct) is not null)
                return Refused(ScriptFault.AlreadyExists, limits.Scripts)!.Value;
            var steps = new List<(string Action, Func<Task<ScriptChange>> Change)>();
            if (script is not null && name != script.Name)
                steps.Add(("sieve.rename", () => ScriptRows.RenameAsync(db, owner, form.OldName, name, ct)));
            byte[]? now = script is null ? null
                : await db.SieveScriptVersions.Where(v => v.ScriptId == script.Id && v.Version == script.Version).Select(v => v.Content).FirstAsync(ct);
            if (now is null || !now.AsSpan().SequenceEqual(form.Text))
                steps.Add(("sieve.put", () => ScriptRows.PutAsync(db, owner, name, form.Text, limits.Scripts, changes.Now, ct)));
            if (owner.AccountId is { } accountId && form.Activate)
                steps.Add(("sieve.activate", () => ScriptRows.ActivateAsync(db, accountId, name, ct)));
            if (!owner.IsAccount && form.Place != (script?.Place ?? ScriptPlace.None))
                steps.Add(("sieve.place", () => ScriptRows.PlaceAsync(db, owner, name, form.Place, ct)));
            foreach ((string action, Func<Task<ScriptChange>> change) in steps)
            {
                ScriptChange done = await change();
                if (Refused(done.Fault, limits.Scripts) is { } why)
                    return why;
                if (account is not null)
                    changes.Audit(db, actor, action, account, done.Before, done.After);
                else
                    changes.Audit(db, actor, action, what, domainId, done.Before, done.After);
            }
            await db.SaveChangesAsync(ct);
            return true;
        }, ct);

    /// <summary>Ok: the actor may change them.</summary>
    public Task<ServiceResult<bool>> MayChangeAsync(Actor actor, ScriptOwner owner, CancellationToken ct = default) =>
        changes.ReadAsync<bool>(actor, async (db, rights) => (await MayAsync(db, rights, owner, toChange: true, ct)).Refused is { } refused ? refused : true, ct);

    public Task<ServiceResult<bool>> DeleteAsync(Actor actor, ScriptOwner owner, string name, CancellationToken ct = default) =>
        ChangeAsync(actor, owner, "sieve.delete", db => ScriptRows.DeleteAsync(db, owner, name, ct), ct);

    public Task<ServiceResult<bool>> RenameAsync(Actor actor, ScriptOwner owner, string from, string to, CancellationToken ct = default) =>
        ChangeAsync(actor, owner, "sieve.rename", db => ScriptRows.RenameAsync(db, owner, from, to, ct), ct);

    /// <summary>Makes a script of an account its active one.</summary>
    /// <param name="name">Empty: none.</param>
    public Task<ServiceResult<bool>> ActivateAsync(Actor actor, long accountId, string name, CancellationToken ct = default) =>
        ChangeAsync(actor, accountId, "sieve.activate", db => ScriptRows.ActivateAsync(db, accountId, name, ct), ct);

    /// <summary>Says what a script of a domain or the server is for.</summary>
    public Task<ServiceResult<bool>> PlaceAsync(Actor actor, ScriptOwner owner, string name, ScriptPlace place, CancellationToken ct = default) =>
        ChangeAsync(actor, owner, "sieve.place", db => ScriptRows.PlaceAsync(db, owner, name, place, ct), ct);

    /// <summary>Stores what the panel writes for an account: it runs before the active script, whichever that is, and touches none of the account's own.</summary>
    /// <param name="content">Empty: nothing any more.</param>
    public Task<ServiceResult<IReadOnlyList<SieveError>>> SetPanelAsync(Actor actor, long accountId, byte[] content, CancellationToken ct = default)
    {
        SieveCompilation looked = SieveCompiler.Compile(content, options.Sieve);
        return ChangeAsync<IReadOnlyList<SieveError>>(actor, accountId, "sieve.panel", async db =>
            Refuse(content, looked, options.Sieve.ScriptBytes) is { } refused ? (refused, null) : (null, await ScriptRows.SetPanelAsync(db, accountId, content.Length == 0 ? null : content, changes.Now, ct)), looked.Errors, ct);
    }

    Task<ServiceResult<bool>> ChangeAsync(Actor actor, ScriptOwner owner, string action, Func<AccountsContext, Task<ScriptChange>> change, CancellationToken ct) =>
        ChangeAsync(actor, owner, action, async db =>
        {
            ScriptChange done = await change(db);
            return (Refused(done.Fault, options.Sieve.Scripts), done);
        }, true, ct);

    Task<ServiceResult<T>> ChangeAsync<T>(
        Actor actor, ScriptOwner owner, string action, Func<AccountsContext, Task<(ServiceResult.Refused? Refused, ScriptChange? Change)>> change, T value, CancellationToken ct) =>
        changes.RunAsync<T>(actor, async (db, rights) =>
        {
            (ServiceResult.Refused? no, Account? account, string what, long? domainId) = await MayAsync(db, rights, owner, toChange: true, ct);
            if (no is { } forbidden)
                return forbidden;
            (ServiceResult.Refused? refused, ScriptChange? done) = await change(db);
            if (refused is { } why)
                return why;
            if (account is not null)
                changes.Audit(db, actor, action, account, done?.Before, done?.After);
            else
                changes.Audit(db, actor, action, what, domainId, done?.Before, done?.After);
            await db.SaveChangesAsync(ct);
            return ServiceResult<T>.Of(value);
        }, ct);

    Task<ServiceResult<T>> ReadAsync<T>(Actor actor, ScriptOwner owner, Func<Task<ServiceResult<T>>> read, CancellationToken ct) =>
        changes.ReadAsync<T>(actor, async (db, rights) => (await MayAsync(db, rights, owner, toChange: false, ct)).Refused is { } refused ? refused : await read(), ct);

    /// <summary>An account whose scripts, and what they ask about, somebody may see or change; or why not. For services, in their transactions.</summary>
    internal async Task<ServiceResult<Account>> FindOwnerAsync(AccountsContext db, Rights rights, long accountId, bool toChange, CancellationToken ct)
    {
        (ServiceResult.Refused? refused, Account? account, _, _) = await MayAsync(db, rights, ScriptOwner.Account(accountId), toChange, ct);
        return refused is { } why ? why : account!;
    }

    async Task<(ServiceResult.Refused? Refused, Account? Account, string What, long? DomainId)> MayAsync(
        AccountsContext db, Rights rights, ScriptOwner owner, bool toChange, CancellationToken ct)
    {
        if (owner.AccountId is { } id)
        {
            if (rights.AccountId == id && await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is { } own)
                return (WithMailbox(own), own, "", null);
            // Who sees how the account's mail is kept may look, where he could see all that it sees itself.
            if (!toChange && await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is { } seen && rights.May(Permissions.SeeMailboxes, seen.DomainId)
                && await rights.MayLookAtAsync(db, id, changes.Now, ct))
                return (WithMailbox(seen), seen, "", null);
            ServiceResult<Account> found = await rights.FindToChangeAsync(db, db.Accounts, Permissions.Accounts, id, changes.Now, ct);
            return found.Ok ? (WithMailbox(found.Value!), found.Value, "", null) : (new ServiceResult.Refused(found.Refusal, found.Errors), null, "", null);
        }
        if (owner.DomainId is not { } domainId)
            return (rights.May(toChange ? Permissions.Server : Permissions.SeeServer) ? null : ServiceResult.Forbidden(), null, "server", null);
        if (await db.Domains.Where(d => d.Id == domainId).Select(d => d.Name).FirstOrDefaultAsync(ct) is not { } name)
            return (ServiceResult.NotFound("domain"), null, "", null);
        return (rights.Refuse(toChange ? Permissions.Domain : Permissions.See, domainId, "domain"), null, name, domainId);
    }

    static ServiceResult.Refused? WithMailbox(Account account) => account.HasMailbox ? null : ServiceResult.Invalid("", Texts.Of("ScriptFault.NoMailbox"));

    static ServiceResult.Refused? Refuse(byte[] content, SieveCompilation looked, int mostBytes) =>
        content.Length > mostBytes ? ServiceResult.Invalid("Text", Texts.Of("ScriptFault.TooLarge", mostBytes))
        : looked.Program is null ? ServiceResult.Invalid([.. looked.Errors.Where(e => !e.IsWarning).Select(e => new FieldError("Text", e.ToString()))])
        : null;

    static ServiceResult.Refused? Refused(ScriptFault fault, int mostScripts) => fault switch
    {
        ScriptFault.None => null,
        ScriptFault.NoSuchScript => ServiceResult.NotFound("script"),
        ScriptFault.NoSuchAccount => ServiceResult.NotFound("account"),
        ScriptFault.TooManyScripts => ServiceResult.Invalid("Name", Texts.Of("ScriptFault.TooManyScripts", mostScripts)),
        ScriptFault.BadName => ServiceResult.Invalid("Name", Texts.Of("ScriptFault.BadName", SieveScript.MaxName)),
        _ => ServiceResult.Invalid("Name", Texts.Of("ScriptFault." + fault)),
    };
}
