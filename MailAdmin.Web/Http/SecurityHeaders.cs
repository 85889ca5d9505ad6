namespace MailAdmin.Web.Http;

/// <summary>Headers on every answer: what a browser may load and do on our pages.</summary>
internal static class SecurityHeaders
{
    /// <summary>Everything comes from this server, no script stands in a page. Inline style attributes stay allowed:
    /// the grid sets column widths with them, and they cannot run code.</summary>
    const string ContentPolicy =
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'";

    const string NoDevices = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()";

    /// <summary>A year. Only over TLS: a browser must not learn it from a plain trial run on localhost. RFC 6797 §7.2</summary>
    const string Transport = "max-age=31536000";

    public static void UseSecurityHeaders(this IApplicationBuilder app) => app.Use(static (http, next) =>
    {
        IHeaderDictionary headers = http.Response.Headers;
        headers.ContentSecurityPolicy = ContentPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        // The set-up link carries its token in the query; no other site may see it.
        headers["Referrer-Policy"] = "same-origin";
        headers["Permissions-Policy"] = NoDevices;
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        if (http.Request.IsHttps)
            headers.StrictTransportSecurity = Transport;
        return next(http);
    });
}
