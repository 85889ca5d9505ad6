using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>GETACL: the access control list of a mailbox.</summary>
/// <remarks>RFC 4314 §3.3; needs the right "a". The owner is shown first, also when the list does not speak of him.</remarks>
internal sealed record GetAclCommand(MailboxName Name) : ImapCommand
{
    // getacl = "GETACL" SP mailbox (RFC 4314 §7)
    public static GetAclCommand Parse(ref ImapReader r) => new(r.SpMailbox());

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        Visit visit = await session.Access.FindAsync(Name, ct);
        if (visit.Refusal(AclRights.Administer) is { } refusal)
            return refusal;
        MailboxInfo info = visit.Info!;
        string owner = AclIdentifier.OfAccount(info.AccountId);
        ImapWriter w = session.Writer;
        w.Write("* ACL "u8);
        w.WriteMailbox(Name.Value);
        // A line of the owner's without rights still leaves him those he cannot lose; what is taken from him by "-" has a line of its own.
        if (info.AccountId > 0)
            await WriteAsync(session, owner, (info.Acl.Entries.Any(e => e.Identifier == owner) ? info.Acl.RightsAt(owner) : AclRights.All) | Acl.OwnerAlways, ct);
        foreach (AclEntry entry in info.Acl.Entries)
        {
            if (entry.Identifier != owner)
                await WriteAsync(session, entry.Identifier, entry.Rights, ct);
        }
        w.Write("\r\n"u8);
        return ImapReply.Ok("GETACL completed");
    }

    static async ValueTask WriteAsync(ImapSession session, string identifier, AclRights rights, CancellationToken ct)
    {
        session.Writer.Write((byte)' ');
        session.Writer.WriteAstring(await AclIdentifierNames.ShowAsync(session.Services.Directory, identifier, ct));
        session.Writer.Write((byte)' ');
        session.Writer.WriteAstring(AclText.FormatForClient(rights));
    }
}
