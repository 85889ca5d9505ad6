using System.Text;

namespace MailEngine.Imap.Search;

/// <summary>Return options, charset and criteria: what all searching commands share.</summary>
/// <param name="Return">Null: the answer has the form that it had before RFC 4731.</param>
internal sealed record SearchArguments(SearchReturn? Return)
{
    bool _needsFuzzy;
    ImapReply _badCharset = BadCharset;

    /// <summary>The criteria; null: the charset is not one of ours.</summary>
    public SearchProgram? Program { get; private set; }

    /// <summary>Sequence numbers stand in it, or in a filter that <see cref="Prepare"/> has found.</summary>
    public bool UsesNumbers => Program?.UsesNumbers == true;

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
        return Criteria(ref r, options, known);
    }

    /// <summary>charset SP search-key *(SP search-key): as SORT and THREAD have them. RFC 5256 §5</summary>
    /// <param name="sortsByRelevancy">Scores are only there for a fuzzy search. RFC 6203 §4 and §6</param>
    public static SearchArguments ParseWithCharset(ref ImapReader r, SearchReturn? options, bool sortsByRelevancy)
    {
        bool known = IsKnownCharset(r.Astring());
        r.Sp();
        return Criteria(ref r, options, known, sortsByRelevancy);
    }

    static SearchArguments Criteria(ref ImapReader r, SearchReturn? options, bool known, bool sortsByRelevancy = false)
    {
        var arguments = new SearchArguments(options) { _needsFuzzy = sortsByRelevancy || options?.Has(ReturnItems.Relevancy) == true };
        if (known || r.Failed)
        {
            arguments.Program = SearchParser.Parse(ref r);
            if (arguments._needsFuzzy && arguments.Program is { IsFuzzy: false, FirstFilter: null })
                r.Fail(NoScores);
            return arguments;
        }
        ImapReader look = r;   // what it says is not known, but a name in it is
        if (SearchParser.Parse(ref look).FirstFilter is not null)
            arguments._badCharset = new ImapReply(BadCharset.Line.Replace("NO ", "BAD ", StringComparison.Ordinal));   // RFC 5466 §3.1
        r.SkipToEnd();
        return arguments;
    }

    /// <summary>Makes the criteria ready to run: filters are found, and a mod-sequence among them switches CONDSTORE on.</summary>
    /// <returns>Null: <see cref="Program"/> can be run. Else the answer to the command.</returns>
    public ImapReply? Prepare(ImapSession session, out SearchProgram program)
    {
        program = Program!;
        if (Program is null)
            return _badCharset;
        if (program.FirstFilter is not null)
        {
            if (SearchFilters.Expand(session, ref program) is { } refusal)
                return refusal;
            Program = program;
            if (_needsFuzzy && !program.IsFuzzy)
                return ImapReply.Bad(NoScores);
            if (session.Enabled.UidOnly && program.UsesNumbers)
                return ImapReply.UidRequired;
        }
        if (program.UsesModSeq)
            session.EnableCondStore();
        return null;
    }

    const string NoScores = "RELEVANCY needs FUZZY";

    /// <summary>RFC 5255 §4.2 and RFC 5256 §3: UTF-8 and US-ASCII must be; no others are, every client has them.</summary>
    static bool IsKnownCharset(ReadOnlySpan<byte> name) =>
        Ascii.EqualsIgnoreCase(name, "UTF-8"u8) || Ascii.EqualsIgnoreCase(name, "US-ASCII"u8);

    static ImapReply BadCharset { get; } = ImapReply.No("[BADCHARSET (US-ASCII UTF-8)] Charset not known");   // RFC 9051 §7.1
}
