using System.Globalization;
using System.Security.Claims;
using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Sasl;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;

namespace MailAdmin.Web.Services;

/// <summary>Outcome of a log-in to the panel; the message is for the person.</summary>
public sealed record SignInOutcome(bool Ok, string Message);

/// <summary>Log-in to the panel: the same accounts, the same <see cref="Authenticator"/> as for mail; a cookie remembers it.</summary>
/// <remarks>The cookie holds the security stamp. It is compared on every request and, in a circuit, whenever accounts change, from the
/// directory's memory: a password change, a lost right or a suspension ends the session at once.</remarks>
public sealed class PanelSignIn(Authenticator authenticator, AccountDirectory directory)
{
    /// <summary>The authentication scheme.</summary>
    public const string Scheme = "mailadmin";

    const string StampClaim = "stamp";

    /// <summary>Checks name and password and sets the cookie.</summary>
    public async Task<SignInOutcome> SignInAsync(HttpContext http, string user, string password, bool remember, CancellationToken ct = default)
    {
        AuthOutcome outcome = await authenticator.AuthenticateAsync(user.Trim(), password, MailServices.Panel, http.Connection.RemoteIpAddress, ct);
        if (outcome.Account is not { } account)
        {
            return new SignInOutcome(false, outcome.Failure switch
            {
                AuthFailure.Throttled => Texts.Of("SignIn.Throttled"),
                AuthFailure.ServiceOff or AuthFailure.Suspended => Texts.Of("SignIn.Off"),
                AuthFailure.Unavailable => Texts.Of("SignIn.Unavailable"),
                _ => Texts.Of("SignIn.Wrong"),
            });
        }
        if (await PrincipalOfAsync(account.AccountId, ct) is not { } principal)
            return new SignInOutcome(false, Texts.Of("SignIn.Wrong"));
        await http.SignInAsync(Scheme, principal, new AuthenticationProperties { IsPersistent = remember });
        return new SignInOutcome(true, "");
    }

    public Task SignOutAsync(HttpContext http) => http.SignOutAsync(Scheme);

    /// <summary>Gives the session that changed its own password a new cookie; the account's other sessions end.</summary>
    public async Task RefreshAsync(HttpContext http)
    {
        if (IdOf(http.User) is { } id && await PrincipalOfAsync(id, http.RequestAborted) is { } principal)
        {
            AuthenticateResult now = await http.AuthenticateAsync(Scheme);
            await http.SignInAsync(Scheme, principal, new AuthenticationProperties { IsPersistent = now.Properties?.IsPersistent ?? false });
        }
    }

    /// <returns>Null: the account is gone or may not use the panel.</returns>
    public async Task<ClaimsPrincipal?> PrincipalOfAsync(long accountId, CancellationToken ct = default)
    {
        if (await directory.FindAccountAsync(accountId, ct) is not { } account
            || !await authenticator.MayContinueAsync(account, MailServices.Panel, ct))
            return null;
        Claim[] claims =
        [
            new(ClaimTypes.NameIdentifier, accountId.ToString(CultureInfo.InvariantCulture)),
            new(ClaimTypes.Name, account.Login),
            new(StampClaim, account.SecurityStamp),
        ];
        return new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme));
    }

    /// <summary>True while the session behind this principal may go on. Costs a look into memory.</summary>
    /// <exception cref="DirectoryUnavailableException">The accounts database does not answer.</exception>
    public async Task<bool> IsStillValidAsync(ClaimsPrincipal user, CancellationToken ct = default) =>
        IdOf(user) is { } id
        && await directory.FindAccountAsync(id, ct) is { } account
        && account.SecurityStamp == user.FindFirstValue(StampClaim)
        && await authenticator.MayContinueAsync(account, MailServices.Panel, ct);

    internal static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        var signIn = context.HttpContext.RequestServices.GetRequiredService<PanelSignIn>();
        bool valid = false;
        try
        {
            valid = context.Principal is { } user && await signIn.IsStillValidAsync(user, context.HttpContext.RequestAborted);
        }
        catch (DirectoryUnavailableException)
        {
            // Nobody is known while the directory is silent, but the cookie stays good for when it speaks again.
            context.RejectPrincipal();
            return;
        }
        if (!valid)
        {
            context.RejectPrincipal();
            await context.HttpContext.SignOutAsync(Scheme);
        }
    }

    static long? IdOf(ClaimsPrincipal user) =>
        long.TryParse(user.FindFirstValue(ClaimTypes.NameIdentifier), NumberStyles.None, CultureInfo.InvariantCulture, out long id) ? id : null;
}
