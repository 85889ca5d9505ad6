using MailEngine.Imap.Fetch;
using MailEngine.Imap.Listing;
using MailEngine.Store;

namespace MailEngine.Imap.Notify;

/// <summary>What a session that used NOTIFY is told, and when. RFC 5465 §3.1</summary>
/// <remarks>
/// Events of the account are noted on the commit loop and written by the session: when it waits for a command, at the end of one, in
/// IDLE. Of a mailbox only the newest figures are kept, so what waits is bounded by the number of mailboxes and by <see cref="MaxPending"/>.
/// The selected mailbox has no queue: the session compares snapshots, as ever. Mailboxes of others are watched where the user is named in
/// their lists when NOTIFY comes; what he may know of each is looked up again before every word (RFC 5465 §3.1 and §5.9).
/// </remarks>
internal sealed class Notifier : IDisposable
{
    /// <summary>Mailboxes and names that may wait to be told of, for a client that does not read. RFC 5465 §5.8</summary>
    const int MaxPending = 1000;

    readonly ImapSession _session;
    readonly IReadOnlyList<NotifyGroup> _groups;
    readonly NotifyGroup? _ofSelected;
    readonly NotifyEvents _elsewhere;   // all that groups of other mailboxes ask for
    readonly List<IDisposable> _watches = [];
    readonly Lock _lock = new();
    Dictionary<(long Owner, long Id), (MailboxEvent Last, NotifyEvents Kinds)> _changed = [];
    List<(long Owner, MailboxEvent What)> _names = [];
    MetadataNews _metadata = new();
    bool _overflown;
    IDisposable? _selected;

    public Notifier(ImapSession session, IReadOnlyList<NotifyGroup> groups)
    {
        _session = session;
        _groups = groups;
        foreach (NotifyGroup group in groups)
        {
            if (group.IsOfSelected)
                _ofSelected = group.Events == NotifyEvents.None ? null : group;
            else
                _elsewhere |= group.Events;
        }
        if (_elsewhere != NotifyEvents.None)
            Watch(session.AccountId);
        if (_elsewhere.HasFlag(NotifyEvents.ServerMetadata))
            Watch(Annotation.OfServer);   // whatever mailboxes it was asked with: RFC 5465 §5.7
        Follow(session.Selected);
    }

    /// <summary>Begins with what NOTIFY SET asks for.</summary>
    public static async ValueTask<Notifier> StartAsync(ImapSession session, IReadOnlyList<NotifyGroup> groups, CancellationToken ct)
    {
        var notifier = new Notifier(session, groups);
        // Personal mailboxes and those that mail is delivered to are one's own; the other groups may name anybody's.
        if (groups.Any(group => group.Filter is NotifyFilter.Subscribed or NotifyFilter.Subtree or NotifyFilter.Mailboxes && group.Events != NotifyEvents.None))
        {
            foreach (long owner in session.Store.NamedIn(await session.Access.SubjectAsync(ct)).Select(box => box.AccountId).Distinct())
                notifier.Watch(owner);
        }
        return notifier;
    }

    void Watch(long owner) => _watches.Add(_session.Store.Watch(owner, happened => Take(owner, happened)));

    /// <summary>What the groups ask about a mailbox that is not selected.</summary>
    public static NotifyEvents Wanted(IReadOnlyList<NotifyGroup> groups, MailboxName name, IReadOnlySet<string>? subscribed, bool isOwn)
    {
        var wanted = NotifyEvents.None;
        foreach (NotifyGroup group in groups)
        {
            if (group.Covers(name, subscribed, isOwn))
                wanted |= group.Events;
        }
        return wanted;
    }

    /// <summary>Another mailbox is selected, or none.</summary>
    public void Follow(SelectedMailbox? selected)
    {
        _selected?.Dispose();
        _selected = _ofSelected is null ? null : selected?.Box.Watch(_session.Wake);
    }

    public void Dispose()
    {
        foreach (IDisposable watch in _watches)
            watch.Dispose();
        _selected?.Dispose();
    }

    /// <summary>Writes what happened while no command runs.</summary>
    public ValueTask PushAsync(CancellationToken ct) => PushAsync(mayExpunge: _ofSelected?.Filter == NotifyFilter.Selected, ct);

    /// <summary>Writes what happened.</summary>
    /// <param name="mayExpunge">False while sequence numbers are in use.</param>
    public async ValueTask PushAsync(bool mayExpunge, CancellationToken ct)
    {
        await TellSelectedAsync(mayExpunge, ct);
        Dictionary<(long Owner, long Id), (MailboxEvent Last, NotifyEvents Kinds)> changed;
        List<(long Owner, MailboxEvent What)> names;
        MetadataNews metadata;
        lock (_lock)
        {
            if (_changed.Count == 0 && _names.Count == 0 && _metadata.Count == 0 && !_overflown)
                return;
            (changed, names, metadata) = (_changed, _names, _metadata);
            (_changed, _names, _metadata) = ([], [], new MetadataNews());
        }
        if (_overflown)
        {
            _session.Writer.Write("* OK [NOTIFICATIONOVERFLOW] Too much happened; ask again with NOTIFY\r\n"u8);
            _session.SetNotifier(new Notifier(_session, []));   // as if NOTIFY NONE had come: RFC 5465 §5.8
            return;
        }
        IReadOnlySet<string>? subscribed =
            _groups.Any(group => group.Filter == NotifyFilter.Subscribed) ? _session.Store.SubscriptionsOf(_session.AccountId) : null;
        if (names.Count > 0)
            await WriteNamesAsync(names, subscribed, ct);
        foreach (((long owner, long id), (MailboxEvent last, NotifyEvents kinds)) in changed)
        {
            if (id == _session.Selected?.Box.Id && owner == _session.Selected.Box.AccountId)
                continue;
            if (await ShownAsync(owner, last.Name, AclRights.Lookup | AclRights.Read, ct) is not { } shown || !IsWanted(owner, shown, kinds, subscribed))
                continue;
            WriteStatus(shown, last.Counters, isOwn: owner == _session.AccountId);
            await _session.FlushIfFullAsync(ct);
        }
        await metadata.WriteAsync(_session, (owner, shown) => shown is not { } name || IsWanted(owner, name, NotifyEvents.MailboxMetadata, subscribed), ct);
    }

    /// <summary>The name under which the user sees a mailbox; null: he may not know of it, or it is not there any more.</summary>
    async ValueTask<MailboxName?> ShownAsync(long owner, MailboxName name, AclRights needed, CancellationToken ct)
    {
        if (owner == _session.AccountId)
            return name;
        if (_session.Store.Find(owner, name) is not { } info)
            return null;
        AclRights rights = info.Acl.RightsOf(await _session.Access.SubjectAsync(ct));
        return rights.HasFlag(needed) ? await _session.Access.ShownAsync(owner, name, ct) : null;
    }

    bool IsWanted(long owner, MailboxName shown, NotifyEvents kinds, IReadOnlySet<string>? subscribed) =>
        (Wanted(_groups, shown, subscribed, isOwn: owner == _session.AccountId) & kinds) != 0;

    /// <summary>Commit loop.</summary>
    void Take(long owner, MailboxEvent happened)
    {
        NotifyEvents kind = happened.Kind switch
        {
            MailboxEventKind.Messages => NotifyEvents.MessageNew | NotifyEvents.MessageExpunge,
            MailboxEventKind.Flags => NotifyEvents.FlagChange,
            MailboxEventKind.Subscribed or MailboxEventKind.Unsubscribed => NotifyEvents.SubscriptionChange,
            MailboxEventKind.Annotated => owner == Annotation.OfServer ? NotifyEvents.ServerMetadata : NotifyEvents.MailboxMetadata,
            _ => NotifyEvents.MailboxName,
        };
        if ((kind & _elsewhere) == 0 || happened.Change is not null && !MetadataNews.Concerns(_session, happened))
            return;
        lock (_lock)
        {
            (long, long) box = (owner, happened.MailboxId);
            if (_changed.Count + _names.Count + _metadata.Count >= MaxPending && !_changed.ContainsKey(box))
                _overflown = true;
            else if (happened.Change is not null)
                _metadata.Add(owner, happened);
            else if ((kind & NotifyEvents.OfMessages) == 0)
                _names.Add((owner, happened));
            else
                _changed[box] = (happened, kind | (_changed.TryGetValue(box, out var before) ? before.Kinds : 0));
        }
        ThreadPool.UnsafeQueueUserWorkItem(static session => session.Wake(), _session, preferLocal: false);
    }

    /// <summary>The selected mailbox: EXISTS with the data asked for, EXPUNGE, FETCH of flags. RFC 5465 §5.1 to §5.3</summary>
    async ValueTask TellSelectedAsync(bool mayExpunge, CancellationToken ct)
    {
        if (_ofSelected is not { } group || _session.Selected is not { } selected)
            return;
        uint next = selected.Told.UidNext;
        _session.Tell(mayExpunge, withFlags: group.Events.HasFlag(NotifyEvents.FlagChange));
        MailboxSnapshot told = selected.Told;
        int first = told.LowerBound(next);
        if (group.NewItems is null || first >= told.Count)
            return;
        using var writer = new FetchWriter(_session, selected, told, group.NewItems);
        for (int i = first; i < told.Count; i++)
        {
            await writer.WriteAsync(i, alsoFlags: false, ct);
            await _session.FlushIfFullAsync(ct);
        }
    }

    /// <summary>Figures of another mailbox. UNSEEN counts what the owner has not seen, so of others' mailboxes it is left out. RFC 5465 §5.1 to §5.3</summary>
    void WriteStatus(MailboxName shown, MailboxCounters now, bool isOwn)
    {
        ImapWriter w = _session.Writer;
        w.Write("* STATUS "u8);
        w.WriteMailbox(shown.Value);
        w.WriteAscii($" (MESSAGES {now.Count} UIDNEXT {now.UidNext} UIDVALIDITY {now.UidValidity}{(isOwn ? $" UNSEEN {now.Unseen}" : "")}");
        if (_session.Enabled.CondStore)
            w.WriteAscii($" HIGHESTMODSEQ {now.HighestModSeq}");
        w.Write(")\r\n"u8);
    }

    /// <summary>Names that came, went or changed, as LIST shows them now. RFC 5465 §5.4 and §5.5</summary>
    async ValueTask WriteNamesAsync(List<(long Owner, MailboxEvent What)> names, IReadOnlySet<string>? subscribed, CancellationToken ct)
    {
        MailboxTree tree = await MailboxTree.OfAsync(_session, ct);
        foreach ((long owner, MailboxEvent happened) in names)
        {
            bool isOwn = owner == _session.AccountId;
            NotifyEvents kind = happened.MailboxId == 0 ? NotifyEvents.SubscriptionChange : NotifyEvents.MailboxName;
            // What another subscribes to is his affair; and of his mailbox that is gone nothing tells whether it might have been known.
            if (!isOwn && kind == NotifyEvents.SubscriptionChange || await ShownAsync(owner, happened.Name, AclRights.Lookup, ct) is not { } shown)
                continue;
            MailboxName? old = isOwn ? happened.OldName : null;
            if (IsWanted(owner, shown, kind, subscribed) || old is { } was && IsWanted(owner, was, kind, subscribed))
                WriteName(tree, shown, old);
            // Its parent has children now, or has none any more.
            if (isOwn && happened.Kind is MailboxEventKind.Created or MailboxEventKind.Deleted && shown.Parent is { } parent && IsWanted(owner, parent, kind, subscribed))
                WriteName(tree, parent, null);
            await _session.FlushIfFullAsync(ct);
        }
    }

    void WriteName(MailboxTree tree, MailboxName name, MailboxName? oldName)
    {
        ImapWriter w = _session.Writer;
        string shown = w.Names.Write(name.Value);
        ListedMailbox? listed = tree.All.FirstOrDefault(box => box.Name == shown);
        var attributes = new List<string>();
        if (listed?.Info is null)
            attributes.Add("\\NonExistent");
        if (listed?.Subscribed == true)
            attributes.Add("\\Subscribed");
        if (listed is not null)
            attributes.Add(listed.HasChildren ? "\\HasChildren" : "\\HasNoChildren");
        w.WriteAscii($"* LIST ({string.Join(' ', attributes)}) \"{w.Names.Separator}\" ");
        w.WriteClientName(shown);
        if (oldName is { } old)
        {
            w.Write(" (\"OLDNAME\" ("u8);
            w.WriteMailbox(old.Value);
            w.Write("))"u8);
        }
        w.Write("\r\n"u8);
    }
}
