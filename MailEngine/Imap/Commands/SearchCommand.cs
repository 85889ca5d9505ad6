using System.Text;
using MailEngine.Imap.Search;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>SEARCH and UID SEARCH: numbers or UIDs of the messages that match.</summary>
/// <remarks>RFC 9051 §6.4.4, RFC 3501 §6.4.4</remarks>
/// <param name="Program">Null: the charset asked for is not ours.</param>
internal sealed record SearchCommand(SearchProgram? Program, bool IsUid) : ImapCommand
{
    /// <summary>Time a search may take that has to read messages; attack case A7.</summary>
    static readonly TimeSpan s_most = TimeSpan.FromMinutes(2);

    /// <summary>Work between two looks at the clock and at other sessions' need for the thread.</summary>
    static readonly TimeSpan s_slice = TimeSpan.FromMilliseconds(20);

    public static SearchCommand Parse(ref ImapReader r) => Parse(ref r, isUid: false);

    public static SearchCommand ParseUid(ref ImapReader r) => Parse(ref r, isUid: true);

    // search = "SEARCH" [SP "CHARSET" SP charset] 1*(SP search-key) (RFC 9051 §9)
    static SearchCommand Parse(ref ImapReader r, bool isUid)
    {
        r.Sp();
        bool known = true;
        if (r.TryWord("CHARSET"u8))
        {
            r.Sp();
            ReadOnlySpan<byte> charset = r.Astring();
            known = Ascii.EqualsIgnoreCase(charset, "UTF-8"u8) || Ascii.EqualsIgnoreCase(charset, "US-ASCII"u8);
            r.Sp();
            if (!known && !r.Failed)
            {
                r.SkipToEnd();
                return new(null, isUid);
            }
        }
        return new(SearchParser.Parse(ref r), isUid);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (Program is null)
            return ImapReply.No("[BADCHARSET (US-ASCII UTF-8)] Charset not known");   // RFC 9051 §7.1
        SelectedMailbox selected = session.Selected!;
        MailboxSnapshot snapshot = selected.Told;
        TimeProvider clock = session.Services.Clock;
        long start = clock.GetTimestamp(), slice = start;
        var found = new List<uint>();
        int lost = 0;
        using (var run = new SearchRun(session.Store, selected, Program))
        {
            int index = 0;
            for (int chunk = 0; chunk < snapshot.Chunks.Length; chunk++)
            {
                for (int place = 0; place < snapshot.Chunks[chunk].Messages.Length; place++, index++)
                {
                    lost += Look(run, snapshot.Chunks[chunk], place, index, found);
                    if (!run.WasExpensive || clock.GetElapsedTime(slice) < s_slice)
                        continue;
                    if (clock.GetElapsedTime(start) > s_most)
                        return ImapReply.No("[LIMIT] The search took too long; search for less at a time");
                    ct.ThrowIfCancellationRequested();
                    await Task.Yield();
                    slice = clock.GetTimestamp();
                }
            }
        }
        ImapWriter w = session.Writer;
        w.Write("* SEARCH"u8);
        foreach (uint number in found)
        {
            w.Write((byte)' ');
            w.WriteNumber(number);
            if (w.IsFull)
                await w.FlushAsync(session.Limits, ct);
        }
        w.Write("\r\n"u8);
        return lost == 0 ? ImapReply.Ok("SEARCH completed") : ImapReply.Ok("[UNAVAILABLE] SEARCH completed, but some messages cannot be read");
    }

    int Look(SearchRun run, Chunk chunk, int place, int index, List<uint> found)
    {
        ref readonly MessageEntry entry = ref chunk.Messages[place];
        try
        {
            if (run.Matches(index, entry))
                found.Add(IsUid ? entry.Uid : (uint)index + 1);
            return 0;
        }
        catch (IOException)   // one lost message does not hide the others (S5)
        {
            return 1;
        }
    }
}
