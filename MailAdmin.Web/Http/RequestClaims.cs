using System.Security.Claims;
using MailAdmin.Web.Services;
using Microsoft.AspNetCore.Authentication;

namespace MailAdmin.Web.Http;

/// <summary>Adds to whoever asks from where he does it.</summary>
/// <remarks>A circuit keeps the principal of the request that opened it and hears of no other: what the audit is to say of that request has to be in
/// there. It is added anew to each request; the cookie does not hold it.</remarks>
sealed class RequestClaims(IHttpContextAccessor http) : IClaimsTransformation
{
    public Task<ClaimsPrincipal> TransformAsync(ClaimsPrincipal principal)
    {
        if (http.HttpContext is not { } context || principal.Identity?.IsAuthenticated != true || principal.HasClaim(c => c.Type == Actor.ClientClaim))
            return Task.FromResult(principal);
        var request = new ClaimsIdentity([new(Actor.ClientClaim, context.Connection.RemoteIpAddress?.ToString() ?? "")]);
        return Task.FromResult(new ClaimsPrincipal([.. principal.Identities, request]));
    }
}
