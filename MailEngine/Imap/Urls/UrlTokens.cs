using System.Security.Cryptography;
using System.Text;
using MailEngine.Accounts;
using MailEngine.Store;

namespace MailEngine.Imap.Urls;

/// <summary>Makes and checks the tokens of authorized URLs. Mechanism INTERNAL: RFC 4467 §2.4</summary>
/// <remarks>A token is "01" (the kind) and HMAC-SHA256 of the URL up to it, with the key of the mailbox; it says nothing but that this
/// server made it for this very text. RESETKEY, and the end of the mailbox, end all of a mailbox's.</remarks>
internal static class UrlTokens
{
    public const string Mechanism = "INTERNAL";

    /// <summary>The whole URL.</summary>
    public static string Authorize(ImapUrl rump, string key) => $"{rump.Text}:{Mechanism.ToLowerInvariant()}:{Token(rump.Text, key)}";

    public static bool IsRight(ImapUrl url, string key) =>
        CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(url.Authorization!.Token.ToLowerInvariant()), Encoding.ASCII.GetBytes(Token(url.Text[..^url.Authorization.VerifierLength], key)));

    /// <summary>Finds what an authorized URL gives to the user of a session; null: nothing, whatever the reason. RFC 4467 §6</summary>
    /// <exception cref="IOException">The bytes of the message are lost.</exception>
    public static async ValueTask<UrlContent?> FindAsync(ImapSession session, string text, CancellationToken ct)
    {
        if (!ImapUrl.TryParse(text, out ImapUrl url) || url.Authorization is not { Token.Length: > 0 } authorization
            || !authorization.Mechanism.Equals(Mechanism, StringComparison.OrdinalIgnoreCase) || authorization.Expires < session.Services.Clock.GetUtcNow()
            || !IsFor(authorization.Access, session.Account!.Login) || await OwnerAsync(session, url, ct) is not { } owner
            || !session.Writer.Names.TryRead(url.Mailbox!, out MailboxName name) || await session.Store.OpenAsync(owner.AccountId, name) is not { } box
            || session.Store.FindUrlKey(box) is not { } key || !IsRight(url, key))
            return null;
        return UrlContent.Find(session.Store, box, url, session.Limits.Depth);
    }

    /// <summary>Whose mailbox an absolute URL of this server names; null: nobody's.</summary>
    public static async ValueTask<AccountEntry?> OwnerAsync(ImapSession session, ImapUrl url, CancellationToken ct)
    {
        if (url.User is null || url.Mailbox is null || !string.Equals(url.Host, session.Services.Hostname.Name, StringComparison.OrdinalIgnoreCase))
            return null;
        return await session.Services.Directory.FindLoginAsync(url.User, ct) is { } owner
            && await session.Services.Authenticator.MayContinueAsync(owner, MailServices.Imap, ct) ? owner : null;
    }

    /// <summary>RFC 4467 §3: access identifiers. "submit+" is for a server that takes messages to send, and no client of ours is one.</summary>
    static bool IsFor(string access, string login) =>
        access.Equals("authuser", StringComparison.OrdinalIgnoreCase) || access.Equals("anonymous", StringComparison.OrdinalIgnoreCase)
        || access.StartsWith("user+", StringComparison.OrdinalIgnoreCase) && access[5..].Equals(login, StringComparison.OrdinalIgnoreCase);

    static string Token(string rump, string key) =>
        "01" + Convert.ToHexStringLower(HMACSHA256.HashData(Convert.FromHexString(key), Encoding.UTF8.GetBytes(rump)));
}
