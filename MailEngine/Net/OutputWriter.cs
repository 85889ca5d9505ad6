using System.Buffers.Text;
using System.Text;

namespace MailEngine.Net;

/// <summary>Writes answers into the connection's output, without garbage, and flushes in large pieces.</summary>
/// <remarks>Holds no memory between flushes, so an idle session costs nothing here. One task at a time.</remarks>
internal class OutputWriter(Connection connection)
{
    /// <summary>Output collected before it is sent on. A client that does not read stops us here.</summary>
    const int Piece = 64 << 10;

    const int SmallestSpan = 4096;

    Memory<byte> _free;
    int _used;
    long _unflushed;

    /// <summary>Something was written since the last flush.</summary>
    public bool HasOutput => _unflushed + _used > 0;

    /// <summary>True when enough is waiting that <see cref="FlushAsync"/> should be called.</summary>
    public bool IsFull => _unflushed + _used >= Piece;

    /// <summary>Room for at least <paramref name="size"/> octets; say with <see cref="Advance"/> how many were used.</summary>
    public Span<byte> Reserve(int size)
    {
        if (_free.Length - _used < size)
            Refill(size);
        return _free.Span[_used..];
    }

    public void Advance(int count) => _used += count;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Span<byte> to = Reserve(1);
            int take = Math.Min(to.Length, bytes.Length);
            bytes[..take].CopyTo(to);
            Advance(take);
            bytes = bytes[take..];
        }
    }

    public void Write(byte b)
    {
        Reserve(1)[0] = b;
        Advance(1);
    }

    /// <summary>ASCII text of ours.</summary>
    public void WriteAscii(string text)
    {
        Span<byte> to = Reserve(Math.Max(text.Length, 1));
        Advance(Encoding.ASCII.GetBytes(text, to));
    }

    public void WriteNumber(ulong value)
    {
        Utf8Formatter.TryFormat(value, Reserve(20), out int written);
        Advance(written);
    }

    public void WriteNumber(long value) => WriteNumber((ulong)value);

    /// <summary>Sends what was written; waits while the client does not take it.</summary>
    public async ValueTask FlushAsync(LimitOptions limits, CancellationToken ct)
    {
        HandOver();
        if (_unflushed == 0)
            return;
        // Attack case A21: a client that does not read holds the session no longer than its slowest allowed rate takes.
        connection.Expect(TimeSpan.FromSeconds(60 + _unflushed / Math.Max(limits.SlowestBytesPerSecond, 1)));
        _unflushed = 0;
        await connection.Output.FlushAsync(ct);
    }

    void Refill(int size)
    {
        HandOver();
        _free = connection.Output.GetMemory(Math.Max(size, SmallestSpan));
    }

    void HandOver()
    {
        if (_used > 0)
            connection.Output.Advance(_used);
        _unflushed += _used;
        _used = 0;
        _free = default;
    }
}
