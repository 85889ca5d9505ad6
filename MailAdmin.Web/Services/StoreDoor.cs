using MailEngine.Flow;
using MailEngine.Store;
using MailEngine.Store.Backup;
using MailEngine.Store.Exchange;
using MailEngine.Store.Partitions;
using MailEngine.Store.Repair;

namespace MailAdmin.Web.Services;

/// <summary>What services and commands ask of the mail store. Two kinds: the store this process has open, and the control socket of the
/// process that has it open (<c>Cli.ControlClient</c>).</summary>
public interface IStoreDoor
{
    /// <summary>Use of these accounts; those without mail are left out.</summary>
    Task<IReadOnlyDictionary<long, AccountUse>> UseOfAsync(IReadOnlyCollection<long> accountIds);

    /// <summary>Use of all accounts together.</summary>
    Task<AccountUse> TotalUseAsync();

    /// <summary>Carries out what waits in the table of store tasks.</summary>
    Task RunTasksAsync(CancellationToken ct);

    Task<IReadOnlyList<QueueRow>> ReadQueueAsync();

    /// <summary>Sends a message of the server itself.</summary>
    /// <returns>False: it leads nowhere, or no server runs that could send it.</returns>
    Task<bool> SendAsync(SystemMessage message, CancellationToken ct);

    /// <summary>Changes the rows with these ids; null: all of them.</summary>
    /// <returns>How many there were.</returns>
    Task<int> ChangeQueueAsync(QueueVerb verb, IReadOnlyCollection<long>? ids);

    Task<PageOf<DeletedMessageRow>> DeletedMessagesAsync(DeletedQuery query, CancellationToken ct);

    Task<IReadOnlyList<DeletedMailboxRow>> DeletedMailboxesAsync(long accountId, CancellationToken ct);

    Task<RestoreOutcome> RestoreAsync(RestoreOrder order, CancellationToken ct);

    /// <summary>Exports or imports all mail of an account.</summary>
    /// <exception cref="ArchiveException">The archive is not what it should be, or cannot be made.</exception>
    Task<ExchangeReport> ExchangeAsync(ExchangeOrder order, IProgress<ExchangeProgress>? progress, CancellationToken ct);

    /// <summary>Proves rows against bytes and counters.</summary>
    /// <param name="accountId">One account; null: all, and the queue.</param>
    Task<CheckReport> CheckAsync(long? accountId, CancellationToken ct);

    /// <summary>Brings a backup in a folder of this machine up to date.</summary>
    Task<BackupReport> BackUpAsync(string target, CancellationToken ct);

    /// <summary>Adds to an account what a backup has of it.</summary>
    Task<AccountRestored> RestoreAccountAsync(string backup, long accountId, CancellationToken ct);

    /// <summary>All partitions, with what is in them.</summary>
    Task<IReadOnlyList<PartitionInfo>> PartitionsAsync();

    /// <summary>Name of the partition an account lives in.</summary>
    Task<string> PartitionOfAsync(long accountId);

    /// <summary>Moves an account to another partition.</summary>
    /// <exception cref="IOException">It cannot be moved, and why; the account is where it was.</exception>
    Task<MoveReport> MoveAsync(MoveOrder order, IProgress<ExchangeProgress>? progress, CancellationToken ct);

    /// <summary>Puts right what differs between the index and the messages of one account.</summary>
    Task<RepairReport> RepairAsync(long accountId, CancellationToken ct);
}

/// <summary>What came back of an account from a backup.</summary>
public sealed record AccountRestored(int Messages, IReadOnlyList<string> Faults);

/// <summary>A queue row for people and programs.</summary>
/// <param name="State">waiting, held or sending.</param>
public sealed record QueueRow(
    long Id, string Message, string From, string To, string State, int Attempts, DateTimeOffset QueuedAt, DateTimeOffset NextAttempt, string LastReply)
{
    internal static QueueRow Of(QueueEntry entry, bool isActive) => new(
        entry.Id, entry.MessageKey, entry.ReversePath, entry.Recipient.ToString(), isActive ? "sending" : entry.State.ToString().ToLowerInvariant(),
        entry.Attempts, entry.QueuedAt, entry.NextAttempt, entry.LastReply);
}

/// <summary>What can be done to a queue row by hand.</summary>
public enum QueueVerb { Retry, Hold, Release, Remove }
