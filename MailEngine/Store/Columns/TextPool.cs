using System.Buffers.Binary;

namespace MailEngine.Store.Columns;

/// <summary>Distinct texts, each with a number from 0 on in the order they came, and their order as octets.</summary>
/// <remarks>Number 0 is the empty text. Not for two threads; what <see cref="Ranks"/> gave out is never written to again.</remarks>
internal sealed class TextPool
{
    byte[] _heap = new byte[1024];
    int[] _starts = new int[64];     // _starts[n]: where text n begins; _starts[Count]: where the heap is free
    int[] _table = new int[128];     // open addressing; number + 1, 0: free
    int[] _order = [];               // numbers in the order of their texts, as far as sorted
    int[] _ranks = [];

    public TextPool() => Add(default);

    public int Count { get; private set; }

    /// <summary>About what it takes, bytes.</summary>
    public long Size => _heap.Length + 4L * (_starts.Length + _table.Length + _order.Length + _ranks.Length);

    public ReadOnlySpan<byte> this[int number] => _heap.AsSpan(_starts[number].._starts[number + 1]);

    /// <summary>Number of a text, given when it is new.</summary>
    public int Add(ReadOnlySpan<byte> text)
    {
        int slot = Find(text);
        if (_table[slot] != 0)
            return _table[slot] - 1;
        int start = _starts[Count];
        if (text.Length > _heap.Length - start)
            Array.Resize(ref _heap, (int)Math.Max(Math.Min(2L * _heap.Length, Array.MaxLength), start + text.Length));
        text.CopyTo(_heap.AsSpan(start));
        if (Count + 2 > _starts.Length)
            Array.Resize(ref _starts, 2 * _starts.Length);
        _starts[Count + 1] = start + text.Length;
        _table[slot] = ++Count;
        if (2 * Count > _table.Length)
            GrowTable();
        return Count - 1;
    }

    /// <summary>Rank of each text by number: the empty one is 0. New texts are merged into the order there is.</summary>
    public int[] Ranks()
    {
        if (_order.Length == Count)
            return _ranks;
        int[] added = Sorted(_order.Length);
        var order = new int[Count];
        for (int i = 0, old = 0, next = 0; i < order.Length; i++)
        {
            bool takeOld = next == added.Length || (old < _order.Length && this[_order[old]].SequenceCompareTo(this[added[next]]) < 0);
            order[i] = takeOld ? _order[old++] : added[next++];
        }
        var ranks = new int[Count];
        for (int i = 0; i < order.Length; i++)
            ranks[order[i]] = i;
        _order = order;
        _ranks = ranks;
        return ranks;
    }

    /// <summary>The numbers from one on, in the order of their texts: by eight octets as one number, and only where those are the same by all.</summary>
    int[] Sorted(int from)
    {
        var numbers = new int[Count - from];
        var heads = new ulong[numbers.Length];
        Span<byte> head = stackalloc byte[8];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = from + i;
            ReadOnlySpan<byte> text = this[from + i];
            head.Clear();
            text[..Math.Min(text.Length, head.Length)].CopyTo(head);
            heads[i] = BinaryPrimitives.ReadUInt64BigEndian(head);
        }
        Array.Sort(heads, numbers);
        for (int i = 0; i < numbers.Length;)
        {
            int first = i++;
            while (i < numbers.Length && heads[i] == heads[first])
                i++;
            if (i - first > 1)
                numbers.AsSpan(first, i - first).Sort((a, b) => this[a].SequenceCompareTo(this[b]));
        }
        return numbers;
    }

    int Find(ReadOnlySpan<byte> text)
    {
        int mask = _table.Length - 1;
        for (int slot = Hash(text) & mask; ; slot = (slot + 1) & mask)
        {
            if (_table[slot] == 0 || this[_table[slot] - 1].SequenceEqual(text))
                return slot;
        }
    }

    void GrowTable()
    {
        _table = new int[2 * _table.Length];
        for (int number = 0; number < Count; number++)
            _table[Find(this[number])] = number + 1;
    }

    /// <summary>Seeded anew in every process, so that nobody can send mail whose texts all collide.</summary>
    static int Hash(ReadOnlySpan<byte> text)
    {
        var hash = new HashCode();
        hash.AddBytes(text);
        return hash.ToHashCode();
    }
}
