using System.IO.MemoryMappedFiles;
using MailEngine.Io;
using MailEngine.Mime;

namespace MailEngine.Store.Repair;

/// <summary>Says whether bytes that a row names are there and whole.</summary>
/// <param name="limits">How far messages are taken apart.</param>
internal sealed class BodyPlaces(SegmentFiles segments, MimeLimits limits)
{
    (BodyRange Range, bool IsWhole) _last;

    /// <summary>Reads the record and holds it against its CRCs.</summary>
    public bool IsWhole(BodyRange body)
    {
        if (_last.Range == body)
            return _last.IsWhole;
        bool whole = Read(body, _ => { });
        _last = (body, whole);
        return whole;
    }

    /// <summary>True: prefix and body are both there and whole.</summary>
    public bool AreWhole(in MessageEntry entry) => IsWhole(entry.Body) && (entry.PrefixLength == 0 || IsPrefixWhole(entry.Prefix));

    /// <summary>ENVELOPE, BODYSTRUCTURE and the rest, worked out anew; null: the bytes are not whole.</summary>
    public unsafe MessageSummary? Summarize(BodyRange body)
    {
        if (!IsWhole(body))
            return null;
        const int inMemory = 4 << 20;
        if (body.Length <= inMemory)
        {
            byte[] bytes = new byte[body.Length];
            using var reader = new MessageReader(segments, default, body);
            reader.Read(0, bytes);
            return MessageSummary.Of(bytes, limits);
        }
        using var file = MemoryMappedFile.CreateFromFile(segments.PathOf(body.Segment), FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        using MemoryMappedViewAccessor view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            return MessageSummary.Of(new ReadOnlySpan<byte>(start + view.PointerOffset + body.Offset, (int)body.Length), limits);
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    bool Read(BodyRange body, Action<ReadOnlyMemory<byte>> take)
    {
        if (body.Offset < SegmentRecord.HeaderBytes || body.Segment == 0)
            return false;
        try
        {
            byte[] header = new byte[SegmentRecord.HeaderBytes];
            using var before = new MessageReader(segments, default, new BodyRange(body.Segment, body.Offset - SegmentRecord.HeaderBytes, SegmentRecord.HeaderBytes));
            before.Read(0, header);
            if (!SegmentRecord.TryReadHeader(header, out RecordHeader record) || record.Kind != RecordKind.Body || record.MetaLength != 0
                || record.PayloadLength != body.Length || !SegmentRecord.IsWhole(header, []))
                return false;
            using var reader = new MessageReader(segments, default, body);
            byte[] buffer = new byte[Math.Min(body.Length, 64 << 10)];
            uint crc = 0;
            for (long done = 0; done < body.Length;)
            {
                int count = reader.Read(done, buffer);
                crc = Crc32C.Of(buffer.AsSpan(0, count), crc);
                take(buffer.AsMemory(0, count));
                done += count;
            }
            return crc == record.PayloadCrc;
        }
        catch (IOException)
        {
            return false;   // the segment is lost or short
        }
    }

    /// <summary>A prefix is the payload of a deposit record, whose header is found by the length of the meta before it.</summary>
    public bool IsPrefixWhole(BodyRange prefix)
    {
        const int mostMeta = 4096;
        try
        {
            uint from = (uint)Math.Max(0L, prefix.Offset - (long)mostMeta) & ~7u;   // records start at multiples of 8
            byte[] around = new byte[prefix.Offset - from + prefix.Length];
            using var reader = new MessageReader(segments, default, new BodyRange(prefix.Segment, from, (uint)around.Length));
            reader.Read(0, around);
            int before = (int)(prefix.Offset - from);
            for (int at = (before - SegmentRecord.HeaderBytes) & ~7; at >= 0; at -= 8)
            {
                if (SegmentRecord.TryReadHeader(around.AsSpan(at), out RecordHeader record) && record.Kind == RecordKind.Deposit
                    && at + SegmentRecord.HeaderBytes + record.MetaLength == before)
                {
                    return SegmentRecord.IsWhole(around.AsSpan(at, SegmentRecord.HeaderBytes), around.AsSpan(at + SegmentRecord.HeaderBytes, record.MetaLength))
                        && record.PayloadLength == prefix.Length && Crc32C.Of(around.AsSpan(before)) == record.PayloadCrc;
                }
            }
            return false;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
