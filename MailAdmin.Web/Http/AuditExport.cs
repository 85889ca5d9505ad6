using System.Globalization;
using MailAdmin.Web.Services;
using Microsoft.AspNetCore.Authorization;

namespace MailAdmin.Web.Http;

/// <summary>GET /audit/export: the audit as a file, for whoever may read it; chosen like the page's list.</summary>
static class AuditExport
{
    public static void MapAuditExport(this WebApplication app) =>
        app.MapGet("/audit/export", (Delegate)ExportAsync).RequireAuthorization(new AuthorizeAttribute(Policies.Audit));

    static async Task<IResult> ExportAsync(
        HttpContext http, AuditService audit, string? format, string? from, string? to, string? zone, string? action, string? search, CancellationToken ct)
    {
        if (format is not ("csv" or "json") || !TryDay(from, out DateOnly? first) || !TryDay(to, out DateOnly? last))
            return Results.BadRequest();
        AuditFormat kind = format == "csv" ? AuditFormat.Csv : AuditFormat.Json;
        var query = new AuditQuery(new PageRequest(Filter: search ?? ""), first, last, action ?? "");
        Actor actor = Actor.Of(http.User).In(LocalDays.ZoneOf(zone) ?? TimeZoneInfo.Utc);
        ServiceResult<long> done = await audit.ExportAsync(actor, query, kind, () =>
        {
            http.Response.ContentType = kind == AuditFormat.Csv ? "text/csv; charset=utf-8; header=present" : "application/json; charset=utf-8";
            http.Response.Headers.ContentDisposition = $"attachment; filename=\"audit.{format}\"";
            return http.Response.Body;
        }, ct);
        return done.Ok ? Results.Empty : Results.StatusCode(StatusCodes.Status403Forbidden);
    }

    static bool TryDay(string? text, out DateOnly? day)
    {
        bool given = !string.IsNullOrEmpty(text);
        bool read = DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly value);
        day = given && read ? value : null;
        return !given || read;
    }
}
