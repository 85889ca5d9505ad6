using System.Text.RegularExpressions;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Matching;

/// <summary>A key of :regex: a POSIX extended regular expression, found anywhere in the value. draft-murchison-sieve-regex-07</summary>
/// <remarks>Run by an engine that never goes back, so its time is linear in the value; each of its steps costs about as much as the expression has
/// places, which is what the run is charged. Differs from POSIX in which of several matches the groups tell of: the first alternative, not the longest.</remarks>
internal sealed class RegexKey : Key
{
    /// <summary>Far more than any match takes; ends what the charge did not foresee.</summary>
    static readonly TimeSpan s_mostTime = TimeSpan.FromSeconds(2);

    readonly Regex _regex;
    readonly Comparator _comparator;
    readonly int _places;

    /// <summary>About how many characters it has with its repetitions written out: what it costs to make.</summary>
    public int Places => _places;

    /// <exception cref="SieveFaultException">It is none, or too large.</exception>
    public RegexKey(string key, Comparator comparator)
    {
        (string pattern, _places) = PosixRegex.Translate(Octets.ToText(key));
        _comparator = comparator;
        RegexOptions options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant
            | (comparator == Comparator.Octet ? RegexOptions.None : RegexOptions.IgnoreCase);
        try
        {
            _regex = new Regex(pattern, options, s_mostTime);
        }
        catch (Exception fault) when (fault is ArgumentException or NotSupportedException)
        {
            throw new SieveFaultException("a regular expression cannot be used; look for a parenthesis or bracket that is not closed");
        }
    }

    public override bool Matches(SieveRun run, MatchValue value, bool remember)
    {
        string text = Octets.ToText(value.Octets);
        run.ChargeFor((long)text.Length * (4 + _places));
        try
        {
            if (!remember)
                return _regex.IsMatch(text);
            Match match = _regex.Match(text);
            if (!match.Success)
                return false;
            var bounds = new int[2 * (match.Groups.Count - 1)];
            for (int i = 1; i < match.Groups.Count; i++)
            {
                Group group = match.Groups[i];
                (bounds[(2 * i) - 2], bounds[(2 * i) - 1]) = group.Success ? (group.Index, group.Index + group.Length) : (-1, -1);
            }
            run.Matched.Set(text, bounds, isText: true, whole: Octets.OfText(match.Value));
            return true;
        }
        catch (RegexMatchTimeoutException)
        {
            throw new SieveFaultException("a regular expression took too long");
        }
    }
}
