using System.Globalization;
using MailEngine.Accounts;

namespace MailAdmin.Web.Services;

/// <summary>Changes of the queue from outside the process that has it: the command line's. In the panel it is <see cref="QueueService"/>.</summary>
public sealed class QueueOrderService(Changes changes, IStoreDoor store)
{
    /// <param name="ids">Null: all rows.</param>
    /// <returns>How many rows were changed.</returns>
    public Task<ServiceResult<int>> ChangeAsync(Actor actor, QueueVerb verb, IReadOnlyCollection<long>? ids, CancellationToken ct = default) =>
        changes.RunAsync<int>(actor, async (db, rights) =>
        {
            if (!rights.May(Permissions.Queue))
                return ServiceResult.Forbidden();
            int changed = await store.ChangeQueueAsync(verb, ids);
            changes.Audit(db, actor, ActionOf(verb), ids is null ? "all" : string.Join(' ', ids.Select(id => id.ToString(CultureInfo.InvariantCulture))), null, null, new { rows = changed });
            await db.SaveChangesAsync(ct);
            return changed;
        }, ct);

    static string ActionOf(QueueVerb verb) => verb switch
    {
        QueueVerb.Retry => "queue.retry",
        QueueVerb.Hold => "queue.hold",
        QueueVerb.Release => "queue.release",
        _ => "queue.remove",
    };
}
