namespace MailEngine.Accounts;

/// <summary>What an administrator may do: the whole vocabulary. Every service asks for one of these words on one object, and nothing else
/// decides. The numbers are stored.</summary>
[Flags]
public enum Permissions
{
    None = 0,

    // On a domain and what belongs to it.

    /// <summary>Sees domains, accounts and addresses.</summary>
    See = 1 << 0,
    /// <summary>Sees which mailboxes there are, who may use them, what filters mail goes through, and what deleted mail can be brought back; no mail.</summary>
    SeeMailboxes = 1 << 1,
    /// <summary>Reads the record of changes.</summary>
    Audit = 1 << 2,
    /// <summary>Sets passwords, sends invitations, takes away lost second factors, ends sessions.</summary>
    Passwords = 1 << 3,
    /// <summary>Sets state and services of accounts.</summary>
    Switches = 1 << 4,
    /// <summary>Makes accounts and changes their names and quotas.</summary>
    Accounts = 1 << 5,
    /// <summary>Removes accounts with their mail.</summary>
    Delete = 1 << 6,
    /// <summary>Makes, changes and removes addresses.</summary>
    Addresses = 1 << 7,
    /// <summary>Shares, limits and makes mailboxes, brings deleted mail back; administers them over IMAP.</summary>
    Mailboxes = 1 << 8,
    /// <summary>Changes what concerns the daily use of a domain; not its limits.</summary>
    Domain = 1 << 9,
    /// <summary>Opens the panel in the place of a user, with a reason, for a short time, and so that he sees it.</summary>
    LogInAs = 1 << 10,
    /// <summary>Gives others roles, none above his own.</summary>
    Appoint = 1 << 11,

    // On the server alone.

    /// <summary>Sees the queue, the way of messages, partitions and roles.</summary>
    SeeServer = 1 << 16,
    /// <summary>Retries, holds and removes what waits in the queue.</summary>
    Queue = 1 << 17,
    /// <summary>Makes and removes domains, and sets their limits.</summary>
    Domains = 1 << 18,
    /// <summary>Changes what the server is: partitions, settings.</summary>
    Server = 1 << 19,

    OnDomains = See | SeeMailboxes | Audit | Passwords | Switches | Accounts | Delete | Addresses | Mailboxes | Domain | LogInAs | Appoint,
    Reading = See | SeeMailboxes | Audit | SeeServer,
    OnServer = SeeServer | Queue | Domains | Server,
    All = OnDomains | OnServer,
}
