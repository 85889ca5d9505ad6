using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MailEngine.Io;
using MailEngine.Mime;

namespace MailEngine.Store.Repair;

/// <summary>What a repair did.</summary>
/// <param name="Done">In words; empty: nothing was wrong that could be mended.</param>
/// <param name="Lost">What cannot be mended from what is on the disk; a backup may have it.</param>
public sealed record RepairReport(IReadOnlyList<string> Done, IReadOnlyList<string> Lost)
{
    public override string ToString() => (Done.Count, Lost.Count) switch
    {
        (0, 0) => "nothing to repair",
        (0, _) => $"nothing more can be repaired; {Lost.Count} things are lost",
        _ => $"{Done.Count} things repaired, {Lost.Count} lost",
    };
}

/// <summary>Repairs accounts of an open partition, while it works: each mailbox is held against the segments and, where they differ, put right in
/// one commit. Doing it twice does nothing.</summary>
/// <param name="incomplete">Mailboxes of which rows were lost in a rebuild of the index.</param>
/// <param name="lostMailboxes">True: rows of mailboxes themselves were lost, so one that only the segments know is brought back.</param>
internal sealed class AccountRepair(Partition partition, DepositIndex deposits, IReadOnlySet<long> incomplete, bool lostMailboxes)
{
    const int MostTries = 5;

    readonly BodyPlaces _places = new(partition.Segments, partition.MimeLimits);
    EmailIds? _names;   // of the account that is repaired
    readonly List<string> _done = [];
    readonly List<string> _lost = [];

    public RepairReport Report => new(_done, _lost);

    /// <exception cref="SqliteException">The index file itself is damaged: it must be rebuilt, which needs the server stopped.</exception>
    public async Task RunAsync(long accountId, CancellationToken ct)
    {
        _names = new EmailIds(partition, deposits, accountId);
        List<MailboxRow> rows = partition.Read(reader => (List<MailboxRow>)[.. reader.MailboxesOf(accountId), .. reader.DeletedMailboxesOf(accountId)]);
        foreach (MailboxRow row in rows)
            await RepairAsync(accountId, row.Id, ct);
        HashSet<long> known = [.. rows.Select(row => row.Id)];
        foreach ((long mailboxId, long owner) in deposits.Mailboxes())
        {
            // One that is older than the newest mailbox and has no row was purged: its records are garbage.
            if (owner == accountId && !known.Contains(mailboxId) && (lostMailboxes || partition.HasYetToGive(mailboxId)))
                await RepairAsync(accountId, mailboxId, ct);
        }
        var recount = new RecountChange(accountId);
        if (await partition.CommitAsync(recount, ct) == StoreError.None && recount.HasChanged)
            _done.Add($"account {accountId}: its counters are what a recount of its mailboxes gives");
    }

    async Task RepairAsync(long accountId, long mailboxId, CancellationToken ct)
    {
        List<DepositRecord> records = deposits.Of(mailboxId);
        for (int tries = 0; tries < MostTries; tries++)
        {
            ct.ThrowIfCancellationRequested();
            MailboxState state = partition.Read(reader => Read(reader, mailboxId));
            MailboxPlan plan = MailboxPlan.Make(state, records, uid => deposits.WasMoved(mailboxId, uid), _places);
            Dictionary<uint, (MessageSummary, string?)> summaries = Summaries(mailboxId, plan);
            string where = state.Row is { } row ? $"mailbox {row.Id} ({row.Name}) of account {row.AccountId}" : $"mailbox {mailboxId} of account {accountId}";
            List<(uint, long)> unlisted = Unlisted(plan);
            StoreError error = StoreError.None;
            if (plan.Faults.Count + summaries.Count + unlisted.Count > 0 && (state.Row is not null || plan.Entries.Count > 0))
            {
                error = await partition.CommitAsync(
                    new RepairMailboxChange(accountId, mailboxId, state, plan, records.Count == 0 ? null : records.MaxBy(record => record.Entry.Uid), summaries, unlisted), ct);
            }
            if (error == StoreError.Duplicate)
                continue;   // mail came in meanwhile
            if (error != StoreError.None)
                throw new IOException($"The store could not write the repair of {where}. Look at the disk and try again; nothing was changed.");
            _done.AddRange(plan.Faults.Select(fault => $"{where}: {fault}: put right"));
            if (summaries.Count > 0)
                _done.Add($"{where}: the stored ENVELOPE of {summaries.Count} messages was made anew");
            if (unlisted.Count > 0)
                _done.Add($"{where}: {unlisted.Count} segments with mail of it were not on the list of the index");
            if (plan.Lost.Count > 0)
                _lost.Add($"{where}: the bytes of {plan.Lost.Count} messages are lost or damaged: UID {string.Join(", ", plan.Lost.Take(20))}{(plan.Lost.Count > 20 ? " …" : "")}");
            return;
        }
        throw new IOException($"Mailbox {mailboxId} changes too fast to be repaired. Try again when there is less to do.");
    }

    MailboxState Read(IndexReader reader, long mailboxId)
    {
        MailboxRow? row = reader.Mailbox(mailboxId);
        IReadOnlyList<string[]> sets = KeywordText.Parse(row?.Keywords ?? "");
        HashSet<uint> gone = [.. reader.ExpungedOf(mailboxId).Select(expunged => IndexSchema.NumberOf(expunged.Id))];
        if (row is null)
            return new MailboxState(null, [], sets, null, IsWhole: false, gone);
        try
        {
            MailboxSnapshot snapshot = new(row.Counters, reader.Chunks(mailboxId), sets);
            MessageEntry[] entries = [.. Enumerable.Range(0, snapshot.Count).Select(i => snapshot[i])];
            return new MailboxState(row, entries, sets, snapshot, IsWhole: !incomplete.Contains(mailboxId), gone);
        }
        catch (SqliteException fault) when (fault.IsDamaged)
        {
            // Opened before the damage: memory has all of it, flags too.
            if (partition.FindOpen(mailboxId)?.Current is { } open)
                return new MailboxState(row with { Counters = open.Counters }, [.. Enumerable.Range(0, open.Count).Select(i => open[i])], open.KeywordSets, open, IsWhole: true, gone, IsReadable: false);
            return new MailboxState(row, ReadableEntries(reader, mailboxId), sets, null, IsWhole: false, gone, IsReadable: false);
        }
    }

    static List<MessageEntry> ReadableEntries(IndexReader reader, long mailboxId)
    {
        var entries = new List<MessageEntry>();
        using SqliteStatement chunks = reader.Database.Prepare("SELECT data FROM chunk WHERE id>=?1 AND id<?2 ORDER BY id");
        chunks.Bind(1, IndexSchema.Key(mailboxId, 0)).Bind(2, IndexSchema.Key(mailboxId + 1, 0));
        while (chunks.Step())
        {
            ReadOnlySpan<byte> data = chunks.Blob(0);
            if (data.Length % Unsafe.SizeOf<MessageEntry>() == 0 && data.Length / Unsafe.SizeOf<MessageEntry>() <= Chunk.Capacity)
                entries.AddRange(MemoryMarshal.Cast<byte, MessageEntry>(data));
        }
        return entries;
    }

    List<(uint, long)> Unlisted(MailboxPlan plan)
    {
        Dictionary<uint, (long Bytes, bool Closed)> listed = partition.Read(reader => reader.Segments());
        return [.. plan.Entries.SelectMany(entry => entry.PrefixLength > 0 ? new[] { entry.BodySegment, entry.PrefixSegment } : [entry.BodySegment]).Distinct()
            .Where(number => !listed.ContainsKey(number) && File.Exists(partition.Segments.PathOf(number)))
            .Select(number => (number, new FileInfo(partition.Segments.PathOf(number)).Length))];
    }

    /// <summary>Summaries of messages that have no row in table message, and what they are called.</summary>
    Dictionary<uint, (MessageSummary, string?)> Summaries(long mailboxId, MailboxPlan plan)
    {
        HashSet<uint> there = partition.Read(reader =>
        {
            var uids = new HashSet<uint>();
            using SqliteStatement query = reader.Database.Prepare("SELECT id FROM message WHERE id>=?1 AND id<?2");
            query.Bind(1, IndexSchema.Key(mailboxId, 0)).Bind(2, IndexSchema.Key(mailboxId + 1, 0));
            while (query.Step())
                uids.Add(IndexSchema.NumberOf(query.Int64(0)));
            return uids;
        });
        var made = new Dictionary<uint, (MessageSummary, string?)>();
        foreach (MessageEntry entry in plan.Entries)
        {
            if (!there.Contains(entry.Uid) && _places.Summarize(entry.Body) is { } summary)
                made[entry.Uid] = (summary, _names!.Of(entry.Body));
        }
        return made;
    }
}
