using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Something that happened to an account.</summary>
/// <param name="Actor">Who did it; empty: the owner himself.</param>
/// <param name="Client">From which network; empty: the machine of the server.</param>
/// <param name="Reason">In the words of who did it; empty: he gave none.</param>
public sealed record OwnEvent(DateTimeOffset Time, string Action, string Actor, string Client, string Before, string After, string Reason);

/// <summary>When and from where an account was last used.</summary>
public sealed record OwnLogin(MailServices Service, DateTimeOffset At, string Network);

/// <summary>"What happened in my account": log-ins, attempts that failed, changes that others made.</summary>
public sealed class OwnHistoryService(Changes changes)
{
    public Task<ServiceResult<IReadOnlyList<OwnLogin>>> LoginsAsync(Actor actor, CancellationToken ct = default) =>
        changes.ReadAsync<IReadOnlyList<OwnLogin>>(actor, async (db, rights) =>
        {
            if (rights.AccountId is not { } id)
                return ServiceResult.Forbidden();
            return ServiceResult<IReadOnlyList<OwnLogin>>.Of(await db.LastLogins.Where(l => l.AccountId == id).OrderByDescending(l => l.At)
                .Select(l => new OwnLogin(l.Service, l.At, l.Network)).ToListAsync(ct));
        }, ct);

    /// <summary>The newest first.</summary>
    public Task<ServiceResult<PageOf<OwnEvent>>> ListAsync(Actor actor, PageRequest page, CancellationToken ct = default) =>
        changes.ReadAsync<PageOf<OwnEvent>>(actor, async (db, rights) =>
        {
            if (rights.AccountId is not { } id || await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is not { } account)
                return ServiceResult.Forbidden();
            // By its number; what was written before entries had one, by all that the account is called now.
            var addresses = await (
                from t in db.Targets
                where t.AccountId == id
                join a in db.Addresses on t.AddressId equals a.Id
                join d in db.Domains on a.DomainId equals d.Id
                where t.AddressId == account.PrimaryAddressId || a.MadeById == id
                select new { a.LocalPart, d.Name }).ToListAsync(ct);
            string[] names = [.. addresses.Select(a => AddressParts.Join(a.LocalPart, a.Name)?.Canonical ?? "").Append(account.UserName ?? "").Where(n => n.Length > 0).Distinct()];
            DateTimeOffset since = account.CreatedAt;   // what happened to one of the same name before is none of his business
            IQueryable<AuditEntry> entries = db.Audit.Where(e => (e.AccountId == id || e.ActorId == id || (e.AccountId == null && names.Contains(e.Object))) && e.Time >= since);
            int total = await entries.CountAsync(ct);
            var rows = await entries.OrderByDescending(e => e.Id).Skip(page.SafeSkip).Take(page.SafeTake)
                .Select(e => new { e.Time, e.Action, e.ActorId, e.Actor, e.Client, e.Before, e.After, e.Reason }).ToListAsync(ct);
            return new PageOf<OwnEvent>([.. rows.Select(e => new OwnEvent(e.Time, e.Action, e.ActorId == id ? "" : e.Actor, e.Client, e.Before, e.After, e.Reason))], total);
        }, ct);
}
