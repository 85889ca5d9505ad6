using System.Collections.Concurrent;
using System.Globalization;
using MailEngine.Io;
using Microsoft.Win32.SafeHandles;

namespace MailEngine.Store;

/// <summary>The segment files of a partition: numbers, handles, the one that is written to.</summary>
/// <remarks>
/// Append and Sync belong to the commit loop; <see cref="CreateOwn"/> and reading may come from any thread.
/// Always true: a segment of an earlier run is never appended to, so a torn tail stays garbage that no row names (S2);
/// after a failed write or sync the current segment is closed for ever.
/// </remarks>
internal sealed class SegmentFiles : IDisposable
{
    readonly string _folder;
    readonly bool _sync;
    readonly long _segmentBytes;
    readonly ConcurrentDictionary<uint, SafeFileHandle> _open = new();
    readonly ConcurrentDictionary<uint, WeakReference<SafeFileHandle>> _retired = new();
    readonly ConcurrentDictionary<uint, bool> _inHand = new();
    volatile SegmentPin _pin;
    int _lastNumber;
    SafeFileHandle? _current;

    /// <param name="lastNumber">Highest number that was ever used, from the index; files with higher ones are counted too.</param>
    public SegmentFiles(string folder, uint lastNumber, StoreOptions options)
    {
        _pin = new SegmentPin(this);
        _folder = folder;
        _sync = options.Sync;
        _segmentBytes = options.SegmentBytes;
        Disk.CreateDirectory(folder);
        _lastNumber = (int)lastNumber;
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            if (uint.TryParse(Path.GetFileName(file), NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number < int.MaxValue)
                _lastNumber = Math.Max(_lastNumber, (int)number);
        }
    }

    /// <summary>Number of the segment that <see cref="Append"/> writes to; 0: none is open.</summary>
    public uint CurrentNumber { get; private set; }

    /// <summary>Length of the current segment: where the next append starts.</summary>
    public long CurrentLength { get; private set; }

    /// <summary>Highest number given so far.</summary>
    public uint LastNumber => (uint)Volatile.Read(ref _lastNumber);

    /// <summary>Octets of the current segment that are on the disk.</summary>
    public long SyncedLength { get; private set; }

    /// <summary>Whoever remembers places takes this first and holds it as long as he does.</summary>
    public SegmentPin Pin => _pin;

    public string PathOf(uint number) => Path.Combine(_folder, number.ToString("D8", CultureInfo.InvariantCulture));

    /// <summary>Number and length of each file, in order.</summary>
    public IReadOnlyList<(uint Number, long Length)> Files()
    {
        var files = new List<(uint, long)>();
        foreach (FileInfo file in new DirectoryInfo(_folder).EnumerateFiles())
        {
            if (uint.TryParse(file.Name, NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
                files.Add((number, file.Length));
        }
        files.Sort();
        return files;
    }

    /// <summary>True: this body has the whole file to itself.</summary>
    public static bool IsOwn(BodyRange body, long fileLength) =>
        body.Offset == SegmentRecord.HeaderBytes && fileLength == body.Offset + (long)body.Length;

    /// <summary>Opens a new segment when there is none or it is full. Commit loop only.</summary>
    /// <exception cref="IOException">No space, or the folder is gone.</exception>
    public void EnsureCurrent()
    {
        if (_current is not null && CurrentLength < _segmentBytes)
            return;
        _current = null;
        (uint number, SafeFileHandle handle) = Create();
        _current = handle;
        CurrentNumber = number;
        CurrentLength = SyncedLength = 0;
    }

    /// <summary>Writes all pieces at the end, in one gathered write. Commit loop only.</summary>
    public void Append(IReadOnlyList<ReadOnlyMemory<byte>> pieces, long bytes)
    {
        RandomAccess.Write(_current!, pieces, CurrentLength);
        CurrentLength += bytes;
    }

    /// <summary>S2: after this the bytes are on disk, and a row may name them. Commit loop only.</summary>
    public void Sync()
    {
        if (_sync)
            Disk.SyncData(_current!);
        SyncedLength = CurrentLength;
    }

    /// <summary>Closes the current segment for writing for ever; what was committed in it stays readable.</summary>
    public void Poison(long committedLength)
    {
        SafeFileHandle? poisoned = _current;
        _current = null;
        CurrentNumber = 0;
        if (poisoned is null)
            return;
        try
        {
            RandomAccess.SetLength(poisoned, committedLength);   // gives back the space a failed write took
        }
        catch (IOException)
        {
            // A disk that refuses this has said so already; the caller reports the first fault.
        }
    }

    /// <summary>A file of its own for a large body. Any thread.</summary>
    public (uint Number, SafeFileHandle Handle) CreateOwn()
    {
        (uint number, SafeFileHandle handle) = Create();
        _inHand[number] = true;
        return (number, handle);
    }

    /// <summary>Copies the file of a large body into another partition, synced, as one on its way in there. Any thread.</summary>
    /// <returns>Its number there.</returns>
    public uint CopyOwn(uint number, SegmentFiles to)
    {
        SafeFileHandle from = Open(number);
        (uint copy, SafeFileHandle file) = to.CreateOwn();
        try
        {
            byte[] buffer = new byte[1 << 20];
            long done = 0;
            for (int count; (count = RandomAccess.Read(from, buffer, done)) > 0; done += count)
                RandomAccess.Write(file, buffer.AsSpan(0, count), done);
            to.SyncOwn(file);
            return copy;
        }
        catch
        {
            to.DeleteOwn(copy);
            throw;
        }
    }

    /// <summary>True: it belongs to a message on its way in, which rows may come to name at any time.</summary>
    public bool IsInHand(uint number) => _inHand.ContainsKey(number);

    /// <summary>The message on its way in is in, or dropped.</summary>
    public void LetGo(uint number) => _inHand.TryRemove(number, out _);

    /// <summary>No row names these any more: their handles go to whoever holds the pin of today. Commit loop only.</summary>
    /// <returns>The next pin.</returns>
    public SegmentPin Retire(IReadOnlyList<uint> numbers)
    {
        var handles = new List<SafeFileHandle>(numbers.Count);
        foreach (uint number in numbers)
        {
            try
            {
                SafeFileHandle handle = Open(number);
                _retired[number] = new WeakReference<SafeFileHandle>(handle);
                handles.Add(handle);
            }
            catch (IOException)
            {
                // The file is lost already: there is nothing to keep.
            }
            _open.TryRemove(number, out _);
        }
        return _pin = _pin.Follow(handles);
    }

    /// <summary>Removes files of retired segments; who has them open reads on.</summary>
    public void RemoveFiles(IReadOnlyList<uint> numbers)
    {
        foreach (uint number in numbers)
            File.Delete(PathOf(number));
        if (_sync)
            Disk.SyncDirectory(_folder);
    }

    public void SyncOwn(SafeFileHandle handle)
    {
        if (_sync)
            Disk.SyncData(handle);
    }

    /// <summary>Removes a file that no row names. Any thread.</summary>
    public void DeleteOwn(uint number)
    {
        if (_open.TryRemove(number, out SafeFileHandle? handle))
            handle.Dispose();
        LetGo(number);
        File.Delete(PathOf(number));
    }

    /// <summary>Handle for reading; kept open.</summary>
    /// <exception cref="IOException">The segment is lost.</exception>
    public SafeFileHandle Open(uint number) =>
        _open.TryGetValue(number, out SafeFileHandle? handle) ? handle : OpenSlow(number);

    public void Dispose()
    {
        foreach (SafeFileHandle handle in _open.Values)
            handle.Dispose();
        _open.Clear();
        _current = null;
    }

    SafeFileHandle OpenSlow(uint number)
    {
        if (_retired.TryGetValue(number, out WeakReference<SafeFileHandle>? retired))
            return retired.TryGetTarget(out SafeFileHandle? held) ? held : throw new StorageException($"Segment {number} was compacted; nobody may hold places in it any more.");
        SafeFileHandle opened = File.OpenHandle(PathOf(number), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.RandomAccess);
        SafeFileHandle kept = _open.GetOrAdd(number, opened);
        if (!ReferenceEquals(kept, opened))
            opened.Dispose();
        return kept;
    }

    (uint Number, SafeFileHandle Handle) Create()
    {
        uint number = (uint)Interlocked.Increment(ref _lastNumber);
        SafeFileHandle handle = Disk.CreateFile(PathOf(number));
        _open[number] = handle;
        if (_sync)
            Disk.SyncDirectory(_folder);
        return (number, handle);
    }
}
