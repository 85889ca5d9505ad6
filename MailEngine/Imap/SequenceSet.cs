using MailEngine.Imap.Search;
using MailEngine.Store;

namespace MailEngine.Imap;

/// <summary>Messages from one index to another, both included; index = sequence number - 1.</summary>
internal readonly record struct IndexRange(int First, int Last)
{
    public int Count => Last - First + 1;
}

/// <summary>A set of sequence numbers or UIDs as the client wrote it. RFC 9051 §9 (sequence-set)</summary>
/// <remarks>Memory follows the text, not the numbers in it; resolving gives sorted ranges that do not overlap (attack case A11).</remarks>
internal sealed class SequenceSet
{
    /// <summary>"*": the largest number in use.</summary>
    public const uint Star = uint.MaxValue;

    readonly List<(uint From, uint To)> _ranges = [];

    /// <summary>"$": UIDs that an earlier search found, whatever the command counts in. RFC 5182 §2.1</summary>
    public bool IsSaved { get; private init; }

    public void Add(uint from, uint to) => _ranges.Add((from, to));

    /// <summary>A saved search result. Messages that are expunged later fall out of it when it is resolved.</summary>
    public static SequenceSet OfUids(IEnumerable<uint> uids)
    {
        var set = new SequenceSet { IsSaved = true };
        foreach (uint uid in uids.Order())
        {
            if (set._ranges.Count > 0 && uid <= set._ranges[^1].To + 1)
                set._ranges[^1] = (set._ranges[^1].From, uid);
            else
                set._ranges.Add((uid, uid));
        }
        return set;
    }

    /// <summary>As written.</summary>
    public IReadOnlyList<(uint From, uint To)> Ranges => _ranges;

    public bool HasStar => _ranges.Exists(range => range.From == Star || range.To == Star);

    /// <summary>Every number is larger than the one before, and none is "*".</summary>
    public bool Ascends
    {
        get
        {
            ulong last = 0;
            foreach ((uint from, uint to) in _ranges)
            {
                if (from <= last || to < from || to == Star)
                    return false;
                last = to;
            }
            return true;
        }
    }

    /// <summary>How many numbers are in it, where it <see cref="Ascends"/>.</summary>
    public long Total => _ranges.Sum(range => (long)range.To - range.From + 1);

    /// <summary>The set as UIDs, ascending and apart.</summary>
    /// <param name="star">What "*" stands for.</param>
    public List<UidRange> UidRanges(uint star)
    {
        var ordered = new List<UidRange>(_ranges.Count);
        foreach ((uint a, uint b) in _ranges)
        {
            (uint from, uint to) = Order(a, b, star);
            ordered.Add(new UidRange(from, to));
        }
        ordered.Sort(static (x, y) => x.First.CompareTo(y.First));
        var apart = new List<UidRange>(ordered.Count);
        foreach (UidRange range in ordered)
        {
            if (apart.Count > 0 && range.First <= apart[^1].Last)
                apart[^1] = apart[^1] with { Last = Math.Max(apart[^1].Last, range.Last) };
            else
                apart.Add(range);
        }
        return apart;
    }

    /// <summary>The messages that a set of sequence numbers means.</summary>
    /// <param name="all">False: a number is larger than the mailbox, "*" of an empty one included. RFC 9051 §9 (seq-number)</param>
    public List<IndexRange> ResolveNumbers(MailboxSnapshot snapshot, out bool all)
    {
        all = true;
        if (IsSaved)
            return ResolveUids(snapshot);
        var found = new List<IndexRange>(_ranges.Count);
        uint count = (uint)snapshot.Count;
        foreach ((uint a, uint b) in _ranges)
        {
            (uint from, uint to) = Order(a, b, count);
            if (to > count || from == 0)
                all = false;
            to = Math.Min(to, count);
            if (from >= 1 && from <= to)
                found.Add(new IndexRange((int)from - 1, (int)to - 1));
        }
        return Normalise(found);
    }

    /// <summary>The messages that a set of UIDs means; UIDs that are not there are passed over. RFC 9051 §6.4.9</summary>
    public List<IndexRange> ResolveUids(MailboxSnapshot snapshot)
    {
        var found = new List<IndexRange>(_ranges.Count);
        if (snapshot.Count == 0)
            return found;
        uint largest = snapshot[snapshot.Count - 1].Uid;
        foreach ((uint a, uint b) in _ranges)
        {
            (uint from, uint to) = Order(a, b, largest);
            int first = snapshot.LowerBound(from);
            int last = to == uint.MaxValue ? snapshot.Count - 1 : snapshot.LowerBound(to + 1) - 1;
            if (first <= last)
                found.Add(new IndexRange(first, last));
        }
        return Normalise(found);
    }

    static (uint From, uint To) Order(uint a, uint b, uint largest)
    {
        if (a == Star)
            a = largest;
        if (b == Star)
            b = largest;
        return a <= b ? (a, b) : (b, a);   // "4:2" is "2:4"
    }

    static List<IndexRange> Normalise(List<IndexRange> ranges)
    {
        if (ranges.Count < 2)
            return ranges;
        ranges.Sort(static (x, y) => x.First.CompareTo(y.First));
        int kept = 0;
        for (int i = 1; i < ranges.Count; i++)
        {
            if (ranges[i].First <= ranges[kept].Last + 1)
                ranges[kept] = ranges[kept] with { Last = Math.Max(ranges[kept].Last, ranges[i].Last) };
            else
                ranges[++kept] = ranges[i];
        }
        ranges.RemoveRange(kept + 1, ranges.Count - kept - 1);
        return ranges;
    }

    /// <summary>Some of the messages in resolved ranges, by their place among them. RFC 9394 §3.3</summary>
    public static List<IndexRange> Part(List<IndexRange> ranges, PartialRange partial)
    {
        int count = 0;
        foreach (IndexRange range in ranges)
            count += range.Count;
        (int skip, int left) = partial.Of(count);
        var part = new List<IndexRange>();
        foreach (IndexRange range in ranges)
        {
            int take = Math.Min(range.Count - skip, left);
            if (take > 0)
                part.Add(new IndexRange(range.First + skip, range.First + skip + take - 1));
            left -= Math.Max(take, 0);
            skip = Math.Max(skip - range.Count, 0);
        }
        return part;
    }

    /// <summary>UIDs of the messages in resolved ranges, ascending.</summary>
    public static List<uint> UidsOf(MailboxSnapshot snapshot, List<IndexRange> ranges)
    {
        int count = 0;
        foreach (IndexRange range in ranges)
            count += range.Count;
        var uids = new List<uint>(count);
        foreach (IndexRange range in ranges)
        {
            for (int i = range.First; i <= range.Last; i++)
                uids.Add(snapshot[i].Uid);
        }
        return uids;
    }

    /// <summary>Writes UIDs as a set, runs joined: "3:5,9". RFC 4315 §3 (uid-set)</summary>
    public static string Text(IReadOnlyList<uint> uids)
    {
        var text = new System.Text.StringBuilder();
        for (int i = 0; i < uids.Count;)
        {
            int end = i;
            while (end + 1 < uids.Count && uids[end + 1] == uids[end] + 1)
                end++;
            if (text.Length > 0)
                text.Append(',');
            text.Append(uids[i]);
            if (end > i)
                text.Append(':').Append(uids[end]);
            i = end + 1;
        }
        return text.ToString();
    }
}
