using System.Text;

namespace MailAdmin.Web.Services;

/// <summary>Writes an address book as vCards of version 3.0, which every program reads. RFC 2426</summary>
static class VCardWriter
{
    /// <summary>Octets of a line, its end apart. RFC 2426 §2.6</summary>
    const int LineOctets = 75;

    public static string Write(IEnumerable<(string Address, string Name)> contacts)
    {
        var text = new StringBuilder();
        foreach ((string address, string name) in contacts)
        {
            string shown = Escaped(name.Length > 0 ? name : address);
            foreach (string line in (string[])["BEGIN:VCARD", "VERSION:3.0", $"FN:{shown}", $"N:{shown};;;;", $"EMAIL;TYPE=INTERNET:{Escaped(address)}", "END:VCARD"])
                Fold(text, line);
        }
        return text.ToString();
    }

    // RFC 2426 §5: a backslash, a comma and a semicolon are text with a backslash before them.
    static string Escaped(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal).Replace(";", "\\;", StringComparison.Ordinal);

    static void Fold(StringBuilder text, string line)
    {
        int octets = 0;
        foreach (Rune rune in line.EnumerateRunes())
        {
            if (octets + rune.Utf8SequenceLength > LineOctets)
            {
                text.Append("\r\n ");
                octets = 1;
            }
            octets += rune.Utf8SequenceLength;
            text.Append(rune.ToString());
        }
        text.Append("\r\n");
    }
}
