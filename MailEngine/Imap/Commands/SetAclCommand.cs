using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>SETACL and DELETEACL: what an identifier may do with a mailbox.</summary>
/// <remarks>RFC 4314 §3.1 and §3.2; needs the right "a". Groups: <see cref="AclIdentifier"/>.</remarks>
/// <param name="Rights">Null: DELETEACL.</param>
internal sealed record SetAclCommand(MailboxName Name, string Identifier, AclChangeMode Mode, AclRights? Rights) : ImapCommand
{
    // setacl = "SETACL" SP mailbox SP identifier SP mod-rights (RFC 4314 §7)
    public static SetAclCommand Parse(ref ImapReader r)
    {
        MailboxName name = r.SpMailbox();
        r.Sp();
        string identifier = r.AstringText();
        r.Sp();
        string text = r.AstringText();
        AclChangeMode mode = text.StartsWith('+') ? AclChangeMode.Add : text.StartsWith('-') ? AclChangeMode.Remove : AclChangeMode.Replace;
        if (!AclText.TryParse(text.AsSpan(mode == AclChangeMode.Replace ? 0 : 1), out AclRights rights))
            r.Fail("Not a right: use lrswipkxtea");   // RFC 4314 §3.1: BAD, not passed over
        return new(name, identifier, mode, rights);
    }

    // deleteacl = "DELETEACL" SP mailbox SP identifier (RFC 4314 §7)
    public static SetAclCommand ParseDelete(ref ImapReader r)
    {
        MailboxName name = r.SpMailbox();
        r.Sp();
        return new(name, r.AstringText(), AclChangeMode.Replace, null);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        (Visit visit, string stored, ImapReply? refusal) = await session.Access.FindListAsync(Name, Identifier, ct);
        if (refusal is not null)
            return refusal;
        if (stored.Length == 0)
            return ImapReply.No("[CANNOT] There is nobody of that name");
        // As the panel writes it: so that it can be taken back there.
        object Shown(AclRights rights) => new { mailbox = visit.Info!.Id, identifier = stored, who = Identifier, rights = AclText.Format(rights) };
        AclRights before = visit.Info!.Acl.RightsAt(stored);
        AclRights left = Rights is not { } wanted ? AclRights.None : Mode switch { AclChangeMode.Add => before | wanted, AclChangeMode.Remove => before & ~wanted, _ => wanted };
        if (!await session.Access.RecordAsync(visit.Place!.Value, "mailbox.acl", Name, Shown(left), ct, before == AclRights.None ? null : Shown(before)))
            return ImapReply.NoPermission;
        StoreError error = await session.Store.SetAclAsync(visit.Info!.Id, stored, Rights is null ? AclChangeMode.Delete : Mode, Rights ?? AclRights.None);
        return error != StoreError.None ? ImapReply.No(error) : ImapReply.Ok(Rights is null ? "DELETEACL completed" : "SETACL completed");
    }
}
