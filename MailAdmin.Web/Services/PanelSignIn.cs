using System.Globalization;
using System.Security.Claims;
using System.Security.Cryptography;
using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Sasl;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.DataProtection;

namespace MailAdmin.Web.Services;

/// <summary>Outcome of a log-in to the panel; the message is for the person.</summary>
/// <param name="NeedsCode">The password was right, the second factor is asked for next.</param>
public sealed record SignInOutcome(bool Ok, string Message, bool NeedsCode = false);

/// <summary>Log-in to the panel: the same accounts, the same <see cref="Authenticator"/> as for mail; a cookie remembers it.</summary>
/// <remarks>The cookie holds the key of a <see cref="PanelSession"/> and the security stamp. Both are compared on every request and, in a circuit,
/// whenever accounts change, in memory: an ended session, a password change, a suspension end it at once. Every sign-in makes a key of its own,
/// so one that somebody planted before is worth nothing after it.</remarks>
public sealed class PanelSignIn(
    Authenticator authenticator, AccountDirectory directory, PanelSessions sessions, SecondFactorService secondFactors, PasskeyService passkeys, Access access, IDataProtectionProvider protection)
{
    /// <summary>The authentication scheme.</summary>
    public const string Scheme = "mailadmin";

    const string StampClaim = "stamp";
    const string KeyClaim = "session";
    const string HalfwayCookie = "mailadmin.halfway";
    static readonly TimeSpan s_halfway = TimeSpan.FromMinutes(5);

    readonly ITimeLimitedDataProtector _halfway = protection.CreateProtector("sign-in-halfway").ToTimeLimitedDataProtector();

    /// <summary>Checks name and password and sets the cookie, or the one that leads to the second factor.</summary>
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
        if (!account.HasSecondFactor)
            return await OpenAsync(http, account.AccountId, remember, ct) ? new SignInOutcome(true, "") : new SignInOutcome(false, Texts.Of("SignIn.Wrong"));
        string ticket = _halfway.Protect(string.Create(CultureInfo.InvariantCulture, $"{account.AccountId} {(remember ? 1 : 0)} {account.SecurityStamp}"), s_halfway);
        http.Response.Cookies.Append(HalfwayCookie, ticket, HalfwayOptions(http));
        return new SignInOutcome(false, "", NeedsCode: true);
    }

    /// <summary>True when a password was right here a moment ago and the code is what is missing.</summary>
    public bool IsHalfway(HttpContext http) => ReadHalfway(http) is not null;

    /// <summary>The account whose password was right here a moment ago; null: nobody's was.</summary>
    public long? HalfwayAccount(HttpContext http) => ReadHalfway(http)?.AccountId;

    /// <summary>True when a passkey may take the place of the code.</summary>
    public async Task<bool> HasPasskeyAsync(HttpContext http, CancellationToken ct = default) => HalfwayAccount(http) is { } id && await passkeys.HasAnyAsync(id, ct);

    /// <summary>Checks a passkey and sets the cookie: it is two factors by itself, so no code is asked for.</summary>
    public async Task<SignInOutcome> SignInWithPasskeyAsync(HttpContext http, string ticket, string credential, CancellationToken ct = default)
    {
        try
        {
            if (await passkeys.CheckAsync(null, ticket, credential, http, ct) is not { } account)
                return new SignInOutcome(false, Texts.Of("SignIn.NoPasskey"));
            if (!await OpenAsync(http, account, remember: false, ct))
                return new SignInOutcome(false, Texts.Of("SignIn.Off"));
            authenticator.Note(account, MailServices.Panel, http.Connection.RemoteIpAddress);
            return new SignInOutcome(true, "");
        }
        catch (Exception e) when (e is DirectoryUnavailableException or System.Data.Common.DbException)
        {
            return new SignInOutcome(false, Texts.Of("SignIn.Unavailable"));
        }
    }

    /// <summary>Checks a passkey in the place of a code, and sets the cookie.</summary>
    public async Task<SignInOutcome> SecondStepWithPasskeyAsync(HttpContext http, string ticket, string credential, CancellationToken ct = default)
    {
        if (ReadHalfway(http) is not { } halfway
            || await directory.FindAccountAsync(halfway.AccountId, ct) is not { } account || account.SecurityStamp != halfway.Stamp)
            return new SignInOutcome(false, Texts.Of("SignIn.Late"));
        if (await passkeys.CheckAsync(halfway.AccountId, ticket, credential, http, ct) is null)
            return new SignInOutcome(false, Texts.Of("SignIn.NoPasskey"), NeedsCode: true);
        return await PassAsync(http, halfway.AccountId, halfway.Remember, ct);
    }

    async Task<SignInOutcome> PassAsync(HttpContext http, long accountId, bool remember, CancellationToken ct)
    {
        http.Response.Cookies.Delete(HalfwayCookie, HalfwayOptions(http));
        if (!await OpenAsync(http, accountId, remember, ct))
            return new SignInOutcome(false, Texts.Of("SignIn.Off"));
        authenticator.Note(accountId, MailServices.Panel, http.Connection.RemoteIpAddress);
        return new SignInOutcome(true, "");
    }

    /// <summary>Checks the code of the second factor, or a recovery code, and sets the cookie.</summary>
    public async Task<SignInOutcome> SecondStepAsync(HttpContext http, string code, CancellationToken ct = default)
    {
        if (ReadHalfway(http) is not { } halfway
            || await directory.FindAccountAsync(halfway.AccountId, ct) is not { } account || account.SecurityStamp != halfway.Stamp)
            return new SignInOutcome(false, Texts.Of("SignIn.Late"));
        if (!await secondFactors.VerifyAsync(halfway.AccountId, code, http.Connection.RemoteIpAddress, ct))
            return new SignInOutcome(false, Texts.Of("SignIn.WrongCode"), NeedsCode: true);
        return await PassAsync(http, halfway.AccountId, halfway.Remember, ct);
    }

    public async Task SignOutAsync(HttpContext http)
    {
        if (KeyOf(http.User) is { } key)
            await sessions.EndAsync(key, http.RequestAborted);
        await http.SignOutAsync(Scheme);
    }

    /// <summary>Gives the session that changed its own password a new cookie; the account's other sessions end.</summary>
    public async Task RefreshAsync(HttpContext http)
    {
        if (IdOf(http.User) is { } id && KeyOf(http.User) is { } key && await PrincipalOfAsync(id, key, http.RequestAborted) is { } principal)
        {
            AuthenticateResult now = await http.AuthenticateAsync(Scheme);
            await http.SignInAsync(Scheme, principal, new AuthenticationProperties { IsPersistent = now.Properties?.IsPersistent ?? false });
        }
    }

    /// <summary>Changes over to another session, whose key it is: into a user's place, and back.</summary>
    /// <returns>False: that session is over.</returns>
    public async Task<bool> ChangeOverAsync(HttpContext http, string key)
    {
        if (await sessions.FindAsync(key, http.RequestAborted) is not { } session || await PrincipalOfAsync(session.AccountId, key, http.RequestAborted) is not { } principal)
            return false;
        AuthenticateResult now = await http.AuthenticateAsync(Scheme);
        await http.SignInAsync(Scheme, principal, new AuthenticationProperties { IsPersistent = now.Properties?.IsPersistent ?? false });
        return true;
    }

    /// <summary>Opens a session.</summary>
    /// <returns>Who it is; null: the account is gone or may not use the panel.</returns>
    public async Task<ClaimsPrincipal?> OpenAsync(long accountId, string client, string agent, CancellationToken ct = default)
    {
        string key = await sessions.OpenAsync(accountId, client, agent, ct);
        return await PrincipalOfAsync(accountId, key, ct);
    }

    async Task<bool> OpenAsync(HttpContext http, long accountId, bool remember, CancellationToken ct)
    {
        if (KeyOf(http.User) is { } old)
            await sessions.EndAsync(old, ct);
        if (await OpenAsync(accountId, http.Connection.RemoteIpAddress?.ToString() ?? "", http.Request.Headers.UserAgent.ToString(), ct) is not { } principal)
            return false;
        await http.SignInAsync(Scheme, principal, new AuthenticationProperties { IsPersistent = remember });
        return true;
    }

    async Task<ClaimsPrincipal?> PrincipalOfAsync(long accountId, string key, CancellationToken ct)
    {
        if (await directory.FindAccountAsync(accountId, ct) is not { } account || !await authenticator.MayContinueAsync(account, MailServices.Panel, ct)
            || await sessions.FindAsync(key, ct) is not { } session)
            return null;
        var claims = new List<Claim>
        {
            new(ClaimTypes.NameIdentifier, accountId.ToString(CultureInfo.InvariantCulture)),
            new(ClaimTypes.Name, account.Login),
            new(StampClaim, account.SecurityStamp),
            new(KeyClaim, key),
        };
        if (session.OpenedBy is { } administrator)
        {
            claims.Add(new(Actor.InPlaceClaim, administrator.ToString(CultureInfo.InvariantCulture)));
            claims.Add(new(Actor.InPlaceNameClaim, session.OpenedByLogin));
            claims.Add(new(Actor.ReasonClaim, session.Reason));
        }
        return new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme));
    }

    /// <summary>True while the session behind this principal may go on. Costs a look into memory.</summary>
    /// <exception cref="DirectoryUnavailableException">The accounts database does not answer.</exception>
    public async Task<bool> IsStillValidAsync(ClaimsPrincipal user, CancellationToken ct = default)
    {
        if (IdOf(user) is not { } id || KeyOf(user) is not { } key || await sessions.FindAsync(key, ct) is not { } session || session.AccountId != id
            || await directory.FindAccountAsync(id, ct) is not { } account || account.SecurityStamp != user.FindFirstValue(StampClaim)
            || !await authenticator.MayContinueAsync(account, MailServices.Panel, ct))
            return false;
        // In somebody's place: as long as the administrator himself may be there.
        if (session.OpenedBy is { } administrator)
        {
            long? domain = account.Domain.IsEmpty ? null : (await directory.FindDomainAsync(account.Domain, ct))?.DomainId;
            if (!(await access.RightsAsync(Actor.Account(administrator, session.OpenedByLogin, ""), ct)).May(Permissions.LogInAs, domain))
                return false;
        }
        await sessions.SeenAsync(key, session, ct);
        return true;
    }

    /// <summary>The session of a principal; null: over, or nobody.</summary>
    public async Task<PanelSessionEntry?> SessionOfAsync(ClaimsPrincipal user, CancellationToken ct = default) =>
        KeyOf(user) is { } key ? await sessions.FindAsync(key, ct) : null;

    internal static string? KeyOf(ClaimsPrincipal user) => user.FindFirstValue(KeyClaim);

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
        // The cookie stays: an answer that takes it away may come after the one that brings the next session's, which would go with it.
        if (!valid)
            context.RejectPrincipal();
    }

    (long AccountId, bool Remember, string Stamp)? ReadHalfway(HttpContext http)
    {
        try
        {
            return http.Request.Cookies[HalfwayCookie] is { Length: > 0 and < 1000 } ticket && _halfway.Unprotect(ticket).Split(' ') is [var id, var remember, var stamp]
                ? (long.Parse(id, CultureInfo.InvariantCulture), remember == "1", stamp) : null;
        }
        catch (CryptographicException)   // too old, or none of ours
        {
            return null;
        }
    }

    static CookieOptions HalfwayOptions(HttpContext http) =>
        new() { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = http.Request.IsHttps, Path = "/login", IsEssential = true, MaxAge = s_halfway };

    static long? IdOf(ClaimsPrincipal user) =>
        long.TryParse(user.FindFirstValue(ClaimTypes.NameIdentifier), NumberStyles.None, CultureInfo.InvariantCulture, out long id) ? id : null;
}
