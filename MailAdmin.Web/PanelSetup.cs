using System.Globalization;
using MailAdmin.Web.Circuits;
using MailAdmin.Web.Components;
using MailAdmin.Web.Http;
using MailAdmin.Web.Services;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Localization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Radzen;

namespace MailAdmin.Web;

/// <summary>The panel: pages, log-in cookie, headers, health addresses. What it works on (accounts, store) is registered by the host.</summary>
public static class PanelSetup
{
    const string ReadyTag = "ready";

    /// <param name="services">Gets everything the pages need beside the engine.</param>
    /// <param name="dataPath">The data folder; the keys that protect cookies and tokens are kept in it, so that a log-in
    /// survives a restart.</param>
    public static void AddPanel(this IServiceCollection services, string dataPath)
    {
        services.AddRazorComponents().AddInteractiveServerComponents();
        services.AddRadzenComponents();
        services.AddLocalization();
        services.AddAdminServices();
        services.AddPanelSignIn();
        services.AddCascadingAuthenticationState();
        services.AddScoped<AuthenticationStateProvider, CircuitAuthentication>();
        services.AddScoped<PanelUser>();
        services.AddScoped<IClaimsTransformation, RequestClaims>();
        services.AddScoped<Notices>();
        services.AddAntiforgery();
        services.AddOptions<AntiforgeryOptions>().Configure<IHttpContextAccessor>((o, http) => o.Cookie = new SchemeCookie("mailadmin.form", http)
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
            SecurePolicy = CookieSecurePolicy.SameAsRequest,
            IsEssential = true,
        });
        services.AddDataProtection().SetApplicationName("MailAdmin").PersistKeysToFileSystem(KeyFolder(dataPath));
        services.AddHealthChecks().AddCheck<AccountsHealth>("accounts", tags: [ReadyTag]);
    }

    public static void MapPanel(this WebApplication app)
    {
        app.UseSecurityHeaders();
        app.UseExceptionHandler("/error", createScopeForErrors: true);
        app.UseStatusCodePagesWithReExecute("/not-found", createScopeForStatusCodePages: true);
        app.UseAuthentication();
        app.UseRequestLocalization(LanguageOptions());
        app.UseSecondFactorGate();
        app.UseAuthorization();
        app.UseAntiforgery();
        app.MapStaticAssets();
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = static _ => false });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = static check => check.Tags.Contains(ReadyTag) });
        app.MapPost("/logout", SignOutAsync);
        app.MapPost("/leave", LeaveAsync).RequireAuthorization();
        app.MapAuditExport();
        app.MapContactExport();
        app.MapPasskeys();
        app.MapCommonPasswords();
        app.MapClientSetup();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(o => o.ContentSecurityFrameAncestorsPolicy = null);
    }

    static async Task<IResult> SignOutAsync(HttpContext http, IAntiforgery antiforgery, PanelSignIn signIn)
    {
        if (!await antiforgery.IsRequestValidAsync(http))
            return Results.BadRequest();
        await signIn.SignOutAsync(http);
        return Results.LocalRedirect("/login");
    }

    // Out of a user's place: that session ends, and the administrator's own gets a new key, since the cookie forgot the old one.
    static async Task<IResult> LeaveAsync(HttpContext http, IAntiforgery antiforgery, PanelSignIn signIn, PanelSessions sessions)
    {
        if (!await antiforgery.IsRequestValidAsync(http))
            return Results.BadRequest();
        return await sessions.LeaveAsync(PanelSignIn.KeyOf(http.User) ?? "", http.RequestAborted) is { } back && await signIn.ChangeOverAsync(http, back)
            ? Results.LocalRedirect("/accounts")
            : await SignOutAsync(http, antiforgery, signIn);
    }

    // Whoever reads the keys can make a cookie for any account.
    static DirectoryInfo KeyFolder(string dataPath)
    {
        string path = Path.Combine(dataPath, "keys");
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        return OperatingSystem.IsWindows() ? Directory.CreateDirectory(path) : Directory.CreateDirectory(path, OwnerOnly);
    }

    // What somebody has chosen, else what his browser asks for.
    static RequestLocalizationOptions LanguageOptions()
    {
        CultureInfo[] cultures = [.. Languages.All];
        var options = new RequestLocalizationOptions
        {
            DefaultRequestCulture = new RequestCulture("en"),
            SupportedCultures = cultures,
            SupportedUICultures = cultures,
        };
        options.RequestCultureProviders = [new CustomRequestCultureProvider(ChosenAsync), new AcceptLanguageHeaderRequestCultureProvider()];
        return options;
    }

    static async Task<ProviderCultureResult?> ChosenAsync(HttpContext http)
    {
        PreferencesForm form = await http.RequestServices.GetRequiredService<PreferencesService>().GetAsync(Actor.Of(http.User), http.RequestAborted);
        return form.Language.Length > 0 ? new ProviderCultureResult(form.Language) : null;
    }
}
