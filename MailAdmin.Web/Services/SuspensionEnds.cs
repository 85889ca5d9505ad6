using System.Data.Common;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Makes accounts active again when their suspension has an end and it has come: at start, after changes, and when the next one is due.</summary>
public sealed class SuspensionEnds(AccountsDatabase database, AccountDirectory directory, ILogger<SuspensionEnds> log) : BackgroundService
{
    /// <summary>A clock that was set, or a change whose signal was lost, is noticed at the latest after this.</summary>
    static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    /// <returns>When the next one ends; null: none does.</returns>
    public async Task<DateTimeOffset?> RunAsync(CancellationToken ct = default)
    {
        DateTimeOffset now = database.Clock.GetUtcNow();
        await using (AccountsContext db = database.NewContext())
        {
            DateTimeOffset? next = await db.Accounts.Where(a => a.State == AccountState.Suspended && a.SuspendedUntil != null).MinAsync(a => a.SuspendedUntil, ct);
            if (next is null || next > now)
                return next;
        }
        await database.WriteAsync(async db =>
        {
            List<Account> due = await db.Accounts.Where(a => a.State == AccountState.Suspended && a.SuspendedUntil <= now).ToListAsync(ct);
            foreach (Account account in due)
            {
                account.State = AccountState.Active;
                account.SuspendedUntil = null;
                account.ConcurrencyStamp = AccountRows.NewStamp();
                db.Record(new AuditEntry
                {
                    Time = now, Actor = "engine", Action = "account.resume", Object = account.UserName ?? "", AccountId = account.Id, DomainId = account.DomainId,
                    Before = "{\"state\":\"Suspended\"}", After = "{\"state\":\"Active\"}",
                });
            }
            await db.SaveChangesAsync(ct);
            return due.Count;
        }, keep: count => count > 0, ct);
        return now;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var changed = new SemaphoreSlim(0);
        using IDisposable listening = directory.OnChange(() =>
        {
            if (changed.CurrentCount == 0)
                changed.Release();
        });
        while (!stoppingToken.IsCancellationRequested)
        {
            TimeSpan wait = s_longest;
            try
            {
                if (await RunAsync(stoppingToken) is { } next && next - database.Clock.GetUtcNow() is var left && left < wait)
                    wait = left > TimeSpan.Zero ? left : TimeSpan.Zero;
                await changed.WaitAsync(wait + TimeSpan.FromMilliseconds(10), stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
            }
            catch (Exception e) when (e is DbException or DbUpdateException)   // tried again
            {
                log.SuspensionsFailed(e);
                await Task.Delay(s_longest, database.Clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
