using System.Runtime.InteropServices;
using MailEngine.Io;

namespace MailEngine.Store.Repair;

/// <summary>What the segments themselves say is in each mailbox: the newest deposit record of every message, where its bytes are.</summary>
/// <remarks>A scratch database beside the index: it may be larger than memory. Later records replace earlier ones of the same mailbox and UID
/// (docs/formats/segment.md).</remarks>
internal sealed class DepositIndex : IDisposable
{
    const string Tables = """
        CREATE TABLE deposit(id INTEGER PRIMARY KEY, account INTEGER NOT NULL, validity INTEGER NOT NULL, name TEXT NOT NULL, keywords TEXT NOT NULL, entry BLOB NOT NULL,
            body INTEGER NOT NULL, saved INTEGER NOT NULL);
        CREATE INDEX deposit_body ON deposit(body, account, saved, id);
        CREATE TABLE moved(id INTEGER PRIMARY KEY);
        CREATE TABLE queued(id INTEGER PRIMARY KEY, payload BLOB NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL);
        """;

    readonly string _path;
    readonly SqliteDatabase _db;
    readonly SqliteStatement _put, _putMoved, _putQueued, _of, _wasMoved, _first;

    DepositIndex(string path)
    {
        _path = path;
        Delete(path);
        _db = new SqliteDatabase(path, SqliteOpen.Create);
        _db.Execute($"PRAGMA synchronous=OFF; {Tables}");
        _put = _db.Prepare("INSERT OR REPLACE INTO deposit(id, account, validity, name, keywords, entry, body, saved) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)");
        _putMoved = _db.Prepare("INSERT OR IGNORE INTO moved(id) VALUES(?1)");
        _putQueued = _db.Prepare("INSERT INTO queued(payload, segment, offset, length) VALUES(?1,?2,?3,?4)");
        _of = _db.Prepare("SELECT account, validity, name, keywords, entry FROM deposit WHERE id>=?1 AND id<?2 ORDER BY id");
        _wasMoved = _db.Prepare("SELECT 1 FROM moved WHERE id=?1");
        _first = _db.Prepare("SELECT validity, id FROM deposit WHERE body=?1 AND account=?2 ORDER BY saved, id LIMIT 1");
    }

    /// <summary>Reads all segments.</summary>
    /// <param name="accountId">Keeps deposits of one account; null: of all, and the queue.</param>
    /// <param name="committed">How far to read each segment of a store that is in use; null: nobody writes, all of them whole.</param>
    public static DepositIndex Read(
        SegmentFiles segments, string path, long? accountId, CancellationToken ct, IReadOnlyList<(uint Number, long Length)>? committed = null)
    {
        var index = new DepositIndex(path);
        try
        {
            index._db.Execute("BEGIN");
            foreach ((uint number, long length) in committed ?? segments.Files())
            {
                ct.ThrowIfCancellationRequested();
                if (!File.Exists(segments.PathOf(number)))
                    continue;   // lost
                var scan = new SegmentScan(segments, number, length);
                foreach (ScannedRecord record in scan.Records())
                    index.Take(scan, record, accountId);
            }
            index._db.Execute("COMMIT");
            return index;
        }
        catch
        {
            index.Dispose();
            throw;
        }
    }

    /// <summary>Mailboxes that any deposit names, with the account they belong to.</summary>
    public Dictionary<long, long> Mailboxes()
    {
        var found = new Dictionary<long, long>();
        using SqliteStatement query = _db.Prepare("SELECT id >> 32, max(account) FROM deposit GROUP BY id >> 32");
        while (query.Step())
            found[query.Int64(0)] = query.Int64(1);
        return found;
    }

    /// <summary>Deposits of a mailbox by UID; places of prefixes are those in the segment.</summary>
    public List<DepositRecord> Of(long mailboxId)
    {
        var found = new List<DepositRecord>();
        _of.Bind(1, IndexSchema.Key(mailboxId, 0)).Bind(2, IndexSchema.Key(mailboxId + 1, 0));
        while (_of.Step())
        {
            found.Add(new DepositRecord(_of.Int64(0), mailboxId, (uint)_of.Int64(1), MemoryMarshal.Read<MessageEntry>(_of.Blob(4)),
                _of.Text(2), _of.Text(3), InLog: false, DeliveryKey: 0, MovedFrom: null));
        }
        _of.Reset();
        return found;
    }

    /// <summary>True: a MOVE took it out of this mailbox.</summary>
    public bool WasMoved(long mailboxId, uint uid)
    {
        bool moved = _wasMoved.Bind(1, IndexSchema.Key(mailboxId, uid)).Step();
        _wasMoved.Reset();
        return moved;
    }

    /// <summary>EMAILID of the messages of an account that have these bytes: copies share them, and are called after the one that was there first.
    /// Null: no record names them.</summary>
    public string? EmailIdOf(long accountId, BodyRange body)
    {
        string? id = _first.Bind(1, PlaceOf(body)).Bind(2, accountId).Step()
            ? EmailId.Of(accountId, (uint)_first.Int64(0), IndexSchema.NumberOf(_first.Int64(1))) : null;
        _first.Reset();
        return id;
    }

    /// <summary>One number for where bytes stand.</summary>
    internal static long PlaceOf(BodyRange body) => (long)body.Segment << 32 | body.Offset;

    /// <summary>Queue records, with the places of their messages; whether they were sent no segment says.</summary>
    public List<QueueEntry> Queued()
    {
        var found = new List<QueueEntry>();
        using SqliteStatement query = _db.Prepare("SELECT payload, segment, offset, length FROM queued ORDER BY id");
        while (query.Step())
        {
            if (SegmentRecord.TryReadQueuePayload(query.Blob(0), out QueueEntry? entry))
                found.Add(entry with { Body = new BodyRange((uint)query.Int64(1), (uint)query.Int64(2), (uint)query.Int64(3)) });
        }
        return found;
    }

    public void Dispose()
    {
        _db.Dispose();
        Delete(_path);
    }

    void Take(SegmentScan scan, in ScannedRecord record, long? accountId)
    {
        if (record.Header.Kind == RecordKind.Queue && accountId is null && SegmentRecord.TryReadQueue(record.Meta, out BodyRange body) && scan.TryReadPayload(record, out byte[] payload))
            _putQueued.Bind(1, payload).Bind(2, body.Segment).Bind(3, body.Offset).Bind(4, body.Length).Run();
        if (record.Header.Kind != RecordKind.Deposit || !SegmentRecord.TryReadDeposit(record.Meta, out DepositRecord deposit)
            || (accountId is { } one && deposit.AccountId != one) || deposit.MailboxId <= 0 || deposit.Entry.Uid == 0)
            return;
        if (record.Header.PayloadLength > 0 && !scan.IsPayloadWhole(record))
            return;   // the prefix is damaged; an earlier record of the message may still be whole
        MessageEntry entry = deposit.Entry;
        if (record.Header.PayloadLength > 0)
            (entry.PrefixSegment, entry.PrefixOffset, entry.PrefixLength) = (scan.Number, (uint)record.PayloadOffset, record.Header.PayloadLength);
        _put.Bind(1, IndexSchema.Key(deposit.MailboxId, entry.Uid)).Bind(2, deposit.AccountId).Bind(3, deposit.UidValidity).Bind(4, deposit.MailboxName)
            .Bind(5, deposit.Keywords).Bind(6, MemoryMarshal.AsBytes(new ReadOnlySpan<MessageEntry>(in entry))).Bind(7, PlaceOf(entry.Body)).Bind(8, entry.SaveDate).Run();
        if (deposit.MovedFrom is { } from)
            _putMoved.Bind(1, IndexSchema.Key(from.Mailbox, from.Uid)).Run();
    }

    static void Delete(string path)
    {
        foreach (string suffix in new[] { "", "-wal", "-shm" })
            File.Delete(path + suffix);
    }
}
