using MailEngine.Imap.Fetch;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>FETCH and UID FETCH: data of messages.</summary>
/// <remarks>RFC 9051 §6.4.5 and §6.4.9; PARTIAL: RFC 9394 §3.3; CHANGEDSINCE and VANISHED: RFC 7162 §3.1.4.1 and §3.2.6. Works on the snapshot the client knows, so messages that others expunged meanwhile are still served.</remarks>
internal sealed record FetchCommand(SequenceSet Set, FetchItems Items, FetchModifiers Modifiers, bool IsUid) : ImapCommand
{
    /// <summary>Messages whose \Seen is set in one go before they are sent.</summary>
    const int SeenBatch = 256;

    public static FetchCommand Parse(ref ImapReader r) => Parse(ref r, isUid: false);

    public static FetchCommand ParseUid(ref ImapReader r) => Parse(ref r, isUid: true);

    // fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")") [fetch-modifiers]
    // (RFC 9051 §9, RFC 4466 §6)
    static FetchCommand Parse(ref ImapReader r, bool isUid)
    {
        r.Sp();
        SequenceSet set = r.SequenceSet();
        r.Sp();
        FetchItems items = FetchItems.Parse(ref r);
        FetchModifiers modifiers = FetchModifiers.Parse(ref r);
        if (modifiers.Partial is not null && !isUid)
            r.Fail("PARTIAL is for UID FETCH");   // RFC 9394 §3.3
        if (modifiers.ChangedSince is not null)
            items = items with { Data = items.Data | FetchData.ModSeq };   // RFC 7162 §3.1.4.1
        return new(set, items, modifiers, isUid);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (IsUid && !session.Enabled.UidOnly && (Items.Data & FetchData.Uid) == 0)
            return await (this with { Items = Items with { Data = Items.Data | FetchData.Uid } }).RunAsync(session, ct);   // RFC 9051 §6.4.9
        SelectedMailbox selected = session.Selected!;
        if (Modifiers.Vanished && (!IsUid || Modifiers.ChangedSince is null || !session.Enabled.QResync))
            return ImapReply.Bad("VANISHED goes with UID FETCH and CHANGEDSINCE, after ENABLE QRESYNC");   // RFC 7162 §3.2.6
        bool all = true;
        List<IndexRange> ranges = IsUid ? Set.ResolveUids(selected.Told) : Set.ResolveNumbers(selected.Told, out all);
        if (!all)
            return ImapReply.BadNumber;
        if ((Items.Data & FetchData.ModSeq) != 0)
            session.EnableCondStore();
        if (Modifiers.ChangedSince is { } since)
        {
            ranges = ChangedSince(selected.Told, ranges, since);
            if (Modifiers.Vanished)
                await VanishedUids.WriteEarlierAsync(session, VanishedUids.Since(session.Store, selected, since, Set, above: 0), ct);
        }
        if (Modifiers.Partial is { } partial)
            ranges = SequenceSet.Part(ranges, partial);
        FetchFaults faults = Items.SetsSeen && !selected.IsReadOnly
            ? await ReadAndMarkAsync(session, selected, ranges, ct)
            : await ReadAsync(session, selected, ranges, null, ct);
        return faults.Lost > 0 ? ImapReply.No("[UNAVAILABLE] Some messages cannot be read")
            : faults.Undecodable > 0 ? ImapReply.No("[UNKNOWN-CTE] Some parts have an unknown encoding")   // RFC 3516 §4.3
            : ImapReply.Ok("FETCH completed");
    }

    /// <summary>Those of the messages whose mod-sequence is larger.</summary>
    static List<IndexRange> ChangedSince(MailboxSnapshot snapshot, List<IndexRange> ranges, ulong since)
    {
        var changed = new List<IndexRange>();
        if (snapshot.HighestModSeq <= since)
            return changed;
        foreach (IndexRange range in ranges)
        {
            for (int i = range.First; i <= range.Last; i++)
            {
                if (snapshot[i].ModSeq <= since)
                    continue;
                if (changed.Count > 0 && changed[^1].Last == i - 1)
                    changed[^1] = changed[^1] with { Last = i };
                else
                    changed.Add(new IndexRange(i, i));
            }
        }
        return changed;
    }

    /// <summary>What could not be sent.</summary>
    readonly record struct FetchFaults(int Lost, int Undecodable)
    {
        public static FetchFaults operator +(FetchFaults a, FetchFaults b) => new(a.Lost + b.Lost, a.Undecodable + b.Undecodable);
    }

    async ValueTask<FetchFaults> ReadAsync(ImapSession session, SelectedMailbox selected, List<IndexRange> ranges, List<uint>? marked, CancellationToken ct)
    {
        using var writer = new FetchWriter(session, selected, selected.Told, Items);
        foreach (IndexRange range in ranges)
        {
            for (int i = range.First; i <= range.Last;)
            {
                if (writer.IsPlain)
                    i = writer.WritePlain(i, range.Last);
                else
                {
                    bool alsoFlags = marked is not null && marked.BinarySearch(selected.Told[i].Uid) >= 0;
                    await writer.WriteAsync(i++, alsoFlags, ct);
                }
                if (session.Writer.IsFull)
                    await session.Writer.FlushAsync(session.Limits, ct);
            }
        }
        return new FetchFaults(writer.Lost, writer.Undecodable);
    }

    /// <summary>Sets \Seen of a batch, then sends it with its new flags.</summary>
    async ValueTask<FetchFaults> ReadAndMarkAsync(ImapSession session, SelectedMailbox selected, List<IndexRange> ranges, CancellationToken ct)
    {
        var faults = new FetchFaults();
        foreach (IndexRange range in ranges)
        {
            for (int first = range.First; first <= range.Last; first += SeenBatch)
            {
                // Told keeps its numbers while Sync may not expunge, so indexes stay right from batch to batch.
                var batch = new IndexRange(first, Math.Min(range.Last, first + SeenBatch - 1));
                List<uint> unseen = Unseen(selected.Told, batch);
                if (unseen.Count > 0)
                {
                    StoreError error = await session.Store.StoreFlagsAsync(selected.Box, unseen, new FlagChange(FlagChangeMode.Add, MessageFlags.Seen, []));
                    if (error != StoreError.None)
                        unseen.Clear();   // the messages are sent all the same
                    await MailboxScripts.FlagsChangedAsync(session, selected.Box, selected.Told, unseen);
                    selected.Sync(session.Writer, mayExpunge: false, entry => unseen.BinarySearch(entry.Uid) >= 0);
                }
                faults += await ReadAsync(session, selected, [batch], unseen, ct);
            }
        }
        return faults;
    }

    static List<uint> Unseen(MailboxSnapshot snapshot, IndexRange range)
    {
        var uids = new List<uint>();
        for (int i = range.First; i <= range.Last; i++)
        {
            ref readonly MessageEntry entry = ref snapshot[i];
            if ((entry.Flags & MessageFlags.Seen) == 0)
                uids.Add(entry.Uid);
        }
        return uids;
    }
}
