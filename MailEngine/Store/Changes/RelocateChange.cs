namespace MailEngine.Store.Changes;

/// <summary>A body that moves, with all rows that name it, so that it is written once.</summary>
/// <param name="Payload">Its bytes, checked against their CRC.</param>
internal sealed record BodyMove(BodyRange From, ReadOnlyMemory<byte> Payload, uint Crc, IReadOnlyList<EntryMove> Entries, IReadOnlyList<QueueEntry> Queue);

/// <summary>An entry whose record is written anew.</summary>
/// <param name="Was">As it stood when the segment was looked through; one that stands otherwise by now is left alone.</param>
/// <param name="Prefix">Bytes of its prefix when they move too; empty: they stay, or there are none.</param>
internal sealed record EntryMove(EntryKey Key, MessageEntry Was, ReadOnlyMemory<byte> Prefix);

/// <summary>Compaction: appends live bytes to the current segment and lets their rows name the new place, in one commit. Whoever reads the
/// old place goes on doing so; it is retired later, when no row names it.</summary>
/// <remarks>Every entry gets a record of its own at the new place, so that the newest record of a message always says where its bytes are
/// (docs/formats/segment.md). Mod-sequences stay: no client can see any of this.</remarks>
internal sealed class RelocateChange(IReadOnlyList<BodyMove> bodies, IReadOnlyList<EntryMove> records) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    /// <summary>Entries whose record alone is written anew.</summary>
    public IEnumerable<EntryKey> RecordKeys => records.Select(record => record.Key);

    /// <summary>A nearly full disk has no room for it; segments with nothing alive are retired without.</summary>
    public override bool BringsMail => true;

    public override long Bytes => bodies.Sum(body => (long)body.Payload.Length);

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        var moved = new Dictionary<long, List<MessageEntry>>();
        foreach (BodyMove body in bodies)
        {
            BodyRange? to = null;
            foreach (EntryMove entry in body.Entries)
                Move(batch, entry, moved, () => to ??= batch.AppendBody(body.Payload, body.Crc));
            foreach (QueueEntry row in body.Queue)
            {
                if (batch.Committed.Queue(row.Id, row.Id) is not [var now] || now.Body != body.From)
                    continue;
                BodyRange place = to ??= batch.AppendBody(body.Payload, body.Crc);
                batch.AppendQueue(now, place);
                batch.Row(index => index.Run("UPDATE queue SET segment=?2, offset=?3, length=?4 WHERE id=?1", row.Id, place.Segment, place.Offset, place.Length));
            }
        }
        foreach (EntryMove record in records)
            Move(batch, record, moved, () => null);
        foreach ((long mailboxId, List<MessageEntry> entries) in moved)
            batch.MailboxOrDeleted(mailboxId)?.Repoint(entries);
    }

    static void Move(CommitBatch batch, EntryMove move, Dictionary<long, List<MessageEntry>> moved, Func<BodyRange?> place)
    {
        if (batch.MailboxOrDeleted(move.Key.MailboxId) is not { } box)
            return;
        ExpungedRow? row = move.Key.Expunged ? batch.Committed.Expunged(IndexSchema.Key(move.Key.MailboxId, move.Key.Uid)) : null;
        MessageEntry entry;
        if (row is { } expunged)
            entry = expunged.Entry;
        else if (!move.Key.Expunged && box.Snapshot.IndexOf(move.Key.Uid) is var index and >= 0)
            entry = box.Snapshot[index];
        else
            return;
        if (!entry.StandsWhere(move.Was))
            return;
        if (place() is { } to)
        {
            entry.BodySegment = to.Segment;
            entry.BodyOffset = to.Offset;
        }
        batch.WriteDeposit(box, ref entry, move.Prefix);
        if (row is { } old)
        {
            MessageEntry now = entry;
            long accountId = old.AccountId;
            batch.Row(index => index.PutExpunged(move.Key.MailboxId, accountId, old.ModSeq, old.At, now));
            return;
        }
        if (!moved.TryGetValue(move.Key.MailboxId, out List<MessageEntry>? list))
            moved.Add(move.Key.MailboxId, list = []);
        list.Add(entry);
    }
}

/// <summary>Segments that no row names any more: from this commit on their files may go.</summary>
/// <remarks>The row stays with length 0 until the file is gone, so that a crash between the two leaves word of it.</remarks>
internal sealed class RetireChange(IReadOnlyList<uint> numbers) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        batch.Row(index =>
        {
            foreach (uint number in numbers)
                index.CloseSegment(number, 0);   // closed: no start makes rows of what is left of it
        });
        batch.WhenPublished(() => batch.Retire(numbers));
    }
}

/// <summary>Files of retired segments are gone: so are their rows.</summary>
internal sealed class ForgetSegmentsChange(IReadOnlyList<uint> numbers, uint lastNumber) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override bool Durable => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        batch.Row(index =>
        {
            index.PutMeta("last_segment", lastNumber);   // a number is never used again (S3)
            foreach (uint number in numbers)
                index.Run("DELETE FROM segment WHERE number=?1", number);
        });
    }
}
