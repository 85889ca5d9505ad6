namespace MailEngine.Store.Partitions;

/// <summary>The partition of an account is not there: its volume is not mounted, or cannot be read. The others work on (S5).</summary>
/// <remarks>Answer NO [UNAVAILABLE] or 451 4.3.0; never an empty mailbox.</remarks>
public sealed class PartitionMissingException(string message) : IOException(message);

/// <summary>A partition as administrators see it.</summary>
/// <param name="Fault">Why it is not there; empty: it is.</param>
/// <param name="Bytes">Of mail.</param>
/// <param name="FreeBytes">Of its volume.</param>
/// <param name="Closed">New accounts go elsewhere.</param>
public sealed record PartitionInfo(string Name, string Folder, string Fault, long Accounts, long Bytes, long FreeBytes, bool Closed);

/// <summary>A partition that the settings name: open, or known not to be there.</summary>
/// <param name="number">See <see cref="PartitionIdentity"/>.</param>
internal sealed class PartitionSlot(PartitionOptions options, string folder, int number)
{
    Partition? _open;

    public PartitionOptions Options => options;

    public string Name => options.Name;

    public string Folder => folder;

    public int Number => number;

    /// <summary>Null: it is not there. Any thread.</summary>
    public Partition? Open
    {
        get => Volatile.Read(ref _open);
        set => Volatile.Write(ref _open, value);
    }

    /// <summary>Why it is not there.</summary>
    public string Fault { get; set; } = "";

    /// <exception cref="PartitionMissingException">It is not there.</exception>
    public Partition Required => Open ?? throw new PartitionMissingException($"Partition {Name} is not there: {Fault}");

    /// <summary>Free space of its volume, bytes; 0: it cannot be told.</summary>
    public long FreeBytes
    {
        get
        {
            try
            {
                return new DriveInfo(folder).AvailableFreeSpace;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                return 0;
            }
        }
    }
}
