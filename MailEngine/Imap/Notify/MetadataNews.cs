using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Notify;

/// <summary>Names of annotations that somebody else changed, until the client is told. RFC 5464 §4.4.2</summary>
/// <remarks>Not for several threads: whoever has it locks.</remarks>
internal sealed class MetadataNews
{
    readonly Dictionary<(long Owner, long Id), (MailboxName Name, SortedSet<string> Entries)> _changed = [];

    /// <summary>Names that wait.</summary>
    public int Count { get; private set; }

    /// <summary>The session is to hear of it: another one did it, and what it did to private annotations the same user did.</summary>
    public static bool Concerns(ImapSession session, MailboxEvent happened) =>
        happened.Change is { } change && !ReferenceEquals(change.By, session) && (change.Reader == 0 || change.Reader == session.AccountId);

    public void Add(long owner, MailboxEvent happened)
    {
        (long, long) box = (owner, happened.MailboxId);
        SortedSet<string> entries = _changed.TryGetValue(box, out var known) ? known.Entries : new SortedSet<string>(StringComparer.Ordinal);
        foreach (string entry in happened.Change!.Entries)
            Count += entries.Add(entry) ? 1 : 0;
        _changed[box] = (happened.Name, entries);
    }

    /// <summary>Writes what the user may know of now. RFC 5464 §3.3</summary>
    /// <param name="wanted">Whether the client asked about a mailbox, by owner and the name that it sees; the server: no name.</param>
    public async ValueTask WriteAsync(ImapSession session, Func<long, MailboxName?, bool> wanted, CancellationToken ct)
    {
        foreach (((long owner, long id), (MailboxName name, SortedSet<string> entries)) in _changed)
        {
            MailboxName? shown = id == Annotation.OfServer ? null : await ShownAsync(session, owner, name, ct);
            if (shown is null != (id == Annotation.OfServer) || !wanted(owner, shown))
                continue;
            session.Writer.Write("* METADATA "u8);
            if (shown is { } mailbox)
                session.Writer.WriteMailbox(mailbox.Value);
            else
                session.Writer.Write("\"\""u8);
            // entry-list = entry *(SP entry) (RFC 5464 §5): names alone
            foreach (string entry in entries)
            {
                session.Writer.Write((byte)' ');
                session.Writer.WriteAstring(entry);
            }
            session.Writer.Write("\r\n"u8);
            await session.FlushIfFullAsync(ct);
        }
    }

    static async ValueTask<MailboxName?> ShownAsync(ImapSession session, long owner, MailboxName name, CancellationToken ct)
    {
        if (owner == session.AccountId)
            return name;
        return session.Store.Find(owner, name) is { } info && MetadataEntries.MayUse(await session.Access.RightsAsync(owner, info.Acl, ct))
            ? await session.Access.ShownAsync(owner, name, ct) : null;
    }
}
