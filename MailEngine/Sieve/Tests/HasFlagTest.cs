using MailEngine.Sieve.Commands;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>hasflag [MATCH-TYPE] [COMPARATOR] [variable-list] list-of-flags. RFC 5232 §4</summary>
internal sealed class HasFlagTest(FlagVariable[] variables, Matcher.Spec match, ScriptString[] flags) : SieveTest
{
    public static SieveTest Parse(Arguments arguments)
    {
        Matcher.Spec match = Matcher.ReadTags(arguments);
        FlagVariable[] variables = arguments.Left < 2 ? [FlagVariable.Internal]
            : [.. arguments.Strings("the list of variables").Select(name => FlagVariable.Of(name, arguments.Script))];
        return new HasFlagTest(variables, match, arguments.Strings("the list of flags"));
    }

    public override bool Evaluate(SieveRun run)
    {
        // The keys are flags each by itself, so they are taken apart when they are known.
        IEnumerable<string> keys = match.Kind is MatchKind.Count or MatchKind.Value ? flags.Select(flag => flag.Get(run))
            : flags.SelectMany(flag => FlagList.Charged(run, flag).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Key[] ready = [.. keys.Select(key => Key.Of(key, match.Kind, match.Comparator, match.Relation))];
        int count = 0;
        foreach (FlagVariable variable in variables)
        {
            foreach (string flag in FlagList.Valid(variable.Get(run)))
            {
                run.Charge(1 + ready.Length);
                count++;
                if (match.Kind != MatchKind.Count && ready.Any(key => key.Matches(run, new MatchValue(flag), remember: match.Kind == MatchKind.Matches && run.Program.UsesMatches)))
                    return true;
            }
        }
        return match.Kind == MatchKind.Count && ready.Any(key => key.Matches(run, CountValue.Of(count), remember: false));
    }
}
