namespace MailEngine.Imap.Sort;

/// <summary>Sorts messages by several keys: each <see cref="By"/> keeps the order there is among equals, so the least important key
/// comes first.</summary>
/// <remarks>A radix sort over as many bits as the keys differ in: time follows the number of messages, whatever they hold.</remarks>
internal sealed class StableOrder
{
    const int Bits = 11;

    int[] _order;
    int[] _nextOrder;
    ulong[] _keys;
    ulong[] _nextKeys;

    /// <param name="indexes">In mailbox order: what decides in the end. RFC 5256 §3</param>
    public StableOrder(IReadOnlyCollection<int> indexes)
    {
        _order = [.. indexes];
        _nextOrder = new int[_order.Length];
        _keys = new ulong[_order.Length];
        _nextKeys = new ulong[_order.Length];
    }

    /// <summary>As sorted so far.</summary>
    public int[] Indexes => _order;

    /// <param name="keyOf">Key of a message by its index; any value.</param>
    public void By(Func<int, long> keyOf, bool reverse = false)
    {
        if (_order.Length < 2)
            return;
        long smallest = long.MaxValue, largest = long.MinValue;
        for (int i = 0; i < _order.Length; i++)
        {
            long key = keyOf(_order[i]);
            smallest = Math.Min(smallest, key);
            largest = Math.Max(largest, key);
            _keys[i] = (ulong)key;
        }
        for (int i = 0; i < _keys.Length; i++)
            _keys[i] = reverse ? (ulong)largest - _keys[i] : _keys[i] - (ulong)smallest;   // wraps, and wraps back
        ulong range = (ulong)largest - (ulong)smallest;
        Span<int> places = stackalloc int[1 << Bits];
        for (int shift = 0; shift < 64 && range >> shift != 0; shift += Bits)
        {
            places.Clear();
            foreach (ulong key in _keys)
                places[(int)(key >> shift) & ((1 << Bits) - 1)]++;
            int place = 0;
            for (int i = 0; i < places.Length; i++)
                (places[i], place) = (place, place + places[i]);
            for (int i = 0; i < _keys.Length; i++)
            {
                int to = places[(int)(_keys[i] >> shift) & ((1 << Bits) - 1)]++;
                _nextKeys[to] = _keys[i];
                _nextOrder[to] = _order[i];
            }
            (_keys, _nextKeys) = (_nextKeys, _keys);
            (_order, _nextOrder) = (_nextOrder, _order);
        }
    }
}
