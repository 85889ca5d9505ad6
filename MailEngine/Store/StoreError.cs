namespace MailEngine.Store;

/// <summary>Why the store did not do what it was asked. A value, not an exception: the caller answers and goes on.</summary>
public enum StoreError
{
    None,
    /// <summary>RFC 5530 §3 NONEXISTENT</summary>
    NoSuchMailbox,
    /// <summary>The message was expunged meanwhile: RFC 5530 §3 EXPUNGEISSUED</summary>
    NoSuchMessage,
    /// <summary>RFC 5530 §3 ALREADYEXISTS</summary>
    AlreadyExists,
    /// <summary>A name below one that cannot have children, INBOX as a target of DELETE, and the like: CANNOT.</summary>
    NotAllowed,
    /// <summary>The rights on the mailbox do not allow it: RFC 5530 §3 NOPERM.</summary>
    NoPermission,
    /// <summary>The mailbox has children: DELETE leaves it as \Noselect or refuses. RFC 9051 §6.3.5</summary>
    HasChildren,
    /// <summary>RFC 9208 §4.3.1: OVERQUOTA; 452 4.2.2 for SMTP.</summary>
    OverQuota,
    /// <summary>A limit of ours: RFC 5530 §3 LIMIT.</summary>
    Limit,
    /// <summary>The message was delivered before: the duplicate window. Answer as for success.</summary>
    Duplicate,
    /// <summary>Disk full, fault of the disk, store closing: 451 4.3.0, NO [UNAVAILABLE]. Nothing was kept.</summary>
    Unavailable,
}
