using MailAdmin.Web.Services;
using MailEngine.Accounts;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components.Endpoints;

namespace MailAdmin.Web.Http;

/// <summary>Leads whoever must set up his second factor to the page that does it, from every page that wants a sign-in.</summary>
/// <remarks>Only so that he need not look for it: services give him no rights before (<see cref="Rights.MustSetUp"/>).</remarks>
static class SecondFactorGate
{
    public const string SetUpPath = "/security";

    public static void UseSecondFactorGate(this IApplicationBuilder app) => app.Use(static async (http, next) =>
    {
        if (http.User.Identity?.IsAuthenticated == true && http.GetEndpoint()?.Metadata is { } page
            && page.GetMetadata<ComponentTypeMetadata>() is not null && page.GetMetadata<IAuthorizeData>() is not null && http.Request.Path != SetUpPath)
        {
            Rights rights = await http.RequestServices.GetRequiredService<Access>().RightsAsync(Actor.Of(http.User, ""), http.RequestAborted);
            if (rights.MustSetUp is not null)
            {
                http.Response.Redirect(SetUpPath);
                return;
            }
        }
        await next(http);
    });
}
