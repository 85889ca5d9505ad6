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

/// <summary>What a change of scripts came to.</summary>
/// <param name="Before">For the audit; null: nothing was there.</param>
/// <param name="After">For the audit: names and numbers, never the text.</param>
public sealed record ScriptChange(ScriptFault Fault, object? Before = null, object? After = null);

/// <summary>Changes of scripts inside somebody's transaction, who has looked at rights and at the text, and writes the audit entry.</summary>
/// <remarks>Saves. The panel's own scripts of an account are reached by <see cref="SetPanelAsync"/> and <see cref="SetVacationAsync"/> alone.</remarks>
public static class ScriptRows
{
    /// <summary>All of an owner but what the panel wrote for him.</summary>
    public static IQueryable<SieveScript> Of(AccountsContext db, ScriptOwner owner) =>
        db.SieveScripts.Where(s => s.AccountId == owner.AccountId && s.DomainId == owner.DomainId && s.Place != ScriptPlace.Panel && s.Place != ScriptPlace.Vacation);

    public static Task<SieveScript?> FindAsync(AccountsContext db, ScriptOwner owner, string name, CancellationToken ct) => Of(db, owner).FirstOrDefaultAsync(s => s.Name == name, ct);

    /// <summary>Stores a script, new or in place of the one of that name. RFC 5804 §2.6</summary>
    public static async Task<ScriptChange> PutAsync(AccountsContext db, ScriptOwner owner, string name, byte[] content, int mostScripts, DateTimeOffset now, CancellationToken ct)
    {
        if (!SieveScript.IsName(name))
            return new ScriptChange(ScriptFault.BadName);
        SieveScript? script = await FindAsync(db, owner, name, ct);
        object? before = script is null ? null : new { name, bytes = script.Bytes, version = script.Version };
        if (script is null)
        {
            if (await Of(db, owner).CountAsync(ct) >= mostScripts)
                return new ScriptChange(ScriptFault.TooManyScripts);
            script = new SieveScript { AccountId = owner.AccountId, DomainId = owner.DomainId, Name = name };
            db.SieveScripts.Add(script);
        }
        await WriteAsync(db, script, content, now, ct);
        return new ScriptChange(ScriptFault.None, before, new { name, bytes = content.Length, version = script.Version });
    }

    /// <summary>RFC 5804 §2.10</summary>
    public static async Task<ScriptChange> DeleteAsync(AccountsContext db, ScriptOwner owner, string name, CancellationToken ct)
    {
        if (await FindAsync(db, owner, name, ct) is not { } script)
            return new ScriptChange(ScriptFault.NoSuchScript);
        if (script.IsActive || script.Place is ScriptPlace.Before or ScriptPlace.After)
            return new ScriptChange(ScriptFault.IsActive);
        db.SieveScripts.Remove(script);
        await db.SaveChangesAsync(ct);
        return new ScriptChange(ScriptFault.None, new { name, bytes = script.Bytes }, null);
    }

    /// <summary>RFC 5804 §2.11</summary>
    public static async Task<ScriptChange> RenameAsync(AccountsContext db, ScriptOwner owner, string from, string to, CancellationToken ct)
    {
        if (!SieveScript.IsName(to))
            return new ScriptChange(ScriptFault.BadName);
        if (await FindAsync(db, owner, from, ct) is not { } script)
            return new ScriptChange(ScriptFault.NoSuchScript);
        if (await FindAsync(db, owner, to, ct) is not null)
            return new ScriptChange(ScriptFault.AlreadyExists);
        script.Name = to;
        await db.SaveChangesAsync(ct);
        return new ScriptChange(ScriptFault.None, new { name = from }, new { name = to });
    }

    /// <summary>Makes a script of an account the active one. RFC 5804 §2.8</summary>
    /// <param name="name">Empty: none is active.</param>
    public static async Task<ScriptChange> ActivateAsync(AccountsContext db, long accountId, string name, CancellationToken ct)
    {
        if (name.Length > 0 && await FindAsync(db, accountId, name, ct) is null)
            return new ScriptChange(ScriptFault.NoSuchScript);
        string before = "";
        foreach (SieveScript script in await Of(db, accountId).Where(s => s.IsActive || s.Name == name).ToListAsync(ct))
        {
            before = script.IsActive ? script.Name : before;
            script.IsActive = script.Name == name;
        }
        await db.SaveChangesAsync(ct);
        return new ScriptChange(ScriptFault.None, new { name = before }, new { name });
    }

    /// <summary>Says what a script of a domain or the server is for.</summary>
    public static async Task<ScriptChange> PlaceAsync(AccountsContext db, ScriptOwner owner, string name, ScriptPlace place, CancellationToken ct)
    {
        if (owner.IsAccount || place is ScriptPlace.Panel or ScriptPlace.Vacation)
            throw new ArgumentException("Only scripts of domains and the server have a place.", nameof(owner));
        if (await FindAsync(db, owner, name, ct) is not { } script)
            return new ScriptChange(ScriptFault.NoSuchScript);
        var before = new { name, place = script.Place.ToString() };
        script.Place = place;
        await db.SaveChangesAsync(ct);
        return new ScriptChange(ScriptFault.None, before, new { name, place = place.ToString() });
    }

    /// <summary>Stores what the panel wrote for an account; it runs before the account's own active script, whichever that is.</summary>
    /// <param name="content">Null: nothing any more.</param>
    public static Task<ScriptChange> SetPanelAsync(AccountsContext db, long accountId, byte[]? content, DateTimeOffset now, CancellationToken ct) =>
        SetAsync(db, accountId, ScriptPlace.Panel, "", content, now, ct);

    /// <summary>Stores the answer that an account gives while its owner is away, as the script that gives it; where it is switched off there is none.</summary>
    public static Task SetVacationAsync(AccountsContext db, Vacation vacation, DateTimeOffset now, CancellationToken ct) =>
        SetAsync(db, vacation.AccountId, ScriptPlace.Vacation, VacationScript.RowName, vacation.Enabled ? VacationScript.Write(vacation) : null, now, ct);

    static async Task<ScriptChange> SetAsync(AccountsContext db, long accountId, ScriptPlace place, string name, byte[]? content, DateTimeOffset now, CancellationToken ct)
    {
        SieveScript? script = await db.SieveScripts.FirstOrDefaultAsync(s => s.AccountId == accountId && s.Place == place, ct);
        object? before = script is null ? null : new { bytes = script.Bytes };
        if (content is null)
        {
            if (script is not null)
                db.SieveScripts.Remove(script);
            await db.SaveChangesAsync(ct);
            return new ScriptChange(ScriptFault.None, before, null);
        }
        if (script is null)
        {
            script = new SieveScript { AccountId = accountId, Name = name, Place = place };
            db.SieveScripts.Add(script);
        }
        await WriteAsync(db, script, content, now, ct);
        return new ScriptChange(ScriptFault.None, before, new { bytes = content.Length, version = script.Version });
    }

    /// <summary>Gives new accounts the scripts that the domain, or, where it has none of that kind, the server wants copied to them.</summary>
    public static async Task CopyAsync(AccountsContext db, long domainId, IReadOnlyCollection<long> accountIds, DateTimeOffset now, CancellationToken ct)
    {
        var all = await db.SieveScripts.AsNoTracking()
            .Where(s => s.AccountId == null && (s.DomainId == null || s.DomainId == domainId) && (s.Place == ScriptPlace.Copied || s.Place == ScriptPlace.CopiedActive))
            .Join(db.SieveScriptVersions, s => new { ScriptId = s.Id, s.Version }, v => new { v.ScriptId, v.Version }, (s, v) => new { s.DomainId, s.Name, s.Place, v.Content })
            .OrderBy(s => s.Name).ToListAsync(ct);
        var wanted = all.Exists(s => s.DomainId is not null) ? all.FindAll(s => s.DomainId is not null) : all;
        if (wanted.Count == 0)
            return;
        string? active = wanted.Find(s => s.Place == ScriptPlace.CopiedActive)?.Name;
        var copies = new List<(SieveScript Script, byte[] Content)>();
        foreach (long account in accountIds)
        {
            foreach (var from in wanted)
                copies.Add((new SieveScript { AccountId = account, Name = from.Name, IsActive = from.Name == active, Version = 1, Bytes = from.Content.Length, ChangedAt = now }, from.Content));
        }
        db.SieveScripts.AddRange(copies.Select(copy => copy.Script));
        await db.SaveChangesAsync(ct);
        db.SieveScriptVersions.AddRange(copies.Select(copy => new SieveScriptVersion { ScriptId = copy.Script.Id, Version = 1, Content = copy.Content, SavedAt = now }));
        await db.SaveChangesAsync(ct);
    }

    static async Task WriteAsync(AccountsContext db, SieveScript script, byte[] content, DateTimeOffset now, CancellationToken ct)
    {
        script.Version++;
        script.Bytes = content.Length;
        script.ChangedAt = now;
        await db.SaveChangesAsync(ct);   // a new one has its number now
        db.SieveScriptVersions.Add(new SieveScriptVersion { ScriptId = script.Id, Version = script.Version, Content = content, SavedAt = now });
        await db.SieveScriptVersions.Where(v => v.ScriptId == script.Id && v.Version <= script.Version - SieveScript.KeptVersions).ExecuteDeleteAsync(ct);
        await db.SaveChangesAsync(ct);
    }
}
