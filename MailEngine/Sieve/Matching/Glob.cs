using System.Text;
using MailEngine.Mime;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Matching;

/// <summary>A pattern of :matches: "*" any number of characters, as few as will do; "?" one; "\" before them takes them as they are. RFC 5228 §2.7.1</summary>
/// <remarks>A character is an octet, or with i;unicode-casemap a Unicode character; then pattern and value are written in numbers that the
/// pattern gives to folded characters. No recursion: only the last "*" is ever made longer, which is charged to the run.</remarks>
internal sealed class Glob
{
    const char One = '\u0100', Any = '\u0101', FirstNumber = '\u0102', Unknown = '\uFFFF';

    readonly string _pattern;
    readonly Dictionary<string, char>? _numbers;
    readonly Comparator _comparator;
    readonly int _wildcards;

    /// <param name="key">As it stands in the script, not folded.</param>
    public Glob(string key, Comparator comparator)
    {
        _comparator = comparator;
        var pattern = new StringBuilder(key.Length);
        if (comparator == Comparator.UnicodeCasemap)
            _numbers = new Dictionary<string, char>(StringComparer.Ordinal);
        string text = _numbers is null ? MatchValue.Fold(key, comparator) : Octets.ToText(key).Normalize(NormalizationForm.FormC);
        bool escaped = false;
        for (int at = 0; at < text.Length;)
        {
            int length = _numbers is not null && char.IsHighSurrogate(text[at]) && at + 1 < text.Length ? 2 : 1;
            char c = text[at];
            if (!escaped && c == '\\' && at + 1 < text.Length)
            {
                escaped = true;
            }
            else
            {
                if (!escaped && c is ('*' or '?'))
                {
                    pattern.Append(c == '*' ? Any : One);
                    _wildcards++;
                }
                else
                {
                    pattern.Append(_numbers is null ? c : Number(text.AsSpan(at, length)));
                }
                escaped = false;
            }
            at += length;
        }
        _pattern = pattern.ToString();
    }

    char Number(ReadOnlySpan<char> character)
    {
        string folded = UnicodeCasemap.Fold(character);
        if (!_numbers!.TryGetValue(folded, out char number) && _numbers.Count < Unknown - FirstNumber)
            _numbers.Add(folded, number = (char)(FirstNumber + _numbers.Count));
        return number;
    }

    public bool Matches(SieveRun run, MatchValue value, bool remember)
    {
        if (_numbers is null)
            return Match(run, value.For(_comparator), value.Octets, remember);
        string text = Octets.ToText(value.Octets).Normalize(NormalizationForm.FormC);
        var runes = new List<int>(text.Length + 1);   // where each character begins
        var numbers = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length;)
        {
            int length = char.IsHighSurrogate(text[at]) && at + 1 < text.Length ? 2 : 1;
            runes.Add(at);
            numbers.Append(_numbers.GetValueOrDefault(UnicodeCasemap.Fold(text.AsSpan(at, length)), Unknown));
            at += length;
        }
        runes.Add(text.Length);
        run.ChargeFor(text.Length * 16L);
        return Match(run, numbers.ToString(), text, remember, runes);
    }

    /// <param name="value">Folded, or in numbers.</param>
    /// <param name="source">What match variables are cut out of: as long as <paramref name="value"/>, or with a list of where its characters begin.</param>
    bool Match(SieveRun run, string value, string source, bool remember, List<int>? places = null)
    {
        int[]? found = remember && _wildcards > 0 ? new int[2 * _wildcards] : null;
        string pattern = _pattern;
        run.ChargeFor(value.Length);
        int p = 0, v = 0, wildcard = -1;            // wildcard: number of the one before p
        int starAt = -1, starFrom = 0, starNumber = 0;
        long steps = 0;
        while (true)
        {
            if (p < pattern.Length && pattern[p] == Any)
            {
                wildcard++;
                (starAt, starFrom, starNumber) = (p, v, wildcard);
                if (found is not null)
                    found[2 * wildcard] = found[(2 * wildcard) + 1] = v;
                p++;
                if (p == pattern.Length)
                {
                    if (found is not null)
                        found[(2 * wildcard) + 1] = value.Length;
                    break;   // a "*" at the end takes all the rest
                }
                continue;
            }
            if (v < value.Length && p < pattern.Length && (pattern[p] == value[v] || pattern[p] == One))
            {
                if (pattern[p] == One)
                {
                    wildcard++;
                    if (found is not null)
                        (found[2 * wildcard], found[(2 * wildcard) + 1]) = (v, v + 1);
                }
                p++;
                v++;
                continue;
            }
            if (v == value.Length && p == pattern.Length)
                break;
            if (starAt < 0 || starFrom >= value.Length)
                return false;
            // Back to the last "*", which takes one more; to the next place where what follows it can begin, when that is no wildcard.
            steps += v - starFrom + 1;
            if (steps > 4096)
            {
                run.ChargeFor(steps);
                steps = 0;
            }
            char next = pattern[starAt + 1];
            int skip = next == One ? 0 : value.AsSpan(starFrom + 1).IndexOf(next);
            if (skip < 0)
                return false;
            starFrom += 1 + skip;
            if (found is not null)
                found[(2 * starNumber) + 1] = starFrom;
            (p, v, wildcard) = (starAt + 1, starFrom, starNumber);
        }
        run.ChargeFor(steps);
        if (remember)
            run.Matched.Set(source, found ?? [], places);
        return true;
    }
}
