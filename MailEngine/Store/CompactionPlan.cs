using MailEngine.Store.Changes;

namespace MailEngine.Store;

/// <summary>What lives in some segments, and how it is moved out of them.</summary>
internal sealed class CompactionPlan
{
    readonly Partition _partition;
    readonly HashSet<uint> _numbers;
    readonly Dictionary<(uint Segment, uint Offset), Work> _bodies = [];
    readonly List<RecordWork> _records = [];   // the record or the prefix lives here, the body does not
    readonly HashSet<EntryKey> _rewritten;
    readonly HashSet<(uint Segment, uint Offset)> _prefixes = [];   // whole ones
    readonly Dictionary<(long Mailbox, uint Uid), List<DepositPlace>> _deposits = [];
    readonly HashSet<(BodyRange Body, uint Segment)> _queueRecords = [];

    CompactionPlan(Partition partition, HashSet<uint> numbers, HashSet<EntryKey> rewritten)
    {
        _rewritten = rewritten;
        _partition = partition;
        _numbers = numbers;
    }

    sealed class Work
    {
        public List<(EntryKey Key, MessageEntry Entry)> Entries { get; } = [];
        public List<QueueEntry> Queue { get; } = [];
    }

    readonly record struct RecordWork(EntryKey Key, MessageEntry Entry, uint RecordSegment, uint PrefixSegment)
    {
        public bool IsIn(HashSet<uint> wanted) => wanted.Contains(RecordSegment) || wanted.Contains(PrefixSegment);
    }

    readonly record struct DepositPlace(uint Segment, BodyRange Body, BodyRange Prefix, long Bytes);

    /// <summary>Segments with a live part that is not whole.</summary>
    public HashSet<uint> Damaged { get; } = [];

    /// <summary>Bytes of live records, by segment.</summary>
    public Dictionary<uint, long> LiveBytes { get; } = [];

    /// <param name="rewritten">Entries whose record was written anew already: what is left of it here is garbage, though it looks like the newest.</param>
    public static CompactionPlan Make(Partition partition, HashSet<uint> numbers, HashSet<EntryKey> rewritten, CancellationToken ct)
    {
        var plan = new CompactionPlan(partition, numbers, rewritten);
        var lengths = new Dictionary<(uint, uint), long>();
        foreach (uint number in numbers)
            plan.Look(number, lengths, ct);
        partition.ReadBehind(reader =>
        {
            RowPlaces.Visit(reader, plan.Visit, plan.Visit, ct);
            return 0;
        });
        foreach ((uint Segment, uint Offset) body in plan._bodies.Keys)
        {
            if (lengths.TryGetValue(body, out long bytes))
                plan.Count(body.Segment, bytes);
            else
                plan.Damaged.Add(body.Segment);
        }
        return plan;
    }

    /// <summary>True when rows or live records are in any of these.</summary>
    public bool Names(HashSet<uint> wanted) =>
        _bodies.Keys.Any(place => wanted.Contains(place.Segment)) || _records.Any(record => record.IsIn(wanted));

    /// <summary>The changes that move what lives in these segments, made one by one as they are asked for.</summary>
    public IEnumerable<RelocateChange> Moves(HashSet<uint> wanted, int mostBytes, int mostEntries)
    {
        var bodies = new List<BodyMove>();
        long bytes = 0;
        int entries = 0;
        foreach (((uint segment, uint offset), Work work) in _bodies.OrderBy(pair => pair.Key))
        {
            if (!wanted.Contains(segment) || Damaged.Contains(segment))
                continue;
            uint length = work.Entries.Count > 0 ? work.Entries[0].Entry.BodyLength : work.Queue[0].Body.Length;
            var from = new BodyRange(segment, offset, length);
            byte[] payload = new byte[length];
            using (var reader = new MessageReader(_partition.Segments, default, from))
                reader.Read(0, payload);
            bodies.Add(new BodyMove(from, payload, Io.Crc32C.Of(payload), [.. work.Entries.Select(e => MoveOf(wanted, e.Key, e.Entry))], work.Queue));
            bytes += length;
            entries += work.Entries.Count;
            if (bytes < mostBytes && entries < mostEntries)
                continue;
            yield return new RelocateChange([.. bodies], []);
            bodies.Clear();
            (bytes, entries) = (0, 0);
        }
        if (bodies.Count > 0)
            yield return new RelocateChange([.. bodies], []);
        foreach (RecordWork[] some in _records.Where(record => record.IsIn(wanted)).Chunk(mostEntries))
            yield return new RelocateChange([], [.. some.Select(e => MoveOf(wanted, e.Key, e.Entry))]);
    }

    /// <summary>Notes the records of a segment; whether they live the rows will say.</summary>
    void Look(uint number, Dictionary<(uint, uint), long> lengths, CancellationToken ct)
    {
        var scan = new SegmentScan(_partition.Segments, number, long.MaxValue);
        foreach (ScannedRecord record in scan.Records())
        {
            ct.ThrowIfCancellationRequested();
            if (record.Header.Kind == RecordKind.Body)
            {
                if (scan.IsPayloadWhole(record))
                    lengths[(number, (uint)record.PayloadOffset)] = record.TotalLength;
            }
            else if (record.Header.Kind == RecordKind.Deposit && SegmentRecord.TryReadDeposit(record.Meta, out DepositRecord deposit))
            {
                BodyRange prefix = deposit.Entry.Prefix.Segment == 0 && record.Header.PayloadLength > 0
                    ? new BodyRange(number, (uint)record.PayloadOffset, record.Header.PayloadLength) : deposit.Entry.Prefix;
                if (record.Header.PayloadLength > 0 && !scan.IsPayloadWhole(record))
                    continue;   // when rows name it, the segment counts as damaged
                if (prefix.Segment == number)
                    _prefixes.Add((number, prefix.Offset));
                (long, uint) key = (deposit.MailboxId, deposit.Entry.Uid);
                if (!_deposits.TryGetValue(key, out List<DepositPlace>? places))
                    _deposits.Add(key, places = []);
                places.Add(new DepositPlace(number, deposit.Entry.Body, prefix, record.TotalLength));
            }
            else if (record.Header.Kind == RecordKind.Queue && SegmentRecord.TryReadQueue(record.Meta, out BodyRange queued))
            {
                _queueRecords.Add((queued, number));
            }
        }
    }

    void Visit(EntryKey key, in MessageEntry entry)
    {
        bool bodyHere = _numbers.Contains(entry.BodySegment), prefixHere = entry.PrefixLength > 0 && _numbers.Contains(entry.PrefixSegment);
        DepositPlace? record = null;
        if (_deposits.TryGetValue((key.MailboxId, key.Uid), out List<DepositPlace>? places))
        {
            foreach (DepositPlace place in places)
            {
                // The newest record of a message names the places its row names; an older one is garbage.
                if (place.Body == entry.Body && (entry.PrefixLength == 0 || place.Prefix == entry.Prefix))
                    record = place;
            }
        }
        if (record is not null && _rewritten.Contains(key))
            record = null;
        if (record is { } found)
            Count(found.Segment, found.Bytes);
        if (prefixHere && !_prefixes.Contains((entry.PrefixSegment, entry.PrefixOffset)))
            Damaged.Add(entry.PrefixSegment);
        else if (prefixHere && record?.Prefix != entry.Prefix)   // in the record of another message, as after a COPY: it lives through this one
            Count(entry.PrefixSegment, SegmentRecord.Padded(SegmentRecord.HeaderBytes + SegmentRecord.DepositFixedBytes + (long)entry.PrefixLength));
        if (bodyHere)
            WorkOf(entry.Body).Entries.Add((key, entry));
        else if (prefixHere || record is not null)
            _records.Add(new RecordWork(key, entry, record?.Segment ?? 0, prefixHere ? entry.PrefixSegment : 0));
    }

    void Visit(QueueEntry row)
    {
        if (_numbers.Contains(row.Body.Segment))
            WorkOf(row.Body).Queue.Add(row);
        else if (_numbers.FirstOrDefault(number => _queueRecords.Contains((row.Body, number))) is var segment and not 0)
            Count(segment, long.MaxValue / 4);   // a large message on its way: its record is moved when the queue has let go of it
    }

    Work WorkOf(BodyRange body)
    {
        if (!_bodies.TryGetValue((body.Segment, body.Offset), out Work? work))
            _bodies.Add((body.Segment, body.Offset), work = new Work());
        return work;
    }

    void Count(uint segment, long bytes) => LiveBytes[segment] = LiveBytes.GetValueOrDefault(segment) + bytes;

    EntryMove MoveOf(HashSet<uint> wanted, EntryKey key, MessageEntry entry)
    {
        if (entry.PrefixLength == 0 || !wanted.Contains(entry.PrefixSegment))
            return new EntryMove(key, entry, default);
        byte[] prefix = new byte[entry.PrefixLength];
        using (var reader = new MessageReader(_partition.Segments, default, entry.Prefix))
            reader.Read(0, prefix);
        return new EntryMove(key, entry, prefix);
    }
}
