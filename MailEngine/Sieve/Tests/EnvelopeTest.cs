using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>envelope [COMPARATOR] [ADDRESS-PART] [MATCH-TYPE] envelope-part key-list. RFC 5228 §5.4</summary>
internal sealed class EnvelopeTest(ScriptString[] parts, AddressPart part, Matcher matcher) : SieveTest
{
    public static SieveTest Parse(Arguments arguments)
    {
        Matcher.Spec match = Matcher.ReadTags(arguments);
        AddressPart part = AddressTags.Read(arguments);
        ScriptString[] parts = arguments.Strings("the list of envelope parts");
        foreach (ScriptString name in parts)
        {
            if (name.Constant is { } constant && Octets.ToLower(constant) is not ("from" or "to"))
                arguments.Script.Error(name.Offset, "Parts of the envelope are \"from\" and \"to\".");
        }
        return new EnvelopeTest(parts, part, Matcher.Of(match, arguments.Strings("the list of keys"), arguments.Script));
    }

    public override bool Evaluate(SieveRun run)
    {
        Key[] keys = matcher.IsCount ? [] : matcher.Keys(run);
        int count = 0;
        foreach (ScriptString name in parts)
        {
            HeaderAddress? address = Octets.ToLower(name.Get(run)) switch
            {
                "from" => run.EnvelopeFrom,
                "to" => run.EnvelopeTo,
                _ => throw new SieveFaultException("the envelope has no such part; \"from\" and \"to\" are its parts"),
            };
            count += address.IsNull ? 0 : 1;
            if (keys.Length > 0 && address.Part(part, run.Surroundings.SubaddressSeparator) is { } value && matcher.Matches(run, keys, value))
                return true;
        }
        return matcher.IsCount && matcher.MatchesCount(run, count);
    }
}
