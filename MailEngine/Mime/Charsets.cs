using System.Text;

namespace MailEngine.Mime;

/// <summary>Character sets of mail by name.</summary>
internal static class Charsets
{
    static Charsets() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    /// <summary>The decoder for a charset name (RFC 2046 §4.1.2). Bytes that it cannot read become U+FFFD. An unknown name, none, and
    /// UTF-7 (which .NET refuses) are read as UTF-8 with Latin-1 as the fallback's fallback: RFC 7103 §7.6 asks for a guess.</summary>
    public static Encoding Find(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || Ascii.EqualsIgnoreCase(name, "utf-8"u8) || Ascii.EqualsIgnoreCase(name, "us-ascii"u8))
            return Encoding.UTF8;   // a superset of US-ASCII; mail that says us-ascii and holds more is mostly UTF-8
        if (name.Length > 40)
            return Encoding.UTF8;
        try
        {
            // WHATWG and all mail programs read Latin-1 as windows-1252.
            string text = Encoding.ASCII.GetString(name);
            return Encoding.GetEncoding(text.Equals("iso-8859-1", StringComparison.OrdinalIgnoreCase) ? "windows-1252" : text);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return Encoding.UTF8;
        }
    }

    /// <summary>Raw header text to characters: UTF-8 where it is valid (RFC 6532 §3.2), else windows-1252.</summary>
    public static string Guess(ReadOnlySpan<byte> bytes) =>
        System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : Find("windows-1252"u8).GetString(bytes);
}
