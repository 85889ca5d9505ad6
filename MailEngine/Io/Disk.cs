using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MailEngine.Io;

/// <summary>The only class that makes bytes durable.</summary>
/// <remarks>.NET cannot open a directory to sync it, so directories go through libc. A failed sync is never tried again on the
/// same file: the kernel may have dropped the pages it could not write (invariant S1, docs/durability.md).</remarks>
public static partial class Disk
{
    const UnixFileMode PrivateDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Mode of every file we make: readable by the system's own user alone.</summary>
    public const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes the folder and missing parents, mode 0700, and syncs the parent so that its name survives a power cut.</summary>
    public static void CreateDirectory(string path)
    {
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
            return;
        string? parent = Path.GetDirectoryName(full);
        if (parent is not null)
            CreateDirectory(parent);
        Directory.CreateDirectory(full, PrivateDirectory);
        if (parent is not null)
            SyncDirectory(parent);
    }

    /// <summary>Makes a new file for reading and writing; it must not exist.</summary>
    public static SafeFileHandle CreateFile(string path)
    {
        SafeFileHandle handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        File.SetUnixFileMode(handle, PrivateFile);
        return handle;
    }

    /// <summary>Gives a file a second name on the same volume; false: the file system cannot, or they are two.</summary>
    public static bool TryLink(string from, string to) => link(from, to) == 0;

    /// <summary>fdatasync: the bytes, and the length, are on the disk when it returns.</summary>
    /// <exception cref="IOException">They may not be; the file must not be written to any more.</exception>
    public static void SyncData(SafeFileHandle file)
    {
        bool held = false;
        try
        {
            file.DangerousAddRef(ref held);
            int result;
            do
                result = fdatasync((int)file.DangerousGetHandle());
            while (result != 0 && Marshal.GetLastPInvokeError() == 4);   // EINTR
            if (result != 0)
                throw new StorageException($"fdatasync failed: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            if (held)
                file.DangerousRelease();
        }
    }

    /// <summary>Makes the names in a folder durable: after a file was made, renamed or removed.</summary>
    public static void SyncDirectory(string path)
    {
        const int readOnlyDirectory = 0x10000;   // O_RDONLY | O_DIRECTORY
        int descriptor = open(path, readOnlyDirectory);
        if (descriptor < 0)
            throw new StorageException($"{path}: {Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            if (fsync(descriptor) != 0)
                throw new StorageException($"fsync {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    [LibraryImport(NativeLibraries.Libc, SetLastError = true)]
    private static partial int fdatasync(int fd);

    [LibraryImport(NativeLibraries.Libc, SetLastError = true)]
    private static partial int fsync(int fd);

    [LibraryImport(NativeLibraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport(NativeLibraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int link(string from, string to);

    [LibraryImport(NativeLibraries.Libc, SetLastError = true)]
    private static partial int close(int fd);
}
