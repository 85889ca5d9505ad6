namespace MailEngine.Sieve.Running;

/// <summary>Flags as one string, apart by spaces. RFC 5232 §2, RFC 5232 §3</summary>
internal static class FlagList
{
    /// <summary>More are left out: nobody has so many, and IMAP clients show fewer.</summary>
    const int Most = 128;

    const int Longest = 128;

    static readonly string[] s_system = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"];

    /// <summary>The flags of some strings, each once, those left out that no client may set. RFC 5232 §2</summary>
    public static List<string> Valid(IEnumerable<string> strings)
    {
        var flags = new List<string>();
        foreach (string text in strings)
        {
            if (text.Length == 0)
                continue;
            foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (flags.Count < Most && Canonical(word) is { } flag && !flags.Contains(flag, StringComparer.OrdinalIgnoreCase))
                    flags.Add(flag);
            }
        }
        return flags;
    }

    /// <summary>The same of strings of a script, which can be long.</summary>
    /// <exception cref="SieveFaultException">There were too many steps.</exception>
    public static List<string> Valid(SieveRun run, Language.ScriptString[] strings) => Valid(strings.Select(text => Charged(run, text)));

    /// <summary>A string that is taken apart into words.</summary>
    /// <exception cref="SieveFaultException">There were too many steps.</exception>
    public static string Charged(SieveRun run, Language.ScriptString text)
    {
        string flags = text.Get(run);
        run.ChargeFor(8L * flags.Length);
        return flags;
    }

    public static List<string> Valid(string flags) => flags.Length == 0 ? [] : Valid([flags]);

    // RFC 9051 §9: flag = system flags / flag-keyword, which is an atom.
    static string? Canonical(string word)
    {
        if (word[0] == '\\')
            return Array.Find(s_system, flag => flag.Equals(word, StringComparison.OrdinalIgnoreCase));
        return word.Length <= Longest && word.All(c => c is > ' ' and < '\x7F' and not ('(' or ')' or '{' or '%' or '*' or '"' or '\\' or ']')) ? word : null;
    }
}
