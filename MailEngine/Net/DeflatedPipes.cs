using System.IO.Compression;
using System.IO.Pipelines;

namespace MailEngine.Net;

/// <summary>DEFLATE in both directions over a pair of pipe ends, which stay open under it. RFC 4978 §3</summary>
/// <remarks>
/// Bytes that the pipe below has read ahead are the first to be inflated, so none are lost at the switch. What was written is on its way
/// after each flush. Inflated bytes are made only as they are read, a buffer at a time: a decompression bomb costs time that the limits
/// of the protocol end, never memory.
/// Memory of an open connection: about 50 kB to inflate (the 32 kB that the client may refer back to). The compressor needs six times
/// that, so it lives only while there is something to say: <see cref="Rest"/> drops one that was idle. A new one goes on in the
/// same stream, because a compressor that was flushed stands at the border of a byte and refers only to what it was given itself.
/// </remarks>
internal sealed class DeflatedPipes : IDisposable
{
    readonly InflatingStream _inflating;
    readonly DeflatingStream _deflating;

    public DeflatedPipes(PipeReader input, PipeWriter output)
    {
        InnerInput = input;
        InnerOutput = output;
        _inflating = new InflatingStream(input.AsStream(leaveOpen: true));
        _deflating = new DeflatingStream(output.AsStream(leaveOpen: true));
        Input = PipeReader.Create(_inflating, new StreamPipeReaderOptions(bufferSize: 16384, minimumReadSize: 2048, leaveOpen: true, useZeroByteReads: true));
        Output = PipeWriter.Create(_deflating, new StreamPipeWriterOptions(minimumBufferSize: 4096, leaveOpen: true));
    }

    /// <summary>The pipe ends below, compressed.</summary>
    public PipeReader InnerInput { get; }
    public PipeWriter InnerOutput { get; }

    /// <summary>What the client said.</summary>
    public PipeReader Input { get; }
    public PipeWriter Output { get; }

    /// <summary>Called about once a second, from any thread: gives memory back when nothing was written for some calls.</summary>
    public void Rest() => _deflating.Rest();

    /// <summary>Ends both directions; whatever was not flushed is gone.</summary>
    public void Dispose()
    {
        Input.Complete();
        _deflating.Dispose();
        _inflating.Dispose();
    }
}

/// <summary>Reads inflated bytes.</summary>
sealed class InflatingStream(Stream from) : ReadOnlyStream
{
    readonly DeflateStream _inflate = new(from, CompressionMode.Decompress, leaveOpen: true);
    bool _mayHaveMore;   // the last read was filled to the brim

    /// <exception cref="IOException">Not DEFLATE data, or the connection is lost.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // A read of no bytes waits for input from below. Bytes that are still inside the inflater would not end that wait.
        if (buffer.IsEmpty && _mayHaveMore)
            return 0;
        try
        {
            int count = await _inflate.ReadAsync(buffer, cancellationToken);
            if (!buffer.IsEmpty)
                _mayHaveMore = count == buffer.Length;
            return count;
        }
        catch (InvalidDataException e)
        {
            throw new IOException("The client's bytes are not DEFLATE data.", e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        _inflate.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Deflates what is written and sends all of it at a flush.</summary>
/// <remarks>States: resting (no compressor) → writing (from the first write to the end of the flush) → flushed → resting. Writes and flushes come from
/// one task; <see cref="Rest"/> comes from another thread and leaves a compressor alone that is writing.</remarks>
sealed class DeflatingStream(Stream to) : WriteOnlyStream
{
    const int BeatsBeforeRest = 5;

    readonly Lock _lock = new();
    readonly Tap _tap = new(to);
    DeflateStream? _deflate;
    bool _isWriting;
    int _beats;

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            _isWriting = true;
            // The fastest level: text shrinks to a third, and the processor has other work.
            _deflate ??= new DeflateStream(_tap, CompressionLevel.Fastest, leaveOpen: true);
        }
        return _deflate.WriteAsync(buffer, cancellationToken);
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_deflate is not { } deflate || !_isWriting)
            return;
        await deflate.FlushAsync(cancellationToken);
        lock (_lock)
        {
            _isWriting = false;
            _beats = 0;
        }
    }

    public void Rest()
    {
        lock (_lock)
        {
            if (!_isWriting && _deflate is not null && ++_beats > BeatsBeforeRest)
                Drop_NeedsLock();
        }
    }

    protected override void Dispose(bool disposing)
    {
        lock (_lock)
        {
            _isWriting = false;
            Drop_NeedsLock();
        }
        base.Dispose(disposing);
    }

    /// <summary>Without the closing block that a compressor writes when it ends: the stream goes on.</summary>
    void Drop_NeedsLock()
    {
        _tap.IsShut = true;
        _deflate?.Dispose();
        _deflate = null;
        _tap.IsShut = false;
    }

    /// <summary>Lets bytes through, or throws them away.</summary>
    sealed class Tap(Stream to) : WriteOnlyStream
    {
        public bool IsShut { get; set; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (!IsShut)
                throw new NotSupportedException("Sockets are not written to in this way.");
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => to.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => to.FlushAsync(cancellationToken);
    }
}

/// <summary>A stream in one direction, asynchronous only.</summary>
abstract class OneWayStream : Stream
{
    public override bool CanRead => false;
    public override bool CanWrite => false;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Flush() => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}

/// <summary>To read from.</summary>
abstract class ReadOnlyStream : OneWayStream
{
    public override bool CanRead => true;

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);
}

/// <summary>To write to.</summary>
abstract class WriteOnlyStream : OneWayStream
{
    public override bool CanWrite => true;

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public abstract override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default);

    public abstract override Task FlushAsync(CancellationToken cancellationToken);
}
