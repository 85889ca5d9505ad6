using System.IO.Compression;

namespace MailAdmin.Tests.Rig;

/// <summary>The client's end of a compressed connection, by the platform's own DEFLATE. RFC 4978 §3</summary>
sealed class DeflatedStream(Stream stream) : Stream
{
    readonly DeflateStream _inflate = new(stream, CompressionMode.Decompress, leaveOpen: true);
    readonly DeflateStream _deflate = new(stream, CompressionLevel.Optimal, leaveOpen: true);

    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _inflate.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => _deflate.WriteAsync(buffer, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) => _deflate.FlushAsync(cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Flush() => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            stream.Dispose();   // first, so that nothing is written that the test did not send
            try
            {
                _deflate.Dispose();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
            {
                // The closing block finds no connection.
            }
            _inflate.Dispose();
        }
        base.Dispose(disposing);
    }
}
