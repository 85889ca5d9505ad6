using System.Net.Sockets;
using MailAdmin.Web.Services;
using MailEngine.Flow;
using MailEngine.Store;
using MailEngine.Store.Backup;
using MailEngine.Store.Exchange;
using MailEngine.Store.Partitions;
using MailEngine.Store.Repair;

namespace MailAdmin.Web.Cli;

/// <summary>The store of a running server, asked over its control socket.</summary>
sealed class ControlClient : IStoreDoor
{
    readonly string _path;

    ControlClient(string path) => _path = path;

    /// <returns>Null: no server runs on this data folder.</returns>
    public static async Task<ControlClient?> FindAsync(string dataPath)
    {
        var client = new ControlClient(ControlProtocol.SocketPath(dataPath));
        try
        {
            await client.AskAsync(new ControlRequest("ping"), TimeSpan.FromSeconds(5), CancellationToken.None);
            return client;
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ArgumentException)
        {
            return null;
        }
    }

    public async Task<IReadOnlyDictionary<long, AccountUse>> UseOfAsync(IReadOnlyCollection<long> accountIds)
    {
        ControlAnswer answer = await AskAsync(new ControlRequest("use", [.. accountIds]), TimeSpan.FromSeconds(30), CancellationToken.None);
        return (answer.Use ?? []).ToDictionary(u => u.AccountId, u => new AccountUse(u.Messages, u.Bytes));
    }

    public async Task<AccountUse> TotalUseAsync() =>
        (await AskAsync(new ControlRequest("use"), TimeSpan.FromSeconds(30), CancellationToken.None)).Use is [var total] ? new AccountUse(total.Messages, total.Bytes) : default;

    public async Task RunTasksAsync(CancellationToken ct) => await AskAsync(new ControlRequest("tasks"), TimeSpan.FromMinutes(10), ct);

    public async Task<IReadOnlyList<QueueRow>> ReadQueueAsync() =>
        (await AskAsync(new ControlRequest("queue"), TimeSpan.FromMinutes(1), CancellationToken.None)).Queue ?? [];

    public async Task<int> ChangeQueueAsync(QueueVerb verb, IReadOnlyCollection<long>? ids) =>
        (await AskAsync(new ControlRequest("change", ids is null ? null : [.. ids], verb), TimeSpan.FromMinutes(5), CancellationToken.None)).Count;

    public async Task<bool> SendAsync(SystemMessage message, CancellationToken ct) =>
        (await AskAsync(new ControlRequest("send", Mail: message), TimeSpan.FromMinutes(1), ct)).Count > 0;

    public async Task<PageOf<DeletedMessageRow>> DeletedMessagesAsync(DeletedQuery query, CancellationToken ct) =>
        (await AskAsync(new ControlRequest("deleted", Deleted: query), TimeSpan.FromMinutes(1), ct)).Deleted ?? new PageOf<DeletedMessageRow>([], 0);

    public async Task<IReadOnlyList<DeletedMailboxRow>> DeletedMailboxesAsync(long accountId, CancellationToken ct) =>
        (await AskAsync(new ControlRequest("deleted-mailboxes", [accountId]), TimeSpan.FromMinutes(1), ct)).Mailboxes ?? [];

    public async Task<RestoreOutcome> RestoreAsync(RestoreOrder order, CancellationToken ct) =>
        (await AskAsync(new ControlRequest("restore", Restore: order), TimeSpan.FromMinutes(30), ct)).Restored;

    public async Task<BackupReport> BackUpAsync(string target, CancellationToken ct) =>
        (await AskAsync(new ControlRequest("backup", Folder: target), Timeout.InfiniteTimeSpan, ct)).Backup ?? throw new IOException("The server sent no report.");

    public async Task<AccountRestored> RestoreAccountAsync(string backup, long accountId, CancellationToken ct) =>
        (await AskAsync(new ControlRequest("restore-account", [accountId], Folder: backup), Timeout.InfiniteTimeSpan, ct)).Account ?? throw new IOException("The server sent no report.");

    public async Task<RepairReport> RepairAsync(long accountId, CancellationToken ct) =>
        (await AskAsync(new ControlRequest("repair", [accountId]), Timeout.InfiniteTimeSpan, ct)).Repaired ?? throw new IOException("The server sent no report.");

    public async Task<CheckReport> CheckAsync(long? accountId, CancellationToken ct) =>
        (await AskAsync(new ControlRequest("check", accountId is { } one ? [one] : null), Timeout.InfiniteTimeSpan, ct)).Check ?? throw new IOException("The server sent no report.");

    public async Task<ExchangeReport> ExchangeAsync(ExchangeOrder order, IProgress<ExchangeProgress>? progress, CancellationToken ct) =>
        (await AskAsync(new ControlRequest("exchange", Exchange: order), Timeout.InfiniteTimeSpan, ct, progress)).Exchanged ?? throw new IOException("The server sent no report.");

    public async Task<IReadOnlyList<PartitionInfo>> PartitionsAsync() =>
        (await AskAsync(new ControlRequest("partitions"), TimeSpan.FromMinutes(1), CancellationToken.None)).Partitions ?? [];

    public async Task<string> PartitionOfAsync(long accountId) =>
        (await AskAsync(new ControlRequest("partition-of", [accountId]), TimeSpan.FromSeconds(30), CancellationToken.None)).Partition;

    public async Task<MoveReport> MoveAsync(MoveOrder order, IProgress<ExchangeProgress>? progress, CancellationToken ct) =>
        (await AskAsync(new ControlRequest("move", Move: order), Timeout.InfiniteTimeSpan, ct, progress)).Moved ?? throw new IOException("The server sent no report.");

    async Task<ControlAnswer> AskAsync(ControlRequest request, TimeSpan limit, CancellationToken ct, IProgress<ExchangeProgress>? progress = null)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        stop.CancelAfter(limit);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_path), stop.Token);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(ControlProtocol.Write(request), stop.Token);
        var lines = new ControlLines(stream, int.MaxValue - 1);
        while (true)
        {
            byte[]? line = await lines.ReadAsync(stop.Token);
            ControlAnswer answer = (line is null ? null : ControlProtocol.Read<ControlAnswer>(line)) ?? throw new IOException("The server ended without an answer.");
            if (answer.Progress is { } step)
                progress?.Report(step);
            else
                return answer.Error is null ? answer : throw new IOException(answer.Error);
        }
    }
}
