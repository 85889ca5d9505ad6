using MailEngine.Accounts;
using MailEngine.Store;

namespace MailEngine.Imap;

/// <summary>The first levels that do not belong to the user himself. RFC 2342 §5</summary>
internal static class Namespaces
{
    /// <summary>Mailboxes of other users: this, the log-in name, then the name in their own tree; without one it is their INBOX.</summary>
    public const string OtherUsers = "Other Users";

    /// <summary>Mailboxes that belong to the user's domain.</summary>
    public const string Shared = "Shared";

    /// <summary>True for a name in one of them, and for their own names.</summary>
    public static bool IsForeign(string name) => Below(name, OtherUsers) is not null || Below(name, Shared) is not null;

    /// <summary>What stands below the level <paramref name="space"/>; empty: the level itself; null: the name is elsewhere.</summary>
    public static string? Below(string name, string space) =>
        !name.StartsWith(space, StringComparison.Ordinal) ? null
        : name.Length == space.Length ? ""
        : name[space.Length] == '/' ? name[(space.Length + 1)..]
        : null;

    /// <summary>The level that names an account: its log-in name, or its number where that name cannot be a level.</summary>
    public static string LevelOf(AccountEntry account) => LevelOf(account.AccountId, account.Login);

    public static string LevelOf(long accountId, string login) =>
        !login.Contains('/', StringComparison.Ordinal) && !login.StartsWith('#') && MailboxName.TryParse(login, out _)
            ? login
            : FormattableString.Invariant($"#{accountId}");
}
