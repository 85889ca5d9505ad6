using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Store.Exchange;
using MailEngine.Store.Partitions;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>A move of an account as whoever has the store open is asked for it.</summary>
/// <param name="Partition">Name of the one it is to live in.</param>
public sealed record MoveOrder(long AccountId, string Partition);

/// <summary>On which volume the mail of an account is. Rights on the server alone: volumes are the machine's, not a domain's.</summary>
public sealed class PartitionService(Changes changes, IStoreDoor store)
{
    public Task<ServiceResult<IReadOnlyList<PartitionInfo>>> ListAsync(Actor actor, CancellationToken ct = default) =>
        changes.ReadAsync<IReadOnlyList<PartitionInfo>>(actor, async (_, rights) =>
            rights.May(Permissions.SeeServer) ? ServiceResult<IReadOnlyList<PartitionInfo>>.Of(await store.PartitionsAsync()) : ServiceResult.Forbidden(), ct);

    /// <summary>Name of the partition an account lives in.</summary>
    public Task<ServiceResult<string>> FindAsync(Actor actor, long accountId, CancellationToken ct = default) =>
        changes.ReadAsync<string>(actor, async (db, rights) =>
            !rights.May(Permissions.SeeServer) ? ServiceResult.Forbidden()
            : await db.Accounts.AnyAsync(a => a.Id == accountId && a.HasMailbox, ct) ? await store.PartitionOfAsync(accountId)
            : ServiceResult.NotFound("account"), ct);

    /// <summary>Moves an account to another partition while its owner works on. It takes as long as copying its mail.</summary>
    /// <returns>Refused: the account is where it was, and the message says why.</returns>
    public async Task<ServiceResult<MoveReport>> MoveAsync(Actor actor, long accountId, string partition, IProgress<ExchangeProgress>? progress, CancellationToken ct = default)
    {
        IReadOnlyList<PartitionInfo> partitions = await store.PartitionsAsync();
        // Audited before it is done: no mail may go anywhere that no audit row tells of.
        ServiceResult<MoveOrder> allowed = await changes.RunAsync<MoveOrder>(actor, async (db, rights) =>
        {
            if (!rights.May(Permissions.Server))
                return ServiceResult.Forbidden();
            if (await db.Accounts.FirstOrDefaultAsync(a => a.Id == accountId && a.HasMailbox, ct) is not { } account)
                return ServiceResult.NotFound("account");
            if (partitions.All(p => p.Name != partition))
                return ServiceResult.Invalid("Partition", Texts.Of("Error.NoPartition", partition, string.Join(", ", partitions.Select(p => p.Name))));
            changes.Audit(db, actor, "account.move", account, new { partition = await store.PartitionOfAsync(accountId) }, new { partition });
            await db.SaveChangesAsync(ct);
            return new MoveOrder(accountId, partition);
        }, ct);
        if (!allowed.Ok)
            return new ServiceResult.Refused(allowed.Refusal, allowed.Errors);
        try
        {
            return await store.MoveAsync(allowed.Value!, progress, ct);
        }
        catch (IOException fault)
        {
            return ServiceResult.Invalid("", fault.Message);
        }
    }
}
