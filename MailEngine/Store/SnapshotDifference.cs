namespace MailEngine.Store;

/// <summary>What changed between two snapshots of one mailbox, as a client that knows the older one must be told.</summary>
/// <remarks>Cost follows the touched chunks, not the mailbox: chunks that are the same object are passed over.</remarks>
public sealed class SnapshotDifference
{
    /// <summary>Sequence numbers in the OLD snapshot of messages that are gone, ascending. Send them from the highest down,
    /// so that each number is right when it is sent. RFC 9051 §7.5.1</summary>
    public required IReadOnlyList<int> Expunged { get; init; }

    /// <summary>UIDs of the same messages, ascending.</summary>
    public required IReadOnlyList<uint> ExpungedUids { get; init; }

    /// <summary>Sequence numbers in the NEW snapshot of messages that both have and whose flags, keywords or mod-sequence differ.</summary>
    public required IReadOnlyList<int> Changed { get; init; }

    /// <summary>How many messages at the end of the new snapshot the old one did not have.</summary>
    public required int Added { get; init; }

    public bool IsEmpty => Expunged.Count == 0 && Changed.Count == 0 && Added == 0;

    public static SnapshotDifference Of(MailboxSnapshot older, MailboxSnapshot newer)
    {
        var expunged = new List<int>();
        var expungedUids = new List<uint>();
        var changed = new List<int>();
        if (!ReferenceEquals(older, newer))
            Walk(older, newer, expunged, expungedUids, changed);
        int added = newer.Count - newer.LowerBound(older.UidNext);
        return new SnapshotDifference { Expunged = expunged, ExpungedUids = expungedUids, Changed = changed, Added = added };
    }

    static void Walk(MailboxSnapshot older, MailboxSnapshot newer, List<int> expunged, List<uint> expungedUids, List<int> changed)
    {
        ReadOnlySpan<Chunk> a = older.Chunks, b = newer.Chunks;
        int i = 0, j = 0, ai = 0, bj = 0;   // chunk and place in it, old and new
        while (i < a.Length)
        {
            if (ai == 0 && bj == 0 && j < b.Length && ReferenceEquals(a[i], b[j]))
            {
                i++;
                j++;
                continue;
            }
            ref readonly MessageEntry was = ref a[i].Entries[ai];
            while (j < b.Length && b[j].Entries[bj].Uid < was.Uid)
                Step(b, ref j, ref bj);
            if (j < b.Length && b[j].Entries[bj].Uid == was.Uid)
            {
                ref readonly MessageEntry now = ref b[j].Entries[bj];
                if (now.ModSeq != was.ModSeq || now.Flags != was.Flags || now.KeywordSet != was.KeywordSet)
                    changed.Add(newer.FirstIndexOfChunk(j) + bj + 1);
                Step(b, ref j, ref bj);
            }
            else
            {
                expunged.Add(older.FirstIndexOfChunk(i) + ai + 1);
                expungedUids.Add(was.Uid);
            }
            Step(a, ref i, ref ai);
        }
    }

    static void Step(ReadOnlySpan<Chunk> chunks, ref int chunk, ref int place)
    {
        if (++place == chunks[chunk].Entries.Length)
        {
            place = 0;
            chunk++;
        }
    }
}
