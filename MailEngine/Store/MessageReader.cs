using MailEngine.Io;
using Microsoft.Win32.SafeHandles;

namespace MailEngine.Store;

/// <summary>The bytes of one message: prefix and body, read as one.</summary>
/// <remarks>Reads are synchronous on purpose: they come from the page cache, and an asynchronous file read costs more than it saves.</remarks>
public sealed class MessageReader : IDisposable
{
    readonly SegmentFiles _segments;
    readonly BodyRange _prefix;
    readonly BodyRange _body;
    SafeFileHandle? _prefixFile, _bodyFile;   // kept: a file that is compacted away meanwhile stays readable through them

    internal MessageReader(SegmentFiles segments, BodyRange prefix, BodyRange body)
    {
        _segments = segments;
        _prefix = prefix;
        _body = body;
    }

    /// <summary>Octets of the whole message.</summary>
    public long Length => (long)_prefix.Length + _body.Length;

    /// <summary>Octets of the prefix: offsets of a layout count from here.</summary>
    public int PrefixLength => (int)_prefix.Length;

    /// <summary>Fills <paramref name="to"/> from <paramref name="offset"/> on; less only at the end of the message.</summary>
    /// <exception cref="IOException">The segment is lost or short: NO [UNAVAILABLE] for this message, others are not touched (S5).</exception>
    public int Read(long offset, Span<byte> to)
    {
        int done = 0;
        if (offset < _prefix.Length)
            done = ReadRange(_prefixFile ??= _segments.Open(_prefix.Segment), _prefix, offset, to);
        if (done < to.Length && offset + done < Length)
            done += ReadRange(_bodyFile ??= _segments.Open(_body.Segment), _body, offset + done - _prefix.Length, to[done..]);
        return done;
    }

    public void Dispose()
    {
        // Handles belong to the partition; the reader is disposable so that a store without local files can end a transfer.
    }

    static int ReadRange(SafeFileHandle file, BodyRange range, long offset, Span<byte> to)
    {
        int wanted = (int)Math.Min(to.Length, range.Length - offset);
        int done = 0;
        while (done < wanted)
        {
            int now = RandomAccess.Read(file, to[done..wanted], range.Offset + offset + done);
            if (now == 0)
                throw new StorageException($"Segment {range.Segment} ends before the message does. Run 'store check'.");
            done += now;
        }
        return done;
    }
}
