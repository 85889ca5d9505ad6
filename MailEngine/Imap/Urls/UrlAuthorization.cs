using System.Globalization;

namespace MailEngine.Imap.Urls;

/// <summary>The end of a URL that says who may use it and until when. RFC 4467 §3</summary>
/// <param name="Expires">After this moment it is worth nothing; null: never.</param>
/// <param name="Access">"anonymous", "authuser", "submit+NAME" or "user+NAME", decoded, as written.</param>
/// <param name="Mechanism">Empty: a rump that was not authorized yet.</param>
/// <param name="Token">Hex digits of the verifier; empty with <paramref name="Mechanism"/>.</param>
/// <param name="VerifierLength">Characters of the mechanism and the token with their colons; the token is a MAC of all before them.</param>
internal sealed record UrlAuthorization(DateTimeOffset? Expires, string Access, string Mechanism, string Token, int VerifierLength)
{
    /// <summary>Takes it off the end of a URL. False: there is one, and it is broken.</summary>
    // iurlauth = iurlauth-rump iua-verifier; iurlauth-rump = [";EXPIRE=" date-time] ";URLAUTH=" access
    // iua-verifier = ":" uauth-mechanism ":" enc-urlauth (RFC 5092 §11)
    public static bool TryCut(ref ReadOnlySpan<char> url, out UrlAuthorization? authorization)
    {
        authorization = null;
        ReadOnlySpan<char> whole = url;
        int start = whole.LastIndexOf(";URLAUTH=", StringComparison.OrdinalIgnoreCase);
        int expire = (start < 0 ? whole : whole[..start]).LastIndexOf(";EXPIRE=", StringComparison.OrdinalIgnoreCase);
        if (start < 0)
            return expire < 0;   // EXPIRE means nothing alone
        ReadOnlySpan<char> end = whole[(start + 9)..];
        int mechanism = end.IndexOf(':');
        string? access = ImapUrl.Decode(mechanism < 0 ? end : end[..mechanism]);
        (string name, string token) = ("", "");
        if (mechanism >= 0)
        {
            ReadOnlySpan<char> verifier = end[(mechanism + 1)..];
            int colon = verifier.IndexOf(':');
            if (colon <= 0)
                return false;
            (name, token) = (verifier[..colon].ToString(), verifier[(colon + 1)..].ToString());
            if (token.Length < 32 || !token.All(char.IsAsciiHexDigit))   // enc-urlauth = 32*HEXDIG
                return false;
        }
        DateTimeOffset? expires = null;
        if (expire >= 0)
        {
            // date-time of RFC 3339 §5.6
            if (!DateTimeOffset.TryParseExact(whole[(expire + 8)..start], ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"],
                CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset moment))
                return false;
            expires = moment;
        }
        if (access is null || !IsAccess(access))
            return false;
        authorization = new UrlAuthorization(expires, access, name, token, mechanism < 0 ? 0 : end.Length - mechanism);
        url = whole[..(expire >= 0 ? expire : start)];
        return true;
    }

    static bool IsAccess(string access)
    {
        if (access.Equals("anonymous", StringComparison.OrdinalIgnoreCase) || access.Equals("authuser", StringComparison.OrdinalIgnoreCase))
            return true;
        int plus = access.IndexOf('+');
        return plus > 0 && plus < access.Length - 1
            && (access.AsSpan(0, plus).Equals("submit", StringComparison.OrdinalIgnoreCase) || access.AsSpan(0, plus).Equals("user", StringComparison.OrdinalIgnoreCase));
    }
}
