using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>A session of the panel, as it is held in memory.</summary>
/// <param name="OpenedBy">Account of the administrator who is here in the owner's place; null: it is the owner.</param>
public sealed record PanelSessionEntry(
    long Id, long AccountId, DateTimeOffset LastSeenAt, DateTimeOffset? EndsAt, long? OpenedFromId, long? OpenedBy, string OpenedByLogin, string Reason);

/// <summary>The sessions of the panel: rows in accounts.db, looked up in memory. A cookie names one by a random key; ending it is deleting the row.</summary>
/// <remarks>The memory is dropped with every change of accounts, by this process or another, so an ended session is known within a second.</remarks>
public sealed class PanelSessions : IDisposable
{
    /// <summary>A session that nobody has used for so long is over.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromHours(12);

    /// <summary>How long an administrator may be in somebody's place at a time.</summary>
    public static readonly TimeSpan InPlace = TimeSpan.FromMinutes(30);

    static readonly TimeSpan s_seenEvery = TimeSpan.FromMinutes(5);
    const int MaxRemembered = 20_000;

    readonly AccountsDatabase _database;
    readonly IDisposable _onChange;
    ConcurrentDictionary<string, PanelSessionEntry?> _known = new(StringComparer.Ordinal);

    public PanelSessions(AccountsDatabase database, AccountDirectory directory)
    {
        _database = database;
        _onChange = directory.OnChange(Forget);
    }

    /// <summary>Asks the database again for every session.</summary>
    internal void Forget() => _known = new(StringComparer.Ordinal);

    public static string HashOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    internal static string NewKey() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>Adds a session of an account's owner.</summary>
    /// <returns>Its key, for the cookie.</returns>
    internal async Task<string> OpenAsync(long accountId, string client, string agent, CancellationToken ct)
    {
        string key = NewKey();
        DateTimeOffset now = _database.Clock.GetUtcNow();
        await _database.WriteQuietlyAsync(async db =>
        {
            DateTimeOffset oldest = now - Idle;
            await db.PanelSessions.Where(s => s.LastSeenAt < oldest || s.EndsAt < now).ExecuteDeleteAsync(ct);
            db.PanelSessions.Add(Row(accountId, key, now, client, agent));
            await db.SaveChangesAsync(ct);
        }, ct);
        return key;
    }

    internal static PanelSession Row(long accountId, string key, DateTimeOffset now, string client, string agent, DateTimeOffset? endsAt = null, long? openedFrom = null, string reason = "") => new()
    {
        AccountId = accountId,
        KeyHash = HashOf(key),
        CreatedAt = now,
        LastSeenAt = now,
        Client = client.Length > 64 ? client[..64] : client,
        Agent = new string([.. agent.Where(c => !char.IsControl(c)).Take(200)]),
        EndsAt = endsAt,
        OpenedFromId = openedFrom,
        Reason = reason,
    };

    /// <summary>The session with this key; null: there is none, or it is over.</summary>
    public async Task<PanelSessionEntry?> FindAsync(string key, CancellationToken ct)
    {
        string hash = HashOf(key);
        var known = _known;
        if (!known.TryGetValue(hash, out PanelSessionEntry? session))
        {
            session = await ReadAsync(hash, ct);
            if (known.Count >= MaxRemembered)
                known.Clear();
            known[hash] = session;
        }
        DateTimeOffset now = _database.Clock.GetUtcNow();
        return session is null || now - session.LastSeenAt > Idle || session.EndsAt <= now ? null : session;
    }

    /// <summary>Notes that a session is used; a write every few minutes.</summary>
    public async Task SeenAsync(string key, PanelSessionEntry session, CancellationToken ct)
    {
        DateTimeOffset now = _database.Clock.GetUtcNow();
        if (now - session.LastSeenAt < s_seenEvery)
            return;
        _known[HashOf(key)] = session with { LastSeenAt = now };
        await _database.WriteQuietlyAsync(db => db.PanelSessions.Where(s => s.Id == session.Id).ExecuteUpdateAsync(s => s.SetProperty(x => x.LastSeenAt, now), ct), ct);
    }

    /// <summary>Ends the session with this key: its own user signs out. Quietly, because the answer to that leads the page away from here; another page
    /// of the same browser follows with its next request, or within a minute.</summary>
    internal async Task EndAsync(string key, CancellationToken ct)
    {
        string hash = HashOf(key);
        await _database.WriteQuietlyAsync(db => db.PanelSessions.Where(s => s.KeyHash == hash).ExecuteDeleteAsync(ct), ct);
        Forget();   // an administrator's session in somebody's place goes with his own
    }

    /// <summary>Ends an administrator's session in somebody's place. Quietly, as <see cref="EndAsync"/>: else a page that is open there leaves for the
    /// log-in, and the browser drops the answer with the new cookie.</summary>
    /// <returns>A new key of the session he came from; null: that is over, or this is none of the kind.</returns>
    internal async Task<string?> LeaveAsync(string key, CancellationToken ct)
    {
        string hash = HashOf(key);
        string back = NewKey();
        string backHash = HashOf(back);
        bool found = false;
        await _database.WriteQuietlyAsync(async db =>
        {
            if (await db.PanelSessions.FirstOrDefaultAsync(s => s.KeyHash == hash, ct) is not { OpenedFromId: { } from } session)
                return;
            db.PanelSessions.Remove(session);
            await db.SaveChangesAsync(ct);
            found = await db.PanelSessions.Where(s => s.Id == from).ExecuteUpdateAsync(s => s.SetProperty(x => x.KeyHash, backHash), ct) > 0;
        }, ct);
        Forget();
        return found ? back : null;
    }

    async Task<PanelSessionEntry?> ReadAsync(string hash, CancellationToken ct)
    {
        await using AccountsContext db = _database.NewContext();
        try
        {
            return await (
                from s in db.PanelSessions
                where s.KeyHash == hash
                join f in db.PanelSessions on s.OpenedFromId equals (long?)f.Id into opened
                from f in opened.DefaultIfEmpty()
                join a in db.Accounts on f == null ? 0 : f.AccountId equals a.Id into openers
                from a in openers.DefaultIfEmpty()
                select new PanelSessionEntry(s.Id, s.AccountId, s.LastSeenAt, s.EndsAt, s.OpenedFromId, a == null ? null : a.Id, a == null ? "" : a.UserName!, s.Reason))
                .FirstOrDefaultAsync(ct);
        }
        catch (System.Data.Common.DbException e)
        {
            throw new DirectoryUnavailableException(e);
        }
    }

    public void Dispose() => _onChange.Dispose();
}
