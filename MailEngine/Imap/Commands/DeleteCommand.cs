using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>DELETE: removes a mailbox with its messages.</summary>
/// <remarks>RFC 9051 §6.3.5; needs the right "x": RFC 4314 §4. Other sessions that have it selected are told BYE.</remarks>
internal sealed record DeleteCommand(MailboxName Name) : ImapCommand
{
    // delete = "DELETE" SP mailbox (RFC 9051 §9)
    public static DeleteCommand Parse(ref ImapReader r) => new(r.SpMailbox());

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (await session.Access.PlaceOfAsync(Name, ct) is { IsAccount: true } account)
            return await AdministeredAccounts.DeleteAsync(session, account.Owner, ct);
        Visit visit = await session.Access.FindAsync(Name, ct);
        if (visit.Refusal(AclRights.Delete) is { } refusal)
            return refusal;
        if (!await session.Access.RecordAsync(visit.Place!.Value, "mailbox.delete", Name, new { messages = visit.Info!.Count }, ct))
            return ImapReply.NoPermission;
        StoreError error = await session.Store.DeleteAsync(visit.Place!.Value.Owner, visit.Place.Value.Name);
        if (error != StoreError.None)
            return ImapReply.No(error);
        if (session.Selected is { Box.IsDeleted: true })
            session.Selected = null;   // its own doing: no BYE
        return ImapReply.Ok("DELETE completed");
    }
}
