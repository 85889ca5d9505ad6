using System.Text;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>STORE and UID STORE: changes flags, on condition that nobody else did if the client wants it so.</summary>
/// <remarks>RFC 9051 §6.4.6; UNCHANGEDSINCE: RFC 7162 §3.1.3</remarks>
/// <param name="UnchangedSince">Null: without a condition.</param>
internal sealed record StoreCommand(SequenceSet Set, bool IsUid, ulong? UnchangedSince, FlagChange Change, bool Silent) : ImapCommand
{
    public static StoreCommand Parse(ref ImapReader r) => Parse(ref r, isUid: false);

    public static StoreCommand ParseUid(ref ImapReader r) => Parse(ref r, isUid: true);

    // store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags
    // store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag))) (RFC 9051 §9, RFC 4466 §6)
    static StoreCommand Parse(ref ImapReader r, bool isUid)
    {
        r.Sp();
        SequenceSet set = r.SequenceSet();
        r.Sp();
        ulong? unchangedSince = r.Peek() == (byte)'(' ? Modifier(ref r) : null;
        FlagChangeMode mode = r.TryTake((byte)'+') ? FlagChangeMode.Add : r.TryTake((byte)'-') ? FlagChangeMode.Remove : FlagChangeMode.Replace;
        ReadOnlySpan<byte> item = r.Word();
        bool silent = Ascii.EqualsIgnoreCase(item, "FLAGS.SILENT"u8);
        if (!silent && !Ascii.EqualsIgnoreCase(item, "FLAGS"u8))
            r.Fail("Expected FLAGS");
        r.Sp();
        (MessageFlags flags, IReadOnlyList<string> keywords) = r.Flags(bare: true);
        return new(set, isUid, unchangedSince, new FlagChange(mode, flags, keywords), silent);
    }

    // store-modifier = "UNCHANGEDSINCE" SP mod-sequence-valzer (RFC 7162 §7)
    static ulong Modifier(ref ImapReader r)
    {
        r.Take((byte)'(');
        if (!r.TryWord("UNCHANGEDSINCE"u8))
            r.Fail("Unknown modifier of STORE");
        r.Sp();
        ulong since = r.ModSeq();
        r.Take((byte)')');
        r.Sp();
        return since;
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        SelectedMailbox selected = session.Selected!;
        if (selected.IsReadOnly)
            return ImapReply.ReadOnly;
        MailboxSnapshot before = selected.Told;
        bool all = true;
        List<IndexRange> ranges = IsUid ? Set.ResolveUids(before) : Set.ResolveNumbers(before, out all);
        if (!all)
            return ImapReply.BadNumber;
        if (UnchangedSince is not null)
            session.EnableCondStore();
        List<uint> uids = SequenceSet.UidsOf(before, ranges);
        IReadOnlyList<uint> failed = [];
        if (uids.Count > 0)
        {
            FlagsCondition? condition = UnchangedSince is { } since ? new FlagsCondition(since, before) : null;
            FlagsOutcome outcome = await new Progress(session, "Storing flags").WhileAsync(
                session.Store.StoreFlagsAsync(selected.Box, uids, Change, condition), uids.Count, ct);
            if (outcome.Error != StoreError.None)
                return ImapReply.No(outcome.Error);
            failed = outcome.Modified;
            await MailboxScripts.FlagsChangedAsync(session, selected.Box, before, uids);
        }
        var refused = new HashSet<uint>(failed);
        // Everything about these messages is told below, but for what others did to them meanwhile.
        selected.Sync(session.Writer, mayExpunge: false,
            entry => uids.BinarySearch(entry.Uid) >= 0 && (!Silent || refused.Contains(entry.Uid) || IsAsAsked(before, selected.Box.Current, entry)));
        MailboxSnapshot told = selected.Told;   // no number has moved
        foreach (IndexRange range in ranges)
        {
            for (int i = range.First; i <= range.Last; i++)
            {
                bool isRefused = refused.Contains(told[i].Uid);
                if (!Silent || isRefused)
                    selected.WriteFetch(session.Writer, told, i, withUid: IsUid, withFlags: true);
                else if (session.Enabled.CondStore && (UnchangedSince is not null || told[i].ModSeq != before[i].ModSeq) && IsAsAsked(before, told, told[i]))
                    selected.WriteFetch(session.Writer, told, i, withUid: IsUid, withFlags: false);   // RFC 7162 §3.1.3: silent or not
                if (session.Writer.IsFull)
                    await session.Writer.FlushAsync(session.Limits, ct);
            }
        }
        if (failed.Count == 0)
            return ImapReply.Ok("STORE completed");
        IReadOnlyList<uint> names = IsUid ? failed : [.. failed.Select(uid => (uint)told.IndexOf(uid) + 1)];
        return ImapReply.Ok($"[MODIFIED {SequenceSet.Text(names)}] Some messages were changed by others");
    }

    /// <summary>With .SILENT: the flags are just what the client must expect; else somebody else changed them too, and it is told.</summary>
    bool IsAsAsked(MailboxSnapshot before, MailboxSnapshot after, in MessageEntry now)
    {
        int index = before.IndexOf(now.Uid);
        if (index < 0)
            return false;
        MessageFlags was = before[index].Flags;
        MessageFlags expected = Change.Mode switch
        {
            FlagChangeMode.Add => was | Change.Flags,
            FlagChangeMode.Remove => was & ~Change.Flags,
            _ => Change.Flags,
        };
        return now.Flags == expected && HasKeywordsAsAsked(before.KeywordSets[before[index].KeywordSet], after.KeywordSets[now.KeywordSet]);
    }

    bool HasKeywordsAsAsked(string[] was, string[] has)
    {
        if (ReferenceEquals(was, has) && Change.Keywords.Count == 0 && Change.Mode != FlagChangeMode.Replace)
            return true;
        IEnumerable<string> expected = Change.Mode switch
        {
            FlagChangeMode.Add => was.Union(Change.Keywords, StringComparer.OrdinalIgnoreCase),
            FlagChangeMode.Remove => was.Except(Change.Keywords, StringComparer.OrdinalIgnoreCase),
            _ => Change.Keywords,
        };
        return has.ToHashSet(StringComparer.OrdinalIgnoreCase).SetEquals(expected);
    }
}
