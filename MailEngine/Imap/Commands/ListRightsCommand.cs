using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>LISTRIGHTS: which rights an identifier always has, and which it can be given. None are tied to one another.</summary>
/// <remarks>RFC 4314 §3.4; needs the right "a"; "c" and "d": RFC 4314 §2.1.1</remarks>
internal sealed record ListRightsCommand(MailboxName Name, string Identifier) : ImapCommand
{
    // listrights = "LISTRIGHTS" SP mailbox SP identifier (RFC 4314 §7)
    public static ListRightsCommand Parse(ref ImapReader r)
    {
        MailboxName name = r.SpMailbox();
        r.Sp();
        return new(name, r.AstringText());
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        (Visit visit, string stored, ImapReply? refusal) = await session.Access.FindListAsync(Name, Identifier, ct);
        if (refusal is not null)
            return refusal;
        AclRights always = stored == AclIdentifier.OfAccount(visit.Info!.AccountId) ? Acl.OwnerAlways : AclRights.None;
        ImapWriter w = session.Writer;
        w.Write("* LISTRIGHTS "u8);
        w.WriteMailbox(Name.Value);
        w.Write((byte)' ');
        w.WriteAstring(Identifier);
        w.Write((byte)' ');
        w.WriteAstring(AclText.Format(always));
        foreach (char letter in AclText.Format(AclRights.All & ~always))
            w.WriteAscii($" {letter}");
        w.Write(" c d\r\n"u8);
        return ImapReply.Ok("LISTRIGHTS completed");
    }
}
