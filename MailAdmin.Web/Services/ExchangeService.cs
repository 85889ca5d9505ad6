using MailEngine.Accounts;
using MailEngine.Store.Exchange;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>An export or import as whoever has the store open is asked for it.</summary>
/// <param name="Path">Absolute; read and written by the process that has the store open.</param>
/// <param name="QuotaBytes">Most octets of the account; 0: no limit.</param>
/// <param name="KeepUids">See <see cref="ImportOrder"/>.</param>
public sealed record ExchangeOrder(bool IsImport, long AccountId, string Path, ArchiveFormat Format, long QuotaBytes, bool KeepUids);

/// <summary>Takes all mail of an account out into an archive, and archives in. For the command line alone: it names files of the server.</summary>
public sealed class ExchangeService(Changes changes, IStoreDoor store)
{
    public Task<ServiceResult<ExchangeReport>> ExportAsync(
        Actor actor, long accountId, string path, ArchiveFormat format, IProgress<ExchangeProgress>? progress, CancellationToken ct = default) =>
        RunAsync(actor, new ExchangeOrder(false, accountId, path, format, 0, false), progress, ct);

    public Task<ServiceResult<ExchangeReport>> ImportAsync(
        Actor actor, long accountId, string path, ArchiveFormat format, bool keepUids, IProgress<ExchangeProgress>? progress, CancellationToken ct = default) =>
        RunAsync(actor, new ExchangeOrder(true, accountId, path, format, 0, keepUids), progress, ct);

    async Task<ServiceResult<ExchangeReport>> RunAsync(Actor actor, ExchangeOrder order, IProgress<ExchangeProgress>? progress, CancellationToken ct)
    {
        // Audited before it is done: no mail may leave or come that no audit row tells of.
        ServiceResult<ExchangeOrder> allowed = await changes.RunAsync<ExchangeOrder>(actor, async (db, _) =>
        {
            if (!actor.OwnsTheMachine)
                return ServiceResult.Forbidden();
            if (await db.Accounts.FirstOrDefaultAsync(a => a.Id == order.AccountId && a.HasMailbox, ct) is not { } account)
                return ServiceResult.NotFound("account");
            Domain? domain = await db.Domains.FirstOrDefaultAsync(d => d.Id == account.DomainId, ct);
            changes.Audit(db, actor, order.IsImport ? "mail.import" : "mail.export", account, null,
                new { order.Path, format = order.Format.ToString(), order.KeepUids });
            await db.SaveChangesAsync(ct);
            return order with { QuotaBytes = account.QuotaBytes ?? domain?.DefaultQuotaBytes ?? 0 };
        }, ct);
        return allowed.Ok ? await store.ExchangeAsync(allowed.Value!, progress, ct) : new ServiceResult.Refused(allowed.Refusal, allowed.Errors);
    }
}
