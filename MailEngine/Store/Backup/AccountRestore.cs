using System.Buffers.Binary;
using MailEngine.Io;

namespace MailEngine.Store.Backup;

/// <summary>Brings the mail of one account back from a backup into a store that works on: what is there stays, what is missing is added.</summary>
/// <remarks>A message is the same when mailbox name, internal date, size and checksum of its body are; so doing it twice adds nothing. Messages get
/// new UIDs (S3) and keep flags, keywords and dates. The quota is not asked: an administrator gives back what was there.</remarks>
internal sealed class AccountRestore(MailStore store, Partition partition, string backup)
{
    const int AtOnce = 64;

    /// <returns>Messages added, and what of the backup could not be read.</returns>
    public async Task<(int Messages, IReadOnlyList<string> Faults)> RunAsync(long accountId, CancellationToken ct)
    {
        string scratch = Path.Combine(partition.Folder, $"restore-{accountId}.tmp");
        var faults = new List<string>();
        int added = 0;
        try
        {
            Delete(scratch);
            File.Copy(Path.Combine(backup, "index.db"), scratch);   // reading in WAL mode writes beside the file
            using var segments = new SegmentFiles(Path.Combine(backup, "segments"), 0, partition.Options);
            using var reader = new IndexReader(new SqliteDatabase(scratch, SqliteOpen.ReadWrite));
            foreach (MailboxRow row in reader.MailboxesOf(accountId))
            {
                StoreError made = row.Name.IsInbox ? StoreError.None : await store.CreateAsync(accountId, row.Name, row.SpecialUse);
                if (made is not (StoreError.None or StoreError.AlreadyExists) || await store.OpenAsync(accountId, row.Name) is not { } box)
                    throw new IOException($"The mailbox {row.Name} cannot be made ({made}). Nothing was lost; try again.");
                added += await RestoreAsync(accountId, reader, row, box, segments, faults, ct);
            }
            foreach (string name in reader.Subscriptions(accountId))
                await store.SubscribeAsync(accountId, MailboxName.Parse(name), subscribed: true);
            return (added, faults);
        }
        finally
        {
            Delete(scratch);
        }
    }

    async Task<int> RestoreAsync(
        long accountId, IndexReader reader, MailboxRow row, Mailbox box, SegmentFiles segments, List<string> faults, CancellationToken ct)
    {
        MailboxSnapshot now = box.Current;
        // As often as it is there: two copies of one message are two messages.
        var there = new Dictionary<(long, long, uint), int>();
        for (int i = 0; i < now.Count; i++)
        {
            (long, long, uint) key = KeyOf(now.Segments, now[i]);
            there[key] = there.GetValueOrDefault(key) + 1;
        }
        IReadOnlyList<string[]> keywords = KeywordText.Parse(row.Keywords);
        var missing = new List<MessageEntry>();
        foreach (Chunk chunk in reader.Chunks(row.Id))
        {
            foreach (ref readonly MessageEntry entry in chunk.Messages)
            {
                (long, long, uint) key = KeyOf(segments, entry);
                if (there.TryGetValue(key, out int count) && count > 0)
                    there[key] = count - 1;
                else
                    missing.Add(entry);
            }
        }
        int added = 0;
        foreach (MessageEntry[] some in missing.Chunk(AtOnce))
        {
            ct.ThrowIfCancellationRequested();
            // In order, so that the UIDs are; side by side in one commit.
            var waiting = new List<(Body Body, Task<AcceptOutcome> Outcome)>(some.Length);
            foreach (MessageEntry entry in some)
            {
                if (Read(segments, entry) is not var (prefix, body))
                {
                    faults.Add($"{row.Name}: message {entry.Uid} of the backup is damaged and was left out");
                    continue;
                }
                waiting.Add((body, store.AcceptAsync(new Acceptance
                {
                    Body = body,
                    Deposits = [new Deposit
                    {
                        Owner = new Owner(accountId, 0), Mailbox = row.Name, Prefix = prefix, Flags = entry.Flags,
                        Keywords = (uint)entry.KeywordSet < (uint)keywords.Count ? keywords[entry.KeywordSet] : [],
                        InternalDate = DateTimeOffset.FromUnixTimeSeconds(entry.InternalDate),
                    }],
                }, ct)));
            }
            foreach ((Body body, Task<AcceptOutcome> outcome) in waiting)
            {
                AcceptOutcome done = await outcome;
                body.Dispose();
                if (done.Fault != StoreError.None || done.Deposits[0].Error != StoreError.None)
                    throw new IOException($"The store takes no more mail just now ({done.Fault}). {added} messages are back; run it again for the rest.");
                added++;
            }
        }
        return added;
    }

    /// <summary>What a message is known by; the checksum is the one in its record's header.</summary>
    static (long InternalDate, long Size, uint Crc) KeyOf(SegmentFiles segments, in MessageEntry entry)
    {
        byte[] header = new byte[SegmentRecord.HeaderBytes];
        try
        {
            using var reader = new MessageReader(segments, default, new BodyRange(entry.BodySegment, entry.BodyOffset - SegmentRecord.HeaderBytes, SegmentRecord.HeaderBytes));
            reader.Read(0, header);
        }
        catch (IOException)
        {
            // Lost here: the copy of the other side is wanted.
        }
        return (entry.InternalDate, entry.Size, BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(16)));
    }

    (byte[] Prefix, Body Body)? Read(SegmentFiles segments, in MessageEntry entry)
    {
        if (!new Repair.BodyPlaces(segments, partition.MimeLimits).AreWhole(entry))
            return null;
        byte[] prefix = new byte[entry.PrefixLength];
        using (var reader = new MessageReader(segments, default, entry.Prefix))
            reader.Read(0, prefix);
        using BodyWriter writer = store.NewBody();
        using var body = new MessageReader(segments, default, entry.Body);
        byte[] buffer = new byte[64 << 10];
        for (long at = 0; at < body.Length;)
        {
            int count = body.Read(at, buffer);
            writer.Write(buffer.AsSpan(0, count));
            at += count;
        }
        return (prefix, writer.Complete());
    }

    static void Delete(string path)
    {
        foreach (string suffix in new[] { "", "-wal", "-shm" })
            File.Delete(path + suffix);
    }
}
