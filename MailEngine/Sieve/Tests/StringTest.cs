using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>string [MATCH-TYPE] [COMPARATOR] source key-list. RFC 5229 §5</summary>
internal sealed class StringTest(ScriptString[] sources, Matcher matcher) : SieveTest
{
    public static SieveTest Parse(Arguments arguments)
    {
        Matcher.Spec match = Matcher.ReadTags(arguments);
        ScriptString[] sources = arguments.Strings("the list of sources");
        return new StringTest(sources, Matcher.Of(match, arguments.Strings("the list of keys"), arguments.Script));
    }

    public override bool Evaluate(SieveRun run)
    {
        if (matcher.IsCount)
            return matcher.MatchesCount(run, sources.Count(source => source.Get(run).Length > 0));
        Key[] keys = matcher.Keys(run);
        foreach (ScriptString source in sources)
        {
            if (matcher.Matches(run, keys, new MatchValue(source.Get(run))))
                return true;
        }
        return false;
    }
}

/// <summary>environment [COMPARATOR] [MATCH-TYPE] name key-list. RFC 5183 §4</summary>
/// <param name="all">Also items of vnd.dovecot.environment.</param>
internal sealed class EnvironmentTest(ScriptString name, bool all, Matcher matcher) : SieveTest
{
    public static SieveTest Parse(Arguments arguments)
    {
        Matcher.Spec match = Matcher.ReadTags(arguments);
        ScriptString name = arguments.String("the name of the item");
        return new EnvironmentTest(name, arguments.Script.Has(Capability.MoreEnvironment), Matcher.Of(match, arguments.Strings("the list of keys"), arguments.Script));
    }

    public override bool Evaluate(SieveRun run)
    {
        if (run.Surroundings.Environment.Find(Octets.ToLower(name.Get(run)), all) is not { } value)
            return false;
        return matcher.IsCount ? matcher.MatchesCount(run, value.Length > 0 ? 1 : 0) : matcher.Matches(run, matcher.Keys(run), new MatchValue(value));
    }
}
