namespace MailEngine.Sieve;

/// <summary>What a script can ask about besides the message. Octet strings.</summary>
public sealed record SieveSurroundings
{
    /// <summary>MAIL FROM without brackets; empty: the null reverse path. RFC 5228 §5.4</summary>
    public string EnvelopeFrom { get; init; } = "";

    /// <summary>RCPT TO of the copy that the script decides about.</summary>
    public string EnvelopeTo { get; init; } = "";

    /// <summary>Between user and detail in a local part; empty: off. RFC 5233 §4</summary>
    public string SubaddressSeparator { get; init; } = "";

    public required DateTimeOffset Now { get; init; }

    /// <summary>Is there a mailbox of this name (text), and may mail be put into it? RFC 5490 §3.1</summary>
    public Func<string, bool> MailboxExists { get; init; } = _ => false;

    /// <summary>Was this key of a duplicate test remembered by an earlier run, not too long ago? RFC 7352 §3</summary>
    public Func<string, bool> WasSeen { get; init; } = _ => false;

    /// <summary>Of dates that a script says no zone for. RFC 5260 §4.1</summary>
    public TimeZoneInfo Zone { get; init; } = TimeZoneInfo.Local;

    /// <summary>RFC 5183 §4.1: "domain", "host", "remote-ip" and so on; what is missing has no value.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
}
