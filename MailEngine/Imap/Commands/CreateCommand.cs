using System.Text;
using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>CREATE: makes a mailbox, and those above it that are missing.</summary>
/// <remarks>RFC 9051 §6.3.4; needs the right "k" above it: RFC 4314 §4; USE: RFC 6154 §3. Accounts: <see cref="AdministeredAccounts"/>.</remarks>
/// <param name="Use">Special use with its backslash; empty: none asked. Null: one we do not have.</param>
internal sealed record CreateCommand(MailboxName Name, string? Use) : ImapCommand
{
    /// <summary>RFC 6154 §2; \All and \Flagged are views that no mailbox of ours is.</summary>
    static readonly string[] s_uses = ["\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash"];

    // create = "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"] (RFC 6154 §6)
    public static CreateCommand Parse(ref ImapReader r)
    {
        r.Sp();
        MailboxName name = r.Mailbox(isNew: true);
        string? use = "";
        if (r.TryTake((byte)' '))
        {
            r.Take((byte)'(');
            if (!r.TryWord("USE"u8))
                r.Fail("Unknown parameter of CREATE");
            r.Sp();
            r.Take((byte)'(');
            for (int i = 0; !r.Failed && !r.TryTake((byte)')'); i++)
            {
                if (i > 0)
                    r.Sp();
                r.Take((byte)'\\');
                string asked = "\\" + Encoding.ASCII.GetString(r.Atom());
                string? known = s_uses.FirstOrDefault(u => u.Equals(asked, StringComparison.OrdinalIgnoreCase));
                use = i == 0 ? known : null;   // one mailbox, one use: RFC 6154 §3 lets us refuse more
            }
            r.Take((byte)')');
        }
        return new(name, use);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (Use is null)
            return ImapReply.No("[USEATTR] Not a special use that can be given here");   // RFC 6154 §6
        // One answer for all that the user may not do, so that it does not tell who or what is there.
        if (await session.Access.PlaceOfAsync(Name, ct) is not { } place)
            return Use.Length > 0 ? ImapReply.NoPermission : await AdministeredAccounts.CreateAsync(session, Name, ct);
        if (!await session.Access.MayCreateAsync(place, ct))
            return ImapReply.NoPermission;
        if (!await session.Access.RecordAsync(place, "mailbox.create", Name, new { use = Use }, ct))
            return ImapReply.NoPermission;
        StoreError error = await session.Store.CreateAsync(place.Owner, place.Name, Use, likeInbox: place.Owner != session.AccountId && !place.IsShared);
        if (error != StoreError.None)
            return ImapReply.No(error);
        MailboxInfo? made = session.Store.Find(place.Owner, place.Name);
        return ImapReply.Ok(made is null ? "CREATE completed" : $"[MAILBOXID ({ObjectIds.Mailbox(made.AccountId, made.UidValidity)})] CREATE completed");   // RFC 8474 §4.1
    }
}
