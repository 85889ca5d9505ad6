using MailEngine.Store.Changes;
using MailEngine.Store.Repair;

namespace MailEngine.Store.Partitions;

/// <summary>Brings the copy of one mailbox in another partition up to date with the mailbox itself, which works on meanwhile.</summary>
/// <remarks>
/// Chunks keep their numbers, messages their UIDs; a message that is there already keeps its bytes there, whatever became of its flags. So the first
/// pass copies everything and each later one what has changed since. Bodies are checked against their CRC on the way and shared as they
/// were shared. A message that is damaged stops the move: nobody may think that it is whole because it has been copied.
/// </remarks>
internal sealed class MailboxTransfer(Partition source, Partition target)
{
    const int StepMessages = 500;           // a commit
    const long StepBytes = 4L << 20;
    const int MostShared = 1_000_000;       // bodies remembered, about 40 MB; one that is forgotten is copied twice

    readonly Dictionary<ulong, BodyRange> _bodies = [];
    readonly BodyPlaces _places = new(source.Segments, source.MimeLimits);

    /// <summary>Messages and octets copied so far.</summary>
    public long Messages { get; private set; }

    public long Bytes { get; private set; }

    /// <param name="step">Called after every commit with the octets it copied.</param>
    /// <exception cref="IOException">A message is damaged, or the target takes no more.</exception>
    public async Task RunAsync(long mailboxId, Func<long, Task> step, CancellationToken ct)
    {
        // Of one moment: a message is among the live ones or among the expunged ones.
        (MailboxRow? row, Chunk[] chunks, List<ExpungedRow> expunged) = source.ReadBehind(reader => OfOneMoment(reader, mailboxId));
        if (row is null)
            return;
        (_, Chunk[] there, List<ExpungedRow> expungedThere) = target.ReadBehind(reader => OfOneMoment(reader, mailboxId));
        var live = new Dictionary<uint, MessageEntry>();
        foreach (Chunk chunk in there)
        {
            foreach (MessageEntry entry in chunk.Entries)
                live.Add(entry.Uid, entry);
        }
        Dictionary<uint, ExpungedRow> gone = expungedThere.ToDictionary(e => e.Entry.Uid);
        Dictionary<int, Chunk> before = there.ToDictionary(chunk => chunk.Number);

        using var transfer = new TransferSegments(target.Segments, target.Options.SegmentBytes);
        var ready = new List<ArrivingChunk>();
        var readyExpunged = new List<ArrivingExpunged>();
        int messages = 0;
        long bytes = 0;

        async Task CommitAsync(IReadOnlyList<int> dropped, IReadOnlyList<long> forgotten)
        {
            transfer.Seal();
            var change = new ArriveChange(source, row, [.. ready], dropped, [.. readyExpunged], forgotten, transfer);
            if (await target.CommitAsync(change, ct) != StoreError.None)
                throw new IOException($"Partition {target.Identity.Name} takes no more: its disk is full or broken.");
            Messages += messages;
            Bytes += bytes;
            await step(bytes);
            ready.Clear();
            readyExpunged.Clear();
            (messages, bytes) = (0, 0);
        }

        // What was expunged first: a message that leaves the live ones here must stand among those before its old row goes.
        foreach (ExpungedRow wanted in expunged)
        {
            ct.ThrowIfCancellationRequested();
            bool isThere = gone.Remove(wanted.Entry.Uid, out ExpungedRow now);
            if (isThere && now.ModSeq == wanted.ModSeq && now.At == wanted.At && (now.Reason == wanted.Reason || now.Entry.BodySegment == 0))
                continue;
            if (isThere || live.TryGetValue(wanted.Entry.Uid, out MessageEntry copied) && Assign(out now, wanted with { Entry = copied }))
            {
                readyExpunged.Add(new ArrivingExpunged(wanted with { Entry = At(wanted.Entry, now.Entry) }, Fresh: false, default));
            }
            else
            {
                readyExpunged.Add(CopyExpunged(row, wanted, transfer));
                bytes += wanted.Entry.Size;
            }
            if (readyExpunged.Count >= StepMessages || bytes >= StepBytes)
                await CommitAsync([], []);
        }
        foreach (Chunk chunk in chunks)
        {
            ct.ThrowIfCancellationRequested();
            var fresh = new Dictionary<uint, ReadOnlyMemory<byte>>();
            MessageEntry[] entries = [.. chunk.Entries];
            for (int i = 0; i < entries.Length; i++)
            {
                if (live.TryGetValue(entries[i].Uid, out MessageEntry copied))
                {
                    entries[i] = At(entries[i], copied);
                    continue;
                }
                fresh.Add(entries[i].Uid, Copy(row, ref entries[i], transfer));
                bytes += entries[i].Size;
                messages++;
            }
            bool isSame = before.Remove(chunk.Number, out Chunk? old) && fresh.Count == 0
                && System.Runtime.InteropServices.MemoryMarshal.AsBytes(old.Entries.AsSpan()).SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(entries.AsSpan()));
            if (!isSame)
                ready.Add(new ArrivingChunk(chunk.Number, entries, fresh));
            if (ready.Count * Chunk.Capacity >= StepMessages || bytes >= StepBytes)
                await CommitAsync([], []);
        }
        if (ready.Count + readyExpunged.Count + before.Count + gone.Count > 0 || there.Length + expungedThere.Count == 0)
            await CommitAsync([.. before.Keys], [.. gone.Values.Select(e => e.Id)]);
    }

    static bool Assign(out ExpungedRow to, ExpungedRow value)
    {
        to = value;
        return true;
    }

    static (MailboxRow?, Chunk[], List<ExpungedRow>) OfOneMoment(IndexReader reader, long mailboxId)
    {
        reader.Database.Execute("BEGIN");
        try
        {
            return (reader.Mailbox(mailboxId), reader.Chunks(mailboxId), reader.ExpungedOf(mailboxId));
        }
        finally
        {
            reader.Database.Execute("COMMIT");
        }
    }

    /// <summary>The entry as it is now, with its bytes where the target has them.</summary>
    static MessageEntry At(MessageEntry entry, in MessageEntry place)
    {
        (entry.PrefixSegment, entry.PrefixOffset, entry.PrefixLength) = (place.PrefixSegment, place.PrefixOffset, place.PrefixLength);
        (entry.BodySegment, entry.BodyOffset, entry.BodyLength) = (place.BodySegment, place.BodyOffset, place.BodyLength);
        if (place.BodySegment == 0)
            entry.Reserved = (uint)ExpungeReason.Restored;
        return entry;
    }

    /// <summary>Copies a message; the entry then names its body's place in the target.</summary>
    /// <returns>Its prefix, for which the commit finds a place.</returns>
    byte[] Copy(MailboxRow row, ref MessageEntry entry, TransferSegments transfer)
    {
        try
        {
            if (entry.PrefixLength > 0 && !_places.IsPrefixWhole(entry.Prefix))
                throw new IOException("its first lines are not what was written");
            byte[] prefix = new byte[entry.PrefixLength];
            using (var reader = new MessageReader(source.Segments, default, entry.Prefix))
                reader.Read(0, prefix);
            ulong place = (ulong)entry.BodySegment << 32 | entry.BodyOffset;
            if (!_bodies.TryGetValue(place, out BodyRange body))
            {
                body = transfer.Copy(source.Segments, entry.Body);
                if (_bodies.Count < MostShared)
                    _bodies.Add(place, body);
            }
            (entry.BodySegment, entry.BodyOffset) = (body.Segment, body.Offset);
            if (prefix.Length == 0)
                (entry.PrefixSegment, entry.PrefixOffset) = (0, 0);
            return prefix;
        }
        catch (IOException fault) when (fault is not Io.SqliteException)
        {
            throw new IOException($"Message {entry.Uid} of mailbox {row.Name} cannot be copied: {fault.Message} Put its segment back from a backup or expunge it, then move the account again; nothing was changed.", fault);
        }
    }

    /// <summary>The same for one that is kept only to be brought back: where its bytes are lost the row goes alone, so that clients hear it is gone.</summary>
    ArrivingExpunged CopyExpunged(MailboxRow box, ExpungedRow row, TransferSegments transfer)
    {
        MessageEntry entry = row.Entry;
        if (_places.AreWhole(entry))
        {
            byte[] prefix = Copy(box, ref entry, transfer);
            return new ArrivingExpunged(row with { Entry = entry }, Fresh: true, prefix);
        }
        (entry.PrefixSegment, entry.PrefixOffset, entry.PrefixLength) = (0, 0, 0);
        (entry.BodySegment, entry.BodyOffset, entry.BodyLength) = (0, 0, 0);
        entry.Reserved = (uint)ExpungeReason.Restored;
        return new ArrivingExpunged(row with { Entry = entry }, Fresh: true, default);
    }
}
