namespace MailAdmin.Web.Http;

/// <summary>Where to go after the log-in: only ever a page of ours.</summary>
internal static class LocalUrl
{
    /// <summary>The path when it stays on this server, else the start page.</summary>
    /// <remarks>Refused: a scheme, <c>//host</c>, <c>/\host</c> (browsers read a backslash as a slash), control characters
    /// (browsers drop tab and line ends before they read the address).</remarks>
    public static string OrStart(string? url)
    {
        if (string.IsNullOrEmpty(url) || url[0] != '/' || url.Any(c => char.IsControl(c) || c == '\\'))
            return "/";
        return url.Length > 1 && url[1] == '/' || IsSignInPage(url) ? "/" : url;
    }

    // Would send whoever has just signed in back to the form, or out again.
    static bool IsSignInPage(string url) =>
        url.StartsWith("/login", StringComparison.OrdinalIgnoreCase) || url.StartsWith("/logout", StringComparison.OrdinalIgnoreCase);
}
