using System.Text;

namespace MailEngine.Imap.Search;

/// <summary>Return options, charset and criteria: what all searching commands share.</summary>
/// <param name="Return">Null: the answer has the form that it had before RFC 4731.</param>
/// <param name="Program">Null: the charset is not one of ours, NO [BADCHARSET].</param>
internal sealed record SearchArguments(SearchReturn? Return, SearchProgram? Program)
{
    // search-program = ["CHARSET" SP charset SP] search-key *(SP search-key) (RFC 9051 §9)
    public static SearchArguments Parse(ref ImapReader r)
    {
        SearchReturn? options = SearchReturn.TryParse(ref r);
        bool known = true;
        if (r.TryWord("CHARSET"u8))
        {
            if (r.NoCharset)
                r.Fail("No CHARSET after ENABLE UTF8=ACCEPT");   // RFC 6855 §3
            r.Sp();
            known = IsKnownCharset(r.Astring());
            r.Sp();
        }
        var arguments = new SearchArguments(options, Criteria(ref r, known));
        arguments.Check(ref r, sortsByRelevancy: false);
        return arguments;
    }

    /// <summary>Scores are only there for a fuzzy search. RFC 6203 §4 and §6</summary>
    public void Check(ref ImapReader r, bool sortsByRelevancy)
    {
        if ((sortsByRelevancy || Return?.Has(ReturnItems.Relevancy) == true) && Program is { IsFuzzy: false })
            r.Fail("RELEVANCY needs FUZZY");
    }

    /// <summary>Criteria in a charset that was read already.</summary>
    public static SearchProgram? Criteria(ref ImapReader r, bool knownCharset)
    {
        if (knownCharset || r.Failed)
            return SearchParser.Parse(ref r);
        r.SkipToEnd();
        return null;
    }

    /// <summary>RFC 5255 §4.2 and RFC 5256 §3: UTF-8 and US-ASCII must be; no others are, every client has them.</summary>
    public static bool IsKnownCharset(ReadOnlySpan<byte> name) =>
        Ascii.EqualsIgnoreCase(name, "UTF-8"u8) || Ascii.EqualsIgnoreCase(name, "US-ASCII"u8);

    public static ImapReply BadCharset { get; } = ImapReply.No("[BADCHARSET (US-ASCII UTF-8)] Charset not known");   // RFC 9051 §7.1
}
