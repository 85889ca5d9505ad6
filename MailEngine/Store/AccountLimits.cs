namespace MailEngine.Store;

/// <summary>What the store itself holds an account, or a domain's tree, to. Null: no limit.</summary>
/// <param name="Bytes">Octets; for a domain's tree only: an account's are set with the account.</param>
/// <param name="Messages">RFC 9208 §5.2</param>
/// <param name="Mailboxes">RFC 9208 §5.3</param>
public readonly record struct AccountLimits(long? Bytes, long? Messages, long? Mailboxes);

/// <summary>An annotation of a mailbox, or of the server.</summary>
/// <param name="Entry">Lower case, with /private or /shared before it. RFC 5464 §3.2</param>
/// <param name="Value">Null: it is to be removed.</param>
public readonly record struct Annotation(string Entry, byte[]? Value)
{
    /// <summary>Number under which annotations of the server are kept, where others have their mailbox's.</summary>
    public const long OfServer = 0;

    public bool IsPrivate => Entry.StartsWith("/private/", StringComparison.Ordinal);
}
