using MailEngine.Imap.Access;
using MailEngine.Imap.Commands;

namespace MailEngine.Imap.Listing;

/// <summary>Which mailboxes LIST selects. RFC 5258 §3.1, RFC 6154 §5.2</summary>
[Flags]
internal enum ListSelect { None = 0, Subscribed = 1, SpecialUse = 2, RecursiveMatch = 4 }

/// <summary>What LIST is asked to say beside names. RFC 5258 §3.2; CHILDREN and SPECIAL-USE are always said.</summary>
[Flags]
internal enum ListReturn { None = 0, Subscribed = 1, Status = 2, MyRights = 4, Metadata = 8 }

/// <summary>Options of the extended LIST command.</summary>
/// <param name="IsExtended">False: the command of RFC 3501.</param>
/// <param name="Status">For <see cref="ListReturn.Status"/>. RFC 5819 §2</param>
/// <param name="Entries">For <see cref="ListReturn.Metadata"/>. RFC 9590 §3</param>
internal sealed record ListOptions(bool IsExtended, ListSelect Select, ListReturn Return, StatusItems Status, IReadOnlyList<string> Entries)
{
    /// <summary>"(" [list-select-opt *(SP list-select-opt)] ")" SP, when it stands there.</summary>
    public static ListSelect? ParseSelect(ref ImapReader r)
    {
        if (!r.TryTake((byte)'('))
            return null;
        var select = ListSelect.None;
        for (int i = 0; !r.Failed && !r.TryTake((byte)')'); i++)
        {
            if (i > 0)
                r.Sp();
            if (r.TryWord("SUBSCRIBED"u8))
                select |= ListSelect.Subscribed;
            else if (r.TryWord("SPECIAL-USE"u8))
                select |= ListSelect.SpecialUse;
            else if (r.TryWord("RECURSIVEMATCH"u8))
                select |= ListSelect.RecursiveMatch;
            else if (!r.TryWord("REMOTE"u8))   // all mailboxes are here: nothing more to show
                r.Fail("Unknown selection option");
        }
        // RFC 5258 §3.1: it only makes sense with another one that selects.
        if (select == ListSelect.RecursiveMatch)
            r.Fail("RECURSIVEMATCH needs another selection option");
        r.Sp();
        return select;
    }

    /// <summary>"RETURN" SP "(" [return-option *(SP return-option)] ")"; the word has been read.</summary>
    public static (ListReturn Return, StatusItems Status, List<string> Entries) ParseReturn(ref ImapReader r)
    {
        var wanted = ListReturn.None;
        StatusItems status = default;
        List<string> entries = [];
        r.Sp();
        r.Take((byte)'(');
        for (int i = 0; !r.Failed && !r.TryTake((byte)')'); i++)
        {
            if (i > 0)
                r.Sp();
            if (r.TryWord("SUBSCRIBED"u8))
                wanted |= ListReturn.Subscribed;
            else if (r.TryWord("STATUS"u8))
            {
                wanted |= ListReturn.Status;
                r.Sp();
                status |= StatusCommand.ParseItems(ref r);
            }
            else if (r.TryWord("MYRIGHTS"u8))
                wanted |= ListReturn.MyRights;
            else if (r.TryWord("METADATA"u8))
            {
                wanted |= ListReturn.Metadata;
                r.Sp();
                r.Take((byte)'(');
                entries = MetadataEntries.ReadList(ref r);
            }
            else if (!r.TryWord("CHILDREN"u8) && !r.TryWord("SPECIAL-USE"u8))
                r.Fail("Unknown return option");
        }
        return (wanted, status, entries);
    }
}
