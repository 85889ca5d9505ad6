using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>CLOSE and UNSELECT: back to no mailbox; CLOSE removes \Deleted messages first and says nothing of them.</summary>
/// <remarks>RFC 9051 §6.4.1 and §6.4.2</remarks>
internal sealed record CloseCommand(bool Expunge) : ImapCommand
{
    public static CloseCommand Parse(ref ImapReader r) => new(Expunge: true);

    public static CloseCommand ParseUnselect(ref ImapReader r) => new(Expunge: false);

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        SelectedMailbox selected = session.Selected!;
        session.Selected = null;
        if (!Expunge)
            return ImapReply.Ok("UNSELECT completed");
        StoreError error = selected.IsReadOnly ? StoreError.None : await session.Store.ExpungeAsync(selected.Box, null);
        // RFC 4314 §4: without the right "e" nothing is removed, and the answer is OK all the same.
        return error is StoreError.None or StoreError.NoPermission ? ImapReply.Ok("CLOSE completed") : ImapReply.No(error);
    }
}
