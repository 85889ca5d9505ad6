using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Store;

namespace MailEngine.Imap.Access;

/// <summary>CREATE, RENAME and DELETE of <c>user/ann@example.org</c>: the account itself, by the panel's rules and on its record.</summary>
/// <remarks>As with Cyrus, where the name of a user's INBOX stands for the user. An account that is made so has no password.</remarks>
internal static class AdministeredAccounts
{
    /// <summary>Makes the account that a name stands for.</summary>
    public static async ValueTask<ImapReply> CreateAsync(ImapSession session, MailboxName shown, CancellationToken ct)
    {
        if (!(await session.Access.AdminAsync(ct)).MayAnywhere(Permissions.Accounts) || AdminNames.AccountOf(shown) is not { } wanted)
            return ImapReply.NoPermission;
        AccountOutcome outcome = await session.Services.Administration.CreateAsync(session.Access.Actor, wanted.Domain, wanted.LocalPart, ct);
        if (Refusal(outcome) is { } refusal)
            return refusal;
        var folders = new List<(MailboxName, string)>();
        foreach ((string name, string use) in outcome.Folders ?? [])
        {
            if (MailboxName.TryParse(name, out MailboxName parsed))
                folders.Add((parsed, use));
        }
        // The account is there; should the disk be full, its folders come by the task that is kept for them.
        await session.Store.ProvisionAsync(outcome.AccountId, folders);
        return session.Store.Find(outcome.AccountId, MailboxName.Inbox) is { } inbox
            ? ImapReply.Ok($"[MAILBOXID ({ObjectIds.Mailbox(inbox.AccountId, inbox.UidValidity)})] CREATE completed; set a password for the account")
            : ImapReply.Ok("CREATE completed; set a password for the account");
    }

    /// <summary>Gives an account another name.</summary>
    public static async ValueTask<ImapReply> RenameAsync(ImapSession session, long accountId, (string LocalPart, DomainName Domain) to, CancellationToken ct) =>
        Refusal(await session.Services.Administration.RenameAsync(session.Access.Actor, accountId, to.Domain, to.LocalPart, ct)) ?? ImapReply.Ok("RENAME completed");

    /// <summary>Removes an account with its mail.</summary>
    public static async ValueTask<ImapReply> DeleteAsync(ImapSession session, long accountId, CancellationToken ct)
    {
        if (Refusal(await session.Services.Administration.DeleteAsync(session.Access.Actor, accountId, ct)) is { } refusal)
            return refusal;
        await session.Store.DeleteAccountAsync(accountId);   // the task that is kept for it does it again for mail that is on its way
        return ImapReply.Ok("DELETE completed");
    }

    static ImapReply? Refusal(AccountOutcome outcome) => outcome.Fault switch
    {
        AccountFault.None => null,
        AccountFault.NotAllowed => ImapReply.NoPermission,
        AccountFault.AddressTaken or AccountFault.LoginTaken or AccountFault.LoginIsAddress => ImapReply.No("[ALREADYEXISTS] The name is in use"),
        AccountFault.Quota or AccountFault.MostAccounts or AccountFault.TotalQuota => ImapReply.No("[LIMIT] A limit of the domain was reached"),
        AccountFault.LocalPart => ImapReply.No("[CANNOT] Not a name that an account can have"),
        AccountFault.LoginIsNoAddress => ImapReply.No("[CANNOT] Log-in names are not addresses there: use the panel"),
        AccountFault.OtherDomain => ImapReply.No("[CANNOT] An account stays in its domain"),
        AccountFault.LastSuperuser => ImapReply.No("[CANNOT] Nobody else could administer the server"),
        _ => ImapReply.No("[CANNOT] The domain has no accounts"),
    };
}
