using System.Buffers;
using System.Text;

namespace MailEngine.Checks;

/// <summary>One piece of a macro string: text as it stands, or a macro.</summary>
/// <param name="Letter">Of the macro, lower case; NUL: this is <paramref name="Text"/>.</param>
/// <param name="Parts">How many of its right-hand parts are wanted; 0: all.</param>
/// <param name="Delimiters">Where it is taken apart.</param>
/// <param name="Escapes">What it becomes is written as in a URL.</param>
readonly record struct SpfMacro(string Text, char Letter, int Parts, bool Reverses, string Delimiters, bool Escapes);

/// <summary>A macro-string as it stands in a record, taken apart and checked. RFC 7208 §7</summary>
sealed class SpfMacros
{
    static readonly SearchValues<char> s_delimiters = SearchValues.Create(".-+,/_=");

    readonly List<SpfMacro> _pieces;

    SpfMacros(List<SpfMacro> pieces) => _pieces = pieces;

    public IReadOnlyList<SpfMacro> Pieces => _pieces;

    /// <param name="explains">The letters c, r and t, which only an explanation may have, are taken. RFC 7208 §7.2</param>
    public static bool TryParse(ReadOnlySpan<char> text, bool explains, out SpfMacros macros)
    {
        var pieces = new List<SpfMacro>();
        macros = new SpfMacros(pieces);
        var literal = new StringBuilder();
        for (int at = 0; at < text.Length; at++)
        {
            char c = text[at];
            if (c is < '!' or > '~' && !(explains && c == ' '))
                return false;
            if (c != '%')
            {
                literal.Append(c);
                continue;
            }
            if (++at == text.Length)
                return false;
            switch (text[at])
            {
                case '%':
                    EndOf(literal, pieces);
                    pieces.Add(new SpfMacro("%", '\0', 0, false, "", false));
                    break;
                case '_':
                    EndOf(literal, pieces);
                    pieces.Add(new SpfMacro(" ", '\0', 0, false, "", false));
                    break;
                case '-':
                    EndOf(literal, pieces);
                    pieces.Add(new SpfMacro("%20", '\0', 0, false, "", false));
                    break;
                case '{':
                    int length = text[(at + 1)..].IndexOf('}');
                    if (length < 1 || !TryParseOne(text.Slice(at + 1, length), explains, out SpfMacro macro))
                        return false;
                    EndOf(literal, pieces);
                    pieces.Add(macro);
                    at += length + 1;
                    break;
                default:
                    return false;
            }
        }
        EndOf(literal, pieces);
        return true;
    }

    static void EndOf(StringBuilder literal, List<SpfMacro> pieces)
    {
        if (literal.Length > 0)
            pieces.Add(new SpfMacro(literal.ToString(), '\0', 0, false, "", false));
        literal.Clear();
    }

    /// <summary>What stands in the braces: a letter, how many parts, "r", and delimiters.</summary>
    static bool TryParseOne(ReadOnlySpan<char> text, bool explains, out SpfMacro macro)
    {
        macro = default;
        char letter = char.ToLowerInvariant(text[0]);
        if (!"slodiphv".Contains(letter) && !(explains && "crt".Contains(letter)))
            return false;
        int at = 1, parts = 0;
        for (; at < text.Length && char.IsAsciiDigit(text[at]); at++)
            parts = Math.Min(1000, (parts * 10) + text[at] - '0');
        if (at > 1 && parts == 0)
            return false;
        bool reverses = at < text.Length && text[at] is 'r' or 'R';
        ReadOnlySpan<char> delimiters = text[(reverses ? at + 1 : at)..];
        if (delimiters.ContainsAnyExcept(s_delimiters))
            return false;
        macro = new SpfMacro("", letter, parts, reverses, delimiters.IsEmpty ? "." : delimiters.ToString(), char.IsAsciiLetterUpper(text[0]));
        return true;
    }

    /// <summary>Can it be a domain-spec? It ends in a macro, or in a label that can be a top one, with a dot before it. RFC 7208 §7.1</summary>
    public bool IsDomain
    {
        get
        {
            if (_pieces.Count == 0)
                return false;
            SpfMacro last = _pieces[^1];
            if (last.Letter != '\0' || last.Text is "%" or " " or "%20")
                return true;
            ReadOnlySpan<char> text = last.Text;
            if (text.EndsWith('.'))
                text = text[..^1];
            int dot = text.LastIndexOf('.');
            return dot >= 0 && IsTopLabel(text[(dot + 1)..]);
        }
    }

    // Letters, digits and inner hyphens, and not all of them digits.
    static bool IsTopLabel(ReadOnlySpan<char> label)
    {
        if (label.IsEmpty || label[0] == '-' || label[^1] == '-')
            return false;
        bool isNumber = true;
        foreach (char c in label)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '-')
                return false;
            isNumber &= char.IsAsciiDigit(c);
        }
        return !isNumber;
    }

    /// <summary>Writes what the pieces become.</summary>
    /// <param name="value">Of a macro, by its letter.</param>
    /// <returns>Null: a value has characters that no domain name can have (RFC 8616 §4), such as those of a local part.</returns>
    public async ValueTask<string?> ExpandAsync(Func<char, ValueTask<string>> value)
    {
        const int Most = 4096;
        var text = new StringBuilder();
        foreach (SpfMacro piece in _pieces)
        {
            if (piece.Letter == '\0')
            {
                text.Append(piece.Text);
            }
            else
            {
                string[] parts = (await value(piece.Letter)).Split(piece.Delimiters.ToCharArray());
                if (piece.Reverses)
                    Array.Reverse(parts);
                string joined = string.Join('.', piece.Parts == 0 ? parts : parts[Math.Max(0, parts.Length - piece.Parts)..]);
                text.Append(piece.Escapes ? Uri.EscapeDataString(joined) : joined);
            }
            if (text.Length > Most)
                text.Remove(0, text.Length - Most);   // the right-hand labels that fit are what is wanted: RFC 7208 §7.3
        }
        string whole = text.ToString();
        return Ascii.IsValid(whole) ? whole : null;
    }
}
