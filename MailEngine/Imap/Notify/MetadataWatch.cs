using MailEngine.Store;

namespace MailEngine.Imap.Notify;

/// <summary>What a session hears of that enabled METADATA or METADATA-SERVER: annotations that others change. RFC 5464 §4.4</summary>
/// <remarks>Noted on the commit loop, written by the session when it waits for a command, at the end of one, and in IDLE. Mailboxes of others
/// are watched where the user is named in their lists at the time of ENABLE.</remarks>
internal sealed class MetadataWatch : IDisposable
{
    /// <summary>Names that may wait for a client that does not read; one that lets more wait has to begin anew.</summary>
    const int MaxPending = 1000;

    readonly ImapSession _session;
    readonly List<IDisposable> _watches = [];
    readonly Lock _lock = new();
    MetadataNews _news = new();

    MetadataWatch(ImapSession session) => _session = session;

    /// <param name="mailboxes">False: the server's annotations alone.</param>
    public static async ValueTask<MetadataWatch> StartAsync(ImapSession session, bool mailboxes, CancellationToken ct)
    {
        var watch = new MetadataWatch(session);
        IEnumerable<long> owners = mailboxes
            ? session.Store.NamedIn(await session.Access.SubjectAsync(ct)).Select(box => box.AccountId).Append(session.AccountId).Distinct()
            : [];
        foreach (long owner in owners.Append(Annotation.OfServer))
            watch._watches.Add(session.Store.Watch(owner, happened => watch.Take(owner, happened)));
        return watch;
    }

    /// <summary>Writes what waits.</summary>
    /// <param name="silent">Forgets it instead: NOTIFY says what the client wants to hear.</param>
    public ValueTask WriteAsync(bool silent, CancellationToken ct)
    {
        MetadataNews news;
        lock (_lock)
        {
            if (_news.Count == 0)
                return ValueTask.CompletedTask;
            news = _news;
            _news = new MetadataNews();
        }
        if (silent)
            return ValueTask.CompletedTask;
        if (news.Count <= MaxPending)
            return news.WriteAsync(_session, static (_, _) => true, ct);
        _session.Bye("[UNAVAILABLE] Too much happened that was not read");
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        foreach (IDisposable watch in _watches)
            watch.Dispose();
    }

    /// <summary>Commit loop.</summary>
    void Take(long owner, MailboxEvent happened)
    {
        if (!MetadataNews.Concerns(_session, happened))
            return;
        lock (_lock)
        {
            if (_news.Count <= MaxPending)
                _news.Add(owner, happened);
        }
        ThreadPool.UnsafeQueueUserWorkItem(static session => session.Wake(), _session, preferLocal: false);
    }
}
