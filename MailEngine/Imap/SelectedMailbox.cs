using MailEngine.Imap.Contexts;
using MailEngine.Store;

namespace MailEngine.Imap;

/// <summary>The mailbox a session has selected, and what its client knows of it.</summary>
/// <remarks>
/// <see cref="Told"/> is what the client was told: its sequence numbers count in it, and all commands work on it. <see cref="Seen"/> is
/// the newest snapshot of the mailbox that was worked into it. They differ while expunged messages wait to be announced.
/// </remarks>
internal sealed class SelectedMailbox(Mailbox box, bool readOnly, uint recentFrom, MailboxSnapshot snapshot, EnabledExtensions enabled)
{
    int _keywordSetsTold = snapshot.KeywordSets.Count;

    public Mailbox Box { get; } = box;

    /// <summary>EXAMINE. RFC 9051 §6.3.3</summary>
    public bool IsReadOnly { get; } = readOnly;

    /// <summary>Messages from this UID on are \Recent in this session. RFC 3501 §2.3.2 lets a server that cannot tell who was told
    /// first say so to several sessions.</summary>
    public uint RecentFrom { get; } = recentFrom;

    public MailboxSnapshot Told { get; private set; } = snapshot;

    public MailboxSnapshot Seen { get; private set; } = snapshot;

    /// <summary>The result that a search saved: "$". RFC 5182 §2.1</summary>
    public SequenceSet Saved { get; set; } = SequenceSet.OfUids([]);

    /// <summary>The client was told of all changes up to this mod-sequence; smaller than those of expunged messages that wait to be
    /// announced. RFC 7162 §3.2</summary>
    public ulong ToldModSeq { get; private set; } = snapshot.HighestModSeq;

    /// <summary>Expunged messages wait to be announced.</summary>
    public bool IsBehind => !ReferenceEquals(Told, Seen);

    /// <summary>Searches whose client hears of changes of their result; null: none yet. RFC 5267 §4.3</summary>
    public UpdateContexts? Contexts { get; set; }

    public KeywordTexts Keywords { get; } = new();

    /// <summary>Nothing is \Recent in IMAP4rev2. RFC 9051 §E</summary>
    public bool IsRecent(in MessageEntry entry) => entry.Uid >= RecentFrom && !enabled.Rev2;

    /// <summary>Tells the client what changed. RFC 9051 §7.4.1, §7.5.1, §7.5.2</summary>
    /// <returns>How many expunged messages it was told of.</returns>
    /// <param name="mayExpunge">False while a command runs that uses sequence numbers.</param>
    /// <param name="silent">These messages are not told of when they are as the function says: what the client did itself and
    /// asked not to hear of. Null: all are told.</param>
    public int Sync(ImapWriter writer, bool mayExpunge, Func<MessageEntry, bool>? silent = null)
    {
        MailboxSnapshot current = Box.Current, now = current;
        if (ReferenceEquals(now, Seen) && (!mayExpunge || ReferenceEquals(Told, Seen)))
            return 0;
        SnapshotDifference difference = SnapshotDifference.Of(Told, now);
        bool whole = true;
        if (difference.Expunged.Count > 0 && !mayExpunge)
        {
            now = ToldSnapshot.KeepExpunged(Told, current);
            difference = SnapshotDifference.Of(Told, now);
            whole = false;
        }
        Contexts?.WriteRemoved(this, now, difference);
        WriteExpunged(writer, difference);
        if (difference.Added > 0)
        {
            writer.Write("* "u8);
            writer.WriteNumber(now.Count);
            writer.Write(" EXISTS\r\n"u8);
            WriteRecent(writer, now);
        }
        if (now.KeywordSets.Count != _keywordSetsTold)
        {
            _keywordSetsTold = now.KeywordSets.Count;
            WriteFlags(writer, now);
        }
        foreach (int number in difference.Changed)
        {
            ref readonly MessageEntry entry = ref now[number - 1];
            if (silent is not null && silent(entry))
                continue;
            if (enabled.CondStore || Differs(entry))
                WriteFetch(writer, now, number - 1, withUid: true, withFlags: true);   // RFC 9051 §7.5.2: unsolicited, so with UID
        }
        Contexts?.WriteAdded(this, now);
        Told = now;
        Seen = current;
        if (whole)
            ToldModSeq = current.HighestModSeq;
        return difference.Expunged.Count;
    }

    /// <summary>RECENT: RFC 3501 §7.3.2.</summary>
    public void WriteRecent(ImapWriter writer, MailboxSnapshot snapshot)
    {
        if (enabled.Rev2)
            return;
        writer.Write("* "u8);
        writer.WriteNumber(snapshot.Count - snapshot.LowerBound(RecentFrom));
        writer.Write(" RECENT\r\n"u8);
    }

    /// <summary>EXPUNGE from the highest number down, or VANISHED: RFC 9051 §7.5.1, RFC 7162 §3.2.10.2.</summary>
    void WriteExpunged(ImapWriter writer, SnapshotDifference difference)
    {
        if (difference.Expunged.Count > 0 && (enabled.QResync || enabled.UidOnly))
        {
            writer.Write("* VANISHED "u8);
            writer.WriteAscii(SequenceSet.Text(difference.ExpungedUids));
            writer.Write("\r\n"u8);
            return;
        }
        for (int i = difference.Expunged.Count - 1; i >= 0; i--)
        {
            writer.Write("* "u8);
            writer.WriteNumber(difference.Expunged[i]);
            writer.Write(" EXPUNGE\r\n"u8);
        }
    }

    /// <summary>A new mod-sequence alone is nothing to tell a client that did not ask for it.</summary>
    bool Differs(in MessageEntry now)
    {
        int index = Told.IndexOf(now.Uid);
        return index < 0 || Told[index].Flags != now.Flags || Told[index].KeywordSet != now.KeywordSet;
    }

    /// <summary>A FETCH response about flags. Once CONDSTORE is on it has UID and mod-sequence: RFC 7162 §3.2.4.</summary>
    public void WriteFetch(ImapWriter writer, MailboxSnapshot snapshot, int index, bool withUid, bool withFlags)
    {
        ref readonly MessageEntry entry = ref snapshot[index];
        writer.Write("* "u8);
        writer.WriteNumber(enabled.UidOnly ? entry.Uid : (uint)index + 1);
        writer.Write(enabled.UidOnly ? " UIDFETCH ("u8 : " FETCH ("u8);
        bool any = false;
        if ((withUid || enabled.CondStore) && !enabled.UidOnly)
        {
            writer.Write("UID "u8);
            writer.WriteNumber(entry.Uid);
            any = true;
        }
        if (withFlags)
        {
            writer.Write(any ? " FLAGS ("u8 : "FLAGS ("u8);
            WriteFlagNames(writer, snapshot, entry);
            writer.Write((byte)')');
            any = true;
        }
        if (enabled.CondStore)
        {
            writer.Write(any ? " MODSEQ ("u8 : "MODSEQ ("u8);
            writer.WriteNumber(entry.ModSeq);
            writer.Write((byte)')');
        }
        writer.Write(")\r\n"u8);
    }

    /// <summary>HIGHESTMODSEQ: RFC 7162 §3.1.2.1.</summary>
    public void WriteHighestModSeq(ImapWriter writer)
    {
        writer.Write("* OK [HIGHESTMODSEQ "u8);
        writer.WriteNumber(ToldModSeq);
        writer.Write(IsBehind ? "] Expunged messages are yet to be told\r\n"u8 : "] Highest\r\n"u8);
    }

    public void WriteFlagNames(ImapWriter writer, MailboxSnapshot snapshot, in MessageEntry entry)
    {
        ReadOnlySpan<byte> system = FlagText.System(entry.Flags, IsRecent(entry));
        writer.Write(system);
        if (entry.KeywordSet == 0)
            return;
        if (!system.IsEmpty)
            writer.Write((byte)' ');
        writer.Write(Keywords.Of(snapshot, entry.KeywordSet));
    }

    /// <summary>Those that the user may change. RFC 4314 §5.1.1</summary>
    string PermanentFlags(string names)
    {
        FlagMask may = FlagMask.Of(Box.Rights);
        if (may == FlagMask.All)
            return names + " \\*";
        IEnumerable<string> kept = names.Split(' ').Where(name => name switch
        {
            "\\Seen" => may.Flags.HasFlag(MessageFlags.Seen),
            "\\Deleted" => may.Flags.HasFlag(MessageFlags.Deleted),
            _ => may.Keywords,
        });
        return string.Join(' ', may.Keywords ? kept.Append("\\*") : kept);
    }

    /// <summary>FLAGS and PERMANENTFLAGS: RFC 9051 §7.3.5 and §7.1.</summary>
    public void WriteFlags(ImapWriter writer, MailboxSnapshot snapshot)
    {
        var keywords = new SortedSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (string[] set in snapshot.KeywordSets)
            keywords.UnionWith(set);
        string names = "\\Answered \\Flagged \\Deleted \\Seen \\Draft" + string.Concat(keywords.Select(k => " " + k));
        writer.Write("* FLAGS ("u8);
        writer.WriteAscii(names);
        writer.Write(")\r\n* OK [PERMANENTFLAGS ("u8);
        if (!IsReadOnly)
            writer.WriteAscii(PermanentFlags(names));
        writer.Write(")] Flags that are kept\r\n"u8);
    }
}
