using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>GETQUOTAROOT: what limits a mailbox, which need not be there.</summary>
/// <remarks>RFC 9208 §4.1.2; in another's mailbox needs the right "r", since use tells how much mail there is: RFC 9208 §6</remarks>
internal sealed record GetQuotaRootCommand(MailboxName Name) : ImapCommand
{
    // getquotaroot = "GETQUOTAROOT" SP mailbox (RFC 9208 §7)
    public static GetQuotaRootCommand Parse(ref ImapReader r) => new(r.SpMailbox());

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        Visit visit = await session.Access.FindAsync(Name, ct);
        if (visit.Place is not { } place)
            return ImapReply.NoSuchMailbox;
        if (place.Owner != session.AccountId && !place.Administered && visit.Refusal(AclRights.Read) is { } refusal)
            return refusal;
        if (await QuotaRoots.NameAsync(session, place.Owner, ct) is not { } root)
            return ImapReply.NoSuchMailbox;
        session.Writer.Write("* QUOTAROOT "u8);
        session.Writer.WriteMailbox(Name.Value);
        session.Writer.Write((byte)' ');
        session.Writer.WriteString(root);
        session.Writer.Write("\r\n"u8);
        await QuotaRoots.WriteAsync(session, root, place.Owner, ct);
        return ImapReply.Ok("GETQUOTAROOT completed");
    }
}
