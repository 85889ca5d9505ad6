using System.Text;
using MailEngine.Imap.Listing;
using MailEngine.Store;

namespace MailEngine.Imap.Search;

/// <summary>Which mailboxes ESEARCH looks at. RFC 7377 §2.2, RFC 5465 §6</summary>
internal enum SearchSourceKind { Selected, Inboxes, Personal, Subscribed, Subtree, SubtreeOne, Mailboxes }

/// <summary>One source option of ESEARCH.</summary>
/// <param name="Names">For subtrees and lists.</param>
internal sealed record SearchSource(SearchSourceKind Kind, IReadOnlyList<MailboxName> Names)
{
    const int MaxSources = 1000;

    /// <summary>A mailbox that the user may list is meant.</summary>
    public bool Covers(ListedMailbox box, bool isOwn) => Kind switch
    {
        SearchSourceKind.Inboxes or SearchSourceKind.Personal => isOwn,   // any mailbox can be delivered to: RFC 5465 §6.3
        SearchSourceKind.Subscribed => box.Subscribed,
        SearchSourceKind.Subtree => Names.Any(top => box.Shown == top || box.Shown.IsBelow(top)),
        SearchSourceKind.SubtreeOne => Names.Any(top => box.Shown == top || box.Shown.Parent == top),
        _ => false,
    };

    /// <summary>Reads "IN (...) " when it comes next; null: it does not, and only the selected mailbox is meant.</summary>
    // esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")" (RFC 7377 §4)
    public static List<SearchSource>? TryParse(ref ImapReader r)
    {
        if (!r.TryWord("IN"u8))
            return null;
        var sources = new List<SearchSource>();
        r.Sp();
        r.Take((byte)'(');
        do
        {
            if (r.Peek() == (byte)'(')
                r.Fail("No scope options are known");   // RFC 7377 §4: none is defined
            sources.Add(Parse(ref r));
            if (sources.Count > MaxSources)
                r.Fail("Too many sources");
        }
        while (!r.Failed && r.TryTake((byte)' '));
        r.Take((byte)')');
        r.Sp();
        return sources;
    }

    static SearchSource Parse(ref ImapReader r)
    {
        SearchSourceKind? kind = Encoding.ASCII.GetString(r.Word()).ToUpperInvariant() switch
        {
            "SELECTED" => SearchSourceKind.Selected,
            "INBOXES" => SearchSourceKind.Inboxes,
            "PERSONAL" => SearchSourceKind.Personal,
            "SUBSCRIBED" => SearchSourceKind.Subscribed,
            "SUBTREE" => SearchSourceKind.Subtree,
            "SUBTREE-ONE" => SearchSourceKind.SubtreeOne,
            "MAILBOXES" => SearchSourceKind.Mailboxes,
            _ => null,
        };
        if (kind is null)
            r.Fail("Unknown set of mailboxes");
        if (kind < SearchSourceKind.Subtree || r.Failed)
            return new(kind ?? default, []);
        r.Sp();
        return new(kind!.Value, MailboxList.Parse(ref r));
    }
}
