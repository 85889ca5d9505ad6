using MailEngine.Accounts;
using Microsoft.AspNetCore.Authorization;

namespace MailAdmin.Web.Services;

/// <summary>Names for [Authorize(Policy = …)]: what must be held somewhere for a page to be shown at all. What is done there, services decide.</summary>
public static class Policies
{
    /// <summary>Anybody who is logged in.</summary>
    public const string User = nameof(User);

    public const string See = nameof(Permissions.See);
    public const string Audit = nameof(Permissions.Audit);
    public const string Accounts = nameof(Permissions.Accounts);
    public const string Addresses = nameof(Permissions.Addresses);
    public const string Passwords = nameof(Permissions.Passwords);
    public const string Domains = nameof(Permissions.Domains);
    public const string Appoint = nameof(Permissions.Appoint);
    public const string SeeServer = nameof(Permissions.SeeServer);
    /// <summary>Sees who has which role: whoever may give one, and auditors of the server.</summary>
    public const string SeeRoles = nameof(SeeRoles);

    internal static void AddTo(AuthorizationBuilder builder)
    {
        builder.AddPolicy(User, p => p.RequireAuthenticatedUser());
        foreach (Permissions each in Enum.GetValues<Permissions>().Where(p => int.PopCount((int)p) == 1))
            builder.AddPolicy(each.ToString(), p => p.RequireAuthenticatedUser().AddRequirements(new MayRequirement([each])));
        builder.AddPolicy(SeeRoles, p => p.RequireAuthenticatedUser().AddRequirements(new MayRequirement([Permissions.Appoint, Permissions.SeeServer])));
    }
}

/// <summary>One of these permissions, on the server or on some domain.</summary>
sealed record MayRequirement(Permissions[] AnyOf) : IAuthorizationRequirement;

/// <summary>Asks the database, not the cookie: a role that was given or has ended counts from the next page on.</summary>
sealed class MayHandler(Access access) : AuthorizationHandler<MayRequirement>
{
    protected override async Task HandleRequirementAsync(AuthorizationHandlerContext context, MayRequirement requirement)
    {
        Rights rights = await access.RightsAsync(Actor.Of(context.User));
        if (requirement.AnyOf.Any(rights.MayAnywhere))
            context.Succeed(requirement);
    }
}
