using System.Text;
using MailEngine.Imap.Fetch;
using MailEngine.Imap.Listing;
using MailEngine.Store;

namespace MailEngine.Imap.Notify;

/// <summary>What a client can ask to be told of. RFC 5465 §5</summary>
[Flags]
internal enum NotifyEvents
{
    None = 0,
    MessageNew = 1,
    MessageExpunge = 2,
    FlagChange = 4,
    MailboxName = 8,
    SubscriptionChange = 16,
    /// <summary>One that this server does not have.</summary>
    Unsupported = 32,
    MailboxMetadata = 64,
    ServerMetadata = 128,
    /// <summary>Those about messages.</summary>
    OfMessages = MessageNew | MessageExpunge | FlagChange,
}

/// <summary>Which mailboxes are meant. RFC 5465 §6</summary>
internal enum NotifyFilter { Selected, SelectedDelayed, Inboxes, Personal, Subscribed, Subtree, Mailboxes }

/// <summary>One group of NOTIFY SET: some mailboxes and what is asked about them.</summary>
/// <param name="Names">For <see cref="NotifyFilter.Subtree"/> and <see cref="NotifyFilter.Mailboxes"/>.</param>
/// <param name="NewItems">What to send of a new message in the selected mailbox; null: nothing but EXISTS.</param>
internal sealed record NotifyGroup(NotifyFilter Filter, IReadOnlyList<MailboxName> Names, NotifyEvents Events, FetchItems? NewItems)
{
    public bool IsOfSelected => Filter is NotifyFilter.Selected or NotifyFilter.SelectedDelayed;

    /// <summary>The mailbox is meant. Groups of the selected mailbox mean no other one: RFC 5465 §6.1.</summary>
    /// <param name="subscribed">Subscribed names; only looked at where the filter needs them.</param>
    /// <param name="isOwn">False: it belongs to another, or to a domain.</param>
    public bool Covers(MailboxName name, IReadOnlySet<string>? subscribed, bool isOwn) => Filter switch
    {
        NotifyFilter.Inboxes or NotifyFilter.Personal => isOwn,   // any mailbox can be delivered to: RFC 5465 §6.3
        NotifyFilter.Subscribed => subscribed?.Contains(name.Value) == true,
        NotifyFilter.Subtree => Names.Any(top => name == top || name.IsBelow(top)),
        NotifyFilter.Mailboxes => Names.Contains(name),
        _ => false,
    };

    // event-group = "(" filter-mailboxes SP events ")" (RFC 5465 §8)
    public static NotifyGroup Parse(ref ImapReader r)
    {
        r.Take((byte)'(');
        NotifyFilter filter = FilterOf(ref r);
        var names = new List<MailboxName>();
        if (filter is NotifyFilter.Subtree or NotifyFilter.Mailboxes)
        {
            r.Sp();
            names = MailboxList.Parse(ref r);
        }
        r.Sp();
        (NotifyEvents events, FetchItems? items) = r.TryWord("NONE"u8) ? (NotifyEvents.None, null) : EventsOf(ref r);
        r.Take((byte)')');
        var group = new NotifyGroup(filter, names, events, items);
        if (!r.Failed && group.Fault() is { } fault)
            r.Fail(fault);
        return group;
    }

    /// <summary>What RFC 5465 §5 and §6.1 forbid; null: nothing.</summary>
    string? Fault()
    {
        bool isNew = Events.HasFlag(NotifyEvents.MessageNew), isExpunge = Events.HasFlag(NotifyEvents.MessageExpunge);
        return isNew != isExpunge || (Events.HasFlag(NotifyEvents.FlagChange) && !isNew) ? "MessageNew and MessageExpunge go together, and FlagChange with both"
            : IsOfSelected && (Events & ~(NotifyEvents.OfMessages | NotifyEvents.Unsupported)) != 0 ? "Only events of messages for the selected mailbox"
            : NewItems is not null && !IsOfSelected ? "Data items only for the selected mailbox"
            : null;
    }

    static NotifyFilter FilterOf(ref ImapReader r)
    {
        ReadOnlySpan<byte> word = r.Word();
        if (!r.Failed && !char.IsAsciiDigit((char)word[0])
            && Enum.TryParse(Encoding.ASCII.GetString(word).Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out NotifyFilter filter))
            return filter;
        r.Fail("Unknown set of mailboxes");
        return default;
    }

    // events = "(" event *(SP event) ")"; "MessageNew" [SP "(" fetch-att *(SP fetch-att) ")"] (RFC 5465 §8)
    static (NotifyEvents Events, FetchItems? Items) EventsOf(ref ImapReader r)
    {
        var events = NotifyEvents.None;
        FetchItems? items = null;
        r.Take((byte)'(');
        do
        {
            if (r.Peek() == (byte)'(')
            {
                if (!events.HasFlag(NotifyEvents.MessageNew) || items is not null)
                    r.Fail("Data items come behind MessageNew");
                items = FetchItems.Parse(ref r);
                continue;
            }
            string name = Encoding.ASCII.GetString(r.Word()).ToUpperInvariant();
            events |= name switch
            {
                "MESSAGENEW" => NotifyEvents.MessageNew,
                "MESSAGEEXPUNGE" => NotifyEvents.MessageExpunge,
                "FLAGCHANGE" => NotifyEvents.FlagChange,
                "MAILBOXNAME" => NotifyEvents.MailboxName,
                "SUBSCRIPTIONCHANGE" => NotifyEvents.SubscriptionChange,
                "MAILBOXMETADATACHANGE" => NotifyEvents.MailboxMetadata,
                "SERVERMETADATACHANGE" => NotifyEvents.ServerMetadata,
                _ => NotifyEvents.Unsupported,
            };
        }
        while (!r.Failed && r.TryTake((byte)' '));
        r.Take((byte)')');
        return (events, items);
    }
}
