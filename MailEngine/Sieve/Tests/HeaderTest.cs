using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>header [COMPARATOR] [MATCH-TYPE] header-names key-list. RFC 5228 §5.7</summary>
internal sealed class HeaderTest(FieldNames names, FieldIndex index, Matcher matcher) : SieveTest
{
    public static SieveTest Parse(Arguments arguments)
    {
        Matcher.Spec match = Matcher.ReadTags(arguments);
        FieldIndex index = FieldIndex.Read(arguments);
        var names = new FieldNames(arguments.Strings("the list of header fields"));
        return new HeaderTest(names, index, Matcher.Of(match, arguments.Strings("the list of keys"), arguments.Script));
    }

    public override bool Evaluate(SieveRun run)
    {
        string[] fields = names.Get(run);
        if (matcher.IsCount)
            return matcher.MatchesCount(run, index.Fields(run.Message, fields).Count());
        Key[] keys = matcher.Keys(run);
        if (index.Number != 0)
        {
            foreach (HeaderLine line in index.Fields(run.Message, fields))
            {
                if (matcher.Matches(run, keys, line.Value))
                    return true;
            }
            return false;
        }
        foreach (string name in fields)
        {
            foreach (HeaderLine line in run.Message.Fields(name))
            {
                if (matcher.Matches(run, keys, line.Value))
                    return true;
            }
        }
        return false;
    }
}
