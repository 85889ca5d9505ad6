using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>MYRIGHTS: what the user may do with a mailbox.</summary>
/// <remarks>RFC 4314 §3.5</remarks>
internal sealed record MyRightsCommand(MailboxName Name) : ImapCommand
{
    /// <summary>Any of these lets the user ask. RFC 4314 §4</summary>
    const AclRights Enough = AclRights.Lookup | AclRights.Read | AclRights.Insert | AclRights.Create | AclRights.Delete | AclRights.Administer;

    // myrights = "MYRIGHTS" SP mailbox (RFC 4314 §7)
    public static MyRightsCommand Parse(ref ImapReader r) => new(r.SpMailbox());

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        Visit visit = await session.Access.FindAsync(Name, ct);
        if ((visit.Rights & Enough) == 0)
            return ImapReply.NoSuchMailbox;
        session.Writer.Write("* MYRIGHTS "u8);
        session.Writer.WriteMailbox(Name.Value);
        session.Writer.WriteAscii($" {AclText.FormatForClient(visit.Rights)}\r\n");
        return ImapReply.Ok("MYRIGHTS completed");
    }
}
