using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>SELECT and EXAMINE: opens a mailbox for the commands that work on messages.</summary>
/// <remarks>RFC 9051 §6.3.2 and §6.3.3; needs the right "r": RFC 4314 §4; UNSEEN and RECENT: RFC 3501 §6.3.1; LIST: RFC 9051 §6.3.2; CONDSTORE: RFC 7162 §3.1.8; QRESYNC: RFC 7162 §3.2.5; MAILBOXID: RFC 8474 §4.2</remarks>
internal sealed record SelectCommand(MailboxName Name, bool ReadOnly, SelectParameters Parameters) : ImapCommand
{
    // select = "SELECT" SP mailbox [select-params] (RFC 4466 §6)
    public static SelectCommand Parse(ref ImapReader r) => new(r.SpMailbox(), ReadOnly: false, SelectParameters.Parse(ref r));

    public static SelectCommand ParseExamine(ref ImapReader r) => new(r.SpMailbox(), ReadOnly: true, SelectParameters.Parse(ref r));

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (Parameters.QResync is not null && !session.Enabled.QResync)
            return ImapReply.Bad("ENABLE QRESYNC comes first");   // RFC 7162 §3.2.5
        ImapWriter w = session.Writer;
        if (Parameters.QResync?.Match is not null && session.Enabled.UidOnly)
            return ImapReply.UidRequired;
        if (session.Selected is not null)
            w.Write("* OK [CLOSED] The mailbox selected before is closed\r\n"u8);   // RFC 7162 §3.2.11
        session.Selected = null;   // also when this one fails: RFC 9051 §6.3.2
        if (Parameters.CondStore)
            session.EnableCondStore();
        Visit visit = await session.Access.OpenAsync(Name, ct);
        if (visit.Refusal(AclRights.Read) is { } refusal)
            return refusal;
        Mailbox box = visit.Box!;
        uint recentFrom = ReadOnly || session.Enabled.Rev2 ? box.Current.Counters.RecentFrom : await session.Store.ClaimRecentAsync(box);
        MailboxSnapshot snapshot = box.Current;
        var selected = new SelectedMailbox(box, ReadOnly, recentFrom, snapshot, session.Enabled);
        session.Selected = selected;

        selected.WriteFlags(w, snapshot);
        w.Write("* "u8);
        w.WriteNumber(snapshot.Count);
        w.Write(" EXISTS\r\n"u8);
        selected.WriteRecent(w, snapshot);
        if (session.Enabled.Rev2)
        {
            w.WriteAscii($"* LIST () \"{w.Names.Separator}\" ");
            w.WriteMailbox(Name.Value);
            w.Write("\r\n"u8);
        }
        else if (FirstUnseen(snapshot) is var unseen and > 0)
            w.WriteAscii($"* OK [UNSEEN {unseen}] First unseen message\r\n");
        w.WriteAscii($"* OK [UIDVALIDITY {snapshot.UidValidity}] UIDs valid\r\n* OK [UIDNEXT {snapshot.UidNext}] Next UID\r\n");
        w.WriteAscii($"* OK [MAILBOXID ({ObjectIds.Mailbox(box.AccountId, snapshot.UidValidity)})] Same through renames\r\n");
        selected.WriteHighestModSeq(w);
        if (Parameters.QResync is { } known && known.UidValidity == snapshot.UidValidity)
            await CatchUpAsync(session, selected, known, ct);
        return ImapReply.Ok(ReadOnly ? "[READ-ONLY] EXAMINE completed" : MayChange(box) ? "[READ-WRITE] SELECT completed" : "[READ-ONLY] SELECT completed");
    }

    /// <summary>Any right to put in, take out, or change flags that others see. RFC 4314 §5.2</summary>
    static bool MayChange(Mailbox box)
    {
        const AclRights shared = AclRights.Insert | AclRights.Expunge | AclRights.Write | AclRights.DeleteMessages;
        return (box.Rights & (box.Reader == 0 ? shared | AclRights.Seen : shared)) != 0;
    }

    /// <summary>What happened while the client was away: messages that are gone, then those that changed. RFC 7162 §3.2.5.1</summary>
    static async ValueTask CatchUpAsync(ImapSession session, SelectedMailbox selected, QResyncParameter known, CancellationToken ct)
    {
        MailboxSnapshot snapshot = selected.Told;
        if (known.ModSeq >= snapshot.HighestModSeq)
            return;
        uint above = known.Match?.LastAgreed(snapshot) ?? 0;
        await VanishedUids.WriteEarlierAsync(session, VanishedUids.Since(session.Store, selected, known.ModSeq, known.Uids, above), ct);
        List<IndexRange> ranges = known.Uids is null ? [new IndexRange(0, snapshot.Count - 1)] : known.Uids.ResolveUids(snapshot);
        foreach (IndexRange range in ranges)
        {
            for (int i = range.First; i <= range.Last; i++)
            {
                if (snapshot[i].ModSeq <= known.ModSeq)
                    continue;
                selected.WriteFetch(session.Writer, snapshot, i, withUid: true, withFlags: true);
                await session.FlushIfFullAsync(ct);
            }
        }
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
