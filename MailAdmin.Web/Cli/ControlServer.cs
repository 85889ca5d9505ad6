using System.Net.Sockets;
using System.Text.Json;
using MailAdmin.Web.Services;
using MailEngine;
using MailEngine.Store;
using MailEngine.Store.Exchange;

namespace MailAdmin.Web.Cli;

/// <summary>Answers the command line in the process that has the store open.</summary>
public sealed class ControlServer(EngineOptions options, IStoreDoor store, TimeProvider clock, ILogger<ControlServer> log) : BackgroundService
{
    /// <summary>Longest time for a client to send its request, and for it to take the answer. The work between them takes what it takes.</summary>
    internal static readonly TimeSpan Slowest = TimeSpan.FromSeconds(10);

    const int MaxAtOnce = 8;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string path = ControlProtocol.SocketPath(options.DataPath);
        try
        {
            File.Delete(path);   // of a server that was killed; the store's lock makes sure that none is running
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(MaxAtOnce);
            await AcceptAsync(listener, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Mail goes on without it.
            log.ControlFailed(path, e.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    async Task AcceptAsync(Socket listener, CancellationToken ct)
    {
        using var slots = new SemaphoreSlim(MaxAtOnce);
        while (true)
        {
            await slots.WaitAsync(ct);
            Socket client = await listener.AcceptAsync(ct);
            _ = AnswerAsync(client, slots, ct);
        }
    }

    async Task AnswerAsync(Socket client, SemaphoreSlim slots, CancellationToken ct)
    {
        try
        {
            await using var stream = new NetworkStream(client, ownsSocket: true);
            byte[]? line;
            using (var limit = new CancellationTokenSource(Slowest, clock))
            using (var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token))
                line = await new ControlLines(stream, ControlProtocol.MaxRequestBytes).ReadAsync(either.Token);
            ControlAnswer answer;
            try
            {
                answer = line is not null && ControlProtocol.Read<ControlRequest>(line) is { } request
                    ? await DoAsync(request, new SocketProgress(stream), ct)
                    : new ControlAnswer("The request was not understood.");
            }
            catch (Exception e) when (e is JsonException or IOException or InvalidOperationException)
            {
                answer = new ControlAnswer(e.Message);
            }
            using (var limit = new CancellationTokenSource(Slowest, clock))
            using (var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token))
                await stream.WriteAsync(ControlProtocol.Write(answer), either.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            // The client went away or was too slow.
        }
        finally
        {
            try
            {
                slots.Release();
            }
            catch (ObjectDisposedException)
            {
                // the server stopped meanwhile
            }
        }
    }

    /// <summary>Tells the client how far the work is. One that went away or reads no more ends the work: the write fails.</summary>
    sealed class SocketProgress : IProgress<ExchangeProgress>
    {
        readonly NetworkStream _stream;

        public SocketProgress(NetworkStream stream)
        {
            _stream = stream;
            stream.WriteTimeout = (int)Slowest.TotalMilliseconds;
        }

        public void Report(ExchangeProgress value) => _stream.Write(ControlProtocol.Write(new ControlAnswer(Progress: value)));
    }

    async Task<ControlAnswer> DoAsync(ControlRequest request, SocketProgress progress, CancellationToken ct)
    {
        switch (request.Verb)
        {
            case "ping":
                return new ControlAnswer();
            case "use" when request.Ids is null:
                AccountUse total = await store.TotalUseAsync();
                return new ControlAnswer(Use: [new AccountUseRow(0, total.Messages, total.Bytes)]);
            case "use":
                var use = await store.UseOfAsync([.. request.Ids!]);
                return new ControlAnswer(Use: [.. use.Select(u => new AccountUseRow(u.Key, u.Value.Messages, u.Value.Bytes))]);
            case "tasks":
                await store.RunTasksAsync(ct);
                return new ControlAnswer();
            case "queue":
                return new ControlAnswer(Queue: await store.ReadQueueAsync());
            case "change":
                return new ControlAnswer(Count: await store.ChangeQueueAsync(request.Change, request.Ids));
            case "send" when request.Mail is { } mail:
                return new ControlAnswer(Count: await store.SendAsync(mail, ct) ? 1 : 0);
            case "deleted" when request.Deleted is { } query:
                return new ControlAnswer(Deleted: await store.DeletedMessagesAsync(query, ct));
            case "deleted-mailboxes" when request.Ids is [var account]:
                return new ControlAnswer(Mailboxes: await store.DeletedMailboxesAsync(account, ct));
            case "restore" when request.Restore is { } order:
                return new ControlAnswer(Restored: await store.RestoreAsync(order, ct));
            case "exchange" when request.Exchange is { } order:
                // Off this thread: much of it is reading and writing files.
                return new ControlAnswer(Exchanged: await Task.Run(() => store.ExchangeAsync(order, progress, ct), ct));
            case "check":
                return new ControlAnswer(Check: await store.CheckAsync(request.Ids is [var checkedOne] ? checkedOne : null, ct));
            case "backup" when request.Folder.Length > 0:
                return new ControlAnswer(Backup: await store.BackUpAsync(request.Folder, ct));
            case "restore-account" when request is { Ids: [var restored], Folder.Length: > 0 }:
                return new ControlAnswer(Account: await store.RestoreAccountAsync(request.Folder, restored, ct));
            case "repair" when request.Ids is [var damaged]:
                return new ControlAnswer(Repaired: await store.RepairAsync(damaged, ct));
            case "partitions":
                return new ControlAnswer(Partitions: await store.PartitionsAsync());
            case "partition-of" when request.Ids is [var housed]:
                return new ControlAnswer(Partition: await store.PartitionOfAsync(housed));
            case "move" when request.Move is { } move:
                return new ControlAnswer(Moved: await Task.Run(() => store.MoveAsync(move, progress, ct), ct));
            default:
                return new ControlAnswer($"\"{request.Verb}\" is not known to the running server: both must be of the same version.");
        }
    }
}

static partial class ControlLog
{
    [LoggerMessage(2201, LogLevel.Error, "the control socket {Path} cannot be used, so queue commands will not reach this server: {Reason}")]
    public static partial void ControlFailed(this ILogger log, string path, string reason);
}
