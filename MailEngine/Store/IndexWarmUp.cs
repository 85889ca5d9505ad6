using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace MailEngine.Store;

/// <summary>Reads the newest part of index.db once after a start, in the order of the file.</summary>
/// <remarks>
/// The chunks of a large mailbox stand between the rows of its messages, some thousand pages apart. Read one by one from a disk whose
/// pages nobody has in memory yet, they make the first SELECT ten times as long as it needs to be; read in order, the disk gives them all
/// in the time of a few hundred.
/// <para>The file stays open until the partition has closed its connections: when a process closes any descriptor of a file, the kernel drops
/// all its POSIX locks on that file, those of SQLite too. Another program that looks into the database would then take itself for the last one to
/// leave, and remove the write-ahead log from under us (sqlite.org "How To Corrupt An SQLite Database File" §2.2).</para>
/// </remarks>
internal sealed class IndexWarmUp : IDisposable
{
    const int Piece = 1 << 20;

    readonly string _path;
    readonly long _most;
    readonly Thread? _thread;
    volatile bool _stop;
    SafeFileHandle? _file;

    /// <summary>Begins, on a thread of its own: what cannot be read here fails where it is needed.</summary>
    /// <param name="most">Octets; 0: nothing is read. No more than a quarter of the memory there is, in any case.</param>
    public IndexWarmUp(string path, long most)
    {
        _path = path;
        _most = Math.Min(most, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);
        if (_most <= 0)
            return;
        _thread = new Thread(Read) { IsBackground = true, Name = "index warm-up", Priority = ThreadPriority.BelowNormal };
        _thread.Start();
    }

    /// <summary>It has read what it reads.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Only when no connection of this process has the file open.</summary>
    public void Dispose()
    {
        _stop = true;
        _thread?.Join();
        _file?.Dispose();
    }

    void Read()
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            _file = File.OpenHandle(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
            long length = RandomAccess.GetLength(_file);
            for (long at = Math.Max(0, length - _most); at < length && !_stop;)
            {
                int read = RandomAccess.Read(_file, buffer.AsSpan(0, Piece), at);
                if (read == 0)
                    break;
                at += read;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
        ArrayPool<byte>.Shared.Return(buffer);
        IsDone = true;
    }
}
