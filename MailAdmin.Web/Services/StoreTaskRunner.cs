using System.Collections.Concurrent;
using MailEngine.Accounts;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Carries out <see cref="StoreTask"/>s: by whoever made them right after his change, and in the server at start, after changes of
/// other processes, and once a minute.</summary>
/// <remarks>
/// A removal is done twice: at once, and again when <see cref="s_lateMail"/> has passed, for a message that was already on its way to the
/// account when it was removed (RFC 5321 §4.5.3.2.6 lets the last step take ten minutes). Its row goes after the second time.
/// Without a store (the command line while a server runs) nothing is done here; the server sees the rows within a second.
/// </remarks>
public sealed class StoreTaskRunner(AccountsDatabase database, MailStore? store, ILogger<StoreTaskRunner> log) : IDisposable
{
    static readonly TimeSpan s_lateMail = TimeSpan.FromMinutes(15);

    const int TasksAtOnce = 256;

    readonly SemaphoreSlim _one = new(1, 1);
    readonly ConcurrentDictionary<long, bool> _doneOnce = new();

    /// <summary>Never throws: what failed stays in the table and is logged.</summary>
    public async Task RunAsync(CancellationToken ct = default)
    {
        if (store is null)
            return;
        await _one.WaitAsync(ct);
        try
        {
            await using AccountsContext db = database.NewContext();
            List<StoreTask> tasks = await db.StoreTasks.AsNoTracking().OrderBy(t => t.Id).ToListAsync(ct);
            foreach (StoreTask[] some in tasks.Chunk(TasksAtOnce))
                await RunAsync(some, ct);
        }
        catch (Exception e) when (e is not OperationCanceledException)   // top of the work: it is tried again
        {
            log.StoreTasksFailed(e);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    async Task RunAsync(StoreTask[] some, CancellationToken ct)
    {
        // Side by side, so that an import's thousands share the commits of the store.
        bool[] done = await Task.WhenAll(some.Select(DoAsync));
        long[] finished = [.. some.Where((_, i) => done[i]).Select(t => t.Id)];
        if (finished.Length > 0)
            await database.WriteQuietlyAsync(write => write.StoreTasks.Where(t => finished.Contains(t.Id)).ExecuteDeleteAsync(CancellationToken.None), ct);
    }

    /// <returns>False: the task stays in the table.</returns>
    async Task<bool> DoAsync(StoreTask task)
    {
        if (task.Kind == StoreTaskKind.Provision)
        {
            var folders = new List<(MailboxName, string)>();
            foreach ((string name, string use) in Domain.ParseFolders(task.Details))
            {
                if (MailboxName.TryParse(name, out MailboxName parsed))
                    folders.Add((parsed, use));
            }
            StoreError made = await store!.ProvisionAsync(task.AccountId, folders);
            if (made != StoreError.None)
                log.StoreTaskFailed(task.Kind, task.AccountId, made);
            return made != StoreError.Unavailable;   // any other refusal would come again
        }
        if (task.Kind == StoreTaskKind.RenameDomain)
        {
            string[] names = task.Details.Split('\n');
            StoreError renamed = await store!.RenameDomainAsync(names[0], names[1]);
            if (renamed != StoreError.None)
                log.StoreTaskFailed(task.Kind, task.AccountId, renamed);
            return renamed != StoreError.Unavailable;
        }
        bool late = database.Clock.GetUtcNow() - task.CreatedAt >= s_lateMail;
        if (!late && _doneOnce.ContainsKey(task.Id))
            return false;
        StoreError removed = await store!.DeleteAccountAsync(task.AccountId);
        if (removed != StoreError.None)
        {
            log.StoreTaskFailed(task.Kind, task.AccountId, removed);
            return false;
        }
        if (late)
            _doneOnce.TryRemove(task.Id, out _);
        else
            _doneOnce[task.Id] = true;
        return late;
    }
}

/// <summary>Runs store tasks in the server: at start, when accounts change, and once a minute.</summary>
sealed class StoreTaskService(StoreTaskRunner runner, AccountDirectory directory, TimeProvider clock) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var changed = new SemaphoreSlim(1, 1);
        using IDisposable listening = directory.OnChange(() =>
        {
            if (changed.CurrentCount == 0)
                changed.Release();
        });
        using ITimer timer = clock.CreateTimer(_ => changed.Release(), null, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await changed.WaitAsync(stoppingToken);
                await runner.RunAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
            }
        }
    }
}
