using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace MailEngine.Addresses;

/// <summary>A mail address, local part and domain. Only <see cref="TryParse"/> makes one.</summary>
/// <remarks>RFC 5321 §4.1.2 (Mailbox), RFC 6531 §3.3 for UTF-8 local parts. Address literals ([192.0.2.1]) are not taken:
/// nobody here receives mail at one.</remarks>
public readonly record struct EmailAddress
{
    readonly string? _local;

    EmailAddress(string local, DomainName domain)
    {
        _local = local;
        Domain = domain;
    }

    /// <summary>Local part as written, unquoted, NFC. May hold any character but NUL, CR and LF; compare with <see cref="CanonicalLocal"/>.</summary>
    public string Local => _local ?? "";

    public DomainName Domain { get; }

    /// <summary>Local part as looked up: lower case, NFC. RFC 5321 §2.4 leaves case to the receiving host; ours ignores it.</summary>
    public string CanonicalLocal => Local.ToLowerInvariant();

    public bool IsEmpty => Domain.IsEmpty;

    /// <summary>True when SMTPUTF8 is needed to send to it. RFC 6531 §3.2</summary>
    public bool NeedsUtf8 => !Ascii.IsValid(Local);

    /// <summary>Takes <c>local@domain</c>, with a dot-atom or a quoted string as local part.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out EmailAddress address)
    {
        address = default;
        if (text is null || text.Length > 320)
            return false;
        int at = text.LastIndexOf('@');
        if (at < 1 || !DomainName.TryParse(text[(at + 1)..], out DomainName domain))
            return false;
        string raw = text[..at];
        string? local = raw[0] == '"' ? Unquote(raw) : IsDotString(raw) ? raw : null;
        if (local is null || local.Length == 0)
            return false;
        try
        {
            local = local.Normalize(NormalizationForm.FormC);
        }
        catch (ArgumentException)   // noncharacters (U+FFFE) have no normal form
        {
            return false;
        }
        if (Encoding.UTF8.GetByteCount(local) > 64)   // RFC 5321 §4.5.3.1.1
            return false;
        address = new EmailAddress(local, domain);
        return true;
    }

    /// <summary>Takes an address known to be right.</summary>
    /// <exception cref="FormatException">It is not an address.</exception>
    public static EmailAddress Parse(string text) =>
        TryParse(text, out EmailAddress address) ? address : throw new FormatException($"\"{text}\" is not a mail address.");

    /// <summary>Wire form: quoted where the local part needs it. RFC 5321 §4.1.2</summary>
    public override string ToString()
    {
        if (IsEmpty)
            return "";
        return IsDotString(Local) ? $"{Local}@{Domain}" : $"\"{Local.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"@{Domain}";
    }

    /// <summary>Key of look-ups: canonical local part, @, A-label domain.</summary>
    public string Canonical => IsEmpty ? "" : $"{CanonicalLocal}@{Domain}";

    static bool IsDotString(string s)
    {
        bool atomStart = true;
        foreach (char c in s)
        {
            if (c == '.')
            {
                if (atomStart)
                    return false;
                atomStart = true;
                continue;
            }
            if (!(char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-/=?^_`{|}~".Contains(c, StringComparison.Ordinal) || (c > 0x9F && !char.IsWhiteSpace(c) && !char.IsControl(c))))
                return false;
            atomStart = false;
        }
        return !atomStart;
    }

    static string? Unquote(string s)
    {
        if (s.Length < 2 || s[^1] != '"')
            return null;
        var plain = new StringBuilder(s.Length);
        for (int i = 1; i < s.Length - 1; i++)
        {
            char c = s[i];
            if (c == '\\')
            {
                if (++i >= s.Length - 1)
                    return null;
                c = s[i];
            }
            else if (c == '"')
            {
                return null;
            }
            if (char.IsControl(c))
                return null;
            plain.Append(c);
        }
        return plain.ToString();
    }
}
