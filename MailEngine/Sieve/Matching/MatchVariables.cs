using System.Runtime.InteropServices;
using MailEngine.Sieve.Language;

namespace MailEngine.Sieve.Matching;

/// <summary>What the wildcards of the last match stood for: ${1}, ${2}…; ${0} is the whole. RFC 5229 §3.2</summary>
internal sealed class MatchVariables
{
    string _source = "";
    int[] _bounds = [];
    bool _isText;
    string?[] _cut = [];
    bool _any;

    /// <param name="bounds">Pairs of begin and end, one a wildcard; -1 for a group of a regular expression that took no part.</param>
    /// <param name="places">Not null: <paramref name="source"/> is text, and bounds count its characters, which begin here.</param>
    public void Set(string source, int[] bounds, List<int>? places = null)
    {
        if (places is not null)
        {
            foreach (ref int bound in bounds.AsSpan())
                bound = CollectionsMarshal.AsSpan(places)[bound];
        }
        Set(source, bounds, isText: places is not null, whole: null);
    }

    /// <param name="whole">${0}; null: all of the source.</param>
    public void Set(string source, int[] bounds, bool isText, string? whole)
    {
        _source = source;
        _bounds = bounds;
        _isText = isText;
        _any = true;
        _cut = new string?[(bounds.Length / 2) + 1];
        _cut[0] = whole;
    }

    public string Get(int index)
    {
        if (!_any || index >= _cut.Length)
            return "";
        return _cut[index] ??= Cut(index == 0 ? _source : _bounds[(2 * index) - 2] < 0 ? "" : _source[_bounds[(2 * index) - 2].._bounds[(2 * index) - 1]]);
    }

    string Cut(string part) => _isText ? Octets.OfText(part) : part;
}
