using MailEngine.Store;

namespace MailEngine.Imap.Access;

/// <summary>Where a name leads: whose tree, and the name in it. There need not be a mailbox.</summary>
/// <param name="Owner">Account, or a domain's tree (<see cref="MailStore.SharedTree"/>).</param>
/// <param name="Administered">The user reaches it as an administrator of whose it is, and has an administrator's rights there.</param>
internal readonly record struct MailboxPlace(long Owner, MailboxName Name, bool Administered = false)
{
    /// <summary>Enough to make, rename, delete and share mailboxes, not to read them: who wants that gives himself the right, on record.</summary>
    public const AclRights AdministratorRights = AclRights.Lookup | AclRights.Create | AclRights.Delete | AclRights.Administer;

    public bool IsShared => Owner < 0;

    /// <summary>An administrator's name for the account itself.</summary>
    public bool IsAccount => Administered && !IsShared && Name.IsInbox;
}

/// <summary>What a name is to a user: the place, the mailbox if there is one, and his rights on it.</summary>
/// <param name="Place">Null: the name leads nowhere.</param>
/// <param name="Info">Null: there is no such mailbox, or it was opened at once.</param>
/// <param name="Box">Set when it was opened and may be.</param>
internal sealed record Visit(MailboxPlace? Place, MailboxInfo? Info, Mailbox? Box, AclRights Rights)
{
    public static Visit Nowhere { get; } = new(null, null, null, AclRights.None);

    public bool Exists => Info is not null || Box is not null;

    /// <summary>Null: he has all of these rights. Else the answer, which for a mailbox that he may not list is the one for a mailbox
    /// that is not there. RFC 4314 §6</summary>
    /// <param name="absent">The answer when there is none; null: NONEXISTENT.</param>
    public ImapReply? Refusal(AclRights needed, ImapReply? absent = null) =>
        !Exists ? absent ?? ImapReply.NoSuchMailbox
        : (Rights & needed) == needed ? null
        : Rights.HasFlag(AclRights.Lookup) ? ImapReply.NoPermission
        : absent ?? ImapReply.NoSuchMailbox;
}
