using System.Buffers.Binary;

namespace MailEngine.Store;

/// <summary>What one reader has seen of a mailbox that is not his own: UIDs, and from which UID on messages are \Recent to him. Immutable.</summary>
/// <remarks>Ranges may cover UIDs that are gone; <see cref="Compact"/> joins them across such gaps, so a mailbox read from front to end
/// is one range. Bytes: docs/formats/index.md.</remarks>
internal sealed class SeenState
{
    /// <summary>Past this many ranges they are joined again before they are stored.</summary>
    const int ManyRanges = 256;

    readonly (uint From, uint To)[] _ranges;   // ascending, apart

    SeenState((uint, uint)[] ranges, uint recentFrom)
    {
        _ranges = ranges;
        RecentFrom = recentFrom;
    }

    public static SeenState None { get; } = new([], 1);

    /// <summary>First UID that he has not been told of as \Recent. RFC 3501 §2.3.2</summary>
    public uint RecentFrom { get; }

    public bool Contains(uint uid)
    {
        int low = 0, high = _ranges.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_ranges[middle].To < uid)
                low = middle + 1;
            else
                high = middle;
        }
        return low < _ranges.Length && _ranges[low].From <= uid;
    }

    public SeenState WithRecentFrom(uint uid) => new(_ranges, uid);

    /// <param name="uids">Ascending.</param>
    public SeenState With(IReadOnlyList<uint> uids)
    {
        var all = new List<(uint From, uint To)>(_ranges.Length + uids.Count);
        all.AddRange(_ranges);
        foreach (uint uid in uids)
            all.Add((uid, uid));
        all.Sort(static (a, b) => a.From.CompareTo(b.From));
        return new SeenState(Join(all), RecentFrom);
    }

    /// <param name="uids">Ascending.</param>
    public SeenState Without(IReadOnlyList<uint> uids)
    {
        var left = new List<(uint, uint)>(_ranges.Length + uids.Count);
        int next = 0;
        foreach ((uint start, uint to) in _ranges)
        {
            uint from = start;
            bool gone = false;
            while (next < uids.Count && uids[next] < from)
                next++;
            for (; next < uids.Count && uids[next] <= to; next++)
            {
                if (uids[next] > from)
                    left.Add((from, uids[next] - 1));
                gone = uids[next] == to;
                from = gone ? to : uids[next] + 1;
            }
            if (!gone)
                left.Add((from, to));
        }
        return new SeenState([.. left], RecentFrom);
    }

    /// <summary>Joins ranges between which no message stands any more, and drops those that cover none.</summary>
    public SeenState Compact(MailboxSnapshot snapshot)
    {
        if (_ranges.Length <= ManyRanges)
            return this;
        var joined = new List<(uint From, uint To)>();
        foreach ((uint from, uint to) in _ranges)
        {
            int first = snapshot.LowerBound(from);
            if (first == snapshot.Count || snapshot[first].Uid > to)
                continue;
            if (joined.Count > 0 && first > 0 && snapshot[first - 1].Uid <= joined[^1].To)
                joined[^1] = (joined[^1].From, to);
            else
                joined.Add((from, to));
        }
        return new SeenState([.. joined], RecentFrom);
    }

    /// <summary>Pairs of distance and length less one, each a varint: seven bits a byte, low ones first.</summary>
    public byte[] Write()
    {
        var bytes = new List<byte>(4 + (_ranges.Length * 4));
        Span<byte> recent = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(recent, RecentFrom);
        bytes.AddRange(recent);
        uint last = 0;
        foreach ((uint from, uint to) in _ranges)
        {
            Put(bytes, from - last);
            Put(bytes, to - from);
            last = to;
        }
        return [.. bytes];
    }

    /// <summary>A damaged row reads as far as it goes: a message is shown unread again, nothing worse.</summary>
    public static SeenState Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4)
            return None;
        uint recentFrom = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        var ranges = new List<(uint, uint)>();
        ulong last = 0;
        for (int at = 4; at < bytes.Length;)
        {
            if (!Take(bytes, ref at, out uint distance) || !Take(bytes, ref at, out uint length) || last + distance + length > uint.MaxValue)
                break;
            ranges.Add(((uint)(last + distance), (uint)(last + distance + length)));
            last += (ulong)distance + length;
        }
        return new SeenState([.. ranges], recentFrom);
    }

    static (uint, uint)[] Join(List<(uint From, uint To)> sorted)
    {
        int kept = 0;
        for (int i = 1; i < sorted.Count; i++)
        {
            if (sorted[i].From <= (ulong)sorted[kept].To + 1)
                sorted[kept] = (sorted[kept].From, Math.Max(sorted[kept].To, sorted[i].To));
            else
                sorted[++kept] = sorted[i];
        }
        return sorted.Count == 0 ? [] : [.. sorted.Take(kept + 1)];
    }

    static void Put(List<byte> bytes, uint value)
    {
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
    }

    static bool Take(ReadOnlySpan<byte> bytes, ref int at, out uint value)
    {
        value = 0;
        for (int shift = 0; at < bytes.Length && shift < 35; shift += 7)
        {
            byte b = bytes[at++];
            value |= (uint)(b & 0x7F) << shift;
            if (b < 0x80)
                return true;
        }
        return false;
    }
}
