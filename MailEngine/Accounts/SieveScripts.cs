using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>A script in a list.</summary>
public sealed record ScriptInfo(string Name, bool IsActive, int Bytes, long Version, DateTimeOffset ChangedAt)
{
    /// <summary>Of a domain or the server: what it is for.</summary>
    public ScriptPlace Place { get; init; }
}

/// <summary>The scripts of accounts, domains and the server. Whether a text is a script is the caller's to check, and so is that he may do this.</summary>
/// <remarks>Every change is one transaction with its audit entry; the text itself is nobody's business and not in it. A number where an owner
/// is wanted means an account.</remarks>
public sealed class SieveScripts(AccountsDatabase database)
{
    public async Task<IReadOnlyList<ScriptInfo>> ListAsync(ScriptOwner owner, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        List<SieveScript> scripts = await ScriptRows.Of(db, owner).AsNoTracking().OrderBy(s => s.Name).ToListAsync(ct);
        return [.. scripts.Select(s => new ScriptInfo(s.Name, s.IsActive, s.Bytes, s.Version, s.ChangedAt) { Place = s.Place })];
    }

    /// <summary>Null: no such script.</summary>
    public async Task<byte[]?> ReadAsync(ScriptOwner owner, string name, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        return await ContentOf(db, ScriptRows.Of(db, owner).Where(s => s.Name == name)).FirstOrDefaultAsync(ct);
    }

    /// <summary>What the panel wrote for an account; null: nothing.</summary>
    public async Task<byte[]?> ReadPanelAsync(long accountId, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        return await ContentOf(db, db.SieveScripts.Where(s => s.AccountId == accountId && s.Place == ScriptPlace.Panel)).FirstOrDefaultAsync(ct);
    }

    static IQueryable<byte[]> ContentOf(AccountsContext db, IQueryable<SieveScript> scripts) =>
        scripts.Join(db.SieveScriptVersions, s => new { ScriptId = s.Id, s.Version }, v => new { v.ScriptId, v.Version }, (s, v) => v.Content);

    /// <summary>Text of one version; null: it is not there any more. Asked for at deliveries, so without EF.</summary>
    /// <exception cref="SqliteException">The database cannot be read now.</exception>
    public byte[]? Read(ActiveScript script)
    {
        using SqliteConnection connection = database.OpenConnection();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT Content FROM sieve_script_version WHERE ScriptId = $script AND Version = $version";
        command.Parameters.AddWithValue("$script", script.ScriptId);
        command.Parameters.AddWithValue("$version", script.Version);
        return command.ExecuteScalar() as byte[];
    }

    /// <summary>The script that include names; null: there is none. RFC 6609 §3.2</summary>
    /// <param name="isGlobal">One of the account's domain, or, where it has none of the name, of the server; else one of the account.</param>
    /// <param name="domainId">Of a recipient that is no account.</param>
    public async Task<ActiveScript?> FindIncludedAsync(long accountId, bool isGlobal, string name, CancellationToken ct, long? domainId = null)
    {
        await using AccountsContext db = database.NewContext();
        IQueryable<SieveScript> found = isGlobal
            ? from s in db.SieveScripts
              where s.AccountId == null && s.Name == name && (s.DomainId == null || s.DomainId == domainId || db.Accounts.Any(a => a.Id == accountId && a.DomainId == s.DomainId))
              orderby s.DomainId == null
              select s
            : ScriptRows.Of(db, accountId).Where(s => s.Name == name);
        return await found.Select(s => new { s.Id, s.Version }).FirstOrDefaultAsync(ct) is { } script ? new ActiveScript(script.Id, script.Version) : null;
    }

    /// <summary>Calls back after every change of anything here.</summary>
    internal IDisposable Listen(Action changed) => database.Listen(changed);

    /// <summary>What an account may store.</summary>
    public async Task<ScriptLimits> LimitsOfAsync(long accountId, SieveOptions server, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        return await ScriptLimits.OfAsync(db, accountId, server, ct);
    }

    /// <summary>Would a script of this name find room? RFC 5804 §2.5</summary>
    public async Task<ScriptFault> HaveSpaceAsync(ScriptOwner owner, string name, int mostScripts, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        return await ScriptRows.FindAsync(db, owner, name, ct) is not null || await ScriptRows.Of(db, owner).CountAsync(ct) < mostScripts
            ? ScriptFault.None : ScriptFault.TooManyScripts;
    }

    /// <summary>Stores a script, new or in place of the one of that name. RFC 5804 §2.6</summary>
    public Task<ScriptFault> PutAsync(Administrator who, ScriptOwner owner, string name, byte[] content, int mostScripts, CancellationToken ct) =>
        ChangeAsync(who, owner, "sieve.put", db => ScriptRows.PutAsync(db, owner, name, content, mostScripts, database.Clock.GetUtcNow(), ct), ct);

    /// <summary>RFC 5804 §2.10</summary>
    public Task<ScriptFault> DeleteAsync(Administrator who, ScriptOwner owner, string name, CancellationToken ct) =>
        ChangeAsync(who, owner, "sieve.delete", db => ScriptRows.DeleteAsync(db, owner, name, ct), ct);

    /// <summary>RFC 5804 §2.11</summary>
    public Task<ScriptFault> RenameAsync(Administrator who, ScriptOwner owner, string from, string to, CancellationToken ct) =>
        ChangeAsync(who, owner, "sieve.rename", db => ScriptRows.RenameAsync(db, owner, from, to, ct), ct);

    /// <summary>Makes a script the active one. RFC 5804 §2.8</summary>
    /// <param name="name">Empty: none is active.</param>
    public Task<ScriptFault> ActivateAsync(Administrator who, long accountId, string name, CancellationToken ct) =>
        ChangeAsync(who, accountId, "sieve.activate", db => ScriptRows.ActivateAsync(db, accountId, name, ct), ct);

    Task<ScriptFault> ChangeAsync(Administrator who, ScriptOwner owner, string action, Func<AccountsContext, Task<ScriptChange>> change, CancellationToken ct) =>
        database.WriteAsync(async db =>
        {
            string? what = "server";
            long? domainId = owner.DomainId;
            if (owner.AccountId is { } accountId)
            {
                Account? account = await db.Accounts.FirstOrDefaultAsync(a => a.Id == accountId, ct);
                (what, domainId) = (account is null ? null : account.UserName ?? "", account?.DomainId);
            }
            else if (domainId is not null)
            {
                what = await db.Domains.Where(d => d.Id == domainId).Select(d => d.Name).FirstOrDefaultAsync(ct);
            }
            if (what is null)
                return ScriptFault.NoSuchAccount;
            ScriptChange done = await change(db);
            if (done.Fault != ScriptFault.None)
                return done.Fault;
            db.Record(new AuditEntry
            {
                Time = database.Clock.GetUtcNow(), ActorId = who.AccountId == 0 ? null : who.AccountId, Actor = who.Login, Role = db.ActingRole, Action = action,
                Object = what, AccountId = owner.AccountId, DomainId = domainId, Before = done.Before is null ? "" : JsonSerializer.Serialize(done.Before),
                After = done.After is null ? "" : JsonSerializer.Serialize(done.After), Client = who.Client,
            });
            await db.SaveChangesAsync(ct);
            return ScriptFault.None;
        }, keep: fault => fault == ScriptFault.None, ct);
}
