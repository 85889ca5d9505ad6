using System.Globalization;
using System.Text;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Matching;

/// <summary>Writes a POSIX extended regular expression as one of .NET: only what POSIX knows gets through. draft-murchison-sieve-regex-07</summary>
/// <remarks>One pass, no recursion. Repetitions of repetitions are multiplied, so that an expression which would become huge is refused here.</remarks>
internal static class PosixRegex
{
    /// <summary>RE_DUP_MAX of POSIX.</summary>
    const int MostRepeats = 255;

    /// <summary>Characters of an expression when its repetitions are written out.</summary>
    const int MostPlaces = 5000;

    const int MostDepth = 50;

    static readonly Dictionary<string, string> s_classes = new(StringComparer.Ordinal)
    {
        ["alpha"] = @"\p{L}", ["digit"] = "0-9", ["alnum"] = @"\p{L}\p{Nd}", ["upper"] = @"\p{Lu}", ["lower"] = @"\p{Ll}", ["space"] = @"\s", ["blank"] = " \\t",
        ["punct"] = @"!-/:-@\[-`{-~", ["print"] = @" -~\u00A0-\uFFFD", ["graph"] = @"!-~\u00A1-\uFFFD", ["cntrl"] = @"\u0000-\u001F\u007F", ["xdigit"] = "0-9A-Fa-f",
    };

    /// <returns>The pattern, and about how many characters it has with its repetitions written out.</returns>
    /// <exception cref="SieveFaultException">What is wrong with it.</exception>
    public static (string Pattern, int Places) Translate(string posix)
    {
        var to = new StringBuilder(posix.Length + 16);
        var groups = new Stack<long>();   // places before each open group
        long places = 0, last = 0;        // last: places of what a repetition would repeat
        bool repeatable = false;
        for (int at = 0; at < posix.Length; at++)
        {
            char c = posix[at];
            switch (c)
            {
                case '(':
                    if (groups.Count >= MostDepth)
                        throw Fault($"has groups inside one another more than {MostDepth} deep");
                    groups.Push(places);
                    to.Append(c);
                    repeatable = false;
                    continue;
                case ')' when groups.TryPop(out long before):
                    last = places - before;
                    to.Append(c);
                    repeatable = true;
                    continue;
                case ')':
                    throw Fault("has a \")\" without its \"(\"");
                case '|' or '^' or '$':
                    to.Append(c == '$' ? @"\z" : c);
                    repeatable = false;
                    continue;
                case '*' or '+' or '?':
                    if (!repeatable)
                        throw Fault($"has a \"{c}\" with nothing before it");
                    to.Append(c);
                    places += last;
                    break;
                case '{' when at + 1 < posix.Length && char.IsAsciiDigit(posix[at + 1]):
                    if (!repeatable)
                        throw Fault("has a \"{\" with nothing before it");
                    int most = Bounds(posix, ref at, to);
                    places += last * Math.Max(most - 1, 0);
                    break;
                case '[':
                    Bracket(posix, ref at, to);
                    Atom(1);
                    continue;
                case '\\':
                    if (++at >= posix.Length)
                        throw Fault("ends with a backslash");
                    to.Append(Regex(posix[at]));
                    Atom(1);
                    continue;
                case '.':
                    to.Append(@"[\s\S]");
                    Atom(1);
                    continue;
                default:
                    to.Append(Regex(c));
                    Atom(1);
                    continue;
            }
            repeatable = false;   // "a**" has no meaning in POSIX
            if (places > MostPlaces)
                throw Fault("becomes too large by its repetitions");
        }
        if (groups.Count > 0)
            throw Fault("has a \"(\" without its \")\"");
        return places > MostPlaces ? throw Fault("is too long") : (to.ToString(), (int)places);

        void Atom(int size)
        {
            places += size;
            last = size;
            repeatable = true;
        }
    }

    // "{2}", "{2,}", "{2,5}"
    static int Bounds(string posix, ref int at, StringBuilder to)
    {
        int end = posix.IndexOf('}', at);
        string[] numbers = end < 0 || end - at > 12 ? [] : posix[(at + 1)..end].Split(',');
        if (numbers.Length is not (1 or 2) || !int.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out int least))
            throw Fault("has a \"{\" that is no repetition such as {2,5}");
        int most = least;
        if (numbers.Length == 2 && numbers[1].Length == 0)
            most = least + 1;
        else if (numbers.Length == 2 && !int.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out most))
            throw Fault("has a \"{\" that is no repetition such as {2,5}");
        if (least > MostRepeats || most > MostRepeats || most < least)
            throw Fault($"has a repetition that is not from 0 to {MostRepeats}, the smaller number first");
        to.Append(posix, at, end - at + 1);
        at = end;
        return most;
    }

    /// <summary>At "[". In brackets a backslash is nothing special; "]" may stand first.</summary>
    static void Bracket(string posix, ref int at, StringBuilder to)
    {
        int start = to.Length;
        to.Append('[');
        at++;
        if (at < posix.Length && posix[at] == '^')
        {
            to.Append('^');
            at++;
        }
        bool first = true;
        while (true)
        {
            if (at >= posix.Length)
                throw Fault("has a \"[\" without its \"]\"");
            char c = posix[at];
            if (c == ']' && !first)
                break;
            first = false;
            if (c == '[' && at + 1 < posix.Length && posix[at + 1] is ':' or '.' or '=')
            {
                int end = posix.IndexOf(posix[at + 1] + "]", at + 2, StringComparison.Ordinal);
                string name = end < 0 || end - at > 16 ? "" : posix[(at + 2)..end];
                if (posix[at + 1] == ':' && s_classes.TryGetValue(name, out string? characters))
                    to.Append(characters);
                else if (posix[at + 1] != ':' && name.Length == 1)
                    to.Append(InBracket(name[0]));
                else
                    throw Fault($"has a class in brackets that is none of {string.Join(", ", s_classes.Keys)}");
                at = end + 2;
                continue;
            }
            // "a-z"; "-" stands for itself at the beginning and at the end
            if (at + 2 < posix.Length && posix[at + 1] == '-' && posix[at + 2] != ']')
            {
                if (posix[at + 2] < c)
                    throw Fault($"has the range {c}-{posix[at + 2]}, which goes backwards");
                to.Append(InBracket(c)).Append('-').Append(InBracket(posix[at + 2]));
                at += 3;
                continue;
            }
            to.Append(InBracket(c));
            at++;
        }
        to.Append(']');
        if (to.Length - start > 20_000)
            throw Fault("is too long");
    }

    static string InBracket(char c) => c is '\\' or '[' or ']' or '^' or '-' ? $"\\{c}" : c.ToString();

    static string Regex(char c) => char.IsAsciiLetterOrDigit(c) || c > '~' ? c.ToString() : c <= ' ' ? $"\\u{(int)c:X4}" : $"\\{c}";

    static SieveFaultException Fault(string what) => new($"a regular expression {what}");
}
