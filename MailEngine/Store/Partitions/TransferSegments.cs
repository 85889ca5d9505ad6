using System.Buffers;
using MailEngine.Io;
using Microsoft.Win32.SafeHandles;

namespace MailEngine.Store.Partitions;

/// <summary>Segments of bodies that come from another partition, written beside the commit loop, for rows that a commit makes of them later.</summary>
/// <remarks>In the order: <see cref="Copy"/> as often as wanted, <see cref="Seal"/>, the commit with <see cref="Sealed"/> in table segment,
/// <see cref="MarkCommitted"/>. A file whose rows were not committed is removed by Dispose; one left by a crash is garbage that no row names. Until
/// then the files are in hand: compaction leaves them alone. One thread at a time.</remarks>
internal sealed class TransferSegments(SegmentFiles to, long segmentBytes) : IDisposable
{
    static readonly byte[] s_padding = new byte[8];
    readonly List<(uint Number, long Length)> _sealed = [];
    SafeFileHandle? _file;
    uint _number;
    long _length;

    /// <summary>Synced files since the last <see cref="MarkCommitted"/>.</summary>
    public IReadOnlyList<(uint Number, long Length)> Sealed => _sealed;

    /// <summary>Copies a body; what is not what its record says is not taken over, so that damage is never made to look whole.</summary>
    /// <returns>Its place here.</returns>
    /// <exception cref="IOException">The source is lost or damaged, or the disk here is full.</exception>
    public BodyRange Copy(SegmentFiles from, BodyRange body)
    {
        RecordHeader record = ReadHeader(from, body);
        long total = SegmentRecord.Padded(SegmentRecord.HeaderBytes + (long)body.Length);
        if (_file is not null && _length > 0 && _length + total > segmentBytes)
            Seal();
        if (_file is null)
        {
            (_number, _file) = to.CreateOwn();
            _length = 0;
        }
        long at = _length;
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(total, 256, 1 << 20));
        try
        {
            uint crc = 0;
            SegmentRecord.WriteHeader(buffer.AsSpan(0, SegmentRecord.HeaderBytes), RecordKind.Body, [], body.Length, record.PayloadCrc);
            RandomAccess.Write(_file, buffer.AsSpan(0, SegmentRecord.HeaderBytes), at);
            at += SegmentRecord.HeaderBytes;
            using var reader = new MessageReader(from, default, body);
            for (long done = 0; done < body.Length;)
            {
                int count = reader.Read(done, buffer);
                crc = Crc32C.Of(buffer.AsSpan(0, count), crc);
                RandomAccess.Write(_file, buffer.AsSpan(0, count), at + done);
                done += count;
            }
            if (crc != record.PayloadCrc)
                throw new IOException($"The message in segment {body.Segment} at {body.Offset} is not what was written. Run 'store check'.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        long end = at + body.Length;
        if (_length + total > end)
            RandomAccess.Write(_file, s_padding.AsSpan(0, (int)(_length + total - end)), end);
        _length += total;
        return new BodyRange(_number, (uint)at, body.Length);
    }

    /// <summary>Reads a body into memory, as carefully.</summary>
    public static byte[] Read(SegmentFiles from, BodyRange body)
    {
        RecordHeader record = ReadHeader(from, body);
        byte[] bytes = new byte[body.Length];
        using var reader = new MessageReader(from, default, body);
        reader.Read(0, bytes);
        return Crc32C.Of(bytes) == record.PayloadCrc ? bytes
            : throw new IOException($"The message in segment {body.Segment} at {body.Offset} is not what was written. Run 'store check'.");
    }

    /// <summary>Everything copied so far is on the disk (S2).</summary>
    public void Seal()
    {
        if (_file is null)
            return;
        to.SyncOwn(_file);
        _sealed.Add((_number, _length));
        _file = null;
    }

    /// <summary>Rows name them now.</summary>
    public void MarkCommitted()
    {
        foreach ((uint number, _) in _sealed)
            to.LetGo(number);
        _sealed.Clear();
    }

    public void Dispose()
    {
        foreach ((uint number, _) in _sealed)
            to.DeleteOwn(number);
        if (_file is not null)
            to.DeleteOwn(_number);
        _file = null;
        _sealed.Clear();
    }

    static RecordHeader ReadHeader(SegmentFiles from, BodyRange body)
    {
        Span<byte> header = stackalloc byte[SegmentRecord.HeaderBytes];
        if (body.Offset >= SegmentRecord.HeaderBytes)
        {
            using var before = new MessageReader(from, default, new BodyRange(body.Segment, body.Offset - SegmentRecord.HeaderBytes, SegmentRecord.HeaderBytes));
            before.Read(0, header);
            if (SegmentRecord.TryReadHeader(header, out RecordHeader record) && record.Kind == RecordKind.Body && record.MetaLength == 0
                && record.PayloadLength == body.Length && SegmentRecord.IsWhole(header, []))
                return record;
        }
        throw new IOException($"No whole message stands in segment {body.Segment} at {body.Offset}. Run 'store check'.");
    }
}
