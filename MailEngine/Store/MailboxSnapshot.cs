using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MailEngine.Store;

/// <summary>At most 56 messages of a mailbox, in UID order. Immutable: a change makes another chunk.</summary>
public sealed class Chunk
{
    /// <summary>56 entries of 72 bytes fill one page of the index; the design allows 64.</summary>
    public const int Capacity = 56;

    internal Chunk(int number, MessageEntry[] entries)
    {
        Debug.Assert(entries.Length is > 0 and <= Capacity);
        Number = number;
        Entries = entries;
    }

    /// <summary>Key of the row, ascending with the UIDs.</summary>
    internal int Number { get; }

    /// <summary>Never written to once the chunk is published.</summary>
    internal MessageEntry[] Entries { get; }

    public ReadOnlySpan<MessageEntry> Messages => Entries;

    public uint FirstUid => Entries[0].Uid;

    public uint LastUid => Entries[^1].Uid;
}

/// <summary>A mailbox at one moment: immutable, shared by all who look at it.</summary>
/// <remarks>Made only by the commit loop of the partition and by opening a mailbox. A session keeps the one its client has been
/// told about; <see cref="SnapshotDifference"/> finds what changed by walking the chunks that are not the same object.</remarks>
public sealed class MailboxSnapshot
{
    readonly Chunk[] _chunks;
    readonly int[] _firstIndex;   // index (0-based) of the first message of each chunk

    internal MailboxSnapshot(MailboxCounters counters, Chunk[] chunks, IReadOnlyList<string[]> keywordSets)
    {
        Counters = counters;
        _chunks = chunks;
        KeywordSets = keywordSets;
        _firstIndex = new int[chunks.Length];
        int count = 0;
        for (int i = 0; i < chunks.Length; i++)
        {
            _firstIndex[i] = count;
            count += chunks[i].Entries.Length;
        }
        Count = count;
    }

    internal MailboxCounters Counters { get; }

    /// <summary>Keeps the segments readable that the entries name; see <see cref="SegmentPin"/>. Set by the partition.</summary>
    internal SegmentPin? Pin { get; set; }

    /// <summary>Where the bytes of its messages are.</summary>
    internal SegmentFiles Segments => (Pin ?? Under?.Pin)!.Segments;

    /// <summary>Of a view that was made of another snapshot: that one, which keeps the pin of both.</summary>
    internal MailboxSnapshot? Under { get; init => field = value is { Pin: null } ? value.Under : value; }

    /// <summary>Messages: EXISTS.</summary>
    public int Count { get; }

    public int Unseen => Counters.Unseen;

    /// <summary>Octets of all messages.</summary>
    public long Bytes => Counters.Bytes;

    public uint UidNext => Counters.UidNext;

    public uint UidValidity => Counters.UidValidity;

    /// <summary>RFC 7162 §3.1.2.1</summary>
    public ulong HighestModSeq => Counters.HighestModSeq;

    public ReadOnlySpan<Chunk> Chunks => _chunks;

    /// <summary>Sets of keywords in use, each sorted; 0 is the empty set. Sets are only ever added.</summary>
    public IReadOnlyList<string[]> KeywordSets { get; }

    /// <summary>The message with sequence number <paramref name="index"/> + 1.</summary>
    public ref readonly MessageEntry this[int index]
    {
        get
        {
            int chunk = ChunkOfIndex(index);
            return ref _chunks[chunk].Entries[index - _firstIndex[chunk]];
        }
    }

    /// <summary>Index of the first message whose UID is at least <paramref name="uid"/>; <see cref="Count"/> when there is none.</summary>
    public int LowerBound(uint uid)
    {
        int low = 0, high = _chunks.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_chunks[middle].LastUid < uid)
                low = middle + 1;
            else
                high = middle;
        }
        if (low == _chunks.Length)
            return Count;
        MessageEntry[] entries = _chunks[low].Entries;
        int from = 0, to = entries.Length;
        while (from < to)
        {
            int middle = (from + to) >>> 1;
            if (entries[middle].Uid < uid)
                from = middle + 1;
            else
                to = middle;
        }
        return _firstIndex[low] + from;
    }

    /// <summary>Index of the message with this UID, or -1.</summary>
    public int IndexOf(uint uid)
    {
        int index = LowerBound(uid);
        return index < Count && this[index].Uid == uid ? index : -1;
    }

    /// <summary>True when both say the same of every message.</summary>
    internal bool IsSame(MailboxSnapshot other)
    {
        if (Counters != other.Counters || Count != other.Count || _chunks.Length != other._chunks.Length)
            return false;
        for (int i = 0; i < _chunks.Length; i++)
        {
            if (!MemoryMarshal.AsBytes(_chunks[i].Entries.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(other._chunks[i].Entries.AsSpan())))
                return false;
        }
        return true;
    }

    internal int FirstIndexOfChunk(int chunk) => _firstIndex[chunk];

    internal int ChunkOfIndex(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        int found = Array.BinarySearch(_firstIndex, index);
        return found >= 0 ? found : ~found - 1;
    }
}

/// <summary>The figures of a mailbox that move with every change of its rows (invariant S4).</summary>
internal readonly record struct MailboxCounters(
    uint UidValidity, uint UidNext, ulong HighestModSeq, int Count, int Unseen, long Bytes, int NextChunk, uint RecentFrom);
