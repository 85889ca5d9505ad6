using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>SELECT and EXAMINE: opens a mailbox for the commands that work on messages.</summary>
/// <remarks>RFC 9051 §6.3.2 and §6.3.3; UNSEEN and RECENT: RFC 3501 §6.3.1</remarks>
internal sealed record SelectCommand(MailboxName Name, bool ReadOnly) : ImapCommand
{
    // select = "SELECT" SP mailbox (RFC 9051 §9)
    public static SelectCommand Parse(ref ImapReader r) => new(r.SpMailbox(), ReadOnly: false);

    public static SelectCommand ParseExamine(ref ImapReader r) => new(r.SpMailbox(), ReadOnly: true);

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        session.Selected = null;   // also when this one fails: RFC 9051 §6.3.2
        Mailbox? box = await session.Store.OpenAsync(session.AccountId, Name);
        if (box is null)
            return ImapReply.NoSuchMailbox;
        uint recentFrom = ReadOnly ? box.Current.Counters.RecentFrom : await session.Store.ClaimRecentAsync(box);
        MailboxSnapshot snapshot = box.Current;
        var selected = new SelectedMailbox(box, ReadOnly, recentFrom, snapshot);
        session.Selected = selected;

        ImapWriter w = session.Writer;
        selected.WriteFlags(w, snapshot);
        w.Write("* "u8);
        w.WriteNumber(snapshot.Count);
        w.Write(" EXISTS\r\n* "u8);
        w.WriteNumber(snapshot.Count - snapshot.LowerBound(recentFrom));
        w.Write(" RECENT\r\n"u8);
        if (FirstUnseen(snapshot) is var unseen and > 0)
            w.WriteAscii($"* OK [UNSEEN {unseen}] First unseen message\r\n");
        w.WriteAscii($"* OK [UIDVALIDITY {snapshot.UidValidity}] UIDs valid\r\n* OK [UIDNEXT {snapshot.UidNext}] Next UID\r\n");
        return ReadOnly ? ImapReply.Ok("[READ-ONLY] EXAMINE completed") : ImapReply.Ok("[READ-WRITE] SELECT completed");
    }

    /// <summary>Sequence number of the first message without \Seen; 0: none.</summary>
    static int FirstUnseen(MailboxSnapshot snapshot)
    {
        if (snapshot.Unseen == 0)
            return 0;
        int number = 0;
        foreach (Chunk chunk in snapshot.Chunks)
        {
            foreach (ref readonly MessageEntry entry in chunk.Messages)
            {
                number++;
                if ((entry.Flags & MessageFlags.Seen) == 0)
                    return number;
            }
        }
        return 0;
    }
}
