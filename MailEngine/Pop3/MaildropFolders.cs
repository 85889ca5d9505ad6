using MailEngine.Store;

namespace MailEngine.Pop3;

/// <summary>Which mailboxes of an account are its maildrop: <see cref="Pop3Options.Folders"/>.</summary>
internal static class MaildropFolders
{
    /// <summary>Names in the order in which their messages are numbered: INBOX first.</summary>
    public static async ValueTask<IReadOnlyList<MailboxName>> OfAsync(MailStore store, Pop3Options options, long accountId)
    {
        if (options.Folders.Count == 0 || options.Folders is ["INBOX"])
            return [MailboxName.Inbox];
        var names = new List<MailboxName>();
        foreach (MailboxInfo box in await store.ListAsync(accountId))
        {
            if (box.Id != 0 && IsIn(options.Folders, box))
                names.Add(box.Name);
        }
        return names;
    }

    /// <summary>True for a pattern, a special use (\Junk), or one of them that is left out (-\Junk).</summary>
    public static bool IsValid(string pattern)
    {
        string rest = pattern.StartsWith('-') ? pattern[1..] : pattern;
        return rest.Length > 0 && (rest[0] == '\\' ? rest.Length > 1 && rest.Skip(1).All(char.IsAsciiLetter)
            : MailboxName.TryParse(rest.Replace('*', 'x').Replace('%', 'x'), out _));
    }

    static bool IsIn(IList<string> patterns, MailboxInfo box) =>
        patterns.Any(p => p[0] != '-' && Matches(p, box)) && !patterns.Any(p => p[0] == '-' && Matches(p[1..], box));

    static bool Matches(string pattern, MailboxInfo box) => pattern[0] == '\\'
        ? box.SpecialUse.Equals(pattern, StringComparison.OrdinalIgnoreCase)
        : Matches(pattern, box.Name.Value);

    /// <summary>"*" stands for anything, "%" for anything within one level. RFC 9051 §6.3.9</summary>
    internal static bool Matches(string pattern, string name)
    {
        // Goes back to the last "%" while that may take more, then to the last "*": a later one can take whatever an earlier one could.
        int p = 0, n = 0, star = -1, starFrom = 0, level = -1, levelFrom = 0;
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                starFrom = n;
                level = -1;
            }
            else if (p < pattern.Length && pattern[p] == '%')
            {
                level = p++;
                levelFrom = n;
            }
            else if (p < pattern.Length && pattern[p] == name[n])
            {
                p++;
                n++;
            }
            else if (level >= 0 && name[levelFrom] != '/')
            {
                n = ++levelFrom;
                p = level + 1;
            }
            else if (star >= 0)
            {
                n = ++starFrom;
                p = star + 1;
                level = -1;
            }
            else
            {
                return false;
            }
        }
        return pattern.AsSpan(p).IndexOfAnyExcept('*', '%') < 0;
    }
}
