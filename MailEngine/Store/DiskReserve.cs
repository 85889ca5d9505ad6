using System.Diagnostics;
using MailEngine.Io;

namespace MailEngine.Store;

/// <summary>Space kept aside on the volume, so that a full disk stops new mail but not log-in, deleting and the rows of mail that was taken.</summary>
/// <remarks>While it is not held no mail is taken. Any thread.</remarks>
internal sealed class DiskReserve(string path, long bytes)
{
    static readonly TimeSpan s_betweenTries = TimeSpan.FromSeconds(1);
    readonly Lock _lock = new();
    long _triedAt;

    /// <summary>True: nothing is asked for, or the space is there.</summary>
    public bool IsHeld { get; private set; } = bytes == 0 || new FileInfo(path) is { Exists: true } file && file.Length >= bytes;

    /// <summary>Any thread: the space was given back and could not be set aside again since. What can wait leaves the disk alone.</summary>
    public bool IsGiven { get; private set; }

    /// <summary>Sets the space aside; false: the disk has not got it, or had not a second ago.</summary>
    public bool TryHold()
    {
        lock (_lock)
            return IsHeld || TryHold_NeedsLock();
    }

    /// <summary>Gives the space back for what must be written now.</summary>
    /// <returns>False: it was given before.</returns>
    public bool Release()
    {
        lock (_lock)
        {
            if (!IsHeld || bytes == 0)
                return false;
            File.Delete(path);
            IsHeld = false;
            IsGiven = true;
            _triedAt = Stopwatch.GetTimestamp();
            return true;
        }
    }

    bool TryHold_NeedsLock()
    {
        if (_triedAt != 0 && Stopwatch.GetElapsedTime(_triedAt) < s_betweenTries)
            return false;
        _triedAt = Stopwatch.GetTimestamp();
        try
        {
            File.Delete(path);
            using FileStream file = new(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, PreallocationSize = bytes, UnixCreateMode = Disk.PrivateFile,
            });
            file.SetLength(bytes);
            IsHeld = true;
            IsGiven = false;
        }
        catch (IOException)
        {
            File.Delete(path);
        }
        return IsHeld;
    }
}
