using System.Text;
using MailEngine.Accounts;
using MailEngine.Addresses;

namespace MailAdmin.Web.Services;

/// <summary>Finds addresses and names in what people have them in: lines, tables of mail programs (CSV), and vCards.</summary>
/// <remarks>Goes once through the text, from the front, and keeps no more than <c>most</c> addresses and some faults of it, whatever it holds.</remarks>
sealed class ContactReader
{
    /// <summary>Faults that are kept to be shown; of more only the number.</summary>
    public const int MostFaults = 100;

    const int MostShownChars = 80;

    static readonly string[] s_wholeName = ["display name", "displayname", "name", "full name", "fn", "formatted name", "anzeigename"];
    static readonly string[] s_givenName = ["first name", "given name", "vorname"];
    static readonly string[] s_familyName = ["last name", "family name", "surname", "nachname"];

    readonly int _most;
    readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    readonly List<FoundContact> _found = [];
    readonly List<ContactFault> _faults = [];

    ContactReader(int most) => _most = most;

    /// <summary>Each address once.</summary>
    public IReadOnlyList<FoundContact> Found => _found;

    public IReadOnlyList<ContactFault> Faults => _faults;

    public int FaultCount { get; private set; }

    /// <summary>Addresses that stood there twice.</summary>
    public int Doubles { get; private set; }

    /// <summary>There are more than <c>most</c> addresses; the rest was not looked at.</summary>
    public bool IsTooMany { get; private set; }

    /// <summary>UTF-8, what byte order marks say, or what old programs on Windows write.</summary>
    public static string TextOf(byte[] file)
    {
        if (file is [0xFF, 0xFE, ..])
            return Encoding.Unicode.GetString(file.AsSpan(2));
        if (file is [0xFE, 0xFF, ..])
            return Encoding.BigEndianUnicode.GetString(file.AsSpan(2));
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(file);
        }
        catch (DecoderFallbackException)
        {
            return Encoding.Latin1.GetString(file);
        }
    }

    /// <param name="most">Addresses that are wanted at most.</param>
    public static ContactReader Read(string text, int most)
    {
        var reader = new ContactReader(most);
        if (text.Contains("BEGIN:VCARD", StringComparison.OrdinalIgnoreCase))
            reader.ReadCards(text);
        else
            reader.ReadTable(text);
        return reader;
    }

    void ReadCards(string text)
    {
        foreach (VCard card in VCardReader.Read(text))
        {
            if (card.Addresses.Count == 0)
                Fault(card.Line, card.Name.Contains('@', StringComparison.Ordinal) ? "" : card.Name);
            foreach (string written in card.Addresses)
            {
                if (IsTooMany)
                    return;
                if (TryAddress(written, out FoundContact? found))
                    Take(found with { Name = card.Name.Equals(written, StringComparison.OrdinalIgnoreCase) ? "" : NameOf(card.Name) });   // cards must have a name, and are given this one
                else
                    Fault(card.Line, written);
            }
        }
    }

    void ReadTable(string text)
    {
        using var from = new StringReader(text);
        var rows = new CsvReader(from);
        (int Whole, int Given, int Family)? columns = null;
        bool isFirst = true;
        while (!IsTooMany && rows.Read(out List<string> fields))
        {
            if (fields.TrueForAll(string.IsNullOrWhiteSpace))
                continue;
            if (isFirst && IsHeading(fields))
                columns = (Column(fields, s_wholeName), Column(fields, s_givenName), Column(fields, s_familyName));
            else
                ReadRow(fields, rows.Line, columns);
            isFirst = false;
        }
    }

    void ReadRow(List<string> fields, int line, (int Whole, int Given, int Family)? columns)
    {
        var found = new List<FoundContact>();
        string other = "", broken = "";
        for (int i = 0; i < fields.Count; i++)
        {
            string field = fields[i];
            // "Ding, Cid" <cid@example.org> behind a space is no quoted field of a table, and was cut at its comma.
            if (field.TrimStart().StartsWith('"') && field.IndexOf('"', StringComparison.Ordinal) == field.LastIndexOf('"') && i + 1 < fields.Count && fields[i + 1].Contains('"', StringComparison.Ordinal))
                field = $"{field},{fields[++i]}";
            if (found.Count <= _most && TryAddress(field, out FoundContact? contact))
                found.Add(contact);
            else if (field.Contains('@', StringComparison.Ordinal))
                broken = broken.Length > 0 ? broken : field;
            else if (other.Length == 0)
                other = field.Trim();
        }
        string name = columns is { } c ? Field(fields, c.Whole) is { Length: > 0 } whole ? whole : $"{Field(fields, c.Given)} {Field(fields, c.Family)}"
            : found.Count == 1 ? other : "";
        foreach (FoundContact contact in found)
            Take(contact.Name.Length > 0 ? contact : contact with { Name = NameOf(name) });
        // Tables of mail programs have columns with all sorts of things; in a plain list everything with @ is meant to be an address.
        if (found.Count == 0 || (columns is null && broken.Length > 0))
            Fault(line, broken.Length > 0 ? broken : "");
    }

    static bool IsHeading(List<string> fields) =>
        !fields.Exists(f => f.Contains('@', StringComparison.Ordinal))
        && fields.Exists(f => f.Contains("mail", StringComparison.OrdinalIgnoreCase) || f.Contains("address", StringComparison.OrdinalIgnoreCase));

    static int Column(List<string> heading, string[] names) => heading.FindIndex(f => names.Contains(f.Trim(), StringComparer.OrdinalIgnoreCase));

    static string Field(List<string> fields, int column) => column >= 0 && column < fields.Count ? fields[column].Trim() : "";

    /// <summary><c>ann@example.org</c> or <c>Ann &lt;ann@example.org&gt;</c>.</summary>
    static bool TryAddress(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out FoundContact? found)
    {
        string written = text.Trim();
        string name = "";
        if (written.EndsWith('>') && written.LastIndexOf('<') is >= 0 and var open)
            (name, written) = (written[..open].Trim().Trim('"'), written[(open + 1)..^1].Trim());
        if (written.StartsWith("mailto:", StringComparison.OrdinalIgnoreCase))
            written = written["mailto:".Length..];
        found = EmailAddress.TryParse(written, out EmailAddress address) ? new FoundContact(address, written, NameOf(name)) : null;
        return found is not null;
    }

    /// <summary>On one line, and no longer than a name may be.</summary>
    public static string NameOf(string text)
    {
        string plain = string.Concat(text.Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? ' ' : c)).Trim();
        return Cut(plain, AccountContact.MaxName);
    }

    static string Cut(string text, int most) => text.Length <= most ? text : text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)];

    void Take(FoundContact contact)
    {
        if (!_seen.Add(contact.Address.Canonical))
            Doubles++;
        else if (_found.Count < _most)
            _found.Add(contact);
        else
            IsTooMany = true;
    }

    void Fault(int line, string text)
    {
        FaultCount++;
        if (_faults.Count < MostFaults)
            _faults.Add(new ContactFault(line, Cut(NameOf(text), MostShownChars)));
    }
}
