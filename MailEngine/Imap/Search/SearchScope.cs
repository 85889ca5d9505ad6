using MailEngine.Store;

namespace MailEngine.Imap.Search;

/// <summary>Where a search looks: one mailbox, as one session knows it.</summary>
/// <param name="RecentFrom">First UID that is \Recent.</param>
internal sealed record SearchScope(Mailbox Box, MailboxSnapshot Snapshot, uint RecentFrom)
{
    public static SearchScope Of(SelectedMailbox selected) => new(selected.Box, selected.Told, selected.RecentFrom);
}

/// <summary>What a search found.</summary>
/// <param name="Indexes">In mailbox order.</param>
/// <param name="Lost">Messages that could not be read.</param>
/// <param name="Ended">False: it took longer than it may.</param>
internal sealed record SearchFound(List<int> Indexes, int Lost, bool Ended)
{
    /// <summary>Relevancy by index, 1 to 100; null: not a fuzzy search. RFC 6203 §4</summary>
    public IReadOnlyDictionary<int, int>? Scores { get; init; }

    /// <summary>Null: the search went well.</summary>
    public ImapReply? Failure => Ended ? null : ImapReply.No("[LIMIT] The search took too long; search for less at a time");

    public ImapReply Completed(string command) => Lost == 0
        ? ImapReply.Ok($"{command} completed")
        : ImapReply.Ok($"[UNAVAILABLE] {command} completed, but some messages cannot be read");
}
