using System.Globalization;
using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Net;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>A session that is open, of the panel or of a mail program.</summary>
/// <param name="Id">For <see cref="SessionService.EndAsync"/>.</param>
/// <param name="Protocol">Null: the panel.</param>
/// <param name="OpenedBy">Log-in name of the administrator who is there in the account's place; empty: nobody is.</param>
public sealed record SessionRow(
    string Id, MailProtocol? Protocol, string Client, string Agent, DateTimeOffset Since, DateTimeOffset? LastSeenAt, string OpenedBy, string Reason);

/// <summary>Open sessions: everybody sees and ends his own; who may set passwords of an account may end those of others.</summary>
/// <param name="registry">Sessions of mail programs; null: this process has none.</param>
public sealed class SessionService(Changes changes, PanelSessions sessions, SessionRegistry? registry)
{
    /// <param name="accountId">Null: the actor's own.</param>
    public Task<ServiceResult<IReadOnlyList<SessionRow>>> ListAsync(Actor actor, long? accountId, CancellationToken ct = default) =>
        changes.ReadAsync<IReadOnlyList<SessionRow>>(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, accountId, ct) is not { } account)
                return ServiceResult.NotFound("account");
            DateTimeOffset now = changes.Now, oldest = now - PanelSessions.Idle;
            var panel = await (
                from s in db.PanelSessions
                where s.AccountId == account.Id && s.LastSeenAt > oldest && (s.EndsAt == null || s.EndsAt > now)
                join f in db.PanelSessions on s.OpenedFromId equals (long?)f.Id into opened
                from f in opened.DefaultIfEmpty()
                orderby s.Id descending
                select new { s.Id, s.Client, s.Agent, s.CreatedAt, s.LastSeenAt, s.Reason, By = f == null ? "" : db.Accounts.Where(a => a.Id == f.AccountId).Select(a => a.UserName!).FirstOrDefault() })
                .Take(200).ToListAsync(ct);
            IEnumerable<SessionRow> rows = panel.Select(s => new SessionRow(
                s.Id.ToString(CultureInfo.InvariantCulture), null, s.Client, s.Agent, s.CreatedAt, s.LastSeenAt, s.By ?? "", s.Reason));
            if (registry is not null)
                rows = rows.Concat(registry.List().Where(s => s.AccountId == account.Id).Select(s => new SessionRow(s.Id, s.Protocol, s.Client, "", s.Since, null, "", "")));
            return ServiceResult<IReadOnlyList<SessionRow>>.Of([.. rows]);
        }, ct);

    /// <summary>Ends one. A mail program may log in again at once; whoever must not, needs another password.</summary>
    /// <param name="accountId">Null: the actor's own.</param>
    public async Task<ServiceResult> EndAsync(Actor actor, long? accountId, string id, CancellationToken ct = default)
    {
        string? mail = null;
        ServiceResult result = await changes.RunAsync(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, accountId, ct) is not { } account)
                return ServiceResult.NotFound("account");
            if (account.Id != rights.AccountId && !await rights.MayTouchAsync(db, account.Id, changes.Now, ct))
                return ServiceResult.Forbidden();
            bool isPanel = long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out long row)
                && await db.PanelSessions.Where(s => s.Id == row && s.AccountId == account.Id).ExecuteDeleteAsync(ct) > 0;
            if (!isPanel && registry?.List().Any(s => s.Id == id && s.AccountId == account.Id) != true)
                return ServiceResult.NotFound("session");
            mail = isPanel ? null : id;
            changes.Audit(db, actor, "session.end", account, null, new { session = isPanel ? "panel" : "mail" });
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);
        if (result.Ok)
            sessions.Forget();
        if (result.Ok && mail is not null)
            registry!.End(mail);
        return result;
    }

    static async Task<Account?> FindAsync(AccountsContext db, Rights rights, long? accountId, CancellationToken ct) =>
        (accountId ?? rights.AccountId) is { } id && await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is { } account
            && (rights.AccountId == id || rights.May(Permissions.Passwords, account.DomainId)) ? account : null;
}
