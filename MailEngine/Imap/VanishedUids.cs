using MailEngine.Store;

namespace MailEngine.Imap;

/// <summary>UIDs from one to another, both included.</summary>
internal readonly record struct UidRange(uint First, uint Last);

/// <summary>Finds the messages that are gone since a mod-sequence, for a client that was away. RFC 7162 §3.2.6</summary>
/// <remarks>What the store still remembers of expunged messages is exact; where it has forgotten, every UID that is not there counts as
/// gone. So a client may hear again of what it knows, and never misses one.</remarks>
internal static class VanishedUids
{
    /// <param name="selected">Messages it has told of are not gone, whatever happened since: they are announced as ever.</param>
    /// <param name="known">Only these are looked for, "*" being the largest UID ever given; null: all.</param>
    /// <param name="above">And only larger ones.</param>
    /// <returns>Ascending, apart.</returns>
    public static List<UidRange> Since(MailStore store, SelectedMailbox selected, ulong modSeq, SequenceSet? known, uint above)
    {
        MailboxSnapshot told = selected.Told;
        if (modSeq >= told.HighestModSeq || told.UidNext <= 1)
            return [];
        ExpungedSince log = store.ExpungedSince(selected.Box, modSeq);
        List<UidRange> gone = log.IsWhole ? Gone(log.Uids, told) : Gaps(told);
        List<UidRange> wanted = known is null ? [new UidRange(1, told.UidNext - 1)] : known.UidRanges(star: told.UidNext - 1);
        return Both(gone, wanted, above);
    }

    public static async ValueTask WriteEarlierAsync(ImapSession session, List<UidRange> uids, CancellationToken ct)
    {
        if (uids.Count == 0)
            return;
        ImapWriter w = session.Writer;
        w.Write("* VANISHED (EARLIER) "u8);
        for (int i = 0; i < uids.Count; i++)
        {
            if (i > 0)
                w.Write((byte)',');
            w.WriteNumber(uids[i].First);
            if (uids[i].Last != uids[i].First)
            {
                w.Write((byte)':');
                w.WriteNumber(uids[i].Last);
            }
            await session.FlushIfFullAsync(ct);
        }
        w.Write("\r\n"u8);
    }

    static List<UidRange> Gone(IReadOnlyList<uint> uids, MailboxSnapshot told)
    {
        var ranges = new List<UidRange>();
        foreach (uint uid in uids)
        {
            if (told.IndexOf(uid) >= 0)
                continue;
            if (ranges.Count > 0 && ranges[^1].Last == uid - 1)
                ranges[^1] = ranges[^1] with { Last = uid };
            else
                ranges.Add(new UidRange(uid, uid));
        }
        return ranges;
    }

    /// <summary>Every UID that was given and is not there.</summary>
    static List<UidRange> Gaps(MailboxSnapshot told)
    {
        var ranges = new List<UidRange>();
        uint next = 1;
        foreach (Chunk chunk in told.Chunks)
        {
            foreach (ref readonly MessageEntry entry in chunk.Messages)
            {
                if (entry.Uid > next)
                    ranges.Add(new UidRange(next, entry.Uid - 1));
                next = entry.Uid + 1;
            }
        }
        if (told.UidNext > next)
            ranges.Add(new UidRange(next, told.UidNext - 1));
        return ranges;
    }

    static List<UidRange> Both(List<UidRange> a, List<UidRange> b, uint above)
    {
        var both = new List<UidRange>();
        for (int i = 0, j = 0; i < a.Count && j < b.Count;)
        {
            uint first = Math.Max(Math.Max(a[i].First, b[j].First), above + 1), last = Math.Min(a[i].Last, b[j].Last);
            if (first <= last)
                both.Add(new UidRange(first, last));
            if (a[i].Last < b[j].Last)
                i++;
            else
                j++;
        }
        return both;
    }
}
