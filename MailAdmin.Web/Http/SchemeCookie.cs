namespace MailAdmin.Web.Http;

/// <summary>A cookie with one name over HTTP and another over HTTPS.</summary>
/// <remarks>Cookies do not know ports, and a browser does not let a page over HTTP replace a Secure cookie (RFC 6265bis, "Leave Secure Cookies
/// Alone"). With one name a log-in over HTTPS would keep the next one over HTTP from working. The prefix makes the browser take the
/// secure one only from this very host, over HTTPS.</remarks>
sealed class SchemeCookie(string name, IHttpContextAccessor http) : CookieBuilder
{
    public override string? Name
    {
        get => http.HttpContext is { Request.IsHttps: true } ? "__Host-" + name : name;
        set => throw new NotSupportedException();
    }
}
