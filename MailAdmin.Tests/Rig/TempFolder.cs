namespace MailAdmin.Tests.Rig;

/// <summary>A folder of a test; gone when the test ends.</summary>
sealed class TempFolder : IDisposable
{
    public TempFolder() : this(System.IO.Path.GetTempPath())
    {
    }

    TempFolder(string parent)
    {
        Path = System.IO.Path.Combine(parent, "mailadmin-" + Guid.NewGuid().ToString("N")[..12]);
        Directory.CreateDirectory(Path);
    }

    /// <summary>A folder on a disk, whose syncs take their time: test.sh lets the others be in memory.</summary>
    public static TempFolder OnDisk() => new(Environment.GetEnvironmentVariable("MAILADMIN_TEST_DISK") is { Length: > 0 } disk ? disk : System.IO.Path.GetTempPath());

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // the test removed it itself
        }
    }
}
