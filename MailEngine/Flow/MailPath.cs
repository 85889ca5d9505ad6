using MailEngine.Addresses;

namespace MailEngine.Flow;

/// <summary>Reads the path of MAIL FROM and RCPT TO.</summary>
/// <remarks>
/// RFC 5321 §4.1.2. Taken beyond it, because people type it and old programs send it: spaces after the colon, and a path
/// without angle brackets. A source route (<c>@a,@b:</c>) is recognised and dropped: RFC 5321 §3.3, App. F.2.
/// </remarks>
static class MailPath
{
    /// <summary>Cuts "FROM:" or "TO:" off, then the path, and leaves the parameters.</summary>
    /// <param name="argument">What stands after the verb and its space.</param>
    /// <param name="keyword">FROM or TO.</param>
    /// <param name="address">What stood between the brackets, route dropped; empty for <c>&lt;&gt;</c>.</param>
    /// <param name="rest">The parameters.</param>
    public static bool TrySplit(string argument, string keyword, out string address, out string rest)
    {
        address = rest = "";
        if (argument.Length <= keyword.Length || argument[keyword.Length] != ':'
            || !argument.StartsWith(keyword, StringComparison.OrdinalIgnoreCase))
            return false;
        int at = keyword.Length + 1;
        while (at < argument.Length && argument[at] == ' ')
            at++;
        if (at == argument.Length)
            return false;
        bool bracket = argument[at] == '<';
        int start = bracket ? at + 1 : at;
        int end = EndOfPath(argument, start, bracket);
        if (end < 0)
            return false;
        address = WithoutRoute(argument[start..end]);
        rest = argument[(bracket ? end + 1 : end)..];
        if (rest.Length > 0 && rest[0] != ' ')
            return false;
        rest = rest.Trim(' ');
        return bracket || address.Length > 0;
    }

    /// <summary>Reads an address of a path; a local part alone is completed by <paramref name="bareDomain"/> when that is set.</summary>
    public static bool TryParseAddress(string text, DomainName bareDomain, out EmailAddress address)
    {
        if (!text.Contains('@', StringComparison.Ordinal) && !bareDomain.IsEmpty)
            text = $"{text}@{bareDomain}";
        return EmailAddress.TryParse(text, out address);
    }

    // Quoted strings may hold ">", "@" and spaces.
    static int EndOfPath(string text, int start, bool bracket)
    {
        bool quoted = false;
        for (int i = start; i < text.Length; i++)
        {
            char c = text[i];
            if (quoted)
            {
                if (c == '\\')
                    i++;
                else if (c == '"')
                    quoted = false;
                continue;
            }
            if (c == '"')
                quoted = true;
            else if (c == '>' && bracket)
                return i;
            else if (c is '<' or '>')
                return -1;
            else if (c == ' ')
                return bracket ? -1 : i;
        }
        return bracket || quoted ? -1 : text.Length;
    }

    static string WithoutRoute(string path)
    {
        if (path.Length == 0 || path[0] != '@')
            return path;
        int colon = path.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? path : path[(colon + 1)..];
    }
}
