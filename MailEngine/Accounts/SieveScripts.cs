using System.Text.Json;
using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>Why a script was not changed.</summary>
public enum ScriptFault
{
    None,
    NoSuchScript,
    AlreadyExists,
    /// <summary>The active script cannot be deleted. RFC 5804 §2.10</summary>
    IsActive,
    TooManyScripts,
    BadName,
    NoSuchAccount,
}

/// <summary>A script in a list.</summary>
public sealed record ScriptInfo(string Name, bool IsActive, int Bytes, long Version, DateTimeOffset ChangedAt);

/// <summary>The scripts of accounts. Whether a text is a script is the caller's to check, and so is that he may do this for the account.</summary>
/// <remarks>Every change is one transaction with its audit entry; the text itself is nobody's business and not in it.</remarks>
public sealed class SieveScripts(AccountsDatabase database)
{
    public async Task<IReadOnlyList<ScriptInfo>> ListAsync(long accountId, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        List<SieveScript> scripts = await db.SieveScripts.AsNoTracking().Where(s => s.AccountId == accountId).OrderBy(s => s.Name).ToListAsync(ct);
        return [.. scripts.Select(s => new ScriptInfo(s.Name, s.IsActive, s.Bytes, s.Version, s.ChangedAt))];
    }

    /// <summary>Null: no such script.</summary>
    public async Task<byte[]?> ReadAsync(long accountId, string name, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        return await db.SieveScripts.Where(s => s.AccountId == accountId && s.Name == name)
            .Join(db.SieveScriptVersions, s => new { ScriptId = s.Id, s.Version }, v => new { v.ScriptId, v.Version }, (s, v) => v.Content).FirstOrDefaultAsync(ct);
    }

    /// <summary>Text of one version; null: it is not there any more.</summary>
    public async Task<byte[]?> ReadAsync(ActiveScript script, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        return await db.SieveScriptVersions.Where(v => v.ScriptId == script.ScriptId && v.Version == script.Version).Select(v => v.Content).FirstOrDefaultAsync(ct);
    }

    /// <summary>Would a script of this name find room? RFC 5804 §2.5</summary>
    public async Task<ScriptFault> HaveSpaceAsync(long accountId, string name, int mostScripts, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        return await db.SieveScripts.AnyAsync(s => s.AccountId == accountId && s.Name == name, ct) || await db.SieveScripts.CountAsync(s => s.AccountId == accountId, ct) < mostScripts
            ? ScriptFault.None : ScriptFault.TooManyScripts;
    }

    /// <summary>Stores a script, new or in place of the one of that name. RFC 5804 §2.6</summary>
    public Task<ScriptFault> PutAsync(Administrator who, long accountId, string name, byte[] content, int mostScripts, CancellationToken ct) =>
        ChangeAsync(who, accountId, "sieve.put", async (db, account) =>
        {
            if (!SieveScript.IsName(name))
                return (ScriptFault.BadName, null);
            SieveScript? script = await FindAsync(db, accountId, name, ct);
            if (script is null)
            {
                if (await db.SieveScripts.CountAsync(s => s.AccountId == accountId, ct) >= mostScripts)
                    return (ScriptFault.TooManyScripts, null);
                script = new SieveScript { AccountId = accountId, Name = name };
                db.SieveScripts.Add(script);
            }
            script.Version++;
            script.Bytes = content.Length;
            script.ChangedAt = database.Clock.GetUtcNow();
            await db.SaveChangesAsync(ct);   // a new one has its number now
            db.SieveScriptVersions.Add(new SieveScriptVersion { ScriptId = script.Id, Version = script.Version, Content = content, SavedAt = script.ChangedAt });
            await db.SieveScriptVersions.Where(v => v.ScriptId == script.Id && v.Version <= script.Version - SieveScript.KeptVersions).ExecuteDeleteAsync(ct);
            return (ScriptFault.None, new { name, bytes = content.Length, version = script.Version });
        }, ct);

    /// <summary>RFC 5804 §2.10</summary>
    public Task<ScriptFault> DeleteAsync(Administrator who, long accountId, string name, CancellationToken ct) =>
        ChangeAsync(who, accountId, "sieve.delete", async (db, account) =>
        {
            if (await FindAsync(db, accountId, name, ct) is not { } script)
                return (ScriptFault.NoSuchScript, null);
            if (script.IsActive)
                return (ScriptFault.IsActive, null);
            db.SieveScripts.Remove(script);
            return (ScriptFault.None, new { name });
        }, ct);

    /// <summary>RFC 5804 §2.11</summary>
    public Task<ScriptFault> RenameAsync(Administrator who, long accountId, string from, string to, CancellationToken ct) =>
        ChangeAsync(who, accountId, "sieve.rename", async (db, account) =>
        {
            if (!SieveScript.IsName(to))
                return (ScriptFault.BadName, null);
            if (await FindAsync(db, accountId, from, ct) is not { } script)
                return (ScriptFault.NoSuchScript, null);
            if (await FindAsync(db, accountId, to, ct) is not null)
                return (ScriptFault.AlreadyExists, null);
            script.Name = to;
            return (ScriptFault.None, new { from, to });
        }, ct);

    /// <summary>Makes a script the active one. RFC 5804 §2.8</summary>
    /// <param name="name">Empty: none is active.</param>
    public Task<ScriptFault> ActivateAsync(Administrator who, long accountId, string name, CancellationToken ct) =>
        ChangeAsync(who, accountId, "sieve.activate", async (db, account) =>
        {
            if (name.Length > 0 && await FindAsync(db, accountId, name, ct) is null)
                return (ScriptFault.NoSuchScript, null);
            foreach (SieveScript script in await db.SieveScripts.Where(s => s.AccountId == accountId && (s.IsActive || s.Name == name)).ToListAsync(ct))
                script.IsActive = script.Name == name;
            return (ScriptFault.None, new { name });
        }, ct);

    static Task<SieveScript?> FindAsync(AccountsContext db, long accountId, string name, CancellationToken ct) =>
        db.SieveScripts.FirstOrDefaultAsync(s => s.AccountId == accountId && s.Name == name, ct);

    Task<ScriptFault> ChangeAsync(Administrator who, long accountId, string action, Func<AccountsContext, Account, Task<(ScriptFault Fault, object? After)>> change, CancellationToken ct) =>
        database.WriteAsync(async db =>
        {
            if (await db.Accounts.FirstOrDefaultAsync(a => a.Id == accountId, ct) is not { } account)
                return ScriptFault.NoSuchAccount;
            (ScriptFault fault, object? after) = await change(db, account);
            if (fault != ScriptFault.None)
                return fault;
            db.Record(new AuditEntry
            {
                Time = database.Clock.GetUtcNow(), ActorId = who.AccountId == 0 ? null : who.AccountId, Actor = who.Login, Role = db.ActingRole, Action = action,
                Object = account.UserName ?? "", DomainId = account.DomainId, After = JsonSerializer.Serialize(after), Client = who.Client,
            });
            await db.SaveChangesAsync(ct);
            return ScriptFault.None;
        }, keep: fault => fault == ScriptFault.None, ct);
}
