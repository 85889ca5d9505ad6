using System.Buffers;
using System.Globalization;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Matching;

/// <summary>How a key is held against a value. RFC 5228 §2.7.1, RFC 5231 §4, RFC 6134 §2.2, draft-murchison-sieve-regex-07</summary>
internal enum MatchKind { Is, Contains, Matches, Regex, Value, Count, List }

/// <summary>RFC 5231 §4</summary>
internal enum Relation { Equal, NotEqual, Greater, GreaterOrEqual, Less, LessOrEqual }

/// <summary>One key of a test, or many that are looked for at once; ready to be compared.</summary>
internal abstract class Key
{
    /// <param name="remember">Match variables are wanted.</param>
    public abstract bool Matches(SieveRun run, MatchValue value, bool remember);

    /// <exception cref="SieveFaultException">A regular expression that is none.</exception>
    public static Key Of(string key, MatchKind kind, Comparator comparator, Relation relation) => kind switch
    {
        MatchKind.Is when comparator == Comparator.AsciiNumeric => new RelationKey(key, comparator, Relation.Equal),
        MatchKind.Is => new IsKey(MatchValue.Fold(key, comparator), comparator),
        MatchKind.Contains => new ContainsKey(MatchValue.Fold(key, comparator), comparator),
        MatchKind.Matches => new GlobKey(new Glob(key, comparator)),
        MatchKind.Regex => new RegexKey(key, comparator),
        MatchKind.List => new ListKey(key),
        _ => new RelationKey(key, comparator, relation),
    };

    /// <summary>Many constant keys as one where that is quicker: a long list of senders is looked up, not gone through.</summary>
    public static Key[] Of(IReadOnlyList<string> keys, MatchKind kind, Comparator comparator, Relation relation)
    {
        if (keys.Count >= 4 && kind == MatchKind.Is && comparator != Comparator.AsciiNumeric)
            return [new AnyOfKey(keys.Select(key => MatchValue.Fold(key, comparator)), comparator)];
        if (keys.Count >= 4 && kind == MatchKind.Contains)
            return [new ContainsAnyKey([.. keys.Select(key => MatchValue.Fold(key, comparator))], comparator)];
        return [.. keys.Select(key => Of(key, kind, comparator, relation))];
    }

    public static bool Holds(int order, Relation relation) => relation switch
    {
        Relation.Equal => order == 0,
        Relation.NotEqual => order != 0,
        Relation.Greater => order > 0,
        Relation.GreaterOrEqual => order >= 0,
        Relation.Less => order < 0,
        _ => order <= 0,
    };

    sealed class IsKey(string folded, Comparator comparator) : Key
    {
        public override bool Matches(SieveRun run, MatchValue value, bool remember) => value.For(comparator) == folded;
    }

    sealed class AnyOfKey(IEnumerable<string> folded, Comparator comparator) : Key
    {
        readonly HashSet<string> _folded = new(folded, StringComparer.Ordinal);

        public override bool Matches(SieveRun run, MatchValue value, bool remember)
        {
            string text = value.For(comparator);
            run.ChargeFor(text.Length);   // all of it goes into the hash
            return _folded.Contains(text);
        }
    }

    sealed class ContainsKey(string folded, Comparator comparator) : Key
    {
        public override bool Matches(SieveRun run, MatchValue value, bool remember)
        {
            string text = value.For(comparator);
            run.ChargeFor(text.Length);
            return text.Contains(folded, StringComparison.Ordinal);
        }
    }

    sealed class ContainsAnyKey(string[] folded, Comparator comparator) : Key
    {
        readonly SearchValues<string> _folded = SearchValues.Create(folded, StringComparison.Ordinal);
        readonly bool _always = folded.Contains("");   // the empty key is in every value: RFC 5228 §2.7.1

        public override bool Matches(SieveRun run, MatchValue value, bool remember)
        {
            string text = value.For(comparator);
            run.ChargeFor(4L * text.Length);
            return _always || text.AsSpan().ContainsAny(_folded);
        }
    }

    /// <summary>The value is an address that a list holds; the whole of it is ${0}. RFC 6134 §2.2</summary>
    sealed class ListKey(string name) : Key
    {
        public override bool Matches(SieveRun run, MatchValue value, bool remember)
        {
            if (!run.IsOnList(name, value.Octets))
                return false;
            if (remember)
                run.Matched.Set(value.Octets, []);
            return true;
        }
    }

    sealed class GlobKey(Glob glob) : Key
    {
        public override bool Matches(SieveRun run, MatchValue value, bool remember) => glob.Matches(run, value, remember);
    }

    /// <summary>The value stands on the left of the relation, the key on the right. RFC 5231 §4.1</summary>
    sealed class RelationKey(string key, Comparator comparator, Relation relation) : Key
    {
        readonly string _folded = MatchValue.Fold(key, comparator);

        public override bool Matches(SieveRun run, MatchValue value, bool remember)
        {
            string text = value.For(comparator);
            run.ChargeFor(text.Length);
            return Holds(Order.Compare(text, _folded, comparator), relation);
        }
    }
}

/// <summary>A number of things as the value of :count. RFC 5231 §4.2</summary>
internal static class CountValue
{
    public static MatchValue Of(int count) => new(count.ToString(CultureInfo.InvariantCulture));
}
