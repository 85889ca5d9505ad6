using MailEngine.Mime;

namespace MailEngine.Imap.Search;

/// <summary>A text that is searched for fuzzily: its words may stand anywhere and in any order, and may end otherwise. RFC 6203 §3</summary>
/// <param name="Phrase">All of it, folded.</param>
/// <param name="Words">Runs of letters and digits.</param>
/// <param name="Stems">The beginning of each word that must be there at least: seven tenths, three characters or more.</param>
internal sealed record FuzzyText(string Phrase, IReadOnlyList<string> Words, IReadOnlyList<string> Stems)
{
    const int MostWords = 16;

    /// <param name="folded">As <see cref="UnicodeCasemap"/> makes it.</param>
    public static FuzzyText Of(string folded)
    {
        var words = new List<string>();
        for (int at = 0; at < folded.Length && words.Count < MostWords;)
        {
            int start = at;
            while (at < folded.Length && (char.IsLetterOrDigit(folded[at]) || char.IsSurrogate(folded[at]) || char.GetUnicodeCategory(folded[at]) == System.Globalization.UnicodeCategory.NonSpacingMark))
                at++;
            if (at > start)
                words.Add(folded[start..at]);
            else
                at++;
        }
        if (words.Count == 0)
            words.Add(folded);
        return new(folded, words, words.ConvertAll(word => word[..Math.Min(word.Length, Math.Max(3, (7 * word.Length + 9) / 10))]));
    }
}

/// <summary>How well a text matches: looks for the phrase, the words and their stems in one pass.</summary>
internal sealed class FuzzyMatch : ITextSink, IDisposable
{
    const int ExactWord = 85, Stem = 40;

    FuzzyText _wanted = new("", [], []);
    bool[] _words = [];
    bool[] _stems = [];
    readonly TextWindow _window = new();
    bool _phrase;

    /// <summary>1 to 100, RFC 6203 §4; 0: no match, a word has not even its stem there.</summary>
    public int Score
    {
        get
        {
            if (_phrase)
                return 100;
            int sum = 0;
            for (int i = 0; i < _words.Length; i++)
            {
                if (!_words[i] && !_stems[i])
                    return 0;
                sum += _words[i] ? ExactWord : Stem;
            }
            return sum / _words.Length;
        }
    }

    /// <summary>Begins anew.</summary>
    public void Start(FuzzyText wanted)
    {
        _wanted = wanted;
        _words = new bool[wanted.Words.Count];
        _stems = new bool[wanted.Words.Count];
        _phrase = false;
        _window.Clear();
    }

    public bool Take(ReadOnlySpan<char> folded)
    {
        ReadOnlySpan<char> text = _window.Add(folded);
        for (int i = 0; i < _words.Length; i++)
        {
            _stems[i] |= text.IndexOf(_wanted.Stems[i]) >= 0;
            _words[i] |= _stems[i] && text.IndexOf(_wanted.Words[i]) >= 0;
        }
        _phrase |= text.IndexOf(_wanted.Phrase) >= 0;
        _window.Keep(text, _wanted.Phrase.Length);
        return !_phrase;
    }

    public void EndRun() => _window.Clear();

    public void Dispose() => _window.Dispose();
}
