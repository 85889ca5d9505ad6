using System.Globalization;
using System.Text;

namespace MailEngine.Pop3;

/// <summary>+OK or -ERR with a code and a text. RFC 1939 §3, RFC 2449 §8</summary>
/// <param name="Code">Without its brackets; empty: none. RFC 2449 §8.1, RFC 3206 §4</param>
/// <param name="With">What the text is filled in with; nothing taken from the client.</param>
internal sealed record Pop3Reply(bool IsOk, string Code, Pop3Text Text, params object[] With)
{
    public static Pop3Reply Ok(Pop3Text text, params object[] with) => new(true, "", text, with);

    public static Pop3Reply Err(Pop3Text text, string code = "", params object[] with) => new(false, code, text, with);

    /// <summary>The command has answered already, or nothing is left to say.</summary>
    public static Pop3Reply Nothing { get; } = Ok(Pop3Texts.Done);

    /// <summary>A fault that passes. RFC 3206 §4</summary>
    public static Pop3Reply Unavailable { get; } = Err(Pop3Texts.Unavailable, "SYS/TEMP");

    /// <summary>The line with its end. 512 octets at the most: RFC 2449 §4; texts of ours are far shorter.</summary>
    public byte[] LineIn(Pop3Language language)
    {
        string text = string.Format(CultureInfo.InvariantCulture, Text.In(language), With);
        return Encoding.UTF8.GetBytes($"{(IsOk ? "+OK" : "-ERR")} {(Code.Length > 0 ? $"[{Code}] " : "")}{text}\r\n");
    }
}
