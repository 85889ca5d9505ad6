using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Lets an administrator into the panel in a user's place: with the permission, with a reason, for half an hour, and so that the user
/// sees it. What takes the user's password (passwords, second factor) stays out of his reach.</summary>
public sealed class LogInAsService(Changes changes)
{
    public const int ShortestReason = 5;

    /// <summary>Opens the session.</summary>
    /// <param name="fromKey">Key of the administrator's own session.</param>
    /// <returns>Key of the new one.</returns>
    public Task<ServiceResult<string>> StartAsync(Actor actor, long accountId, string reason, string fromKey, string agent, CancellationToken ct = default) =>
        changes.RunAsync<string>(actor, async (db, rights) =>
        {
            if (await db.Accounts.FirstOrDefaultAsync(a => a.Id == accountId, ct) is not { } account)
                return ServiceResult.NotFound("account");
            if (rights.Refuse(Permissions.LogInAs, account.DomainId, "account") is { } refused)
                return refused;
            string hash = PanelSessions.HashOf(fromKey);
            if (actor.InPlaceOf || rights.AccountId is not { } me || me == accountId || !await rights.MayTouchAsync(db, accountId, changes.Now, ct)
                || await db.PanelSessions.FirstOrDefaultAsync(s => s.KeyHash == hash && s.AccountId == me, ct) is not { } from)
                return ServiceResult.Forbidden();
            Actor because = actor.Because(reason);
            if (because.Reason.Length < ShortestReason)
                return ServiceResult.Invalid("Reason", Texts.Of("Error.Reason", ShortestReason));
            if (account.State == AccountState.Suspended || !account.Services.HasFlag(MailServices.Panel))
                return ServiceResult.Invalid("", Texts.Of("Error.NoPanel"));
            string key = PanelSessions.NewKey();
            DateTimeOffset end = changes.Now + PanelSessions.InPlace;
            db.PanelSessions.Add(PanelSessions.Row(accountId, key, changes.Now, actor.Client, agent, end, from.Id, because.Reason));
            changes.Audit(db, because, "session.as", account, null, new { until = end });
            await db.SaveChangesAsync(ct);
            return key;
        }, ct);
}
