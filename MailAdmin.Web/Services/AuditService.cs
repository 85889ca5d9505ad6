using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>One line of the audit; newest first.</summary>
public sealed record AuditRow(long Id, DateTimeOffset Time, string Actor, string Action, string Object, string Before, string After, string Client);

/// <summary>Reads the audit: superusers all of it, masters what concerns their domains.</summary>
public sealed class AuditService(Changes changes)
{
    public Task<ServiceResult<PageOf<AuditRow>>> ListAsync(Actor actor, PageRequest page, CancellationToken ct = default) =>
        changes.ReadAsync<PageOf<AuditRow>>(actor, async (db, rights) =>
        {
            if (!rights.MayAnywhere(Permissions.Audit))
                return ServiceResult.Forbidden();
            IQueryable<AuditEntry> entries = db.Audit.Within(rights.Where(Permissions.Audit));
            if (page.Needle is { Length: > 0 } needle)
                entries = entries.Where(e => e.Object.Contains(needle) || e.Actor.Contains(needle) || e.Action.Contains(needle));
            int total = await entries.CountAsync(ct);
            List<AuditRow> rows = await entries.OrderByDescending(e => e.Id).Skip(page.SafeSkip).Take(page.SafeTake)
                .Select(e => new AuditRow(e.Id, e.Time, e.Actor, e.Action, e.Object, e.Before, e.After, e.Client)).ToListAsync(ct);
            return new PageOf<AuditRow>(rows, total);
        }, ct);
}
