using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>RENAME: gives a mailbox, and every mailbox below it, a new name.</summary>
/// <remarks>RFC 9051 §6.3.6; needs the right "x" on it and "k" above its new place: RFC 4314 §4</remarks>
internal sealed record RenameCommand(MailboxName From, MailboxName To) : ImapCommand
{
    // rename = "RENAME" SP mailbox SP mailbox (RFC 9051 §9)
    public static RenameCommand Parse(ref ImapReader r) => new(r.SpMailbox(), r.SpMailbox());

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (AdminNames.AccountOf(To) is { } name && await session.Access.PlaceOfAsync(From, ct) is { IsAccount: true } account)
            return await AdministeredAccounts.RenameAsync(session, account.Owner, name, ct);
        Visit visit = await session.Access.FindAsync(From, ct);
        if (visit.Refusal(AclRights.Delete) is { } refusal)
            return refusal;
        MailboxPlace from = visit.Place!.Value;
        if (await session.Access.PlaceOfAsync(To, ct) is not { } to || !await session.Access.MayCreateAsync(to, ct))
            return ImapReply.NoPermission;
        // A mailbox stays with who pays for it; and an INBOX that is not one's own is not emptied by its name (RFC 9051 §6.3.6).
        if (from.Owner != to.Owner || (from.Name.IsInbox && from.Owner != session.AccountId))
            return ImapReply.No(StoreError.NotAllowed);
        if (!await session.Access.RecordAsync(from, "mailbox.rename", From, new { name = To.Value }, ct))
            return ImapReply.NoPermission;
        StoreError error = await session.Store.RenameAsync(from.Owner, from.Name, to.Name);
        return error == StoreError.None ? ImapReply.Ok("RENAME completed") : ImapReply.No(error);
    }
}
