namespace MailEngine.Imap;

/// <summary>Matches mailbox names against a LIST pattern: "*" any characters, "%" any but the separator. RFC 9051 §6.3.9</summary>
/// <remarks>All positions of the pattern that a name can have reached are followed at once, so the cost is name × pattern whatever
/// wildcards stand there; runs of wildcards are one. INBOX matches in any case.</remarks>
internal sealed class ListPattern
{
    readonly string _pattern;
    readonly char _separator;

    /// <param name="separator">Between levels, in the pattern and in the names: <see cref="NameForm.Separator"/>.</param>
    public ListPattern(string reference, string pattern, char separator = '/')
    {
        _separator = separator;
        string whole = reference + pattern;
        var text = new System.Text.StringBuilder(whole.Length);
        foreach (char c in whole)
        {
            if (text.Length > 0 && c is '*' or '%' && text[^1] is '*' or '%')
            {
                if (c == '*')
                    text[^1] = '*';   // "%*" and "*%" are "*"
                continue;
            }
            text.Append(c);
        }
        _pattern = text.ToString();
        if (_pattern.StartsWith("inbox", StringComparison.OrdinalIgnoreCase) && (_pattern.Length == 5 || _pattern[5] == separator || _pattern[5] is '*' or '%'))
            _pattern = string.Concat("INBOX", _pattern.AsSpan(5));
    }

    /// <summary>The last character is "%": levels that are no mailboxes themselves are shown too. RFC 3501 §6.3.8, LSUB: RFC 3501 §6.3.9</summary>
    public bool EndsWithPercent => _pattern.EndsWith('%');

    public bool Matches(string name)
    {
        int length = _pattern.Length;
        Span<bool> reached = length < 512 ? stackalloc bool[length + 1] : new bool[length + 1];
        reached.Clear();
        reached[0] = true;
        SkipWildcards(reached);
        foreach (char c in name)
        {
            bool any = false;
            // From the back, so that a place reached by this character is not looked at again for it.
            for (int i = length; i >= 0; i--)
            {
                bool stays = reached[i] && i < length && (_pattern[i] == '*' || (_pattern[i] == '%' && c != _separator));
                bool comes = i > 0 && reached[i - 1] && _pattern[i - 1] == c && _pattern[i - 1] is not ('*' or '%');
                reached[i] = stays || comes;
                any |= reached[i];
            }
            if (!any)
                return false;
            SkipWildcards(reached);
        }
        return reached[length];
    }

    /// <summary>A wildcard matches nothing too.</summary>
    void SkipWildcards(Span<bool> reached)
    {
        for (int i = 0; i < _pattern.Length; i++)
            reached[i + 1] |= reached[i] && _pattern[i] is '*' or '%';
    }
}
