using System.Runtime.InteropServices;
using MailEngine.Store.Changes;
using Microsoft.Extensions.Logging;

namespace MailEngine.Store;

/// <summary>What a compaction did.</summary>
/// <param name="Segments">Files removed.</param>
/// <param name="FreedBytes">Their length, less what of them was written anew.</param>
public readonly record struct CompactionReport(int Segments, long FreedBytes);

/// <summary>Gives the disk back what garbage takes: segments under half alive are written anew, live parts only; dead ones are removed.</summary>
/// <remarks>
/// A pass: (1) count live bytes by the places that rows name; (2) look through each candidate, for a record may be alive though nobody names its
/// bytes; (3) move what lives, a mebibyte a commit, through the commit loop like any other change; (4) read all places once more, and only
/// when none is in a candidate any longer retire it (RetireChange), remove the file, forget its row.
/// Killed anywhere, it has lost nothing: rows name the old place or the new one, both are there, and the next pass goes on.
/// A segment with damage is left as it is: a repair may still want it. A segment that is written to, or belongs to a message on its way
/// in, is never a candidate, so that no row can come to name one after (4).
/// </remarks>
internal sealed class Compactor(Partition partition, ILogger log)
{
    const int MoveBytes = 1 << 20;      // a commit
    const int MoveEntries = 500;        // a commit
    const long GroupEntries = 1_000_000;   // entries of the segments that are worked on together: about 150 MB

    // What a look through a segment gave, and what rows named then: another look is worth its reading when that has become less.
    readonly Dictionary<uint, (long Named, long Live)> _looked = [];

    public async Task<CompactionReport> RunAsync(CancellationToken ct)
    {
        await ForgetRetiredAsync();
        var report = new CompactionReport();
        // Before rows are settled: what these and later ones hold may wait for its rows.
        (uint current, uint last) = (partition.Segments.CurrentNumber, partition.Segments.LastNumber);
        await SettleAsync();
        foreach (Candidate[] group in Groups(await Task.Run(() => FindCandidates(current, last, ct), ct)))
        {
            CompactionReport part = await CompactAsync(group, ct);
            report = new CompactionReport(report.Segments + part.Segments, report.FreedBytes + part.FreedBytes);
        }
        if (report.Segments > 0)
        {
            StoreLog.Compacted(log, partition.Folder, report.Segments, report.FreedBytes);
            // Files are closed when the last snapshot from before is collected, and an idle server collects seldom.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Optimized, blocking: false);
        }
        return report;
    }

    /// <summary>Ends what a crash interrupted: files of retired segments.</summary>
    async Task ForgetRetiredAsync()
    {
        List<uint> retired = [.. partition.ReadBehind(reader => reader.Segments()).Where(row => row.Value.Bytes == 0).Select(row => row.Key)];
        if (retired.Count > 0)
            await RemoveFilesAsync(retired);
    }

    sealed record Candidate(uint Number, long Length, long Entries, long MovedBytes = 0);

    /// <summary>Rows of acknowledged mail may wait in memory: nothing may be called garbage before they are written.</summary>
    /// <exception cref="IOException">They cannot be.</exception>
    async Task SettleAsync()
    {
        if (await partition.CommitAsync(new SettleChange()) != StoreError.None)
            throw new IOException("The index cannot be written just now.");
    }

    /// <param name="current">Number of the segment that was written to before rows were settled.</param>
    /// <param name="last">Highest number then.</param>
    List<Candidate> FindCandidates(uint current, uint last, CancellationToken ct)
    {
        var named = new Dictionary<uint, List<ulong>>();
        void Add(BodyRange range, long overhead)
        {
            ref List<ulong>? places = ref CollectionsMarshal.GetValueRefOrAddDefault(named, range.Segment, out _);
            (places ??= []).Add((ulong)range.Offset << 32 | (uint)Math.Min(uint.MaxValue, SegmentRecord.Padded(overhead + range.Length)));
        }
        Dictionary<uint, (long Bytes, bool Closed)> segments = [];
        partition.ReadBehind(reader =>
        {
            segments = reader.Segments();
            RowPlaces.Visit(reader, (EntryKey key, in MessageEntry entry) =>
            {
                Add(entry.Body, SegmentRecord.HeaderBytes);
                if (entry.PrefixLength > 0)
                    Add(entry.Prefix, SegmentRecord.HeaderBytes + SegmentRecord.DepositFixedBytes);
            }, row => Add(row.Body, SegmentRecord.HeaderBytes), ct);
            return 0;
        });
        var found = new List<Candidate>();
        foreach ((uint number, (long bytes, _)) in segments)
        {
            ct.ThrowIfCancellationRequested();
            if (bytes == 0 || number == current || number > last || number == partition.Segments.CurrentNumber || partition.Segments.IsInHand(number) || !File.Exists(partition.Segments.PathOf(number)))
                continue;
            long length = Math.Max(bytes, new FileInfo(partition.Segments.PathOf(number)).Length);
            List<ulong> places = named.GetValueOrDefault(number) ?? [];
            places.Sort();
            long alive = 0;
            for (int i = 0; i < places.Count; i++)
            {
                if (i == 0 || places[i] >> 32 != places[i - 1] >> 32)   // a shared body counts once
                    alive += (uint)places[i];
            }
            if (IsWorthALook(number, alive, length))
                found.Add(new Candidate(number, length, places.Count));
            if (!_looked.ContainsKey(number) || found.Count > 0 && found[^1].Number == number)
                _looked[number] = (alive, 0);
        }
        return found;
    }

    bool IsWorthALook(uint number, long named, long length)
    {
        if (named >= Enough(length))
            return false;
        return !_looked.TryGetValue(number, out (long Named, long Live) before) || before.Live < Enough(length) || named < before.Named - (length / 16);
    }

    /// <summary>Live bytes with which a segment stays as it is.</summary>
    long Enough(long length) => length / 100 * partition.Options.CompactionPercent;

    static IEnumerable<Candidate[]> Groups(List<Candidate> candidates)
    {
        var group = new List<Candidate>();
        long entries = 0;
        foreach (Candidate candidate in candidates)
        {
            if (group.Count > 0 && entries + candidate.Entries > GroupEntries)
            {
                yield return [.. group];
                group.Clear();
                entries = 0;
            }
            group.Add(candidate);
            entries += candidate.Entries;
        }
        if (group.Count > 0)
            yield return [.. group];
    }

    async Task<CompactionReport> CompactAsync(Candidate[] group, CancellationToken ct)
    {
        const int mostRounds = 3;   // entries that were on the move themselves are found in the next one
        var rewritten = new HashSet<EntryKey>();
        var report = new CompactionReport();
        for (int round = 0; round < mostRounds; round++)
        {
            await SettleAsync();
            CompactionPlan plan = await Task.Run(() => CompactionPlan.Make(partition, [.. group.Select(c => c.Number)], rewritten, ct), ct);
            foreach (uint damaged in plan.Damaged)
            {
                StoreLog.SegmentNotCompacted(log, partition.Segments.PathOf(damaged));
                group = [.. group.Where(c => c.Number != damaged)];
            }
            if (round == 0)
            {
                foreach (Candidate candidate in group)
                    _looked[candidate.Number] = (_looked[candidate.Number].Named, plan.LiveBytes.GetValueOrDefault(candidate.Number));
                group = [.. group.Where(c => plan.LiveBytes.GetValueOrDefault(c.Number) < Enough(c.Length))];
                group = [.. group.Select(c => c with { MovedBytes = plan.LiveBytes.GetValueOrDefault(c.Number) })];
            }
            // Those with nothing alive go at once: a full disk has room for that, not for moving.
            List<uint> dead = [.. group.Select(c => c.Number).Where(number => !plan.Names([number]))];
            if (dead.Count > 0 && !await RetireAsync(dead))
                return report;
            report = new CompactionReport(report.Segments + dead.Count, report.FreedBytes + group.Where(c => dead.Contains(c.Number)).Sum(c => c.Length - c.MovedBytes));
            group = [.. group.Where(c => !dead.Contains(c.Number))];
            HashSet<uint> wanted = [.. group.Select(c => c.Number)];
            if (wanted.Count == 0)
                return report;
            foreach (RelocateChange change in plan.Moves(wanted, MoveBytes, MoveEntries))
            {
                ct.ThrowIfCancellationRequested();
                long bytes = Math.Max(change.Bytes, 64 << 10);
                if (await partition.CommitAsync(change, ct) != StoreError.None)
                    return report;   // the disk has no room or is broken: nothing is lost, the next pass tries again
                rewritten.UnionWith(change.RecordKeys);
                await Task.Delay(TimeSpan.FromSeconds((double)bytes / partition.Options.CompactionBytesPerSecond), partition.Clock, ct);
            }
        }
        return report;
    }

    async Task<bool> RetireAsync(IReadOnlyList<uint> numbers)
    {
        if (await partition.CommitAsync(new RetireChange(numbers)) != StoreError.None)
            return false;
        foreach (uint number in numbers)
            _looked.Remove(number);
        await RemoveFilesAsync(numbers);
        return true;
    }

    async Task RemoveFilesAsync(IReadOnlyList<uint> numbers)
    {
        partition.Segments.RemoveFiles(numbers);
        partition.StepReached?.Invoke(CommitStep.FilesRemoved);
        await partition.CommitAsync(new ForgetSegmentsChange(numbers, partition.Segments.LastNumber));
    }
}
