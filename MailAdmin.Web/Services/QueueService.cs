using MailEngine.Accounts;
using MailEngine.Flow;

namespace MailAdmin.Web.Services;

/// <summary>The outgoing queue for administrators of the server.</summary>
public sealed class QueueService(Changes changes, QueueControl queue)
{
    /// <inheritdoc cref="QueueScheduler.Changed"/>
    public event Action? Changed
    {
        add => queue.Changed += value;
        remove => queue.Changed -= value;
    }

    public Task<ServiceResult<PageOf<QueueRow>>> ListAsync(Actor actor, PageRequest page, CancellationToken ct = default) =>
        changes.ReadAsync<PageOf<QueueRow>>(actor, (_, rights) => Task.FromResult(List(rights, page)), ct);

    ServiceResult<PageOf<QueueRow>> List(Rights rights, PageRequest page)
    {
        if (!rights.May(Permissions.SeeServer))
            return ServiceResult.Forbidden();
        IEnumerable<QueueRow> rows = queue.List().Select(v => QueueRow.Of(v.Row, v.IsActive));
        if (page.Needle is { Length: > 0 } needle)
            rows = rows.Where(r => Matches(r, needle));
        rows = page.Sort switch
        {
            nameof(QueueRow.To) => rows.OrderBy(r => r.To, StringComparer.Ordinal),
            nameof(QueueRow.NextAttempt) => rows.OrderBy(r => r.NextAttempt),
            nameof(QueueRow.Attempts) => rows.OrderBy(r => r.Attempts),
            _ => rows.OrderBy(r => r.QueuedAt),
        };
        if (page.Descending)
            rows = rows.Reverse();
        QueueRow[] all = [.. rows];
        return new PageOf<QueueRow>([.. all.Skip(page.SafeSkip).Take(page.SafeTake)], all.Length);
    }

    /// <summary>Tries now. Null: all rows.</summary>
    /// <returns>How many rows were changed; rows that are being sent at this moment are left alone.</returns>
    public Task<ServiceResult<int>> RetryAsync(Actor actor, IReadOnlyCollection<long>? ids, CancellationToken ct = default) =>
        DoAsync(actor, "queue.retry", ids, () => queue.RetryAsync(ids), ct);

    public Task<ServiceResult<int>> HoldAsync(Actor actor, IReadOnlyCollection<long> ids, CancellationToken ct = default) =>
        DoAsync(actor, "queue.hold", ids, () => queue.HoldAsync(ids), ct);

    public Task<ServiceResult<int>> ReleaseAsync(Actor actor, IReadOnlyCollection<long> ids, CancellationToken ct = default) =>
        DoAsync(actor, "queue.release", ids, () => queue.ReleaseAsync(ids), ct);

    public Task<ServiceResult<int>> RemoveAsync(Actor actor, IReadOnlyCollection<long> ids, bool tellSender, CancellationToken ct = default) =>
        DoAsync(actor, "queue.remove", ids, () => queue.RemoveAsync(ids, tellSender), ct);

    Task<ServiceResult<int>> DoAsync(Actor actor, string action, IReadOnlyCollection<long>? ids, Func<Task<int>> work, CancellationToken ct) =>
        changes.RunAsync<int>(actor, async (db, rights) =>
        {
            if (!rights.May(Permissions.Queue))
                return ServiceResult.Forbidden();
            string rows = ids is null ? "all" : string.Join(' ', ids);
            int changed = await work();
            changes.Audit(db, actor, action, rows, null, null, new { rows = changed });
            await db.SaveChangesAsync(ct);
            return changed;
        }, ct);

    static bool Matches(QueueRow row, string needle) =>
        row.To.Contains(needle, StringComparison.OrdinalIgnoreCase) || row.From.Contains(needle, StringComparison.OrdinalIgnoreCase)
        || row.Message.Contains(needle, StringComparison.OrdinalIgnoreCase) || row.LastReply.Contains(needle, StringComparison.OrdinalIgnoreCase);
}
