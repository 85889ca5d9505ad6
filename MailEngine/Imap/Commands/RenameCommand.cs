using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>RENAME: gives a mailbox, and every mailbox below it, a new name.</summary>
/// <remarks>RFC 9051 §6.3.6</remarks>
internal sealed record RenameCommand(MailboxName From, MailboxName To) : ImapCommand
{
    // rename = "RENAME" SP mailbox SP mailbox (RFC 9051 §9)
    public static RenameCommand Parse(ref ImapReader r) => new(r.SpMailbox(), r.SpMailbox());

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        StoreError error = await session.Store.RenameAsync(session.AccountId, From, To);
        return error == StoreError.None ? ImapReply.Ok("RENAME completed") : ImapReply.No(error);
    }
}
