namespace MailEngine.Store;

/// <summary>Lays one reader's \Seen over the snapshots of a mailbox.</summary>
/// <remarks>Keeps the chunks it made last, so that a chunk which is the same object before is the same object after: what
/// <see cref="SnapshotDifference"/> lives by. Chunks in which owner and reader have seen the same are shared. Under the mailbox's lock.</remarks>
internal sealed class ReaderOverlay
{
    Chunk[] _from = [];
    Chunk[] _made = [];
    int[] _unseen = [];
    SeenState? _seen;

    public MailboxSnapshot Over(MailboxSnapshot snapshot, SeenState seen)
    {
        ReadOnlySpan<Chunk> chunks = snapshot.Chunks;
        var made = new Chunk[chunks.Length];
        var unseen = new int[chunks.Length];
        int total = 0, old = 0;
        for (int i = 0; i < chunks.Length; i++)
        {
            while (old < _from.Length && _from[old].Number < chunks[i].Number)
                old++;
            Chunk? before = old < _from.Length && _from[old].Number == chunks[i].Number ? _made[old] : null;
            if (before is not null && ReferenceEquals(_from[old], chunks[i]) && ReferenceEquals(seen, _seen))
                (made[i], unseen[i]) = (before, _unseen[old]);
            else
                made[i] = Over(chunks[i], before, seen, out unseen[i]);
            total += unseen[i];
        }
        (_from, _made, _unseen, _seen) = (chunks.ToArray(), made, unseen, seen);
        return new MailboxSnapshot(snapshot.Counters with { Unseen = total, RecentFrom = seen.RecentFrom }, made, snapshot.KeywordSets) { Under = snapshot };
    }

    static Chunk Over(Chunk chunk, Chunk? before, SeenState seen, out int unseen)
    {
        unseen = 0;
        MessageEntry[]? copy = null;
        for (int i = 0; i < chunk.Entries.Length; i++)
        {
            bool has = seen.Contains(chunk.Entries[i].Uid);
            unseen += has ? 0 : 1;
            if (has == chunk.Entries[i].Flags.HasFlag(MessageFlags.Seen))
                continue;
            copy ??= [.. chunk.Entries];
            copy[i].Flags ^= MessageFlags.Seen;
        }
        if (copy is null)
            return chunk;
        // Another state of \Seen elsewhere leaves this chunk as it was: let it stay the same object.
        return before is not null && IsSame(before.Entries, copy) ? before : new Chunk(chunk.Number, copy);
    }

    static bool IsSame(MessageEntry[] a, MessageEntry[] b) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(a.AsSpan()).SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(b.AsSpan()));
}
