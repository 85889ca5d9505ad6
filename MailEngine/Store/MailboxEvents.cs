namespace MailEngine.Store;

/// <summary>What happened to a mailbox of an account.</summary>
internal enum MailboxEventKind
{
    /// <summary>Messages came or went.</summary>
    Messages,
    /// <summary>Flags or keywords changed, nothing else.</summary>
    Flags,
    Created,
    Deleted,
    Renamed,
    Subscribed,
    Unsubscribed,
    /// <summary>Annotations were set or removed.</summary>
    Annotated,
}

/// <summary>Something that is durable and visible now.</summary>
/// <param name="MailboxId">0 for a subscription: a name, mailbox or not; and for annotations of the server (<see cref="Annotation.OfServer"/>).</param>
/// <param name="OldName">Of a renamed mailbox.</param>
/// <param name="Counters">For changes of messages and flags: the figures after it.</param>
/// <param name="Change">Of annotations.</param>
internal sealed record MailboxEvent(
    MailboxEventKind Kind, long MailboxId, MailboxName Name, MailboxName? OldName = null, MailboxCounters Counters = default, AnnotationsChanged? Change = null);

/// <summary>Which annotations changed.</summary>
/// <param name="Entries">Their names.</param>
/// <param name="Reader">Whose private ones they are; 0: all share them.</param>
/// <param name="By">Who did it, as the caller of <see cref="MailStore.SetAnnotationsAsync"/> named himself; null: nobody who listens.</param>
internal sealed record AnnotationsChanged(IReadOnlyList<string> Entries, long Reader, object? By);

/// <summary>Tells whoever watches an account of events in its mailboxes.</summary>
/// <remarks>Raised by the commit loop, which waits for nobody: a watcher notes what it is given and returns.</remarks>
internal sealed class AccountEvents
{
    readonly Lock _lock = new();
    readonly Dictionary<long, HashSet<Watcher>> _watchers = [];
    volatile bool _any;

    /// <summary>False: nobody watches anything, and no event need be made.</summary>
    public bool AreWatched => _any;

    /// <summary>Gives <paramref name="take"/> every event until the answer is disposed. It is called on the commit loop: note and return.</summary>
    public IDisposable Watch(long accountId, Action<MailboxEvent> take)
    {
        var watcher = new Watcher(this, accountId, take);
        lock (_lock)
        {
            if (!_watchers.TryGetValue(accountId, out HashSet<Watcher>? watching))
                _watchers.Add(accountId, watching = []);
            watching.Add(watcher);
            _any = true;
        }
        return watcher;
    }

    public void Raise(long accountId, MailboxEvent happened)
    {
        Watcher[] watching;
        lock (_lock)
        {
            if (!_watchers.TryGetValue(accountId, out HashSet<Watcher>? found))
                return;
            watching = [.. found];
        }
        foreach (Watcher watcher in watching)
            watcher.Take(happened);
    }

    sealed class Watcher(AccountEvents events, long accountId, Action<MailboxEvent> take) : IDisposable
    {
        public void Take(MailboxEvent happened) => take(happened);

        public void Dispose()
        {
            lock (events._lock)
            {
                if (!events._watchers.TryGetValue(accountId, out HashSet<Watcher>? watching) || !watching.Remove(this))
                    return;
                if (watching.Count == 0)
                    events._watchers.Remove(accountId);
                events._any = events._watchers.Count > 0;
            }
        }
    }
}
