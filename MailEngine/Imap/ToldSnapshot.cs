using MailEngine.Store;

namespace MailEngine.Imap;

/// <summary>Makes the snapshot of a session that may not hear of expunged messages yet. RFC 9051 §7.5.1</summary>
internal static class ToldSnapshot
{
    /// <summary>All messages of <paramref name="told"/> under the numbers they have there, with the flags they have now, and behind
    /// them those that came since. Messages that are gone stay as they were last seen; their bytes are still there.</summary>
    /// <remarks>Shares every chunk that did not change. Cost follows the touched chunks. When the mailbox has moved to another partition in between,
    /// the bytes of what is gone stayed behind, and nothing there may be found under the same numbers: they count as lost.</remarks>
    public static MailboxSnapshot KeepExpunged(MailboxSnapshot told, MailboxSnapshot now)
    {
        bool moved = !ReferenceEquals(told.Segments, now.Segments);
        var chunks = new List<Chunk>(told.Chunks.Length + 1);
        ReadOnlySpan<Chunk> current = now.Chunks;
        int next = 0;   // chunk of now that can hold the message looked for
        foreach (Chunk chunk in told.Chunks)
        {
            while (next < current.Length && current[next].LastUid < chunk.FirstUid)
                next++;
            if (next < current.Length && ReferenceEquals(current[next], chunk))
            {
                chunks.Add(chunk);
                continue;
            }
            MessageEntry[] entries = chunk.Messages.ToArray();
            for (int i = 0; i < entries.Length; i++)
            {
                int index = now.IndexOf(entries[i].Uid);
                if (index >= 0)
                    entries[i] = now[index];
                else if (moved)
                    entries[i].BodySegment = entries[i].PrefixSegment = 0;
            }
            chunks.Add(new Chunk(chunk.Number, entries));
        }
        int number = chunks.Count == 0 ? 0 : chunks[^1].Number + 1;
        for (int i = now.LowerBound(told.UidNext); i < now.Count; i += Chunk.Capacity)
        {
            var added = new MessageEntry[Math.Min(Chunk.Capacity, now.Count - i)];
            for (int k = 0; k < added.Length; k++)
                added[k] = now[i + k];
            chunks.Add(new Chunk(number++, added));
        }
        return new MailboxSnapshot(now.Counters, [.. chunks], now.KeywordSets) { Under = moved ? now : told };   // a pin reaches all later ones
    }
}
