using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using MailEngine.Io;

namespace MailEngine.Store;

/// <summary>What a check looked at and what it found wrong.</summary>
public sealed record CheckReport(long Accounts, long Mailboxes, long Messages, long QueueRows, long Bytes, IReadOnlyList<string> Faults)
{
    public bool IsWhole => Faults.Count == 0;

    internal CheckReport And(CheckReport other) => new(Accounts + other.Accounts, Mailboxes + other.Mailboxes, Messages + other.Messages,
        QueueRows + other.QueueRows, Bytes + other.Bytes, [.. Faults, .. other.Faults]);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Accounts} accounts, {Mailboxes} mailboxes, {Messages} messages, {QueueRows} queue rows, {Bytes} bytes read: {(IsWhole ? "all whole" : $"{Faults.Count} faults")}");
}

/// <summary>Proves that every row's bytes are there and whole (S2), and that every counter is what a recount gives (S4).</summary>
/// <remarks>Reads one snapshot of the index, so it may run while mail is delivered. It changes nothing.</remarks>
/// <param name="isHere">False: rows of an account that are on their way to another partition, or come from one.</param>
internal sealed class StoreCheck(Partition partition, Func<long, bool> isHere)
{
    readonly List<string> _faults = [];
    readonly HashSet<(uint, uint)> _seen = [];
    readonly SortedDictionary<uint, (int Messages, string First)> _lost = [];
    readonly HashSet<uint> _unlisted = [];
    Dictionary<uint, (long Bytes, bool Closed)> _listed = [];
    long _messages, _mailboxes, _queueRows, _bytes;

    public CheckReport Run(long? accountId, CancellationToken ct)
    {
        SegmentPin pin = partition.Segments.Pin;   // what is compacted away meanwhile can be read on
        using var reader = new IndexReader(new SqliteDatabase(partition.IndexPath, SqliteOpen.ReadOnly));
        reader.Database.Execute("BEGIN");
        _listed = reader.Segments();
        List<MailboxRow> rows = accountId is { } one ? reader.MailboxesOf(one) : [.. reader.AllMailboxes().Where(row => !row.Deleted && isHere(row.AccountId))];
        using SqliteStatement messageRows = reader.Database.Prepare("SELECT count(*) FROM message WHERE id=?1");
        var counted = new Dictionary<long, (long Messages, long Bytes)>();
        foreach (MailboxRow deleted in accountId is { } of ? reader.DeletedMailboxesOf(of) : reader.AllMailboxes().Where(row => row.Deleted && isHere(row.AccountId)))
            CheckMailbox(reader, deleted, messageRows, ct);
        foreach (MailboxRow row in rows)
        {
            ct.ThrowIfCancellationRequested();
            (long messages, long bytes) = CheckMailbox(reader, row, messageRows, ct);
            (long m, long b) = counted.GetValueOrDefault(row.AccountId);
            counted[row.AccountId] = (m + messages, b + bytes);
        }
        foreach ((long id, (long messages, long bytes)) in counted)
        {
            (_, long storedMessages, long storedBytes) = reader.Account(id) ?? default;
            if (storedMessages != messages || storedBytes != bytes)
                Fault($"account {id}: the counters say {storedMessages} messages and {storedBytes} bytes, a recount gives {messages} and {bytes}");
        }
        if (accountId is null)
        {
            CheckQueue(reader);
            CheckIndexFile(reader);
        }
        foreach ((uint segment, (int count, string first)) in _lost)
            Fault($"segment {segment} is lost and {count} messages with it, the first: {first}. Put the file back from a backup; nothing else is hurt");
        GC.KeepAlive(pin);
        return new CheckReport(counted.Count, _mailboxes, _messages, _queueRows, _bytes, _faults);
    }

    (long Messages, long Bytes) CheckMailbox(IndexReader reader, MailboxRow row, SqliteStatement messageRows, CancellationToken ct)
    {
        _mailboxes++;
        string where = $"mailbox {row.Id} ({row.Name}) of account {row.AccountId}";
        Chunk[] chunks;
        try
        {
            chunks = reader.Chunks(row.Id);
        }
        catch (SqliteException fault)
        {
            Fault($"{where}: {fault.Message}");
            return (row.Counters.Count, row.Counters.Bytes);
        }
        long count = 0, bytes = 0, unseen = 0;
        uint last = 0;
        int sets = KeywordText.Parse(row.Keywords).Count;
        foreach (Chunk chunk in chunks)
        {
            ct.ThrowIfCancellationRequested();
            foreach (ref readonly MessageEntry entry in chunk.Messages)
            {
                count++;
                bytes += entry.Size;
                unseen += entry.Flags.HasFlag(MessageFlags.Seen) ? 0 : 1;
                if (entry.Uid <= last || entry.Uid >= row.Counters.UidNext)
                    Fault($"{where}: UID {entry.Uid} is out of order (after {last}, UIDNEXT {row.Counters.UidNext})");
                last = entry.Uid;
                if (entry.KeywordSet < 0 || entry.KeywordSet >= sets)
                    Fault($"{where}: message {entry.Uid} names keyword set {entry.KeywordSet} of {sets}");
                if (messageRows.Reset().Bind(1, IndexSchema.Key(row.Id, entry.Uid)).Step() && messageRows.Int64(0) != 1)
                    Fault($"{where}: message {entry.Uid} has no stored ENVELOPE; it is worked out from its bytes each time");
                if (entry.PrefixLength > 0)
                    CheckRange(new BodyRange(entry.PrefixSegment, entry.PrefixOffset, entry.PrefixLength), null, $"{where}: prefix of message {entry.Uid}");
                CheckRange(new BodyRange(entry.BodySegment, entry.BodyOffset, entry.BodyLength), RecordKind.Body, $"{where}: message {entry.Uid}");
            }
        }
        messageRows.Reset();
        _messages += count;
        MailboxCounters c = row.Counters;
        foreach (ExpungedRow row2 in reader.ExpungedOf(row.Id).Where(gone => gone.Reason == ExpungeReason.Expunged))
            CheckRange(row2.Entry.Body, RecordKind.Body, $"{where}: expunged message {row2.Entry.Uid}, which could be restored");
        if (c.Count != count || c.Bytes != bytes || c.Unseen != unseen)
            Fault($"{where}: the counters say {c.Count} messages, {c.Unseen} unseen, {c.Bytes} bytes; a recount gives {count}, {unseen}, {bytes}");
        return (count, bytes);
    }

    /// <summary>What SQLite itself finds wrong with the file.</summary>
    void CheckIndexFile(IndexReader reader)
    {
        try
        {
            using SqliteStatement check = reader.Database.Prepare("PRAGMA quick_check(20)");
            while (check.Step())
            {
                if (check.Text(0) is var found and not "ok")
                    Fault($"the index file is damaged: {found}. Stop the server and run 'store repair'");
            }
        }
        catch (SqliteException fault) when (fault.IsDamaged)
        {
            Fault($"the index file is damaged: {fault.Message}. Stop the server and run 'store repair'");
        }
    }

    void CheckQueue(IndexReader reader)
    {
        long stored = reader.Database.ReadNumber("SELECT count(*) FROM queue") ?? 0;
        List<QueueEntry> entries = reader.Queue();
        _queueRows = stored;
        if (entries.Count != stored)
            Fault($"queue: {stored - entries.Count} rows have no readable recipient");
        foreach (QueueEntry entry in entries)
            CheckRange(entry.Body, RecordKind.Body, $"queue row {entry.Id} ({entry.MessageKey})");
    }

    /// <summary>Reads the record that holds a range and checks both its CRCs. A shared body is read once.</summary>
    void CheckRange(BodyRange range, RecordKind? kind, string what)
    {
        if (!_seen.Add((range.Segment, range.Offset)))
            return;
        if (!_listed.ContainsKey(range.Segment) && _unlisted.Add(range.Segment))
            Fault($"segment {range.Segment} holds {what} and is not on the list of the index, so a backup would miss it. Run 'store repair'");
        try
        {
            string? fault = kind is RecordKind.Body ? BodyFault(range) : PrefixFault(range);
            if (fault is not null)
                Fault($"{what}: {fault} in segment {range.Segment} at {range.Offset}");
        }
        catch (FileNotFoundException)
        {
            (int count, string first) = _lost.GetValueOrDefault(range.Segment, (0, what));
            _lost[range.Segment] = (count + 1, first);
        }
        catch (IOException fault)
        {
            Fault($"{what}: {fault.Message}");
        }
    }

    string? BodyFault(BodyRange range)
    {
        if (range.Offset < SegmentRecord.HeaderBytes)
            return "no record stands there";
        Span<byte> header = stackalloc byte[SegmentRecord.HeaderBytes];
        Read(range.Segment, range.Offset - SegmentRecord.HeaderBytes, header);
        if (!SegmentRecord.TryReadHeader(header, out RecordHeader record) || record.Kind != RecordKind.Body || record.MetaLength != 0)
            return "no body record stands there";
        if (!SegmentRecord.IsWhole(header, []) || record.PayloadLength != range.Length)
            return "the record's header is damaged";
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
        try
        {
            uint crc = 0;
            for (long done = 0; done < range.Length;)
            {
                Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, range.Length - done));
                Read(range.Segment, range.Offset + done, part);
                crc = Crc32C.Of(part, crc);
                done += part.Length;
                _bytes += part.Length;
            }
            return crc == record.PayloadCrc ? null : "the bytes are not those that were written (CRC)";
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>A prefix is the payload of a deposit record; its header is found by the length of the meta before it.</summary>
    string? PrefixFault(BodyRange range)
    {
        long from = Math.Max(0, range.Offset - 4096L);
        byte[] before = new byte[range.Offset - from];
        Read(range.Segment, from, before);
        for (long start = (range.Offset - SegmentRecord.HeaderBytes) & ~7L; start >= from; start -= 8)   // records start at multiples of 8
        {
            int at = (int)(start - from);
            if (!SegmentRecord.TryReadHeader(before.AsSpan(at), out RecordHeader record))
                continue;
            if (record.Kind != RecordKind.Deposit || at + SegmentRecord.HeaderBytes + record.MetaLength != before.Length)
                continue;
            ReadOnlySpan<byte> header = before.AsSpan(at, SegmentRecord.HeaderBytes);
            if (!SegmentRecord.IsWhole(header, before.AsSpan(at + SegmentRecord.HeaderBytes)))
                return "the record's header is damaged";
            byte[] prefix = new byte[range.Length];
            Read(range.Segment, range.Offset, prefix);
            _bytes += prefix.Length;
            return Crc32C.Of(prefix) == record.PayloadCrc ? null : "the bytes are not those that were written (CRC)";
        }
        return "no deposit record stands there";
    }

    void Read(uint segment, long offset, Span<byte> to)
    {
        while (!to.IsEmpty)
        {
            int now = RandomAccess.Read(partition.Segments.Open(segment), to, offset);
            if (now == 0)
                throw new IOException($"segment {segment} ends before {offset}");
            to = to[now..];
            offset += now;
        }
    }

    void Fault(string text)
    {
        const int most = 10_000;
        if (_faults.Count < most)
            _faults.Add(text);
    }
}
