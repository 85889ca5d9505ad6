using MailEngine.Store;

namespace MailEngine.Imap.Listing;

/// <summary>A name that LIST or LSUB may show.</summary>
internal sealed class ListedMailbox(string name, MailboxInfo? info)
{
    /// <summary>With the separator and prefix of the listener.</summary>
    public string Name => name;

    /// <summary>Null: no mailbox, only a subscribed name or a level above one.</summary>
    public MailboxInfo? Info => info;

    public bool Subscribed { get; set; }

    /// <summary>A mailbox that the user may list stands below it. RFC 3348 §3</summary>
    public bool HasChildren { get; set; }
}

/// <summary>All names a user may see, in order, and the levels above them.</summary>
internal sealed class MailboxTree
{
    readonly List<ListedMailbox> _all = [];
    readonly Dictionary<string, ListedMailbox> _byName = new(StringComparer.Ordinal);
    readonly NameForm _form;

    MailboxTree(NameForm form) => _form = form;

    /// <summary>Mailboxes and subscribed names; levels above mailboxes that are none themselves have no <see cref="ListedMailbox.Info"/>.</summary>
    public IReadOnlyList<ListedMailbox> All => _all;

    public static async Task<MailboxTree> OfAsync(ImapSession session)
    {
        var tree = new MailboxTree(session.Writer.Names);
        foreach (MailboxInfo info in await session.Store.ListAsync(session.AccountId))
            tree.Add(info.Name, info.Id == 0 ? null : info).Subscribed = info.Subscribed;
        tree.AddLevels();
        return tree;
    }

    /// <summary>The levels above a name, nearest first, as the client sees them.</summary>
    public IEnumerable<string> Above(string name)
    {
        for (int at = name.LastIndexOf(_form.Separator); at > 0; at = name.LastIndexOf(_form.Separator, at - 1))
            yield return name[..at];
    }

    ListedMailbox Add(MailboxName name, MailboxInfo? info)
    {
        var listed = new ListedMailbox(_form.Write(name.Value), info);
        if (!_byName.TryAdd(listed.Name, listed))
            return _byName[listed.Name];
        _all.Add(listed);
        return listed;
    }

    void AddLevels()
    {
        int count = _all.Count;
        for (int i = 0; i < count; i++)
        {
            if (_all[i].Info is null)
                continue;
            foreach (string above in Above(_all[i].Name))
            {
                if (!_byName.TryGetValue(above, out ListedMailbox? level))
                {
                    level = new ListedMailbox(above, null);
                    _byName.Add(above, level);
                    _all.Add(level);
                }
                else if (level.HasChildren)
                    break;   // and so have those above it
                level.HasChildren = true;
            }
        }
    }
}
