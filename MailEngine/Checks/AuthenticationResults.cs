using System.Text;

namespace MailEngine.Checks;

/// <summary>A method and what it found (its "result"), lower case, and what was looked at.</summary>
/// <param name="Properties">By "ptype.property", lower case: <c>smtp.mailfrom</c>. RFC 7601 §2.3</param>
sealed record AuthenticationResult(string Method, string Finding, IReadOnlyList<(string Name, string Value)> Properties);

/// <summary>What one Authentication-Results field says: who checked, and what he found. RFC 7601 §2.2</summary>
sealed record AuthenticationResults(string Server, IReadOnlyList<AuthenticationResult> Results)
{
    const int MostResults = 50;
    const int MostWords = 60;

    /// <param name="field">The value, as it stands in the header, folding and comments included.</param>
    /// <returns>Null: it names no server.</returns>
    public static AuthenticationResults? Parse(ReadOnlySpan<byte> field)
    {
        var results = new List<AuthenticationResult>();
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
                    if (words.Count < MostWords)
                        words.Add("=");
                    break;
                case (byte)';':
                    EndWord();
                    if (isFirst)
                        server = words.Count > 0 ? words[0] : "";
                    else if (words is [var method, "=", var result, ..] && results.Count < MostResults)
                        results.Add(new AuthenticationResult(method.Split('/')[0].ToLowerInvariant(), result.ToLowerInvariant(), PropertiesIn(words, 3)));
                    else if (words is [var spaced, "/", _, "=", var versioned, ..] && results.Count < MostResults)
                        results.Add(new AuthenticationResult(spaced.ToLowerInvariant(), versioned.ToLowerInvariant(), PropertiesIn(words, 5)));
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
            if (word.Length > 0 && words.Count < MostWords)
                words.Add(word.ToString());
            word.Clear();
        }
    }

    static List<(string, string)> PropertiesIn(List<string> words, int from)
    {
        var properties = new List<(string, string)>();
        for (int i = from; i + 2 < words.Count; i++)
        {
            if (words[i + 1] == "=" && words[i] != "=")
                properties.Add((words[i].ToLowerInvariant(), words[i + 2]));
        }
        return properties;
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
