namespace MailEngine.Flow;

/// <summary>The names that clients give themselves in HELO, EHLO and LHLO.</summary>
static class ClientNames
{
    /// <summary>Makes the name fit for a Received field: at most 255 characters of a host name or address literal, others become "?".</summary>
    public static string Clean(string name) => string.Create(Math.Min(name.Length, 255), name, static (span, source) =>
    {
        for (int i = 0; i < span.Length; i++)
            span[i] = char.IsAsciiLetterOrDigit(source[i]) || source[i] is '.' or '-' or '_' or '[' or ']' or ':' ? source[i] : '?';
    });
}
