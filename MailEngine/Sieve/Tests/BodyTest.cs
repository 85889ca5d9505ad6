using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>body [COMPARATOR] [MATCH-TYPE] [BODY-TRANSFORM] key-list. RFC 5173 §4</summary>
internal sealed class BodyTest(string transform, ScriptString[] types, Matcher matcher) : SieveTest
{
    public static SieveTest Parse(Arguments arguments)
    {
        Matcher.Spec match = Matcher.ReadTags(arguments);
        ScriptString[]? types = arguments.TaggedStrings("content");
        string? transform = arguments.OneOf(("raw", null), ("text", null));
        if (types is not null && transform is not null)
            arguments.Script.Error(arguments.Offset, $":content and :{transform} exclude one another.");
        return new BodyTest(types is not null ? "content" : transform ?? "text", types ?? [],
            Matcher.Of(match, arguments.Strings("the list of keys"), arguments.Script, setsVariables: false));
    }

    /// <summary>Each is held against each part.</summary>
    string[] Types(SieveRun run)
    {
        run.Charge(types.Length * run.Message.Parts.Count);
        return [.. types.Select(type => type.Get(run))];
    }

    public override bool Evaluate(SieveRun run)
    {
        BodyText body = run.Message.Body;
        if (!body.Exists)
            return matcher.IsCount && matcher.MatchesCount(run, 0);
        int most = run.Limits.BodyBytes;
        IEnumerable<MatchValue> values = transform switch
        {
            "raw" => [body.Raw(most)],
            "content" => body.Content(Types(run), most),
            _ => body.Text(most),
        };
        if (matcher.IsCount)
        {
            int count = values.Count();
            run.ChargeFor(body.TakeWork());
            return matcher.MatchesCount(run, count);
        }
        Key[] keys = matcher.Keys(run);
        foreach (MatchValue value in values)
        {
            run.ChargeFor(value.Octets.Length + body.TakeWork());
            if (matcher.Matches(run, keys, value))
                return true;
        }
        return false;
    }
}
