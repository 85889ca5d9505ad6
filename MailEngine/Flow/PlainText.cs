using System.Text;
using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>Ends a message that is made here with a text for people.</summary>
static class PlainText
{
    /// <summary>RFC 5322 §2.1.1: no line of text is longer, CRLF excluded.</summary>
    const int LongestLine = 998;

    /// <summary>Writes the header with the fields that say how the text is written, and the text.</summary>
    public static void Write(BodyWriter to, HeaderWriter header, string text)
    {
        string[] lines = text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        bool plain = Array.TrueForAll(lines, line => line.Length <= LongestLine && Ascii.IsValid(line));
        header.Field("Content-Type", $"text/plain; charset={(plain ? "us-ascii" : "utf-8")}")
            .Field("Content-Transfer-Encoding", plain ? "7bit" : "base64")
            .End();
        to.Write(header.Written);
        string all = string.Join("\r\n", lines) + "\r\n";
        to.Write(Encoding.ASCII.GetBytes(plain ? all : InBase64(all)));
    }

    // RFC 2045 §6.8: lines of 76
    static string InBase64(string text)
    {
        string all = Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
        var lines = new StringBuilder(all.Length + (all.Length / 38) + 2);
        for (int at = 0; at < all.Length; at += 76)
            lines.Append(all, at, Math.Min(76, all.Length - at)).Append("\r\n");
        return lines.ToString();
    }
}
