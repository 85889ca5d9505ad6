using System.Text;
using MailEngine.Store.Columns;

namespace MailEngine.Imap.Sort;

/// <summary>What messages are sorted by. RFC 5256 §3, RFC 5957 §4</summary>
internal enum SortKey { Arrival, Cc, Date, From, Size, Subject, To, DisplayFrom, DisplayTo, Relevancy }

/// <summary>One criterion of SORT.</summary>
/// <param name="Reverse">Descending; ties stay in mailbox order.</param>
internal readonly record struct SortCriterion(SortKey Key, bool Reverse)
{
    /// <summary>Where its values stand; None: in the snapshot.</summary>
    public ColumnSet Column => Key switch
    {
        SortKey.Cc => ColumnSet.Cc,
        SortKey.From => ColumnSet.From,
        SortKey.Subject => ColumnSet.Subject,
        SortKey.To => ColumnSet.To,
        SortKey.DisplayFrom => ColumnSet.DisplayFrom,
        SortKey.DisplayTo => ColumnSet.DisplayTo,
        _ => ColumnSet.None,
    };
}

/// <summary>Reads sort criteria.</summary>
internal static class SortCriteria
{
    /// <summary>More than there are different keys says nothing new.</summary>
    const int Most = 32;

    // sort-criteria = "(" sort-criterion *(SP sort-criterion) ")" (RFC 5256 §5)
    public static List<SortCriterion> Parse(ref ImapReader r)
    {
        var criteria = new List<SortCriterion>();
        r.Take((byte)'(');
        do
        {
            bool reverse = r.TryWord("REVERSE"u8);
            if (reverse)
                r.Sp();
            criteria.Add(new SortCriterion(Key(ref r), reverse));
            if (criteria.Count > Most)
                r.Fail("Too many sort criteria");
        }
        while (!r.Failed && r.TryTake((byte)' '));
        r.Take((byte)')');
        return criteria;
    }

    static SortKey Key(ref ImapReader r)
    {
        string name = Encoding.ASCII.GetString(r.Word()).ToUpperInvariant();
        switch (name)
        {
            case "ARRIVAL":
                return SortKey.Arrival;
            case "CC":
                return SortKey.Cc;
            case "DATE":
                return SortKey.Date;
            case "FROM":
                return SortKey.From;
            case "SIZE":
                return SortKey.Size;
            case "SUBJECT":
                return SortKey.Subject;
            case "TO":
                return SortKey.To;
            case "DISPLAYFROM":   // RFC 5957 §5
                return SortKey.DisplayFrom;
            case "DISPLAYTO":
                return SortKey.DisplayTo;
            case "RELEVANCY":     // RFC 6203 §7
                return SortKey.Relevancy;
        }
        r.Fail("Unknown sort criterion");
        return SortKey.Arrival;
    }
}
