using System.Security.Claims;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using Microsoft.AspNetCore.Components.Authorization;

namespace MailAdmin.Web.Circuits;

/// <summary>Whoever sits in front of this circuit or page. Scoped: one a circuit, one a request.</summary>
/// <remarks>Rights here only decide what is shown. Each service reads them again from the database when it is called.</remarks>
internal sealed class PanelUser(AuthenticationStateProvider authentication, Access access)
{
    /// <summary>Client address for the audit trail, taken from the request that opened the page.</summary>
    public string ClientAddress { get; set; } = "";

    public async Task<Actor> ActorAsync() => Actor.Of(await PrincipalAsync(), ClientAddress);

    public async Task<Rights> RightsAsync(CancellationToken ct) => await access.RightsAsync(await ActorAsync(), ct);

    /// <param name="domainId">Null: on whatever domain.</param>
    public async Task<bool> MayAsync(Permissions what, long? domainId, CancellationToken ct)
    {
        Rights rights = await RightsAsync(ct);
        return domainId is null ? rights.MayAnywhere(what) : rights.May(what, domainId);
    }

    public async Task<ClaimsPrincipal> PrincipalAsync() => (await authentication.GetAuthenticationStateAsync()).User;
}
