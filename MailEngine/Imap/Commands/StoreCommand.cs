using System.Text;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>STORE and UID STORE: changes flags.</summary>
/// <remarks>RFC 9051 §6.4.6</remarks>
internal sealed record StoreCommand(SequenceSet Set, bool IsUid, FlagChange Change, bool Silent) : ImapCommand
{
    public static StoreCommand Parse(ref ImapReader r) => Parse(ref r, isUid: false);

    public static StoreCommand ParseUid(ref ImapReader r) => Parse(ref r, isUid: true);

    // store = "STORE" SP sequence-set SP ["+" / "-"] "FLAGS" [".SILENT"] SP (flag-list / (flag *(SP flag))) (RFC 9051 §9)
    static StoreCommand Parse(ref ImapReader r, bool isUid)
    {
        r.Sp();
        SequenceSet set = r.SequenceSet();
        r.Sp();
        FlagChangeMode mode = r.TryTake((byte)'+') ? FlagChangeMode.Add : r.TryTake((byte)'-') ? FlagChangeMode.Remove : FlagChangeMode.Replace;
        ReadOnlySpan<byte> item = r.Word();
        bool silent = Ascii.EqualsIgnoreCase(item, "FLAGS.SILENT"u8);
        if (!silent && !Ascii.EqualsIgnoreCase(item, "FLAGS"u8))
            r.Fail("Expected FLAGS");
        r.Sp();
        (MessageFlags flags, IReadOnlyList<string> keywords) = r.Flags(bare: true);
        return new(set, isUid, new FlagChange(mode, flags, keywords), silent);
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
        List<uint> uids = SequenceSet.UidsOf(before, ranges);
        if (uids.Count > 0)
        {
            StoreError error = await session.Store.StoreFlagsAsync(selected.Box, uids, Change);
            if (error != StoreError.None)
                return ImapReply.No(error);
        }
        selected.Sync(session.Writer, mayExpunge: false, entry => uids.BinarySearch(entry.Uid) >= 0 && (!Silent || IsAsAsked(before, entry)));
        if (!Silent)
        {
            MailboxSnapshot told = selected.Told;
            foreach (IndexRange range in ranges)
            {
                for (int i = range.First; i <= range.Last; i++)
                {
                    WriteFlags(session.Writer, selected, told, i);
                    if (session.Writer.IsFull)
                        await session.Writer.FlushAsync(session.Limits, ct);
                }
            }
        }
        return ImapReply.Ok("STORE completed");
    }

    void WriteFlags(ImapWriter writer, SelectedMailbox selected, MailboxSnapshot told, int index)
    {
        ref readonly MessageEntry entry = ref told[index];
        writer.Write("* "u8);
        writer.WriteNumber(index + 1);
        writer.Write(" FETCH ("u8);
        if (IsUid)   // RFC 9051 §6.4.9
        {
            writer.Write("UID "u8);
            writer.WriteNumber(entry.Uid);
            writer.Write((byte)' ');
        }
        writer.Write("FLAGS ("u8);
        selected.WriteFlagNames(writer, told, entry);
        writer.Write("))\r\n"u8);
    }

    /// <summary>With .SILENT: the flags are just what the client must expect; else somebody else changed them too, and it is told.</summary>
    bool IsAsAsked(MailboxSnapshot before, in MessageEntry now)
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
        return now.Flags == expected
            && (Change.Keywords.Count > 0 || Change.Mode == FlagChangeMode.Replace || now.KeywordSet == before[index].KeywordSet);
    }
}
