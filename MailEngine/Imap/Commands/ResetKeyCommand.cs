using System.Text;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>RESETKEY: makes all authorized URLs of a mailbox, or of all mailboxes, worth nothing.</summary>
/// <remarks>RFC 4467 §7</remarks>
/// <param name="Name">Null: all mailboxes.</param>
internal sealed record ResetKeyCommand(MailboxName? Name, bool KnownMechanism) : ImapCommand
{
    // resetkey = "RESETKEY" [SP mailbox *(SP mechanism)] (RFC 4467 §9)
    public static ResetKeyCommand Parse(ref ImapReader r)
    {
        if (r.AtEnd)
            return new(null, true);
        MailboxName name = r.SpMailbox();
        bool known = true;
        while (r.TryTake((byte)' '))
            known &= Ascii.EqualsIgnoreCase(r.Atom(), "INTERNAL"u8);
        return new(name, known);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (!KnownMechanism)
            return ImapReply.Bad("No such mechanism");
        Mailbox? box = null;
        if (Name is { } name && (box = await session.Store.OpenAsync(session.AccountId, name)) is null)
            return ImapReply.NoSuchMailbox;
        StoreError error = await session.Store.ResetUrlKeysAsync(session.AccountId, box);
        return error == StoreError.None ? ImapReply.Ok("[URLMECH INTERNAL] RESETKEY completed") : ImapReply.No(error);
    }
}
