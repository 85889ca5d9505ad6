using MailEngine.Store;

namespace MailEngine.Imap.Listing;

/// <summary>Names where one or several may stand. RFC 5465 §8 (one-or-more-mailbox)</summary>
internal static class MailboxList
{
    const int MaxNames = 1000;

    // one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"
    public static List<MailboxName> Parse(ref ImapReader r)
    {
        var names = new List<MailboxName>();
        bool several = r.TryTake((byte)'(');
        do
        {
            names.Add(r.Mailbox());
            if (names.Count > MaxNames)
                r.Fail("Too many mailboxes");
        }
        while (several && !r.Failed && r.TryTake((byte)' '));
        if (several)
            r.Take((byte)')');
        return names;
    }
}
