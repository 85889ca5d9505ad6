using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Security.Cryptography;
using MailEngine.Io;
using MailEngine.Mime;
using Microsoft.Win32.SafeHandles;

namespace MailEngine.Store;

/// <summary>Collects the bytes of one message as they arrive: in memory up to a limit, beyond it straight into a segment file of its own.</summary>
/// <remarks>One thread at a time. <see cref="Complete"/> hands over a <see cref="Body"/>; without it, Dispose drops everything.</remarks>
public sealed class BodyWriter : IDisposable
{
    readonly SegmentFiles _segments;
    readonly int _inlineBytes;
    readonly MimeLimits _limits;
    byte[]? _buffer;
    uint _ownNumber;
    SafeFileHandle? _own;
    uint _crc;
    int _buffered;
    long _flushed;

    internal BodyWriter(SegmentFiles segments, int inlineBytes, MimeLimits limits)
    {
        _limits = limits;
        _segments = segments;
        _inlineBytes = inlineBytes;
        _buffer = ArrayPool<byte>.Shared.Rent(8192);
    }

    public long Length { get; private set; }

    /// <exception cref="IOException">Disk full or broken: answer 451 / NO [UNAVAILABLE].</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        _crc = Crc32C.Of(bytes, _crc);
        Length += bytes.Length;
        while (!bytes.IsEmpty)
        {
            if (_buffered == _buffer.Length)
                MakeRoom(bytes.Length);
            int now = Math.Min(bytes.Length, _buffer.Length - _buffered);
            bytes[..now].CopyTo(_buffer.AsSpan(_buffered));
            _buffered += now;
            bytes = bytes[now..];
        }
    }

    public void Write(in ReadOnlySequence<byte> bytes)
    {
        foreach (ReadOnlyMemory<byte> piece in bytes)
            Write(piece.Span);
    }

    /// <summary>Ends the message. A body in a file of its own is synced here, so that the commit need not wait for it.</summary>
    public Body Complete()
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        Body body;
        if (_own is null)
        {
            body = new Body(_segments, _limits, _buffer, _buffered, _crc);
        }
        else
        {
            Flush();
            Span<byte> header = stackalloc byte[SegmentRecord.HeaderBytes];
            SegmentRecord.WriteHeader(header, RecordKind.Body, [], (uint)Length, _crc);
            RandomAccess.Write(_own, header, 0);
            _segments.SyncOwn(_own);
            body = new Body(_segments, _limits, _ownNumber, Length);
            _own = null;
            ArrayPool<byte>.Shared.Return(_buffer);
        }
        _buffer = null;
        return body;
    }

    public void Dispose()
    {
        if (_buffer is not null)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
        if (_own is not null)
            _segments.DeleteOwn(_ownNumber);
        _own = null;
    }

    void MakeRoom(int wanted)
    {
        if (_own is null && _buffer!.Length < _inlineBytes)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(_inlineBytes, Math.Max(_buffer.Length * 2L, (long)_buffered + wanted)));
            _buffer.AsSpan(0, _buffered).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
            return;
        }
        if (_own is null)
            (_ownNumber, _own) = _segments.CreateOwn();
        Flush();
    }

    void Flush()
    {
        RandomAccess.Write(_own!, _buffer.AsSpan(0, _buffered), SegmentRecord.HeaderBytes + _flushed);
        _flushed += _buffered;
        _buffered = 0;
    }
}

/// <summary>A whole message that is not yet in any mailbox. Dispose it after the accept or append has ended, whatever its outcome.</summary>
public sealed unsafe class Body : IDisposable
{
    readonly SegmentFiles _segments;
    readonly MimeLimits _limits;
    readonly uint _ownNumber;
    byte[]? _buffer;
    readonly List<OwnFile>? _files;   // of a large one: where it arrived, and copies in other partitions; its own lock
    MessageSummary? _summary;

    internal Body(SegmentFiles segments, MimeLimits limits, byte[] buffer, int length, uint crc)
    {
        _limits = limits;
        _segments = segments;
        _buffer = buffer;
        Length = length;
        Crc = crc;
    }

    internal Body(SegmentFiles segments, MimeLimits limits, uint ownNumber, long length)
    {
        _limits = limits;
        _segments = segments;
        _ownNumber = ownNumber;
        _files = [new OwnFile(segments, ownNumber)];
        Length = length;
    }

    sealed record OwnFile(SegmentFiles Segments, uint Number)
    {
        public bool IsCommitted { get; set; }
    }

    public long Length { get; }

    /// <summary>SHA-256 of the bytes: part of the key that tells a repeated delivery. Reads them each time.</summary>
    public byte[] Sha256
    {
        get
        {
            if (OwnRange is null)
                return SHA256.HashData(Inline.Span);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
            long at = 0;
            for (int count; (count = Read(at, buffer)) > 0; at += count)
                hash.AppendData(buffer, 0, count);
            ArrayPool<byte>.Shared.Return(buffer);
            return hash.GetHashAndReset();
        }
    }

    /// <summary>What is stored ready to send; worked out on first use, on the caller's thread.</summary>
    public MessageSummary Summary => _summary ??= Summarize();

    internal uint Crc { get; }

    /// <summary>The bytes when they are in memory; empty when <see cref="OwnRange"/> says where they are.</summary>
    internal ReadOnlyMemory<byte> Inline => _buffer.AsMemory(0, _buffer is null ? 0 : (int)Length);

    /// <summary>Place in a file of its own; null: in memory.</summary>
    internal BodyRange? OwnRange => _ownNumber == 0 ? null : new BodyRange(_ownNumber, SegmentRecord.HeaderBytes, (uint)Length);

    public int Read(long offset, Span<byte> to)
    {
        if (OwnRange is { } own)
            return RandomAccess.Read(_segments.Open(own.Segment), to[..(int)Math.Min(to.Length, Math.Max(0, Length - offset))], own.Offset + offset);
        ReadOnlySpan<byte> rest = Inline.Span[(int)Math.Min(offset, Length)..];
        int count = Math.Min(rest.Length, to.Length);
        rest[..count].CopyTo(to);
        return count;
    }

    /// <summary>Place in a file of its own among these; null: in memory. A large message for another partition than it was written to is copied
    /// there, once; who can wait asks before the commit loop does.</summary>
    /// <exception cref="IOException">The disk is full or broken.</exception>
    internal BodyRange? RangeIn(SegmentFiles segments)
    {
        if (OwnRange is not { } own || ReferenceEquals(segments, _segments))
            return OwnRange;
        lock (_files!)
        {
            OwnFile? file = _files.Find(f => ReferenceEquals(f.Segments, segments));
            if (file is null)
                _files.Add(file = new OwnFile(segments, _segments.CopyOwn(own.Segment, segments)));
            return own with { Segment = file.Number };
        }
    }

    /// <summary>From now on the file among these belongs to rows.</summary>
    internal void MarkCommitted(SegmentFiles segments)   // but it stays in hand until Dispose: another commit may name it too
    {
        if (_files is null)
            return;
        lock (_files)
            _files.Find(f => ReferenceEquals(f.Segments, segments))!.IsCommitted = true;
    }

    public void Dispose()
    {
        if (_buffer is not null)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
        if (_files is null)
            return;
        lock (_files)
        {
            foreach (OwnFile file in _files)
            {
                if (!file.IsCommitted)
                    file.Segments.DeleteOwn(file.Number);
                file.Segments.LetGo(file.Number);
            }
            _files.Clear();
        }
    }

    MessageSummary Summarize()
    {
        if (OwnRange is not { } own)
            return MessageSummary.Of(Inline.Span, _limits);
        using var file = MemoryMappedFile.CreateFromFile(_segments.PathOf(own.Segment), FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        using MemoryMappedViewAccessor view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            return MessageSummary.Of(new ReadOnlySpan<byte>(start + view.PointerOffset + own.Offset, (int)Length), _limits);
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }
}
