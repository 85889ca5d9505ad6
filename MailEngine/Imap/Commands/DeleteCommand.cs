using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>DELETE: removes a mailbox with its messages.</summary>
/// <remarks>RFC 9051 §6.3.5. Other sessions that have it selected are told BYE.</remarks>
internal sealed record DeleteCommand(MailboxName Name) : ImapCommand
{
    // delete = "DELETE" SP mailbox (RFC 9051 §9)
    public static DeleteCommand Parse(ref ImapReader r) => new(r.SpMailbox());

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        StoreError error = await session.Store.DeleteAsync(session.AccountId, Name);
        if (error != StoreError.None)
            return ImapReply.No(error);
        if (session.Selected is { Box.IsDeleted: true })
            session.Selected = null;   // its own doing: no BYE
        return ImapReply.Ok("DELETE completed");
    }
}
