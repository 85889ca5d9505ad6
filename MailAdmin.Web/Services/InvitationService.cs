using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>A link by which the user of a new account picks the first password. Shown once.</summary>
/// <param name="MailedTo">Empty: it was not mailed.</param>
public sealed record Invitation(string Link, DateTimeOffset EndsAt, string MailedTo);

/// <summary>Invites the users of accounts that have no password yet: nobody but them ever knows it.</summary>
public sealed class InvitationService(Changes changes, RecoveryService recovery, PanelAddress panel, EngineOptions options)
{
    /// <summary>Makes a link; one that was made before is void.</summary>
    /// <param name="mail">True: to the recovery address, too.</param>
    public async Task<ServiceResult<Invitation>> InviteAsync(Actor actor, long accountId, bool mail, CancellationToken ct = default)
    {
        string login = "", address = "";
        ServiceResult<string> issued = await changes.RunAsync<string>(actor, async (db, rights) =>
        {
            ServiceResult<Account> found = await rights.FindToChangeAsync(db, db.Accounts, Permissions.Passwords, accountId, changes.Now, ct);
            if (found.Value is not { } account)
                return new ServiceResult.Refused(found.Refusal, found.Errors);
            if (account.PasswordHash is not null)
                return ServiceResult.Invalid("", Texts.Of("Error.Invited"));
            if (mail && account.RecoveryAddress.Length == 0)
                return ServiceResult.Invalid("", Texts.Of("Error.InviteWhere"));
            (login, address) = (account.UserName ?? "", mail ? account.RecoveryAddress : "");
            string token = await OneTimeLinks.IssueAsync(db, account, LinkPurpose.Invitation, changes.Now, options.Links.InvitationTime, address, ct);
            changes.Audit(db, actor, "account.invite", account, null, new { until = changes.Now + options.Links.InvitationTime, mailedTo = address });
            await db.SaveChangesAsync(ct);
            return token;
        }, ct);
        if (!issued.Ok)
            return new ServiceResult.Refused(issued.Refusal, issued.Errors);
        bool mailed = mail && await recovery.SendAsync(address, LinkPurpose.Invitation, login, issued.Value!, options.Links.InvitationTime, ct);
        return new Invitation(await panel.OneTimeAsync(issued.Value!, ct), changes.Now + options.Links.InvitationTime, mailed ? address : "");
    }
}
