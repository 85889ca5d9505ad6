using System.Buffers.Binary;

namespace MailEngine.Store;

/// <summary>Keys of deliveries of the last time: a message whose 250 was lost and that comes again is not delivered twice (fault case C10).</summary>
/// <remarks>In memory, newest <paramref name="most"/>; table `delivered` holds the same in the order they came, so that a restart
/// forgets none. Commit loop only.</remarks>
internal sealed class RecentDeliveries(int most)
{
    readonly HashSet<UInt128> _keys = [];
    readonly Queue<(UInt128 Key, long Expires)> _order = new();

    /// <summary>The part of a key that is kept: 16 bytes of a SHA-256.</summary>
    public static UInt128 KeyOf(byte[] key) => BinaryPrimitives.ReadUInt128LittleEndian(key);

    public bool Contains(UInt128 key) => _keys.Contains(key);

    /// <param name="expires">Unix seconds.</param>
    public void Add(UInt128 key, long expires)
    {
        if (!_keys.Add(key))
            return;
        _order.Enqueue((key, expires));
        if (_order.Count > most)
            _keys.Remove(_order.Dequeue().Key);
    }

    /// <param name="now">Unix seconds.</param>
    public void Forget(long now)
    {
        while (_order.TryPeek(out (UInt128 Key, long Expires) oldest) && oldest.Expires < now)
            _keys.Remove(_order.Dequeue().Key);
    }
}
