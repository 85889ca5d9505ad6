using System.Text;

namespace MailEngine.Accounts;

/// <summary>Why a password will not do.</summary>
public enum PasswordFault
{
    /// <summary>Shorter than <see cref="PasswordOptions.MinLength"/>.</summary>
    TooShort,
    /// <summary>Longer than <see cref="PasswordPolicy.MaxBytes"/>.</summary>
    TooLong,
    /// <summary>NUL cannot be sent in SASL PLAIN: RFC 4616 §2</summary>
    ControlCharacter,
    /// <summary>The account's own name, forwards or backwards.</summary>
    OwnName,
    /// <summary>What guessing programs try first.</summary>
    TriedFirst,
}

/// <summary>Which passwords an account may have: long enough, not its own name, not one that everybody tries first.</summary>
/// <remarks>No rules of composition and no expiry: NIST SP 800-63B, 5.1.1.2.</remarks>
public static class PasswordPolicy
{
    /// <summary>Longest password, octets of UTF-8; more would only cost time.</summary>
    public const int MaxBytes = 512;

    /// <summary>What guessing programs try first, in lower case: <see cref="PasswordFault.TriedFirst"/>.</summary>
    public static IReadOnlyCollection<string> TriedFirst => WorstPasswords.All;

    /// <summary>Null: good. Else the first thing that is wrong.</summary>
    /// <param name="names">Log-in name, addresses, display name: what it must not be.</param>
    public static PasswordFault? Check(string password, PasswordOptions options, params ReadOnlySpan<string> names)
    {
        if (password.Length < options.MinLength)
            return PasswordFault.TooShort;
        if (Encoding.UTF8.GetByteCount(password) > MaxBytes)
            return PasswordFault.TooLong;
        foreach (char c in password)
        {
            if (char.IsControl(c))
                return PasswordFault.ControlCharacter;
        }
        string lower = password.ToLowerInvariant();
        foreach (string name in names)
        {
            string n = name.ToLowerInvariant();
            if (n.Length == 0)
                continue;
            int at = n.IndexOf('@', StringComparison.Ordinal);
            if (lower == n || lower == Reversed(n) || (at > 0 && StripDigits(lower) == n[..at]))
                return PasswordFault.OwnName;
        }
        if (HasOneStep(lower) || WorstPasswords.Contains(lower) || WorstPasswords.Contains(StripDigits(lower)))
            return PasswordFault.TriedFirst;
        return null;
    }

    // aaaaaaaaaa, 1234567890, abcdefghij, and two or three characters over and over.
    static bool HasOneStep(string s)
    {
        for (int period = 1; period <= 3; period++)
        {
            bool repeats = true;
            for (int i = period; i < s.Length && repeats; i++)
                repeats = s[i] == s[i - period];
            if (repeats)
                return true;
        }
        int step = s[1] - s[0];
        if (step is not (1 or -1))
            return false;
        for (int i = 2; i < s.Length; i++)
        {
            if (s[i] - s[i - 1] != step && !(s[i] == '0' && s[i - 1] == '9'))
                return false;
        }
        return true;
    }

    static string Reversed(string s)
    {
        char[] chars = s.ToCharArray();
        Array.Reverse(chars);
        return new string(chars);
    }

    static string StripDigits(string s) => s.TrimEnd([.. "0123456789!.?*#$-_"]);
}
