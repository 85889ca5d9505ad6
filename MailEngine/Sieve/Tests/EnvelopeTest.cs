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
            if (name.Constant is not { } constant || Octets.ToLower(constant) is "from" or "to")
                continue;
            if (Octets.ToLower(constant) is not ("notify" or "orcpt" or "ret" or "envid"))
                arguments.Script.Error(name.Offset, "Parts of the envelope are \"from\" and \"to\", and with envelope-dsn \"notify\", \"orcpt\", \"ret\" and \"envid\".");
            else if (arguments.Script.Needs(Capability.EnvelopeDsn, name.Offset, $"\"{constant}\"") && part != AddressPart.All)
                arguments.Script.Error(name.Offset, $"\"{constant}\" is no address: it has no parts.");   // RFC 6009 §3
        }
        return new EnvelopeTest(parts, part, Matcher.Of(match, arguments.Strings("the list of keys"), arguments.Script));
    }

    public override bool Evaluate(SieveRun run)
    {
        run.RefuseAtEvents("envelope");   // RFC 6785 §4.6
        Key[] keys = matcher.IsCount ? [] : matcher.Keys(run);
        int count = 0;
        foreach (ScriptString name in parts)
        {
            string wanted = Octets.ToLower(name.Get(run));
            if (wanted is "notify" or "orcpt" or "ret" or "envid")
            {
                // What the client did not say has no value. RFC 6009 §3
                if (!run.Surroundings.Wishes.TryGetValue(wanted, out string? wish))
                    continue;
                string[] values = wanted == "notify" ? wish.Split(',') : [wish];
                count += values.Length;
                if (keys.Length > 0 && values.Any(v => matcher.Matches(run, keys, new MatchValue(v))))
                    return true;
                continue;
            }
            HeaderAddress? address = wanted switch
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
