using System.Collections.Frozen;
using System.Text;

namespace MailEngine.Imap.Search;

/// <summary>What a search is to answer with. RFC 4731 §3.1</summary>
[Flags]
internal enum ReturnItems
{
    None = 0,
    Min = 1,
    Max = 2,
    All = 4,
    Count = 8,
    /// <summary>RFC 5182 §2.1: the result is kept for "$".</summary>
    Save = 16,
    /// <summary>RFC 9394 §3.1</summary>
    Partial = 32,
    /// <summary>A hint that the same search will come again; ours need none. RFC 5267 §4.2</summary>
    Context = 64,
    /// <summary>RFC 5267 §4.3</summary>
    Update = 128,
    /// <summary>RFC 6203 §4</summary>
    Relevancy = 256,
}

/// <summary>RETURN (...) of SEARCH, SORT and ESEARCH.</summary>
/// <param name="Partial">Only with <see cref="ReturnItems.Partial"/>.</param>
internal sealed record SearchReturn(ReturnItems Items, PartialRange Partial)
{
    /// <summary>Reads "RETURN (...) " when it comes next; null: it does not.</summary>
    // search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" (RFC 9051 §9)
    public static SearchReturn? TryParse(ref ImapReader r)
    {
        if (!r.TryWord("RETURN"u8))
            return null;
        var items = ReturnItems.None;
        PartialRange partial = default;
        r.Sp();
        r.Take((byte)'(');
        if (!r.TryTake((byte)')'))
        {
            do
                items |= Item(ref r, ref partial, items);
            while (!r.Failed && r.TryTake((byte)' '));
            r.Take((byte)')');
        }
        r.Sp();
        if ((items & (ReturnItems.Partial | ReturnItems.All)) == (ReturnItems.Partial | ReturnItems.All))
            r.Fail("Either PARTIAL or ALL");   // RFC 9394 §3.1
        if (items == ReturnItems.None)
            items = ReturnItems.All;           // RFC 4731 §3.1: "equivalent to (ALL)"
        return new(items, partial);
    }

    public bool Has(ReturnItems item) => (Items & item) != 0;

    /// <summary>Options without arguments.</summary>
    static readonly FrozenDictionary<string, ReturnItems> s_plain = new Dictionary<string, ReturnItems>
    {
        ["MIN"] = ReturnItems.Min, ["MAX"] = ReturnItems.Max, ["ALL"] = ReturnItems.All, ["COUNT"] = ReturnItems.Count, ["SAVE"] = ReturnItems.Save,
        ["CONTEXT"] = ReturnItems.Context, ["UPDATE"] = ReturnItems.Update, ["RELEVANCY"] = ReturnItems.Relevancy,
    }.ToFrozenDictionary();

    static ReturnItems Item(ref ImapReader r, ref PartialRange partial, ReturnItems before)
    {
        string name = Encoding.ASCII.GetString(r.Word()).ToUpperInvariant();
        if (s_plain.TryGetValue(name, out ReturnItems item))
            return item;
        if (name == "PARTIAL")
        {
            if ((before & ReturnItems.Partial) != 0)
                r.Fail("Only one PARTIAL");    // RFC 9394 §3.1
            r.Sp();
            partial = PartialRange.Parse(ref r);
            return ReturnItems.Partial;
        }
        r.Fail("Unknown return option");
        return ReturnItems.None;
    }
}

/// <summary>Results by their place, counted from 1; or from the last one backwards. RFC 9394 §4 (partial-range)</summary>
internal readonly record struct PartialRange(uint First, uint Last, bool FromEnd)
{
    // partial-range = nz-number ":" nz-number / "-" nz-number ":" "-" nz-number
    public static PartialRange Parse(ref ImapReader r)
    {
        bool fromEnd = r.TryTake((byte)'-');
        uint first = r.NonZeroNumber();
        r.Take((byte)':');
        if (fromEnd)
            r.Take((byte)'-');
        return new(first, r.NonZeroNumber(), fromEnd);
    }

    /// <summary>The places among <paramref name="count"/> results, from 0; no more than there are.</summary>
    public (int Start, int Length) Of(int count)
    {
        long low = Math.Min(First, Last), high = Math.Min(Math.Max(First, Last), count);
        if (low > high)
            return (0, 0);
        return ((int)(FromEnd ? count - high : low - 1), (int)(high - low + 1));
    }

    /// <summary>As the client wrote it.</summary>
    public override string ToString() => FromEnd ? $"-{First}:-{Last}" : $"{First}:{Last}";
}
