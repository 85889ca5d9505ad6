using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>header [":mime"] [":anychild"] [MIMEOPTS] [COMPARATOR] [MATCH-TYPE] header-names key-list. RFC 5228 §5.7, RFC 5703 §4</summary>
internal sealed class HeaderTest(FieldNames names, MimeScope scope, MimeOptions? options, FieldIndex index, Matcher matcher) : SieveTest
{
    public static SieveTest Parse(Arguments arguments)
    {
        Matcher.Spec match = Matcher.ReadTags(arguments);
        FieldIndex index = FieldIndex.Read(arguments);
        var scope = MimeScope.Read(arguments);
        MimeOptions? options = MimeOptions.Read(arguments, scope);
        var names = new FieldNames(arguments.Strings("the list of header fields"));
        return new HeaderTest(names, scope, options, index, Matcher.Of(match, arguments.Strings("the list of keys"), arguments.Script));
    }

    public override bool Evaluate(SieveRun run)
    {
        string[] fields = names.Get(run);
        if (matcher.IsCount)
            return matcher.MatchesCount(run, index.Fields(run, scope, fields).Sum(line => options is null ? 1 : options.Values(run, line).Count()));
        Key[] keys = matcher.Keys(run);
        if (index.Number != 0)
        {
            foreach (HeaderLine line in index.Fields(run, scope, fields))
            {
                if (Matches(run, keys, line))
                    return true;
            }
            return false;
        }
        foreach (string name in fields)
        {
            foreach (HeaderLine line in scope.Fields(run, name))
            {
                if (Matches(run, keys, line))
                    return true;
            }
        }
        return false;
    }

    bool Matches(SieveRun run, Key[] keys, HeaderLine line)
    {
        if (options is null)
            return matcher.Matches(run, keys, line.Value);
        foreach (MatchValue value in options.Values(run, line))
        {
            if (matcher.Matches(run, keys, value))
                return true;
        }
        return false;
    }
}
