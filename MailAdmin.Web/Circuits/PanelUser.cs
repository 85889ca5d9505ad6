using System.Security.Claims;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using Microsoft.AspNetCore.Components.Authorization;

namespace MailAdmin.Web.Circuits;

/// <summary>Whoever sits in front of this circuit or page. Scoped: one a circuit, one a request.</summary>
/// <remarks>Rights here only decide what is shown. Each service reads them again from the database when it is called.</remarks>
internal sealed class PanelUser(AuthenticationStateProvider authentication, Access access, PreferencesService preferences)
{
    /// <summary>The time zone that his browser is in; null: it has not said so yet.</summary>
    public TimeZoneInfo? BrowserZone { get; set; }

    /// <summary>The time zone that he has chosen, else that of his browser; null: not known yet.</summary>
    public TimeZoneInfo? Zone { get; private set; }

    public async Task<Actor> ActorAsync()
    {
        Actor actor = Actor.Of(await PrincipalAsync());
        Zone = LocalDays.ZoneOf((await preferences.GetAsync(actor)).TimeZone) ?? BrowserZone;
        return actor.In(Zone ?? TimeZoneInfo.Utc);
    }

    public async Task<Rights> RightsAsync(CancellationToken ct) => await access.RightsAsync(await ActorAsync(), ct);

    /// <summary>Has he mail of his own?</summary>
    public async Task<bool> HasMailboxAsync(CancellationToken ct) => await access.HasMailboxAsync(await ActorAsync(), ct);

    /// <param name="domainId">Null: on whatever domain.</param>
    public async Task<bool> MayAsync(Permissions what, long? domainId, CancellationToken ct)
    {
        Rights rights = await RightsAsync(ct);
        return domainId is null ? rights.MayAnywhere(what) : rights.May(what, domainId);
    }

    /// <summary>An account's page that its own user opens is the page of his own: its ways back lead to where he may go.</summary>
    /// <returns>Null: his own.</returns>
    public async Task<long?> OtherAsync(long? accountId) => accountId == (await ActorAsync()).AccountId ? null : accountId;

    public async Task<ClaimsPrincipal> PrincipalAsync() => (await authentication.GetAuthenticationStateAsync()).User;
}
