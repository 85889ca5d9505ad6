using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Matching;

/// <summary>MATCH-TYPE, COMPARATOR and key-list of a test. RFC 5228 §2.7</summary>
internal sealed class Matcher
{
    readonly MatchKind _kind;
    readonly Comparator _comparator;
    readonly Relation _relation;
    readonly ScriptString[] _keys;
    readonly Key[]? _constant;
    readonly bool _setsVariables;

    Matcher(MatchKind kind, Comparator comparator, Relation relation, ScriptString[] keys, Key[]? constant, bool setsVariables)
    {
        _kind = kind;
        _comparator = comparator;
        _relation = relation;
        _keys = keys;
        _constant = constant;
        _setsVariables = setsVariables && kind is MatchKind.Matches or MatchKind.Regex or MatchKind.List;
    }

    /// <summary>What was said of matching; the keys follow when all tags are read.</summary>
    public readonly record struct Spec(MatchKind Kind, Comparator Comparator, Relation Relation);

    /// <summary>Reads [MATCH-TYPE] [COMPARATOR].</summary>
    public static Spec ReadTags(Arguments arguments)
    {
        Compilation script = arguments.Script;
        string? type = arguments.OneOf(("is", null), ("contains", null), ("matches", null), ("regex", Capability.Regex), ("list", Capability.ExtLists));
        Relation relation = default;
        if (RelationOf(arguments, "value", ref type, ref relation) is false)
            RelationOf(arguments, "count", ref type, ref relation);
        MatchKind kind = type switch
        {
            "contains" => MatchKind.Contains,
            "matches" => MatchKind.Matches,
            "regex" => MatchKind.Regex,
            "list" => MatchKind.List,
            "value" => MatchKind.Value,
            "count" => MatchKind.Count,
            _ => MatchKind.Is,
        };
        Comparator comparator = Comparator.AsciiCasemap;
        if (arguments.TaggedString("comparator") is { } name)
        {
            comparator = ComparatorOf(name, script);
            if (kind == MatchKind.List)
                script.Error(name.Offset, ":list takes no comparator: the list knows by itself how its members are compared.");   // RFC 6134 §2.2
            if (comparator == Comparator.AsciiNumeric && kind is MatchKind.Contains or MatchKind.Matches or MatchKind.Regex)
                script.Error(name.Offset, $"i;ascii-numeric cannot look for parts of a text: :{type} needs another comparator.");   // RFC 5228 §2.7.3
        }
        return new Spec(kind, comparator, relation);
    }

    static bool RelationOf(Arguments arguments, string tag, ref string? type, ref Relation relation)
    {
        if (arguments.TaggedString(tag, Capability.Relational) is not { } word)
            return false;
        if (type is not null)
            arguments.Script.Error(word.Offset, $":{tag} and :{type} exclude one another.");
        type = tag;
        Relation? known = word.Constant switch
        {
            "gt" => Relation.Greater,
            "ge" => Relation.GreaterOrEqual,
            "lt" => Relation.Less,
            "le" => Relation.LessOrEqual,
            "eq" => Relation.Equal,
            "ne" => Relation.NotEqual,
            _ => null,
        };
        if (known is null)
            arguments.Script.Error(word.Offset, $"After :{tag} one of \"gt\", \"ge\", \"lt\", \"le\", \"eq\" and \"ne\" must stand.");
        relation = known ?? default;
        return true;
    }

    static Comparator ComparatorOf(ScriptString name, Compilation script)
    {
        Comparator? found = name.Constant switch
        {
            "i;octet" => Comparator.Octet,
            "i;ascii-casemap" => Comparator.AsciiCasemap,
            "i;ascii-numeric" => Comparator.AsciiNumeric,
            "i;unicode-casemap" => Comparator.UnicodeCasemap,
            _ => null,
        };
        if (found is null)
            script.Error(name.Offset, "No such comparator is known here: i;octet, i;ascii-casemap, i;ascii-numeric and i;unicode-casemap are.");
        else if (found is Comparator.AsciiNumeric or Comparator.UnicodeCasemap)
            script.Needs(Capability.ComparatorPrefix + name.Constant, name.Offset, $"The comparator \"{name.Constant}\"");
        return found ?? Comparator.AsciiCasemap;
    }

    /// <param name="setsVariables">False: RFC 5173 §6</param>
    public static Matcher Of(Spec spec, ScriptString[] keys, Compilation script, bool setsVariables = true)
    {
        Key[]? constant = null;
        foreach (ScriptString key in spec.Kind == MatchKind.List ? keys : [])
            script.NamesList(key);
        if (Array.TrueForAll(keys, key => key.Constant is not null))
        {
            if (spec.Kind == MatchKind.Regex)
            {
                constant = new Key[keys.Length];
                for (int i = 0; i < keys.Length; i++)
                {
                    if (!script.TakesPattern(keys[i].Offset))
                        return new Matcher(spec.Kind, spec.Comparator, spec.Relation, keys, [], setsVariables);
                    try
                    {
                        constant[i] = new RegexKey(keys[i].Constant!, spec.Comparator);
                    }
                    catch (SieveFaultException fault)
                    {
                        script.Error(keys[i].Offset, char.ToUpperInvariant(fault.Message[0]) + fault.Message[1..] + ".");
                        return new Matcher(spec.Kind, spec.Comparator, spec.Relation, keys, [], setsVariables);
                    }
                }
            }
            constant ??= Key.Of([.. keys.Select(key => key.Constant!)], spec.Kind, spec.Comparator, spec.Relation);
        }
        return new Matcher(spec.Kind, spec.Comparator, spec.Relation, keys, constant, setsVariables);
    }

    /// <summary>The test asks how many there are, not what they are. RFC 5231 §4.2</summary>
    public bool IsCount => _kind == MatchKind.Count;

    /// <summary>The keys as they are now; once a test.</summary>
    public Key[] Keys(SieveRun run)
    {
        if (_constant is not null)
            return _constant;
        var keys = new Key[_keys.Length];
        for (int i = 0; i < keys.Length; i++)
        {
            string key = _keys[i].Get(run);
            run.ChargeFor(key.Length * (_kind == MatchKind.Regex ? 256L : 1));
            keys[i] = Key.Of(key, _kind, _comparator, _relation);
            if (keys[i] is RegexKey regex)
                run.ChargeFor(regex.Places * 256L);   // "(a{200}){20}" is short to write
        }
        return keys;
    }

    public bool Matches(SieveRun run, Key[] keys, MatchValue value)
    {
        run.Charge(keys.Length);
        bool remember = _setsVariables && run.Program.UsesMatches;
        foreach (Key key in keys)
        {
            if (key.Matches(run, value, remember))
                return true;
        }
        return false;
    }

    public bool MatchesCount(SieveRun run, int count) => Matches(run, Keys(run), CountValue.Of(count));
}
