using System.Globalization;
using System.Text;

namespace MailEngine.Flow;

/// <summary>When the sender wants to hear of a recipient. RFC 3461 §4.1</summary>
[Flags]
public enum DsnNotify
{
    /// <summary>Not said: as <see cref="Failure"/> and <see cref="Delay"/>.</summary>
    Default = 0,
    Success = 1,
    Failure = 2,
    Delay = 4,
    Never = 8,
}

/// <summary>Parameters of RCPT TO. RFC 3461 §4</summary>
/// <param name="OriginalRecipient">ORCPT as given (addr-type;xtext); empty: none.</param>
public sealed record RecipientParameters(DsnNotify Notify, string OriginalRecipient)
{
    public static RecipientParameters None { get; } = new(DsnNotify.Default, "");

    public bool WantsFailure => Notify == DsnNotify.Default || Notify.HasFlag(DsnNotify.Failure);
    public bool WantsDelay => Notify == DsnNotify.Default || Notify.HasFlag(DsnNotify.Delay);
    public bool WantsSuccess => Notify.HasFlag(DsnNotify.Success);

    /// <summary>Reads the words behind a forward path.</summary>
    /// <returns>Null on success, else the reply.</returns>
    public static Reply? TryParse(string text, out RecipientParameters parameters)
    {
        parameters = None;
        DsnNotify? notify = null;
        string? original = null;
        foreach ((string name, string? value) in EsmtpWords.Split(text))
        {
            switch (name)
            {
                case "NOTIFY" when notify is null && value is not null && TryParseNotify(value, out DsnNotify wish):
                    notify = wish;
                    break;
                case "ORCPT" when original is null && value is { Length: <= 500 } && value.Contains(';', StringComparison.Ordinal) && EsmtpWords.IsXtext(value):
                    original = value;
                    break;
                case "NOTIFY" or "ORCPT":
                    return Reply.SyntaxError;
                default:
                    return EsmtpWords.Unknown;
            }
        }
        if (notify is not null || original is not null)
            parameters = new RecipientParameters(notify ?? DsnNotify.Default, original ?? "");
        return null;
    }

    // notify-esmtp-value = "NEVER" / 1#notify-list-element; NEVER stands alone. RFC 3461 §4.1
    static bool TryParseNotify(string value, out DsnNotify notify)
    {
        notify = DsnNotify.Default;
        foreach (string word in value.Split(','))
        {
            DsnNotify one = word.ToUpperInvariant() switch
            {
                "NEVER" => DsnNotify.Never,
                "SUCCESS" => DsnNotify.Success,
                "FAILURE" => DsnNotify.Failure,
                "DELAY" => DsnNotify.Delay,
                _ => DsnNotify.Default,
            };
            if (one == DsnNotify.Default)
                return false;
            notify |= one;
        }
        return notify == DsnNotify.Never || !notify.HasFlag(DsnNotify.Never);
    }

    /// <summary>The value of NOTIFY; of no use when nothing was said.</summary>
    public string NotifyText => Notify.ToString().ToUpperInvariant().Replace(" ", "", StringComparison.Ordinal);

    /// <summary>Reads a value of NOTIFY that is known to be one.</summary>
    public static DsnNotify NotifyOf(string value) => TryParseNotify(value, out DsnNotify notify) ? notify : DsnNotify.Default;

    /// <summary>As words of a command; empty when there are none.</summary>
    public override string ToString()
    {
        var words = new List<string>(2);
        if (Notify != DsnNotify.Default)
            words.Add("NOTIFY=" + NotifyText);
        if (OriginalRecipient.Length > 0)
            words.Add("ORCPT=" + OriginalRecipient);
        return string.Join(' ', words);
    }
}

/// <summary>Parameters of MAIL FROM.</summary>
/// <param name="Size">SIZE, octets; 0: not said. RFC 1870 §5</param>
/// <param name="EightBit">BODY=8BITMIME. RFC 6152 §3</param>
/// <param name="Utf8">SMTPUTF8: addresses and header may be UTF-8. RFC 6531 §3.4</param>
/// <param name="Return">RET: FULL, HDRS or empty. RFC 3461 §4.3</param>
/// <param name="EnvelopeId">ENVID as given (xtext); empty: none. RFC 3461 §4.4</param>
public sealed record SenderParameters(long Size, bool EightBit, bool Utf8, string Return, string EnvelopeId)
{
    public static SenderParameters None { get; } = new(0, false, false, "", "");

    /// <summary>Reads the words behind a reverse path.</summary>
    /// <returns>Null on success, else the reply.</returns>
    public static Reply? TryParse(string text, out SenderParameters parameters)
    {
        parameters = None;
        long? size = null;
        string? body = null, ret = null, id = null;
        bool utf8 = false, auth = false;
        foreach ((string name, string? value) in EsmtpWords.Split(text))
        {
            switch (name)
            {
                case "SIZE" when size is null && value is { Length: <= 20 }
                        && ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong octets):
                    size = (long)Math.Min(octets, long.MaxValue);
                    break;
                case "BODY" when body is null && value?.ToUpperInvariant() is "7BIT" or "8BITMIME":
                    body = value.ToUpperInvariant();
                    break;
                case "SMTPUTF8" when !utf8 && value is null:
                    utf8 = true;
                    break;
                case "RET" when ret is null && value?.ToUpperInvariant() is "FULL" or "HDRS":
                    ret = value.ToUpperInvariant();
                    break;
                case "ENVID" when id is null && value is { Length: > 0 and <= 100 } && EsmtpWords.IsXtext(value):
                    id = value;
                    break;
                // Whom the client's client claims to be; taken and not believed. RFC 4954 §5
                case "AUTH" when !auth && value is not null:
                    auth = true;
                    break;
                case "SIZE" or "BODY" or "SMTPUTF8" or "RET" or "ENVID" or "AUTH":
                    return Reply.SyntaxError;
                default:
                    return EsmtpWords.Unknown;
            }
        }
        if (text.Length > 0)
            parameters = new SenderParameters(size ?? 0, body == "8BITMIME", utf8, ret ?? "", id ?? "");
        return null;
    }
}

/// <summary>The words behind a path in MAIL and RCPT. RFC 5321 §4.1.2 (Mail-parameters)</summary>
static class EsmtpWords
{
    /// <summary>RFC 5321 §4.1.1.11</summary>
    public static readonly Reply Unknown = new(555, "5.5.4", "A parameter is not known here");

    /// <summary>NAME or NAME=VALUE; the name in capitals, no value is null.</summary>
    public static IEnumerable<(string Name, string? Value)> Split(string text)
    {
        int at = 0;
        while (at < text.Length)
        {
            int end = text.IndexOf(' ', at);
            if (end < 0)
                end = text.Length;
            if (end > at)
            {
                int equal = text.IndexOf('=', at, end - at);
                yield return equal < 0
                    ? (text[at..end].ToUpperInvariant(), null)
                    : (text[at..equal].ToUpperInvariant(), text[(equal + 1)..end]);
            }
            at = end + 1;
        }
    }

    /// <summary>xtext: printable ASCII without "=", "+" only before two hex digits. RFC 3461 §4</summary>
    public static bool IsXtext(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c is < '!' or > '~' or '=')
                return false;
            if (c == '+' && (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2])))
                return false;
        }
        return true;
    }

    /// <summary>Plain text of xtext that <see cref="IsXtext"/> took.</summary>
    public static string FromXtext(string text)
    {
        if (!text.Contains('+', StringComparison.Ordinal))
            return text;
        var plain = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '+')
            {
                plain.Append(text[i]);
                continue;
            }
            plain.Append((char)byte.Parse(text.AsSpan(i + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            i += 2;
        }
        return plain.ToString();
    }
}
