using System.Net;
using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Sasl;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Asks for the password again before something that whoever finds an open session must not be able to do.</summary>
public sealed class OwnPasswordCheck(Changes changes, Authenticator authenticator)
{
    /// <summary>Checked like a log-in, throttle included: an open session of somebody else is no way to guess it.</summary>
    /// <remarks>Who must set up his second factor first is asked too: what he may do with the answer, the service decides.</remarks>
    /// <param name="problems">Gets what is wrong.</param>
    internal async Task<ServiceResult<Account>> CheckAsync(Actor actor, string password, string field, Problems problems, CancellationToken ct)
    {
        ServiceResult<Account> own = await changes.ReadAsync<Account>(actor, async (db, rights) =>
            rights.SetsUp is { } id && await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is { } account ? account : ServiceResult.Forbidden(), ct);
        if (!own.Ok)
            return own;
        IPAddress? client = IPAddress.TryParse(actor.Client, out IPAddress? address) ? address : null;
        AuthOutcome current = await authenticator.AuthenticateAsync(own.Value!.UserName ?? "", password, MailServices.Panel, client, ct);
        problems.Require(current.Failure == AuthFailure.None, field, Texts.Of(current.Failure == AuthFailure.Invalid ? "Error.NotYourPassword" : "Error.CannotCheck"));
        return own;
    }
}
