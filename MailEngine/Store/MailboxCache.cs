namespace MailEngine.Store;

/// <summary>Opened mailboxes: one object each, as long as anyone holds it, and a bounded number that nobody holds.</summary>
/// <remarks>
/// A weak reference finds the object while a session has it; the strong list keeps the lately used ones. Loading is safe against
/// the commit loop: a loader announces itself, and a publication that falls into its reading makes it read again.
/// </remarks>
internal sealed class MailboxCache(int maxMessages)
{
    readonly Lock _lock = new();
    readonly Dictionary<long, WeakReference<Mailbox>> _known = [];
    readonly LinkedList<Mailbox> _recent = new();
    readonly Dictionary<long, LinkedListNode<Mailbox>> _recentNodes = [];
    readonly Dictionary<long, Loading> _loading = [];
    long _messages;
    int _sweep;

    sealed class Loading
    {
        public bool Touched { get; set; }
    }

    public Mailbox? Find(long id)
    {
        lock (_lock)
            return Find_NeedsLock(id);
    }

    /// <summary>Finds or reads a mailbox; null: there is none.</summary>
    public Mailbox? GetOrLoad(long id, Func<long, Mailbox?> read)
    {
        while (true)
        {
            Loading? loading;
            lock (_lock)
            {
                if (Find_NeedsLock(id) is { } known)
                    return known;
                if (!_loading.TryGetValue(id, out loading))
                    _loading.Add(id, loading = new Loading());
            }
            Mailbox? box = read(id);
            lock (_lock)
            {
                if (_loading.TryGetValue(id, out Loading? still) && ReferenceEquals(still, loading))
                    _loading.Remove(id);
                if (Find_NeedsLock(id) is { } known)
                    return known;
                if (loading.Touched)
                    continue;
                if (box is not null)
                    Add_NeedsLock(box);
                return box;
            }
        }
    }

    /// <summary>A mailbox that was just made.</summary>
    public void Add(Mailbox box)
    {
        lock (_lock)
        {
            if (_known.TryGetValue(box.Id, out WeakReference<Mailbox>? known) && known.TryGetTarget(out _))
                return;
            Add_NeedsLock(box);
        }
    }

    /// <summary>One that comes from another partition, in place of whatever is known of an earlier stay.</summary>
    public void Replace(Mailbox box)
    {
        lock (_lock)
        {
            Remove_NeedsLock(box.Id);
            Add_NeedsLock(box);
        }
    }

    /// <summary>Commit loop: makes the next snapshot the current one of whoever holds the mailbox.</summary>
    public void Publish(Mailbox box, MailboxSnapshot next)
    {
        int before = box.Current.Count;
        lock (_lock)
        {
            if (_loading.TryGetValue(box.Id, out Loading? loading))
            {
                loading.Touched = true;
                _loading.Remove(box.Id);
            }
            if (_recentNodes.ContainsKey(box.Id))
                _messages += next.Count - before;
        }
        box.Publish(next);
    }

    /// <summary>Commit loop, when segments are retired: what is current names none of them, so it need not keep them.</summary>
    public void Repin(SegmentPin pin)
    {
        lock (_lock)
        {
            foreach (WeakReference<Mailbox> known in _known.Values)
            {
                if (known.TryGetTarget(out Mailbox? box))
                    box.Current.Pin = pin;
            }
        }
    }

    public void Remove(long id)
    {
        lock (_lock)
            Remove_NeedsLock(id);
    }

    void Remove_NeedsLock(long id)
    {
        _known.Remove(id);
        if (_recentNodes.Remove(id, out LinkedListNode<Mailbox>? node))
        {
            _messages -= node.Value.Current.Count;
            _recent.Remove(node);
        }
        if (_loading.Remove(id, out Loading? loading))
            loading.Touched = true;
    }

    Mailbox? Find_NeedsLock(long id)
    {
        if (!_known.TryGetValue(id, out WeakReference<Mailbox>? reference) || !reference.TryGetTarget(out Mailbox? box))
            return null;
        if (_recentNodes.TryGetValue(id, out LinkedListNode<Mailbox>? node))
        {
            if (node != _recent.First)
            {
                _recent.Remove(node);
                _recent.AddFirst(node);
            }
        }
        else
        {
            Keep_NeedsLock(box);
        }
        return box;
    }

    void Add_NeedsLock(Mailbox box)
    {
        _known[box.Id] = new WeakReference<Mailbox>(box);
        Keep_NeedsLock(box);
        if (++_sweep % 1024 == 0)
        {
            foreach ((long id, WeakReference<Mailbox> reference) in _known)
            {
                if (!reference.TryGetTarget(out _))
                    _known.Remove(id);
            }
        }
    }

    void Keep_NeedsLock(Mailbox box)
    {
        const int most = 50_000;   // small mailboxes cost about a kilobyte each whatever they hold
        _recentNodes[box.Id] = _recent.AddFirst(box);
        _messages += box.Current.Count;
        while ((_messages > maxMessages || _recent.Count > most) && _recent.Count > 1)
        {
            Mailbox last = _recent.Last!.Value;
            _recent.RemoveLast();
            _recentNodes.Remove(last.Id);
            _messages -= last.Current.Count;
        }
    }
}
