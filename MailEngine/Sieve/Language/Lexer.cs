using System.Buffers;
using System.Text;

namespace MailEngine.Sieve.Language;

/// <summary>Takes a script apart into tokens. RFC 5228 §8.1</summary>
/// <remarks>One pass, no recursion; what is no token is reported and passed over.
/// Differs from RFC 5228 §8.1 (CRLF only): a bare LF ends a line too, since scripts come from text editors; in a string it is kept as CRLF.</remarks>
internal sealed class Lexer(ReadOnlyMemory<byte> script, SieveErrors errors)
{
    static readonly SearchValues<byte> s_quoteEnds = SearchValues.Create("\"\\\r\n\0"u8);

    int _at = script.Span.StartsWith("\uFEFF"u8) ? 3 : 0;

    public Token Next()
    {
        ReadOnlySpan<byte> all = script.Span;
        while (true)
        {
            SkipSpace(all);
            if (_at >= all.Length)
                return new Token(TokenKind.End, all.Length);
            int start = _at;
            byte c = all[_at];
            if (IsLetter(c))
                return Word(all);
            if (c is >= (byte)'0' and <= (byte)'9')
                return Number(all);
            _at++;
            switch (c)
            {
                case (byte)'"':
                    return Quoted(all);
                case (byte)':' when _at < all.Length && IsLetter(all[_at]):
                    return new Token(TokenKind.Tag, start, Identifier(all));
                case (byte)';':
                    return new Token(TokenKind.Semicolon, start);
                case (byte)',':
                    return new Token(TokenKind.Comma, start);
                case (byte)'[':
                    return new Token(TokenKind.OpenBracket, start);
                case (byte)']':
                    return new Token(TokenKind.CloseBracket, start);
                case (byte)'(':
                    return new Token(TokenKind.OpenParenthesis, start);
                case (byte)')':
                    return new Token(TokenKind.CloseParenthesis, start);
                case (byte)'{':
                    return new Token(TokenKind.OpenBrace, start);
                case (byte)'}':
                    return new Token(TokenKind.CloseBrace, start);
                case (byte)':':
                    errors.Add(start, "The name of a tag must follow \":\" at once, for example :contains.");
                    break;
                default:
                    errors.Add(start, $"{Describe(c)} has no meaning here. Text must stand in \"double quotes\".");
                    SkipRubbish(all);
                    break;
            }
        }
    }

    void SkipSpace(ReadOnlySpan<byte> all)
    {
        while (_at < all.Length)
        {
            switch (all[_at])
            {
                case (byte)' ' or (byte)'\t' or (byte)'\n':
                    _at++;
                    break;
                case (byte)'\r':
                    if (_at + 1 >= all.Length || all[_at + 1] != (byte)'\n')
                        errors.Add(_at, "A CR without LF ends no line. Save the script with line ends CRLF or LF.");
                    _at++;
                    break;
                case (byte)'#':
                    int end = all[_at..].IndexOf((byte)'\n');
                    SkipComment(all, end < 0 ? all.Length : _at + end + 1);
                    break;
                case (byte)'/' when _at + 1 < all.Length && all[_at + 1] == (byte)'*':
                    int close = all[(_at + 2)..].IndexOf("*/"u8);
                    if (close < 0)
                        errors.Add(_at, "The comment that begins here has no end: \"*/\" is missing.");
                    SkipComment(all, close < 0 ? all.Length : _at + 2 + close + 2);
                    break;
                default:
                    return;
            }
        }
    }

    /// <summary>RFC 5228 §2.1: what may stand nowhere may not stand in comments either; and behind "#" a CR alone would hide the lines that follow it.</summary>
    void SkipComment(ReadOnlySpan<byte> all, int end)
    {
        ReadOnlySpan<byte> comment = all[_at..end];
        for (int at = 0; comment[at..].IndexOfAny((byte)'\r', (byte)0) is var next and >= 0;)
        {
            at += next + 1;
            if (comment[at - 1] == 0 || at >= comment.Length || comment[at] != (byte)'\n')
            {
                errors.Add(_at + at - 1, "Neither the octet zero nor a CR without LF may stand in a comment.");
                break;
            }
        }
        _at = end;
    }

    /// <summary>A run of such characters is one fault.</summary>
    void SkipRubbish(ReadOnlySpan<byte> all)
    {
        while (_at < all.Length && !IsLetter(all[_at]) && all[_at] > 0x20 && !"\";,[](){}:#/0123456789"u8.Contains(all[_at]))
            _at++;
    }

    string Identifier(ReadOnlySpan<byte> all)
    {
        int start = _at;
        while (_at < all.Length && (IsLetter(all[_at]) || all[_at] is >= (byte)'0' and <= (byte)'9'))
            _at++;
        return Octets.ToLower(Octets.Of(all[start.._at]));
    }

    Token Word(ReadOnlySpan<byte> all)
    {
        int start = _at;
        string word = Identifier(all);
        return word == "text" && _at < all.Length && all[_at] == (byte)':' ? MultiLine(all, start) : new Token(TokenKind.Identifier, start, word);
    }

    // number = 1*DIGIT [ QUANTIFIER ]
    Token Number(ReadOnlySpan<byte> all)
    {
        int start = _at;
        Int128 value = 0;
        for (; _at < all.Length && all[_at] is >= (byte)'0' and <= (byte)'9'; _at++)
            value = value > long.MaxValue ? value : (value * 10) + (all[_at] - '0');
        int shift = _at >= all.Length ? 0 : (all[_at] | 0x20) switch { 'k' => 10, 'm' => 20, 'g' => 30, _ => 0 };
        if (shift > 0)
            _at++;
        value <<= shift;
        if (_at < all.Length && IsLetter(all[_at]))
        {
            errors.Add(start, "A number ends with a digit, or with K, M or G.");
            Identifier(all);
        }
        if (value <= long.MaxValue)
            return new Token(TokenKind.Number, start, Number: (long)value);
        errors.Add(start, "The number is too large: 9223372036854775807 is the largest.");
        return new Token(TokenKind.Number, start);
    }

    /// <summary>Behind the opening quote.</summary>
    Token Quoted(ReadOnlySpan<byte> all)
    {
        int start = _at - 1;
        int close = all[_at..].IndexOfAny(s_quoteEnds);
        if (close >= 0 && all[_at + close] == (byte)'"')   // most of them have nothing else in them
        {
            string plain = Octets.Of(all.Slice(_at, close));
            _at += close + 1;
            return new Token(TokenKind.String, start, plain);
        }
        var text = new StringBuilder();
        while (_at < all.Length)
        {
            int run = all[_at..].IndexOfAny(s_quoteEnds);
            if (run < 0)
                break;
            text.Append(Octets.Of(all.Slice(_at, run)));
            _at += run + 1;
            switch (all[_at - 1])
            {
                case (byte)'"':
                    return new Token(TokenKind.String, start, text.ToString());
                case (byte)'\\' when _at < all.Length && all[_at] is not ((byte)'\r' or (byte)'\n' or 0):
                    text.Append((char)all[_at++]);
                    break;
                case (byte)'\\':
                    break;
                case (byte)'\n':
                    text.Append("\r\n");
                    break;
                case (byte)'\r':
                    if (_at >= all.Length || all[_at] != (byte)'\n')
                        errors.Add(_at - 1, "A CR without LF may not stand in a string.");
                    break;
                default:
                    errors.Add(_at - 1, "The octet zero may not stand in a script. ${hex:00} makes one, see encoded-character.");
                    break;
            }
        }
        errors.Add(start, "The string that begins here has no end: its closing quote is missing.");
        _at = all.Length;
        return new Token(TokenKind.End, all.Length);
    }

    /// <summary>At the colon of "text:".</summary>
    Token MultiLine(ReadOnlySpan<byte> all, int start)
    {
        _at++;
        while (_at < all.Length && all[_at] is (byte)' ' or (byte)'\t')
            _at++;
        int lineEnd = all[_at..].IndexOf((byte)'\n');
        if (lineEnd < 0 || (all[_at] != (byte)'#' && !all.Slice(_at, lineEnd).TrimEnd((byte)'\r').IsEmpty))
            errors.Add(_at, "Nothing but a comment may follow \"text:\" on its line; the text begins on the next one.");
        SkipComment(all, lineEnd < 0 ? all.Length : _at + lineEnd + 1);
        var text = new StringBuilder();
        while (_at < all.Length)
        {
            lineEnd = all[_at..].IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = lineEnd < 0 ? all[_at..] : all.Slice(_at, lineEnd);
            if (line.EndsWith("\r"u8))
                line = line[..^1];
            int fault = line.IndexOfAny((byte)'\r', (byte)0);
            if (fault >= 0)
                errors.Add(_at + fault, "Neither the octet zero nor a CR without LF may stand in a text.");
            _at = lineEnd < 0 ? all.Length : _at + lineEnd + 1;
            if (line.SequenceEqual("."u8))
                return new Token(TokenKind.String, start, text.ToString());
            text.Append(Octets.Of(line.StartsWith(".."u8) ? line[1..] : line)).Append("\r\n");
        }
        errors.Add(start, "The text that begins here has no end: a line with nothing but a dot is missing.");
        return new Token(TokenKind.End, all.Length);
    }

    static bool IsLetter(byte c) => c == (byte)'_' || (uint)((c | 0x20) - 'a') < 26;

    static string Describe(byte c) => c is > 0x20 and < 0x7F ? $"\"{(char)c}\"" : c < 0x20 ? "A control character" : "A character outside of ASCII";
}
