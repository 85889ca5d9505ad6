namespace MailEngine.Store;

/// <summary>An opened mailbox: its newest snapshot and a way to hear of the next. Shared by all sessions that look at it.</summary>
/// <remarks>
/// The partition keeps a weak reference; whoever holds this object is told of every change through it. Who is not the owner opens a view:
/// the same mailbox with his own \Seen and \Recent (<see cref="Reader"/>), made from the owner's object and told of its changes by it.
/// What the view's reader may do is <see cref="Rights"/>; <see cref="MailStore"/> holds everybody to it.
/// </remarks>
public sealed class Mailbox
{
    readonly Lock _lock = new();
    readonly HashSet<Watcher> _watchers = [];
    readonly Mailbox? _base;             // null: this is the owner's object
    readonly ReaderOverlay? _overlay;
    readonly List<WeakReference<Mailbox>> _views = [];
    SeenState _seen = SeenState.None;    // of a view; under the lock of its base
    int _seenVersion;                    // of a base: goes up with every stored seen state
    MailboxSnapshot _current;
    MailboxName _name;
    Acl _acl = Acl.Empty;
    bool _deleted;
    AclSubject? _subject;
    Partition? _home;

    internal Mailbox(long id, long accountId, MailboxName name, MailboxSnapshot current)
    {
        Id = id;
        AccountId = accountId;
        _name = name;
        _current = current;
    }

    Mailbox(Mailbox owners, AclSubject subject, SeenState seen)
    {
        _base = owners;
        Id = owners.Id;
        AccountId = owners.AccountId;
        Reader = subject.Account.AccountId;
        _subject = subject;
        _seen = seen;
        _overlay = new ReaderOverlay();
        _current = _overlay.Over(owners._current, seen);
    }

    public long Id { get; }

    /// <summary>Where its rows are now. Any thread; who reads rows asks again afterwards, because its account may have moved meanwhile.</summary>
    internal Partition Home
    {
        get => Volatile.Read(ref (_base ?? this)._home)!;
        set => Volatile.Write(ref _home, value);
    }

    /// <summary>Whose it is and who pays for it; negative: it belongs to a domain (<see cref="MailStore.SharedTree"/>).</summary>
    public long AccountId { get; }

    /// <summary>Account whose view this is; 0: the owner's own.</summary>
    public long Reader { get; }

    /// <summary>Its name now; a rename changes it under open sessions, which RFC 9051 §6.3.6 allows.</summary>
    public MailboxName Name
    {
        get => _base?._name ?? _name;
        internal set => _name = value;
    }

    /// <summary>True once it was deleted: sessions that have it selected answer NO or say BYE. RFC 9051 §6.3.5</summary>
    public bool IsDeleted => _base?._deleted ?? _deleted;

    public MailboxSnapshot Current => Volatile.Read(ref _current);

    /// <summary>Its access control list now.</summary>
    public Acl Acl
    {
        get => Volatile.Read(ref (_base ?? this)._acl);
        internal set => Volatile.Write(ref _acl, value);
    }

    /// <summary>For a view: who its reader is now. A session puts the directory's newest answer here; other identifiers, other rights.</summary>
    public AclSubject? Subject
    {
        get => Volatile.Read(ref _subject);
        set => Volatile.Write(ref _subject, value);
    }

    /// <summary>What who opened it may do with it, now. RFC 4314 §4</summary>
    public AclRights Rights => Reader == 0 ? Acl.OwnerRights(AccountId) : Acl.RightsOf(Subject!);

    /// <summary>Calls <paramref name="wake"/> after every change, when the mailbox is deleted and when its rights change, on a thread of the
    /// pool, until the answer is disposed. Watch first and look at <see cref="Current"/> then, and no change is missed.</summary>
    public IDisposable Watch(Action wake)
    {
        var watcher = new Watcher(this, wake);
        lock (_lock)
            _watchers.Add(watcher);
        return watcher;
    }

    /// <summary>How many watch now.</summary>
    internal int Watchers
    {
        get
        {
            lock (_lock)
                return _watchers.Count;
        }
    }

    /// <summary>The view of a reader who is not the owner, one object for all his sessions. Any thread.</summary>
    /// <param name="read">Reads his stored state; may be called again when it was changed meanwhile.</param>
    internal Mailbox ViewOf(AclSubject subject, Func<SeenState> read)
    {
        while (true)
        {
            int version;
            lock (_lock)
            {
                if (FindView_NeedsLock(subject.Account.AccountId) is { } known)
                {
                    known.Subject = subject;
                    return known;
                }
                version = _seenVersion;
            }
            SeenState seen = read();
            lock (_lock)
            {
                if (version != _seenVersion || FindView_NeedsLock(subject.Account.AccountId) is not null)
                    continue;
                var view = new Mailbox(this, subject, seen);
                _views.RemoveAll(static v => !v.TryGetTarget(out _));
                _views.Add(new WeakReference<Mailbox>(view));
                return view;
            }
        }
    }

    /// <summary>Commit loop: what an open view's reader has seen; null: nobody has it open.</summary>
    internal SeenState? SeenOf(long reader)
    {
        lock (_lock)
            return FindView_NeedsLock(reader)?._seen;
    }

    /// <summary>Commit loop only, after the rows are durable, before <see cref="Publish"/> of the same batch.</summary>
    internal void PublishSeen(long reader, SeenState seen)
    {
        Watcher[] watchers = [];
        lock (_lock)
        {
            _seenVersion++;
            if (FindView_NeedsLock(reader) is { } view)
            {
                view._seen = seen;
                watchers = view.Show(_current);
            }
        }
        Wake(watchers);
    }

    /// <summary>Commit loop only, after the rows are durable.</summary>
    internal void Publish(MailboxSnapshot next)
    {
        Watcher[] watchers;
        lock (_lock)
        {
            Volatile.Write(ref _current, next);
            watchers = [.. _watchers, .. Views_NeedsLock().SelectMany(view => view.Show(next))];
        }
        Wake(watchers);
    }

    /// <summary>Commit loop only: other rights, or the mailbox is gone. Whoever waits looks again.</summary>
    internal void PublishRights(Acl acl)
    {
        Acl = acl;
        WakeAll();
    }

    internal void PublishDeleted()
    {
        lock (_lock)
            _deleted = true;
        WakeAll();
    }

    void WakeAll()
    {
        var watchers = new List<Watcher>();
        lock (_lock)
        {
            watchers.AddRange(_watchers);
            foreach (Mailbox view in Views_NeedsLock())
            {
                lock (view._lock)
                    watchers.AddRange(view._watchers);
            }
        }
        Wake([.. watchers]);
    }

    /// <summary>The commit loop waits for nobody: the pool calls those who watch.</summary>
    static void Wake(Watcher[] watchers)
    {
        if (watchers.Length == 0)
            return;
        ThreadPool.UnsafeQueueUserWorkItem(static watchers =>
        {
            foreach (Watcher watcher in watchers)
                watcher.Wake();
        }, watchers, preferLocal: false);
    }

    /// <summary>Of a view, under the lock of its base: shows the owner's newest snapshot with the reader's state.</summary>
    /// <returns>Who watches the view.</returns>
    Watcher[] Show(MailboxSnapshot snapshot)
    {
        MailboxSnapshot mine = _overlay!.Over(snapshot, _seen);
        lock (_lock)
        {
            Volatile.Write(ref _current, mine);
            return [.. _watchers];
        }
    }

    Mailbox? FindView_NeedsLock(long reader)
    {
        foreach (WeakReference<Mailbox> reference in _views)
        {
            if (reference.TryGetTarget(out Mailbox? view) && view.Reader == reader)
                return view;
        }
        return null;
    }

    IEnumerable<Mailbox> Views_NeedsLock()
    {
        foreach (WeakReference<Mailbox> reference in _views)
        {
            if (reference.TryGetTarget(out Mailbox? view))
                yield return view;
        }
    }

    sealed class Watcher(Mailbox box, Action wake) : IDisposable
    {
        public void Wake() => wake();

        public void Dispose()
        {
            lock (box._lock)
                box._watchers.Remove(this);
        }
    }
}
