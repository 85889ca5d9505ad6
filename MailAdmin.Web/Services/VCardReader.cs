using System.Text;

namespace MailAdmin.Web.Services;

/// <summary>What an address book needs of a vCard.</summary>
/// <param name="Line">Where it begins, from 1.</param>
/// <param name="Name">FN, or what N makes of it; empty: neither.</param>
sealed record VCard(int Line, string Name, IReadOnlyList<string> Addresses);

/// <summary>Reads vCards: 4.0 (RFC 6350), 3.0 (RFC 2426), and 2.1 as telephones and older mail programs write it.</summary>
/// <remarks>A loop over lines, and no recursion: of a card inside a card (AGENT of 2.1) nothing is taken. A card that has no end ends where the next begins, or
/// with the text. Of a line the first <see cref="MostLineChars"/> are looked at: longer ones are pictures and keys.</remarks>
static class VCardReader
{
    const int MostLineChars = 16 << 10;

    public static IEnumerable<VCard> Read(string text)
    {
        var lines = new Lines(text);
        int inside = 0, begun = 0;
        string name = "", parts = "";
        bool isAgent = false;
        List<string> addresses = [];
        while (lines.Next() is { } line)
        {
            (string property, string parameters, string value) = Split(line);
            switch (property)
            {
                case "BEGIN" when IsCard(value) && inside > 0 && (isAgent || inside > 1):
                    inside++;
                    break;
                case "BEGIN" when IsCard(value):
                    if (inside == 1)
                        yield return new VCard(begun, NameOf(name, parts), addresses);
                    (inside, begun, name, parts, addresses) = (1, lines.Number, "", "", []);
                    break;
                case "END" when IsCard(value) && inside > 0:
                    if (--inside == 0)
                        yield return new VCard(begun, NameOf(name, parts), addresses);
                    break;
                case "FN" when inside == 1 && name.Length == 0:
                    name = Plain(Decoded(parameters, value));
                    break;
                case "N" when inside == 1 && parts.Length == 0:
                    parts = Decoded(parameters, value);
                    break;
                case "EMAIL" when inside == 1:
                    if (Plain(Decoded(parameters, value)).Trim() is { Length: > 0 } address)
                        addresses.Add(address);
                    break;
            }
            isAgent = property == "AGENT" && value.Length == 0;
        }
        if (inside > 0)
            yield return new VCard(begun, NameOf(name, parts), addresses);
    }

    static bool IsCard(string value) => value.Trim().Equals("VCARD", StringComparison.OrdinalIgnoreCase);

    /// <summary>contentline = [group "."] name *(";" param) ":" value; a colon in quotes is part of a parameter. RFC 6350 §3.3</summary>
    static (string Property, string Parameters, string Value) Split(string line)
    {
        int colon = -1;
        bool quoted = false;
        for (int i = 0; i < line.Length && colon < 0; i++)
        {
            if (line[i] == '"')
                quoted = !quoted;
            else if (line[i] == ':' && !quoted)
                colon = i;
        }
        if (colon < 0)
            return ("", "", "");
        string head = line[..colon];
        int semicolon = head.IndexOf(';', StringComparison.Ordinal);
        string property = semicolon < 0 ? head : head[..semicolon];
        return (property[(property.LastIndexOf('.') + 1)..].Trim().ToUpperInvariant(), semicolon < 0 ? "" : head[semicolon..].ToUpperInvariant(), line[(colon + 1)..]);
    }

    static bool IsQuotedPrintable(string parameters) =>
        parameters.Contains("QUOTED-PRINTABLE", StringComparison.OrdinalIgnoreCase);

    // RFC 2045 §6.7; only 2.1 has it.
    static string Decoded(string parameters, string value)
    {
        if (!IsQuotedPrintable(parameters))
            return value;
        var octets = new List<byte>(value.Length);
        for (int i = 0; i < value.Length; i++)
        {
            if (value[i] == '=' && i + 2 < value.Length && char.IsAsciiHexDigit(value[i + 1]) && char.IsAsciiHexDigit(value[i + 2]))
            {
                octets.Add(Convert.ToByte(value.Substring(i + 1, 2), 16));
                i += 2;
            }
            else
            {
                octets.AddRange(Encoding.UTF8.GetBytes(value, i, 1));
            }
        }
        return ContactReader.TextOf([.. octets]);
    }

    /// <summary>Without the backslashes. RFC 6350 §3.4</summary>
    static string Plain(string value)
    {
        if (!value.Contains('\\', StringComparison.Ordinal))
            return value;
        var plain = new StringBuilder(value.Length);
        for (int i = 0; i < value.Length; i++)
        {
            if (value[i] != '\\' || i + 1 == value.Length)
                plain.Append(value[i]);
            else if (value[++i] is 'n' or 'N')
                plain.Append(' ');
            else
                plain.Append(value[i]);
        }
        return plain.ToString();
    }

    // N is family name; given name; and more. RFC 6350 §6.2.2
    static string NameOf(string name, string parts)
    {
        if (name.Length > 0 || parts.Length == 0)
            return name;
        string[] each = [.. Components(parts).Take(2).Select(Plain)];
        return each.Length == 1 ? each[0] : $"{each[1]} {each[0]}".Trim();
    }

    static List<string> Components(string value)
    {
        var components = new List<string>();
        int from = 0;
        for (int i = 0; i < value.Length; i++)
        {
            if (value[i] == '\\')
                i++;
            else if (value[i] == ';')
                (components, from) = ([.. components, value[from..i]], i + 1);
            if (components.Count == 2)
                return components;
        }
        components.Add(value[from..]);
        return components;
    }

    /// <summary>Lines as they were before they were folded: what begins with a space or tab belongs to the line before it (RFC 6350 §3.2), and so does what
    /// follows a "=" at the end of a quoted-printable one.</summary>
    sealed class Lines(string text)
    {
        int _at;
        int _number;

        /// <summary>Of the line that <see cref="Next"/> gave last.</summary>
        public int Number { get; private set; }

        public string? Next()
        {
            if (_at >= text.Length)
                return null;
            Number = _number + 1;
            var line = new StringBuilder();
            Append(line, TakeLine());
            bool? isQuoted = null;
            while (_at < text.Length)
            {
                if (text[_at] is ' ' or '\t')
                {
                    Append(line, TakeLine()[1..]);
                }
                else if (line.Length > 0 && line[^1] == '=' && (isQuoted ??= IsQuotedPrintable(Split(line.ToString()).Parameters)))
                {
                    line.Length--;
                    Append(line, TakeLine());
                }
                else
                {
                    break;
                }
            }
            return line.ToString();
        }

        static void Append(StringBuilder line, ReadOnlySpan<char> more) => line.Append(more[..Math.Min(more.Length, MostLineChars - line.Length)]);

        ReadOnlySpan<char> TakeLine()
        {
            int end = text.IndexOf('\n', _at);
            ReadOnlySpan<char> line = text.AsSpan(_at, (end < 0 ? text.Length : end) - _at);
            _at = end < 0 ? text.Length : end + 1;
            _number++;
            return line.TrimEnd('\r');
        }
    }
}
