using System.Globalization;
using System.Text;
using MailEngine.Accounts;

namespace MailEngine.ManageSieve;

/// <summary>OK, NO or BYE with a code and a text. RFC 5804 §1.2, RFC 5804 §1.3</summary>
/// <param name="Code">Without its parentheses; empty: none.</param>
/// <param name="Text">For people; any characters and line ends.</param>
internal sealed record ManageSieveReply(string Kind, string Code, string Text)
{
    /// <summary>OK, and nothing more: Cyrus's sieveshell takes a text without a code for a fault, and RFC 5804 §4 lets it be left out.</summary>
    public static ManageSieveReply Done { get; } = new("OK", "", "");

    public static ManageSieveReply Ok(string text, string code) => new("OK", code, text);

    public static ManageSieveReply No(string text, string code = "") => new("NO", code, text);

    public static ManageSieveReply Bye(string text, string code = "") => new("BYE", code, text);

    /// <summary>Nothing is left to say: the session is over, or the answer is written.</summary>
    public static ManageSieveReply Nothing { get; } = new("", "", "");

    /// <summary>RFC 5804 §1.3</summary>
    public static ManageSieveReply TooLarge(int most) => No($"A script has {most} octets at the most", "QUOTA/MAXSIZE");

    public static ManageSieveReply Unavailable { get; } = No("The server cannot do that just now; try again later", "TRYLATER");

    /// <summary>The one table from faults of scripts to answers. RFC 5804 §1.3</summary>
    public static ManageSieveReply Of(ScriptFault fault, int mostScripts) => fault switch
    {
        ScriptFault.None => Done,
        ScriptFault.NoSuchScript => No("There is no script of that name", "NONEXISTENT"),
        ScriptFault.AlreadyExists => No("A script of that name is there already", "ALREADYEXISTS"),
        ScriptFault.IsActive => No("The active script cannot be deleted; make another one active first, or none", "ACTIVE"),
        ScriptFault.TooManyScripts => No($"There is room for {mostScripts} scripts; delete one first", "QUOTA/MAXSCRIPTS"),
        ScriptFault.BadName => No($"A name has 1 to {SieveScript.MaxName} characters, and no control characters or line ends"),
        _ => No("The account is not there any more"),
    };

    public override string ToString()
    {
        var line = new StringBuilder(Kind);
        if (Code.Length > 0)
            line.Append(" (").Append(Code).Append(')');
        if (Text.Length > 0)
            line.Append(' ').Append(String(Text));
        return line.Append("\r\n").ToString();
    }

    /// <summary>A string as the server sends it: quoted, or a literal where it must be. RFC 5804 §4</summary>
    public static string String(string text)
    {
        string quoted = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        // quoted = DQUOTE *1024QUOTED-CHAR DQUOTE, and that is octets
        if (Encoding.UTF8.GetByteCount(quoted) <= 1024 && !text.AsSpan().ContainsAny('\r', '\n', '\0'))
            return $"\"{quoted}\"";
        return string.Create(CultureInfo.InvariantCulture, $"{{{Encoding.UTF8.GetByteCount(text)}}}\r\n{text}");
    }
}
