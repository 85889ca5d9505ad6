using MailEngine.Store;

namespace MailEngine.Imap;

/// <summary>A sample of sequence numbers whose UIDs a client knows. RFC 7162 §3.2.5.2</summary>
internal sealed record SequenceMatch(SequenceSet Numbers, SequenceSet Uids)
{
    /// <summary>Both sets ascend, have no "*" and are of one size.</summary>
    public bool IsValid => !Numbers.IsSaved && !Uids.IsSaved && Numbers.Ascends && Uids.Ascends && Numbers.Total == Uids.Total;

    /// <summary>The largest UID of the sample that still has its number: up to it nothing is gone that the client does not know of.
    /// 0: none.</summary>
    /// <remarks>The client's messages up to that UID hold all that are there now; where the numbers agree, so do the messages.
    /// Numbers ascend, so the work is bounded by the mailbox.</remarks>
    public uint LastAgreed(MailboxSnapshot snapshot)
    {
        uint agreed = 0;
        int place = 0;         // range of Uids
        uint skipped = 0;      // UIDs of it that are used up
        foreach ((uint from, uint to) in Numbers.Ranges)
        {
            for (ulong number = from; number <= to;)
            {
                (uint first, uint last) = Uids.Ranges[place];
                first += skipped;
                uint run = (uint)Math.Min(to - number, last - first) + 1;
                if (number <= (ulong)snapshot.Count)
                    agreed = Math.Max(agreed, LastAgreed(snapshot, (int)number, first, (int)Math.Min(run, (uint)snapshot.Count - number + 1)));
                number += run;
                skipped += run;
                if (first + (run - 1) == last)
                {
                    place++;
                    skipped = 0;
                }
            }
        }
        return agreed;
    }

    static uint LastAgreed(MailboxSnapshot snapshot, int number, uint uid, int count)
    {
        for (int i = count - 1; i >= 0; i--)
        {
            if (snapshot[number - 1 + i].Uid == uid + (uint)i)
                return uid + (uint)i;
        }
        return 0;
    }
}
