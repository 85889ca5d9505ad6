using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace MailEngine.Store;

/// <summary>A mailbox name of one account: UTF-8, NFC, levels apart by "/", INBOX in capitals. Only <see cref="TryParse"/> makes one.</summary>
/// <remarks>RFC 9051 §5.1. Wire forms (modified UTF-7, other separators) are the IMAP server's business.</remarks>
public readonly record struct MailboxName
{
    /// <summary>Longest name, octets of UTF-8.</summary>
    public const int MaxBytes = 512;
    /// <summary>Most levels (attack case A15).</summary>
    public const int MaxLevels = 64;

    readonly string? _value;

    MailboxName(string value) => _value = value;

    public static MailboxName Inbox { get; } = new("INBOX");

    public string Value => _value ?? "";

    public bool IsInbox => Value == "INBOX";

    /// <summary>The name one level up; null at the top.</summary>
    public MailboxName? Parent => Value.LastIndexOf('/') is var slash and > 0 ? new MailboxName(Value[..slash]) : null;

    /// <summary>True when this name lies below <paramref name="other"/>.</summary>
    public bool IsBelow(MailboxName other) =>
        Value.Length > other.Value.Length && Value[other.Value.Length] == '/' && Value.StartsWith(other.Value, StringComparison.Ordinal);

    /// <summary>The same name with <paramref name="from"/> at its front replaced by <paramref name="to"/>.</summary>
    public MailboxName Moved(MailboxName from, MailboxName to) => new(to.Value + Value[from.Value.Length..]);

    public static bool TryParse([NotNullWhen(true)] string? text, out MailboxName name)
    {
        name = default;
        if (string.IsNullOrEmpty(text) || text.Length > MaxBytes)
            return false;
        string value;
        try
        {
            value = text.Normalize(NormalizationForm.FormC);
        }
        catch (ArgumentException)   // unpaired surrogates
        {
            return false;
        }
        if (Encoding.UTF8.GetByteCount(value) > MaxBytes || value[0] == '/' || value[^1] == '/')
            return false;
        int levels = 1;
        for (int i = 0; i < value.Length; i++)
        {
            if (char.IsControl(value[i]) || value[i] is '*' or '%' or '\u2028' or '\u2029')
                return false;
            if (value[i] == '/' && (value[i - 1] == '/' || ++levels > MaxLevels))
                return false;
        }
        // INBOX is case-insensitive, and only as the whole first level. RFC 9051 §5.1
        if (value.Length == 5 || (value.Length > 5 && value[5] == '/'))
        {
            if (value.StartsWith("INBOX", StringComparison.OrdinalIgnoreCase))
                value = string.Concat("INBOX", value.AsSpan(5));
        }
        name = new MailboxName(value);
        return true;
    }

    /// <exception cref="FormatException">Not a mailbox name.</exception>
    public static MailboxName Parse(string text) =>
        TryParse(text, out MailboxName name) ? name : throw new FormatException($"\"{text}\" is not a mailbox name.");

    public override string ToString() => Value;
}
