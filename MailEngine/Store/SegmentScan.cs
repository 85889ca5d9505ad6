using System.Buffers;
using MailEngine.Io;

namespace MailEngine.Store;

/// <summary>One whole record header, found by going through a segment.</summary>
internal readonly record struct ScannedRecord(long Start, RecordHeader Header, byte[] Meta)
{
    public long PayloadOffset => Start + SegmentRecord.HeaderBytes + Meta.Length;

    public long TotalLength => Header.TotalLength;
}

/// <summary>Goes through the records of a segment file in order. What is no whole record is passed over, eight bytes at a time, until the
/// next one: a torn tail or a flipped bit costs the record it hit and no other (S5).</summary>
/// <param name="length">How far to look: what the index has committed, or the whole file.</param>
internal sealed class SegmentScan(SegmentFiles segments, uint number, long length)
{
    const int WindowBytes = 256 << 10;

    byte[] _window = [];
    long _windowStart;
    int _windowLength;

    public uint Number => number;

    /// <summary>Bytes passed over so far because no whole record stands there.</summary>
    public long DamagedBytes { get; private set; }

    public IEnumerable<ScannedRecord> Records()
    {
        long fileLength = Math.Min(length, RandomAccess.GetLength(segments.Open(number)));
        for (long at = 0; at + SegmentRecord.HeaderBytes <= fileLength;)
        {
            if (TryRead(at, fileLength, out ScannedRecord record))
            {
                yield return record;
                at += record.TotalLength;
            }
            else
            {
                DamagedBytes += 8;
                at += 8;   // records start at multiples of 8
            }
        }
    }

    /// <summary>Reads a range and says whether it is what was written.</summary>
    public bool TryReadPayload(in ScannedRecord record, out byte[] payload)
    {
        payload = new byte[record.Header.PayloadLength];
        return Fill(record.PayloadOffset, payload) == payload.Length && Crc32C.Of(payload) == record.Header.PayloadCrc;
    }

    /// <summary>Checks the payload without holding it in memory.</summary>
    public bool IsPayloadWhole(in ScannedRecord record)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
        try
        {
            uint crc = 0;
            for (long done = 0; done < record.Header.PayloadLength;)
            {
                Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, record.Header.PayloadLength - done));
                if (Fill(record.PayloadOffset + done, part) != part.Length)
                    return false;
                crc = Crc32C.Of(part, crc);
                done += part.Length;
            }
            return crc == record.Header.PayloadCrc;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    bool TryRead(long at, long fileLength, out ScannedRecord record)
    {
        record = default;
        ReadOnlySpan<byte> head = Window(at, SegmentRecord.HeaderBytes);
        if (!SegmentRecord.TryReadHeader(head, out RecordHeader header)
            || at + SegmentRecord.HeaderBytes + header.MetaLength + header.PayloadLength > fileLength)
            return false;
        ReadOnlySpan<byte> whole = Window(at, SegmentRecord.HeaderBytes + header.MetaLength);
        if (whole.Length < SegmentRecord.HeaderBytes + header.MetaLength
            || !SegmentRecord.IsWhole(whole[..SegmentRecord.HeaderBytes], whole[SegmentRecord.HeaderBytes..]))
            return false;
        record = new ScannedRecord(at, header, whole[SegmentRecord.HeaderBytes..].ToArray());
        return true;
    }

    ReadOnlySpan<byte> Window(long at, int wanted)
    {
        if (at < _windowStart || at + wanted > _windowStart + _windowLength)
        {
            int size = Math.Max(wanted, WindowBytes);
            if (_window.Length < size)
                _window = new byte[size];
            _windowStart = at;
            _windowLength = Fill(at, _window);
        }
        int from = (int)(at - _windowStart);
        return _window.AsSpan(from, Math.Min(wanted, Math.Max(0, _windowLength - from)));
    }

    int Fill(long offset, Span<byte> to)
    {
        int done = 0;
        while (done < to.Length)
        {
            int now = RandomAccess.Read(segments.Open(number), to[done..], offset + done);
            if (now == 0)
                break;
            done += now;
        }
        return done;
    }
}
