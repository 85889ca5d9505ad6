using System.Buffers;
using System.Text;
using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Sieve.Language;

namespace MailEngine.Sieve.Commands;

/// <summary>Addresses as scripts write them. RFC 5228 §2.4.2.3</summary>
internal static class SieveAddress
{
    /// <summary>What is said where <see cref="ParseList"/> gives null.</summary>
    public const string NoList = "After :from mail addresses must stand, such as Jo <jo@example.org>, or several with commas between them.";

    static readonly SearchValues<char> s_notInPhrase = SearchValues.Create("@,;:>\\");

    /// <summary>Most octets of an address with its name.</summary>
    const int MostOctets = 1000;

    /// <summary>Most characters of a name; what is longer is cut. Written with a backslash before each it is still no longer than a line may be: RFC 5322 §2.1.1</summary>
    const int MostName = 200;

    /// <summary>Most addresses of a list. RFC 5322 names no number; an answer whose header is longer than its text helps nobody.</summary>
    const int MostMailboxes = 20;

    // sieve-address = addr-spec / phrase "<" addr-spec ">"
    /// <returns>Null: it is none, or more than one.</returns>
    public static EmailAddress? Parse(string octets) => octets.Length > MostOctets ? null : One(Octets.ToBytes(octets))?.Address;

    /// <summary>Addresses with their names, apart from one another by commas. RFC 5322 §3.4 (mailbox-list)</summary>
    /// <returns>Null: something in it is no address, or there are none or too many.</returns>
    public static IReadOnlyList<NamedAddress>? ParseList(string octets)
    {
        if (octets.Length > MostMailboxes * MostOctets)
            return null;
        ReadOnlySpan<byte> text = Octets.ToBytes(octets);
        using var scratch = new ByteBuffer(256);
        var list = new List<NamedAddress>();
        for (int at = 0; at <= text.Length; at++)
        {
            int start = at;
            while (at < text.Length && text[at] != (byte)',')
            {
                if (text[at] == (byte)'(')
                    FieldLexer.Comment(text, ref at);
                else if (text[at] == (byte)'"')
                    FieldLexer.QuotedString(text, ref at, scratch);
                else
                    at++;
            }
            scratch.Clear();
            if (at - start > MostOctets || list.Count == MostMailboxes || One(text[start..at]) is not { } one)
                return null;
            list.Add(one);
        }
        return list;
    }

    static NamedAddress? One(ReadOnlySpan<byte> bytes)
    {
        using var scratch = new ByteBuffer(256);
        if (!IsOne(bytes, scratch))
            return null;
        scratch.Clear();
        var reader = new AddressReader(bytes, scratch);
        if (!reader.MoveNext(out ListedAddress listed) || listed.Kind != AddressKind.Mailbox || !listed.Route.IsEmpty || listed.Domain.IsEmpty)
            return null;
        string local = Encoding.UTF8.GetString(listed.Local), domain = Encoding.UTF8.GetString(listed.Domain), name = EncodedWord.Decode(listed.Name);
        name = string.Concat(name.Where(c => !char.IsControl(c))).Trim();
        if (name.Length > MostName)
            name = name[..(char.IsHighSurrogate(name[MostName - 1]) ? MostName - 1 : MostName)];
        return !reader.MoveNext(out _) && Accounts.AddressParts.Join(local, domain) is { } address ? new NamedAddress(name, address) : null;
    }

    /// <summary>Nothing stands before, behind or in it. What is read of mail that came is read with leniency, and "jo doe@example.org" is an address there, but
    /// nobody knows whose.</summary>
    static bool IsOne(ReadOnlySpan<byte> text, ByteBuffer scratch)
    {
        var plain = new StringBuilder(text.Length);   // comments and quoted strings as one character each
        for (int at = 0; at < text.Length;)
        {
            if (text[at] == (byte)'(')
            {
                FieldLexer.Comment(text, ref at);
                plain.Append(' ');
            }
            else if (text[at] == (byte)'"')
            {
                FieldLexer.QuotedString(text, ref at, scratch);
                plain.Append('q');
            }
            else
            {
                plain.Append(text[at] <= (byte)' ' ? ' ' : (char)text[at]);
                at++;
            }
        }
        string all = plain.ToString().Trim(' ');
        int open = all.IndexOf('<', StringComparison.Ordinal);
        if (open >= 0 && (!all.EndsWith('>') || all.AsSpan(0, open).ContainsAny(s_notInPhrase)))
            return false;
        bool apart = false;
        char before = '.';
        foreach (char c in (open < 0 ? all : all[(open + 1)..^1]).Trim(' '))
        {
            if (c == ' ')
            {
                apart = true;
                continue;
            }
            // White space may stand around "." and "@" alone: RFC 5322 §3.4.1, RFC 5322 §4.4
            if (c is '<' or '>' or ',' or ';' || (apart && before is not ('.' or '@') && c is not ('.' or '@')))
                return false;
            (before, apart) = (c, false);
        }
        return true;
    }
}
