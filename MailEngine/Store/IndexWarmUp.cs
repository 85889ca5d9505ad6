using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace MailEngine.Store;

/// <summary>Reads the newest part of index.db once after a start, in the order of the file.</summary>
/// <remarks>The chunks of a large mailbox stand between the rows of its messages, some thousand pages apart. Read one by one from a disk whose
/// pages nobody has in memory yet, they make the first SELECT ten times as long as it needs to be; read in order, the disk gives them all
/// in the time of a few hundred.</remarks>
internal static class IndexWarmUp
{
    const int Piece = 1 << 20;

    /// <summary>Begins, on a thread of its own, and forgets about it: what cannot be read here fails where it is needed.</summary>
    /// <param name="most">Octets; 0: nothing is read. No more than a quarter of the memory there is, in any case.</param>
    public static void Start(string path, long most)
    {
        most = Math.Min(most, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);
        if (most <= 0)
            return;
        new Thread(() => Read(path, most)) { IsBackground = true, Name = "index warm-up", Priority = ThreadPriority.BelowNormal }.Start();
    }

    static void Read(string path, long most)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
            long length = RandomAccess.GetLength(file);
            for (long at = Math.Max(0, length - most); at < length;)
            {
                int read = RandomAccess.Read(file, buffer.AsSpan(0, Piece), at);
                if (read == 0)
                    break;
                at += read;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
