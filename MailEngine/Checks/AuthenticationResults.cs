using System.Text;

namespace MailEngine.Checks;

/// <summary>What one Authentication-Results field says: who checked, and each method with its result, lower case. RFC 7601 §2.2</summary>
sealed record AuthenticationResults(string Server, IReadOnlyList<(string Method, string Result)> Results)
{
    const int MostResults = 50;

    /// <param name="field">The value, as it stands in the header, folding and comments included.</param>
    /// <returns>Null: it names no server.</returns>
    public static AuthenticationResults? Parse(ReadOnlySpan<byte> field)
    {
        var results = new List<(string, string)>();
        string server = "";
        var word = new StringBuilder();
        var words = new List<string>();   // of one part between semicolons: tokens, and "=" as a token of its own
        bool isFirst = true;
        for (int at = 0; at <= field.Length; at++)
        {
            byte c = at < field.Length ? field[at] : (byte)';';
            switch (c)
            {
                case (byte)'(':
                    EndWord();
                    at = EndOfComment(field, at);
                    break;
                case (byte)'"':
                    at = ReadQuoted(field, at, word);
                    break;
                case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                    EndWord();
                    break;
                case (byte)'=':
                    EndWord();
                    words.Add("=");
                    break;
                case (byte)';':
                    EndWord();
                    if (isFirst)
                        server = words.Count > 0 ? words[0] : "";
                    else if (words is [var method, "=", var result, ..] && results.Count < MostResults)
                        results.Add((method.Split('/')[0].ToLowerInvariant(), result.ToLowerInvariant()));
                    else if (words is [var spaced, "/", _, "=", var versioned, ..] && results.Count < MostResults)
                        results.Add((spaced.ToLowerInvariant(), versioned.ToLowerInvariant()));
                    words.Clear();
                    isFirst = false;
                    break;
                default:
                    if (word.Length < 256)
                        word.Append((char)c);
                    break;
            }
        }
        return server.Length == 0 ? null : new AuthenticationResults(server, results);

        void EndWord()
        {
            if (word.Length > 0 && words.Count < 8)
                words.Add(word.ToString());
            word.Clear();
        }
    }

    /// <summary>Place of the closing parenthesis; comments stand in comments. RFC 5322 §3.2.2</summary>
    static int EndOfComment(ReadOnlySpan<byte> text, int at)
    {
        for (int depth = 0; at < text.Length; at++)
        {
            if (text[at] == '\\')
                at++;
            else if (text[at] == '(')
                depth++;
            else if (text[at] == ')' && --depth == 0)
                return at;
        }
        return text.Length - 1;
    }

    /// <summary>Place of the closing quote.</summary>
    static int ReadQuoted(ReadOnlySpan<byte> text, int at, StringBuilder word)
    {
        for (at++; at < text.Length && text[at] != '"'; at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length)
                at++;
            if (word.Length < 256)
                word.Append((char)text[at]);
        }
        return Math.Min(at, text.Length - 1);
    }
}
