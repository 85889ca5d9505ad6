using MailEngine.Store;
using MailEngine.Store.Columns;

namespace MailEngine.Imap.Search;

/// <summary>What a search key looks at; in the order of what it costs.</summary>
internal enum SearchCost
{
    /// <summary>The snapshot.</summary>
    Entry,
    /// <summary>The header, read from the message.</summary>
    Header,
    /// <summary>All text of the message, decoded.</summary>
    Text,
}

internal enum SearchKind
{
    All, Numbers, Uids, HasFlag, LacksFlag, Recent, Old, New, Keyword, Unkeyword, Before, On, Since, SentBefore, SentOn, SentSince,
    Older, Younger, Larger, Smaller, Header, Body, Text, ModSeq, SavedBefore, SavedOn, SavedSince,
    EmailId, ThreadId,
    /// <summary>Stands for the criteria of a named filter until <see cref="SearchFilters.Expand"/>. RFC 5466 §3.1</summary>
    Filter,
}

/// <summary>One key of SEARCH. RFC 9051 §6.4.4, RFC 3501 §6.4.4</summary>
internal sealed record SearchKey(SearchKind Kind)
{
    public MessageFlags Flag { get; init; }
    public SequenceSet? Set { get; init; }
    public long Number { get; init; }
    /// <summary>Smallest mod-sequence wanted. RFC 7162 §3.1.5</summary>
    public ulong ModSeq { get; init; }
    /// <summary>Days since 0001-01-01, as <see cref="DateOnly.DayNumber"/>.</summary>
    public int Day { get; init; }
    /// <summary>Text to find, folded (RFC 5051), a keyword, or the name of a filter.</summary>
    public string Text { get; init; } = "";
    /// <summary>Field name of <see cref="SearchKind.Header"/>.</summary>
    public byte[] Field { get; init; } = [];
    /// <summary>Not null: <see cref="Text"/> is looked for fuzzily, or what the filter says is. RFC 6203 §3</summary>
    public FuzzyText? Fuzzy { get; init; }
    /// <summary>Where the text of the field stands ready in memory; None: it is read from the message.</summary>
    public ColumnSet Column { get; init; }

    /// <summary>The same below FUZZY. Other keys are matched exactly: RFC 6203 §5 leaves it open.</summary>
    public SearchKey Fuzzily() => Kind is SearchKind.Header or SearchKind.Body or SearchKind.Text or SearchKind.Filter && Text.Length > 0
        ? this with { Fuzzy = FuzzyText.Of(Text) } : this;

    public SearchCost Cost => Kind switch
    {
        SearchKind.Header or SearchKind.EmailId or SearchKind.ThreadId => SearchCost.Header,
        SearchKind.Body or SearchKind.Text => SearchCost.Text,
        _ => SearchCost.Entry,
    };
}

/// <summary>A step of a search program: a key gives a truth value, an operator takes its operands from those before it.</summary>
/// <param name="Key">Null for an operator.</param>
internal readonly record struct SearchStep(SearchKey? Key, SearchOperator Operator);

internal enum SearchOperator : byte { None, And, Or, Not }

/// <summary>The criteria of a search as steps in postfix order, so that neither parsing nor running needs recursion (attack case A7).</summary>
internal sealed record SearchProgram(IReadOnlyList<SearchStep> Steps, int StackDepth)
{
    /// <summary>Steps of one search, those of its filters included.</summary>
    public const int MostSteps = 20_000;

    /// <param name="isFuzzy">See <see cref="IsFuzzy"/>.</param>
    public static SearchProgram Of(IReadOnlyList<SearchStep> steps, bool isFuzzy)
    {
        int depth = 0, deepest = 0;
        foreach (SearchStep step in steps)
        {
            depth += step.Operator switch { SearchOperator.None => 1, SearchOperator.Not => 0, _ => -1 };
            deepest = Math.Max(deepest, depth);
        }
        return new(steps, deepest) { IsFuzzy = isFuzzy };
    }

    /// <summary>A filter that is named in it; null: none is.</summary>
    public string? FirstFilter => Steps.FirstOrDefault(step => step.Key?.Kind == SearchKind.Filter).Key?.Text;

    /// <summary>The answer carries the highest mod-sequence of the messages found. RFC 7162 §3.1.6</summary>
    public bool UsesModSeq => Uses(SearchKind.ModSeq);

    /// <summary>Sequence numbers stand in it.</summary>
    public bool UsesNumbers => Uses(SearchKind.Numbers);

    bool Uses(SearchKind kind)
    {
        foreach (SearchStep step in Steps)
        {
            if (step.Key?.Kind == kind)
                return true;
        }
        return false;
    }

    /// <summary>FUZZY stands in it: messages have a relevancy score. RFC 6203 §4</summary>
    public bool IsFuzzy { get; init; }

    /// <summary>What its most expensive key looks at.</summary>
    public SearchCost Cost => Steps.Max(step => step.Key?.Cost ?? SearchCost.Entry);

    /// <summary>The same for later snapshots: sequence numbers stand for the messages that have them in this one. RFC 5267 §4.3</summary>
    public SearchProgram WithUids(MailboxSnapshot snapshot) => this with
    {
        Steps = [.. Steps.Select(step => step.Key is { Kind: SearchKind.Numbers } key
            ? new SearchStep(new SearchKey(SearchKind.Uids) { Set = SequenceSet.OfUids(SequenceSet.UidsOf(snapshot, key.Set!.ResolveNumbers(snapshot, out _))) }, default)
            : step)],
    };
}
