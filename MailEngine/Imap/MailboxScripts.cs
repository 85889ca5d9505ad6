using MailEngine.Flow;
using MailEngine.Net;
using MailEngine.Sieve;
using MailEngine.Store;

namespace MailEngine.Imap;

/// <summary>Tells scripts of mailboxes what a command has done, after it is done and before the client hears so. RFC 6785 §2.2</summary>
/// <remarks>Whether the client is there still does not matter: what it asked for is done, and its script belongs to that. So no token of the connection
/// comes here.</remarks>
static class MailboxScripts
{
    /// <summary>Messages were put into a mailbox.</summary>
    public static ValueTask AddedAsync(ImapSession session, Mailbox box, string cause, IReadOnlyList<uint> uids) =>
        session.Services.Events is { } events && uids.Count > 0 && events.Find(box) is { } script
            ? new(events.RunAsync(box, script, session.Account!, cause, [.. uids.Select(uid => (uid, ""))], () => IsOver(session), CancellationToken.None)) : default;

    /// <summary>Flags of messages were changed, of some of them perhaps not.</summary>
    public static ValueTask FlagsChangedAsync(ImapSession session, Mailbox box, MailboxSnapshot before, IReadOnlyList<uint> uids) =>
        session.Services.Events is { } events && uids.Count > 0 && events.Find(box) is { } script
            ? new(ChangedAsync(session, events, script, box, before, uids)) : default;

    static async Task ChangedAsync(ImapSession session, MailEvents events, EventScript script, Mailbox box, MailboxSnapshot before, IReadOnlyList<uint> uids)
    {
        MailboxSnapshot after = box.Current;
        var changed = new List<(uint, string)>();
        foreach (uint uid in uids)
        {
            if (before.IndexOf(uid) is >= 0 and var was && after.IndexOf(uid) is >= 0 and var now && Difference(before, before[was], after, after[now]) is { Length: > 0 } flags)
                changed.Add((uid, flags));
        }
        if (changed.Count > 0)
            await events.RunAsync(box, script, session.Account!, SieveEvent.FlagCause, changed, () => IsOver(session), CancellationToken.None);
    }

    /// <summary>The server stops, or somebody ended the session: scripts of the messages that are left do not run. Those messages are where they were put,
    /// with the flags they were given.</summary>
    static bool IsOver(ImapSession session) => session.Connection.EndReason is EndReason.Stopping or EndReason.Ended;

    /// <summary>Names of the flags that one has and the other has not. RFC 6785 §4.5</summary>
    static string Difference(MailboxSnapshot before, in MessageEntry was, MailboxSnapshot after, in MessageEntry now)
    {
        IEnumerable<string> names = MailEvents.NamesOf(was.Flags ^ now.Flags);
        string[] had = before.KeywordSets[was.KeywordSet], has = after.KeywordSets[now.KeywordSet];
        if (!ReferenceEquals(had, has))
            names = [.. names, .. had.Except(has, StringComparer.OrdinalIgnoreCase), .. has.Except(had, StringComparer.OrdinalIgnoreCase)];
        return string.Join(' ', names);
    }
}
