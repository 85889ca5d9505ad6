using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Listing;

/// <summary>A name that LIST or LSUB may show.</summary>
/// <param name="shown">The name inside; default for a level that is no mailbox.</param>
internal sealed class ListedMailbox(string name, MailboxName shown, MailboxInfo? info)
{
    /// <summary>With the separator and prefix of the listener.</summary>
    public string Name => name;

    /// <summary>Null: no mailbox, only a subscribed name or a level above one.</summary>
    public MailboxInfo? Info => info;

    public MailboxName Shown => shown;

    /// <summary>What the user may do with it.</summary>
    public AclRights Rights { get; init; }

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

    /// <summary>The user's own mailboxes, and those of others that he has the right "l" on. RFC 4314 §4 (LIST)</summary>
    /// <remarks>What an administrator manages is not in it, however many there are: LIST alone shows that, account by account.</remarks>
    /// <param name="others">False: one's own and subscribed names alone.</param>
    public static async Task<MailboxTree> OfAsync(ImapSession session, CancellationToken ct, bool others = true)
    {
        var tree = new MailboxTree(session.Writer.Names);
        AclSubject subject = await session.Access.SubjectAsync(ct);
        var subscribed = new List<MailboxName>();
        if (subject.Account.HasMailbox)
        {
            foreach (MailboxInfo info in await session.Store.ListAsync(session.AccountId))
            {
                if (info.Id == 0)
                    subscribed.Add(info.Name);   // it may be a mailbox of somebody else
                else
                    tree.Add(info.Name, info, info.Acl.OwnerRights(session.AccountId)).Subscribed = info.Subscribed;
            }
        }
        else
        {
            foreach (string name in session.Store.SubscriptionsOf(session.AccountId).Order(StringComparer.Ordinal))
                subscribed.Add(MailboxName.Parse(name));
        }
        foreach (MailboxInfo info in others ? session.Store.NamedIn(subject) : [])
        {
            AclRights rights = info.Acl.RightsOf(subject);
            if (rights.HasFlag(AclRights.Lookup) && await session.Access.ShownAsync(info.AccountId, info.Name, ct) is { } shown)
                tree.Add(shown, info with { SpecialUse = "" }, rights);   // a use is one to its owner: RFC 6154 §2
        }
        foreach (MailboxName name in subscribed)
            tree.Add(name, null, AclRights.None).Subscribed = true;
        tree.AddLevels();
        return tree;
    }

    /// <summary>Mailboxes that an administrator manages, under the names that administrators use.</summary>
    /// <param name="subscribed">Names that he is subscribed to.</param>
    public static MailboxTree Of(ImapSession session, List<AdministeredMailbox> mailboxes, AclSubject subject, IReadOnlySet<string> subscribed)
    {
        var tree = new MailboxTree(session.Writer.Names);
        foreach ((MailboxName name, MailboxInfo info, bool isOwn) in mailboxes)
        {
            AclRights rights = isOwn ? info.Acl.OwnerRights(info.AccountId) : info.Acl.RightsOf(subject);
            tree.Add(name, info with { SpecialUse = "" }, rights | MailboxPlace.AdministratorRights).Subscribed = subscribed.Contains(name.Value);
        }
        tree.AddLevels();
        return tree;
    }

    /// <summary>The levels above a name, nearest first, as the client sees them.</summary>
    public IEnumerable<string> Above(string name)
    {
        for (int at = name.LastIndexOf(_form.Separator); at > 0; at = name.LastIndexOf(_form.Separator, at - 1))
            yield return name[..at];
    }

    ListedMailbox Add(MailboxName name, MailboxInfo? info, AclRights rights)
    {
        var listed = new ListedMailbox(_form.Write(name.Value), name, info) { Rights = rights };
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
                    level = new ListedMailbox(above, default, null);
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
