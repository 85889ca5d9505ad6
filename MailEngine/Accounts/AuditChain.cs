using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>What came of looking the record of changes through.</summary>
/// <param name="BrokenAt">Number of the first entry that does not fit; null: all of them do.</param>
/// <param name="Head">Number and hash of the last one: what one writes down elsewhere to be sure later.</param>
public sealed record AuditCheck(long Entries, long? BrokenAt, string What, string Head);

/// <summary>Chains the audit: each entry holds the SHA-256 of itself and of the hash of the one before.</summary>
/// <remarks>
/// One chain a context, and a context lives for one write transaction: there nobody else can append. What was appended last is also in the
/// table of settings, so that a cut at the end shows as well. Whoever can write to accounts.db could compute a whole new chain; he could not make
/// it end in a hash that was written down elsewhere.
/// </remarks>
public sealed class AuditChain
{
    readonly AccountsContext _db;
    long _lastId;
    string _lastHash;

    internal AuditChain(AccountsContext db)
    {
        _db = db;
        var last = db.Audit.AsNoTracking().OrderByDescending(a => a.Id).Select(a => new { a.Id, a.Hash }).FirstOrDefault();
        (_lastId, _lastHash) = last is null ? (0, "") : (last.Id, last.Hash);
    }

    /// <summary>Gives an entry its number and its hash. It must be written in the order of the calls.</summary>
    /// <exception cref="InvalidOperationException">Not in a transaction.</exception>
    public AuditEntry Append(AuditEntry entry)
    {
        if (_db.Database.CurrentTransaction is null)
            throw new InvalidOperationException("The audit is written in the transaction of the change: use AccountsDatabase.WriteAsync.");
        entry.Id = ++_lastId;
        entry.Hash = _lastHash = HashOf(entry, _lastHash);
        return entry;
    }

    /// <summary>Notes the end of the chain; in the transaction, as its last step.</summary>
    internal async Task SaveHeadAsync(CancellationToken ct)
    {
        string head = Head(_lastId, _lastHash);
        if (await _db.Settings.Where(s => s.Key == Setting.AuditHead).ExecuteUpdateAsync(s => s.SetProperty(x => x.Value, head), ct) == 0)
        {
            _db.Settings.Add(new Setting { Key = Setting.AuditHead, Value = head });
            await _db.SaveChangesAsync(ct);
        }
    }

    /// <summary>Chains entries from before there was a chain.</summary>
    internal static async Task ChainOldAsync(AccountsContext db)
    {
        long after = 0;
        string hash = "";
        while (await db.Audit.Where(a => a.Id > after).OrderBy(a => a.Id).Take(1000).ToListAsync() is { Count: > 0 } some)
        {
            foreach (AuditEntry entry in some)
                entry.Hash = hash = HashOf(entry, hash);
            after = some[^1].Id;
            await db.SaveChangesAsync();
            db.ChangeTracker.Clear();
        }
    }

    /// <summary>Looks the whole chain through; memory does not grow with it.</summary>
    public static async Task<AuditCheck> VerifyAsync(AccountsContext db, CancellationToken ct)
    {
        // One transaction, so that what is appended meanwhile does not look like a fault.
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        long count = 0, last = 0;
        string hash = "";
        await foreach (AuditEntry entry in db.Audit.AsNoTracking().OrderBy(a => a.Id).AsAsyncEnumerable().WithCancellation(ct))
        {
            if (entry.Hash != HashOf(entry, hash))
            {
                return new AuditCheck(count, entry.Id, last == 0
                    ? $"entry {entry.Id} was changed, or entries before it were removed"
                    : $"entry {entry.Id} was changed, or entries between {last} and {entry.Id} were removed", Head(last, hash));
            }
            (last, hash) = (entry.Id, entry.Hash);
            count++;
        }
        string head = Head(last, hash);
        string noted = await db.Settings.Where(s => s.Key == Setting.AuditHead).Select(s => s.Value).FirstOrDefaultAsync(ct) ?? Head(0, "");
        return noted == head
            ? new AuditCheck(count, null, "", head)
            : new AuditCheck(count, last + 1, $"entries after {last} were removed: the last one was {noted.Split(' ')[0]}", head);
    }

    static string Head(long id, string hash) => string.Create(CultureInfo.InvariantCulture, $"{id} {hash}");

    // Every part is framed by its length: no two different entries give the same bytes.
    static string HashOf(AuditEntry e, string previous)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(previous);
        Add(Number(e.Id));
        Add(Number(e.Time.ToUnixTimeMilliseconds()));
        Add(Number(e.ActorId));
        Add(e.Actor);
        Add(e.Role);
        Add(e.Action);
        Add(e.Object);
        Add(Number(e.DomainId));
        Add(e.Before);
        Add(e.After);
        Add(e.Reason);
        Add(Number(e.RevertsId));
        Add(e.Client);
        // Last and only where there is one: entries that were chained before they had it keep their hash. The lengths tell both apart.
        if (e.AccountId is not null)
            Add(Number(e.AccountId));
        return Convert.ToHexStringLower(sha.GetHashAndReset());

        void Add(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            Span<byte> length = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            sha.AppendData(length);
            sha.AppendData(bytes);
        }

        static string Number(long? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "-";
    }
}
