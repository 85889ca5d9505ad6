using MailEngine.Store;

namespace MailEngine.Imap;

/// <summary>The tagged answer to a command, without the tag. RFC 9051 §7.1</summary>
/// <param name="Line">"OK ...", "NO ..." or "BAD ...": ASCII, no line end, nothing taken from the client.</param>
internal sealed record ImapReply(string Line)
{
    /// <summary>The command has answered already (STARTTLS), or the session ends without a tagged answer.</summary>
    public static ImapReply Nothing { get; } = new("");

    public bool IsBad => Line.StartsWith("BAD", StringComparison.Ordinal);

    public static ImapReply Ok(string text) => new("OK " + text);

    public static ImapReply No(string text) => new("NO " + text);

    public static ImapReply Bad(string text) => new("BAD " + text);

    /// <summary>The one table from what the store says to response codes. RFC 5530 §3</summary>
    public static ImapReply No(StoreError error) => error switch
    {
        StoreError.None => throw new ArgumentOutOfRangeException(nameof(error)),
        StoreError.NoSuchMailbox => NoSuchMailbox,
        StoreError.AlreadyExists => No("[ALREADYEXISTS] There is a mailbox of that name"),
        StoreError.NotAllowed => No("[CANNOT] Not possible with this mailbox"),
        StoreError.NoPermission => NoPermission,
        StoreError.HasChildren => No("[HASCHILDREN] The mailbox has mailboxes below it"),   // RFC 9051 §7.1
        StoreError.OverQuota => No("[OVERQUOTA] The account is full"),                      // RFC 9208 §4.3.1
        StoreError.Limit => No("[LIMIT] A limit of this server was reached"),
        StoreError.NoSuchMessage => No("[EXPUNGEISSUED] The message is gone"),
        StoreError.Unavailable => Unavailable,
        _ => No("[SERVERBUG] Unexpected"),
    };

    /// <summary>RFC 5530 §3 NOPERM</summary>
    public static ImapReply NoPermission { get; } = No("[NOPERM] You have no right to do this");

    public static ImapReply NoSuchMailbox { get; } = No("[NONEXISTENT] No such mailbox");

    /// <summary>RFC 9051 §6.3.12: the client may CREATE it and try again.</summary>
    public static ImapReply TryCreate { get; } = No("[TRYCREATE] No such mailbox");

    public static ImapReply Unavailable { get; } = No("[UNAVAILABLE] Try again later");

    public static ImapReply ServerBug { get; } = No("[SERVERBUG] Internal error, reported to the administrator");

    public static ImapReply ReadOnly { get; } = No("[READ-ONLY] The mailbox is open read-only");

    /// <summary>RFC 9586 §3: sequence numbers after ENABLE UIDONLY.</summary>
    public static ImapReply UidRequired { get; } = Bad("[UIDREQUIRED] Only UIDs, after ENABLE UIDONLY");

    public static ImapReply BadNumber { get; } = Bad("[CLIENTBUG] No message of that number");
}
