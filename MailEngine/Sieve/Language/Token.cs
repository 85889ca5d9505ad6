namespace MailEngine.Sieve.Language;

internal enum TokenKind
{
    End,
    Identifier,
    Tag,
    Number,
    String,
    Semicolon,
    Comma,
    OpenBracket,
    CloseBracket,
    OpenParenthesis,
    CloseParenthesis,
    OpenBrace,
    CloseBrace,
}

/// <summary>One token of a script. RFC 5228 §8.1</summary>
/// <param name="Offset">Where it begins, octets from the start of the script.</param>
/// <param name="Text">Identifier or tag in lower case, without the colon; the octets of a string.</param>
internal readonly record struct Token(TokenKind Kind, int Offset, string Text = "", long Number = 0)
{
    /// <summary>For people.</summary>
    public string Name => Kind switch
    {
        TokenKind.End => "the end of the script",
        TokenKind.Identifier => $"\"{Text}\"",
        TokenKind.Tag => $"\":{Text}\"",
        TokenKind.Number => "a number",
        TokenKind.String => "a string",
        TokenKind.Semicolon => "\";\"",
        TokenKind.Comma => "\",\"",
        TokenKind.OpenBracket => "\"[\"",
        TokenKind.CloseBracket => "\"]\"",
        TokenKind.OpenParenthesis => "\"(\"",
        TokenKind.CloseParenthesis => "\")\"",
        TokenKind.OpenBrace => "\"{\"",
        _ => "\"}\"",
    };
}
