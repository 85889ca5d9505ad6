using System.Globalization;
using MailEngine.Mime;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>date and currentdate. RFC 5260 §4, RFC 5260 §5</summary>
internal sealed class DateTest(ScriptString? field, FieldIndex index, ScriptString? zone, bool original, string part, Matcher matcher) : SieveTest
{
    static readonly string[] s_parts = ["year", "month", "day", "date", "julian", "hour", "minute", "second", "time", "iso8601", "std11", "zone", "weekday"];

    public static SieveTest Parse(Arguments arguments) => Parse(arguments, current: false);

    public static SieveTest ParseCurrent(Arguments arguments) => Parse(arguments, current: true);

    static DateTest Parse(Arguments arguments, bool current)
    {
        Matcher.Spec match = Matcher.ReadTags(arguments);
        ScriptString? zone = arguments.TaggedString("zone");
        bool original = !current && arguments.Flag("originalzone");
        if (zone is not null && original)
            arguments.Script.Error(arguments.Offset, ":zone and :originalzone exclude one another.");
        if (zone?.Constant is { } offset && !TryZone(offset, out _))
            arguments.Script.Error(zone.Offset, "A time zone is written like \"+0100\" or \"-0530\".");
        FieldIndex index = current ? default : FieldIndex.Read(arguments);
        ScriptString? field = current ? null : arguments.String("the header field");
        string part = Octets.ToLower(arguments.Constant("the part of the date"));
        if (!s_parts.Contains(part))
            arguments.Script.Error(arguments.Offset, $"Parts of a date are {string.Join(", ", s_parts)}.");
        return new DateTest(field, index, zone, original, part, Matcher.Of(match, arguments.Strings("the list of keys"), arguments.Script));
    }

    public override bool Evaluate(SieveRun run)
    {
        DateTimeOffset date = run.Surroundings.Now;
        if (field is not null && !TryFind(run, field.Get(run), out date))
            return matcher.IsCount && matcher.MatchesCount(run, 0);
        if (matcher.IsCount)
            return matcher.MatchesCount(run, 1);
        if (zone is not null)
        {
            if (!TryZone(zone.Get(run), out TimeSpan shift))
                throw new SieveFaultException("a time zone is not written like \"+0100\" or \"-0530\"");
            date = date.ToOffset(shift);
        }
        else if (!original)
        {
            date = TimeZoneInfo.ConvertTime(date, run.Surroundings.Zone);
        }
        return matcher.Matches(run, matcher.Keys(run), new MatchValue(PartOf(date)));
    }

    bool TryFind(SieveRun run, string name, out DateTimeOffset date)
    {
        date = default;
        FieldIndex wanted = index.Number == 0 ? new FieldIndex(1, false) : index;
        if (wanted.Fields(run, default, [name]).FirstOrDefault() is not { } line)
            return false;
        ReadOnlySpan<byte> value = line.RawValue;
        run.ChargeFor(value.Length);
        int semicolon = LastSemicolon(value), any = value.LastIndexOf((byte)';');   // a comment that never ends has hidden it
        try
        {
            return (MailDate.TryParse(value[(semicolon + 1)..], out date) || (any != semicolon && MailDate.TryParse(value[(any + 1)..], out date))) && date.ToUniversalTime() > DateTimeOffset.MinValue.AddDays(2) && date.ToUniversalTime() < DateTimeOffset.MaxValue.AddDays(-2);
        }
        catch (ArgumentOutOfRangeException)   // pushed over the edge of the calendar by its zone
        {
            return false;
        }
    }

    /// <summary>Not those in comments, which may follow a date (RFC 5322 §3.3); -1: there is none.</summary>
    static int LastSemicolon(ReadOnlySpan<byte> value)
    {
        int last = -1;
        for (int at = 0; at < value.Length;)
        {
            if (value[at] == (byte)'(')
                FieldLexer.Comment(value, ref at);
            else if (value[at++] == (byte)';')
                last = at - 1;
        }
        return last;
    }

    // time-zone = ( "+" / "-" ) 4DIGIT
    static bool TryZone(string text, out TimeSpan offset)
    {
        offset = default;
        if (text.Length != 5 || text[0] is not ('+' or '-') || !int.TryParse(text.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out int digits)
            || digits % 100 > 59 || digits > 1400)
            return false;
        offset = new TimeSpan(digits / 100, digits % 100, 0) * (text[0] == '-' ? -1 : 1);
        return true;
    }

    string PartOf(DateTimeOffset date)
    {
        string Write(string format) => date.ToString(format, CultureInfo.InvariantCulture);
        string Zone() => (date.Offset < TimeSpan.Zero ? "-" : "+") + date.Offset.ToString("hhmm", CultureInfo.InvariantCulture);
        return part switch
        {
            "year" => Write("yyyy"),
            "month" => Write("MM"),
            "day" => Write("dd"),
            "date" => Write("yyyy-MM-dd"),
            "julian" => (date.Date - new DateTime(1858, 11, 17)).Days.ToString(CultureInfo.InvariantCulture),
            "hour" => Write("HH"),
            "minute" => Write("mm"),
            "second" => Write("ss"),
            "time" => Write("HH:mm:ss"),
            "iso8601" => date.Offset == TimeSpan.Zero ? Write("yyyy-MM-ddTHH:mm:ssZ") : Write("yyyy-MM-ddTHH:mm:sszzz"),
            "std11" => MailDate.Format(date),
            "zone" => Zone(),
            _ => ((int)date.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        };
    }
}
