using System.Globalization;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>spamtest [":percent"] [COMPARATOR] [MATCH-TYPE] value; virustest without the tag: what checks before us found, as a number. RFC 5235 §3</summary>
internal sealed class VerdictTest(bool ofSpam, bool percent, Matcher matcher) : SieveTest
{
    public static SieveTest ParseSpam(Arguments arguments)
    {
        bool percent = arguments.Flag("percent", Capability.SpamTestPlus);
        if (!arguments.Script.Has(Capability.SpamTestPlus))
            arguments.Script.Needs(Capability.SpamTest, arguments.Offset, "\"spamtest\"");
        return Parse(arguments, ofSpam: true, percent);
    }

    public static SieveTest ParseVirus(Arguments arguments) => Parse(arguments, ofSpam: false, percent: false);

    static VerdictTest Parse(Arguments arguments, bool ofSpam, bool percent)
    {
        Matcher.Spec match = Matcher.ReadTags(arguments);
        ScriptString value = arguments.String("the value");
        return new VerdictTest(ofSpam, percent, Matcher.Of(match, [value], arguments.Script));
    }

    public override bool Evaluate(SieveRun run)
    {
        int? found = ofSpam ? Spam(run) : Virus(run);
        if (matcher.IsCount)
            return matcher.MatchesCount(run, found is null ? 0 : 1);   // RFC 5235 §3.1
        return matcher.Matches(run, matcher.Keys(run), CountValue.Of(found ?? 0));
    }

    /// <summary>Null: nobody looked. RFC 5235 §3.2.1, RFC 5235 §3.2.2</summary>
    int? Spam(SieveRun run)
    {
        SieveVerdicts from = run.Surroundings.Verdicts;
        if (FirstWord(run, from.Spam) is not { } word || !double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double score) || double.IsNaN(score))
            return null;
        int hundredths = (int)Math.Clamp(score * 100 / from.SpamMost, 0, 100);
        return percent ? hundredths : hundredths == 0 ? 1 : hundredths == 100 ? 10 : 2 + (hundredths * 8 / 100);
    }

    /// <summary>RFC 5235 §3.3</summary>
    static int? Virus(SieveRun run) => FirstWord(run, run.Surroundings.Verdicts.Virus) is not { } word ? null : Octets.ToLower(word) switch
    {
        "clean" or "no" => 1,
        "infected" or "yes" => 5,
        [>= '1' and <= '5'] => word[0] - '0',
        _ => null,
    };

    static string? FirstWord(SieveRun run, string field)
    {
        // The field of the check that looked last stands on top.
        if (field.Length == 0 || run.Message.Fields(field) is not [HeaderLine line, ..])
            return null;
        return line.Value.Octets.Split([' ', ',', ';', '/', '('], 2)[0];
    }
}
