using System.Collections.Frozen;
using System.Text;
using MailEngine.Mime;
using MailEngine.Store;
using MailEngine.Store.Columns;

namespace MailEngine.Imap.Search;

/// <summary>Parses search criteria into a program. RFC 9051 §9 (search-key), RFC 3501 §9</summary>
/// <remarks>A stack of open groups stands for what a recursive parser would keep on the call stack; its depth is limited.</remarks>
internal ref struct SearchParser
{
    /// <summary>Keys that a flag answers; with UN before them, that it is not there.</summary>
    static readonly FrozenDictionary<string, MessageFlags> s_flags = new Dictionary<string, MessageFlags>
    {
        ["ANSWERED"] = MessageFlags.Answered, ["DELETED"] = MessageFlags.Deleted, ["DRAFT"] = MessageFlags.Draft, ["FLAGGED"] = MessageFlags.Flagged,
        ["SEEN"] = MessageFlags.Seen,
    }.ToFrozenDictionary();

    /// <summary>Keys with a date; those of RFC 8514 §4.3 among them.</summary>
    static readonly FrozenDictionary<string, SearchKind> s_dated = new Dictionary<string, SearchKind>
    {
        ["BEFORE"] = SearchKind.Before, ["ON"] = SearchKind.On, ["SINCE"] = SearchKind.Since,
        ["SENTBEFORE"] = SearchKind.SentBefore, ["SENTON"] = SearchKind.SentOn, ["SENTSINCE"] = SearchKind.SentSince,
        ["SAVEDBEFORE"] = SearchKind.SavedBefore, ["SAVEDON"] = SearchKind.SavedOn, ["SAVEDSINCE"] = SearchKind.SavedSince,
    }.ToFrozenDictionary();

    enum Open { List, Or, Not, Fuzzy }

    /// <summary>Operands still to come: for a list, as many as there are.</summary>
    struct Group
    {
        public Open Kind;
        public int Operands;
    }

    readonly List<SearchStep> _steps = [];
    readonly Stack<Group> _open = new();
    int _fuzzy;      // groups that are open
    bool _anyFuzzy;

    public SearchParser()
    {
    }

    /// <summary>Keys by spaces up to the line end: all of them must match.</summary>
    public static SearchProgram Parse(ref ImapReader r)
    {
        var parser = new SearchParser();
        parser.Run(ref r);
        return SearchProgram.Of(parser._steps, parser._anyFuzzy);
    }

    void Run(ref ImapReader r)
    {
        _open.Push(new Group { Kind = Open.List });
        while (!r.Failed)
        {
            if (_open.Count > r.Depth || _steps.Count > SearchProgram.MostSteps)
            {
                r.Fail("Search is nested too deep or too long");
                return;
            }
            if (r.TryTake((byte)'('))
            {
                _open.Push(new Group { Kind = Open.List });
                continue;
            }
            if (r.TryWord("OR"u8))
            {
                r.Sp();
                _open.Push(new Group { Kind = Open.Or });
                continue;
            }
            if (r.TryWord("NOT"u8))
            {
                r.Sp();
                _open.Push(new Group { Kind = Open.Not });
                continue;
            }
            if (r.TryWord("FUZZY"u8))   // RFC 6203 §7
            {
                r.Sp();
                _open.Push(new Group { Kind = Open.Fuzzy });
                _fuzzy++;
                _anyFuzzy = true;
                continue;
            }
            Key(ref r);
            if (!Operand(ref r))
                return;
        }
    }

    /// <summary>An operand is complete: finishes the groups that wait for it. False: the criteria are complete.</summary>
    bool Operand(ref ImapReader r)
    {
        while (!r.Failed)
        {
            Group group = _open.Pop();
            group.Operands++;
            switch (group.Kind)
            {
                case Open.Not:
                    Emit(SearchOperator.Not);
                    continue;
                case Open.Fuzzy:
                    _fuzzy--;
                    continue;
                case Open.Or when group.Operands == 2:
                    Emit(SearchOperator.Or);
                    continue;
                case Open.Or:
                    r.Sp();
                    _open.Push(group);
                    return true;
            }
            if (group.Operands > 1)
                Emit(SearchOperator.And);
            if (r.TryTake((byte)' '))
            {
                group.Operands = 1;
                _open.Push(group);
                return true;
            }
            if (_open.Count == 0)
                return false;   // the line end is checked by the session
            r.Take((byte)')');
        }
        return false;
    }

    void Emit(SearchOperator op) => _steps.Add(new SearchStep(null, op));

    void Key(ref ImapReader r)
    {
        SearchKey key = r.Peek() switch
        {
            (byte)'*' or (>= (byte)'0' and <= (byte)'9') => new(SearchKind.Numbers) { Set = r.SequenceSet() },
            (byte)'$' => new(SearchKind.Uids) { Set = r.SequenceSet() },   // RFC 5182 §3
            _ => Named(ref r),
        };
        _steps.Add(new SearchStep(_fuzzy > 0 ? key.Fuzzily() : key, SearchOperator.None));
    }

    static SearchKey Named(ref ImapReader r)
    {
        string name = Encoding.ASCII.GetString(r.Word()).ToUpperInvariant();
        bool lacks = name.StartsWith("UN", StringComparison.Ordinal);
        if (s_flags.TryGetValue(lacks ? name[2..] : name, out MessageFlags flag))
            return new(lacks ? SearchKind.LacksFlag : SearchKind.HasFlag) { Flag = flag };
        switch (name)
        {
            case "ALL":
                return new(SearchKind.All);
            case "NEW":
                return new(SearchKind.New);
            case "OLD":
                return new(SearchKind.Old);
            case "RECENT":
                return new(SearchKind.Recent);
            case "SAVEDATESUPPORTED":   // RFC 8514 §4.3: every mailbox of ours does
                return new(SearchKind.All);
        }
        r.Sp();
        if (s_dated.TryGetValue(name, out SearchKind dated))
            return new(dated) { Day = r.Date().DayNumber };
        switch (name)
        {
            case "KEYWORD":
                return new(SearchKind.Keyword) { Text = Encoding.ASCII.GetString(r.Atom()) };
            case "UNKEYWORD":
                return new(SearchKind.Unkeyword) { Text = Encoding.ASCII.GetString(r.Atom()) };
            case "LARGER":
                return new(SearchKind.Larger) { Number = r.Number64() };
            case "SMALLER":
                return new(SearchKind.Smaller) { Number = r.Number64() };
            case "OLDER":     // RFC 5032 §3
                return new(SearchKind.Older) { Number = r.NonZeroNumber() };
            case "YOUNGER":
                return new(SearchKind.Younger) { Number = r.NonZeroNumber() };
            case "MODSEQ":
                return ModSeq(ref r);
            case "EMAILID":    // RFC 8474 §6
                return new(SearchKind.EmailId) { Text = ObjectId(ref r) };
            case "THREADID":
                return new(SearchKind.ThreadId) { Text = ObjectId(ref r) };
            case "FILTER":     // RFC 5466 §4
                return Filter(ref r);
            case "UID":
                return new(SearchKind.Uids) { Set = r.SequenceSet() };
            case "FROM" or "TO" or "CC" or "BCC" or "SUBJECT":
                return InField(Encoding.ASCII.GetBytes(name), r.AstringText(), name switch
                {
                    "FROM" => ColumnSet.FromText,
                    "TO" => ColumnSet.ToText,
                    "CC" => ColumnSet.CcText,
                    "BCC" => ColumnSet.BccText,
                    _ => ColumnSet.SubjectText,
                });
            case "HEADER":
                byte[] field = r.Astring().ToArray();
                r.Sp();
                return InField(field, r.AstringText(), Ascii.EqualsIgnoreCase(field, "Subject"u8) ? ColumnSet.SubjectText : ColumnSet.None);
            case "BODY":
                return new(SearchKind.Body) { Text = UnicodeCasemap.Fold(r.AstringText()) };
            case "TEXT":
                return new(SearchKind.Text) { Text = UnicodeCasemap.Fold(r.AstringText()) };
        }
        r.Fail("Unknown search key");
        return new(SearchKind.All);
    }

    // search-modsequence = "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer (RFC 7162 §7)
    static SearchKey ModSeq(ref ImapReader r)
    {
        if (r.Peek() == (byte)'"')
        {
            // A message has one mod-sequence for all its flags: which flag is asked for makes no difference. RFC 7162 §3.1.5
            ReadOnlySpan<byte> entry = r.String();
            if (entry.Length < 8 || !Ascii.EqualsIgnoreCase(entry[..7], "/flags/"u8))
                r.Fail("Expected /flags/ and a flag");
            r.Sp();
            if (!r.TryWord("all"u8) && !r.TryWord("shared"u8) && !r.TryWord("priv"u8))
                r.Fail("Expected all, shared or priv");
            r.Sp();
        }
        return new(SearchKind.ModSeq) { ModSeq = r.ModSeq() };
    }

    static SearchKey Filter(ref ImapReader r)
    {
        string name = Encoding.ASCII.GetString(r.Atom());
        if (!SearchFilters.IsName(name))
            r.Fail("Not the name of a filter");
        return new(SearchKind.Filter) { Text = name };
    }

    // objectid = 1*255(ALPHA / DIGIT / "_" / "-") (RFC 8474 §7)
    static string ObjectId(ref ImapReader r)
    {
        string id = Encoding.ASCII.GetString(r.Atom());
        if (id.Length > 255 || !id.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
            r.Fail("Not an object identifier");
        return id;
    }

    /// <summary>An empty text asks whether the field is there (RFC 9051 §6.4.4); what is stored ready does not tell.</summary>
    static SearchKey InField(byte[] field, string text, ColumnSet column) => new(SearchKind.Header)
    {
        Field = field,
        Text = UnicodeCasemap.Fold(text),
        Column = text.Length == 0 ? ColumnSet.None : column,
    };
}
