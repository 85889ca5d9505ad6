namespace MailEngine.Imap;

/// <summary>The first levels that do not belong to the user himself. RFC 2342 §5</summary>
internal static class Namespaces
{
    /// <summary>Mailboxes of other users: this, the log-in name, then the name in their own tree; without one it is their INBOX.</summary>
    public const string OtherUsers = "Other Users";

    /// <summary>Mailboxes that belong to the user's domain.</summary>
    public const string Shared = "Shared";

    /// <summary>True for a name in one of them, and for their own names.</summary>
    public static bool IsForeign(string name) => IsIn(name, OtherUsers) || IsIn(name, Shared);

    static bool IsIn(string name, string space) =>
        name.StartsWith(space, StringComparison.Ordinal) && (name.Length == space.Length || name[space.Length] == '/');
}
