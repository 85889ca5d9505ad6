using MailEngine.Accounts;

namespace MailAdmin.Web.Http;

/// <summary>The list of passwords that everybody tries first, for the page that shows how strong one is while it is typed. It is no secret, and
/// asking for it tells nothing about the password.</summary>
static class CommonPasswords
{
    static readonly string s_list = string.Join('\n', PasswordPolicy.TriedFirst.Order(StringComparer.Ordinal));

    public static void MapCommonPasswords(this WebApplication app) => app.MapGet("/passwords/common", static (HttpContext http) =>
    {
        http.Response.Headers.CacheControl = "public, max-age=86400";
        return Results.Text(s_list);
    });
}
