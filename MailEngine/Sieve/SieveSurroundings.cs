using MailEngine.Sieve.Language;

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

    /// <summary>The account's mailboxes that mail may be put into. RFC 8579 §3, RFC 9042 §4</summary>
    public Func<IReadOnlyList<SieveMailbox>> Mailboxes { get; init; } = () => [];

    /// <summary>Value of an annotation as the account sees it, of a mailbox (text) or, null, of the server; null: it has none. RFC 5490 §3.3, RFC 5490 §4.1</summary>
    public Func<string?, string, string?> Annotation { get; init; } = (_, _) => null;

    /// <summary>What the client wanted of reports: "notify", "orcpt", "ret", "envid". RFC 6009 §3</summary>
    public IReadOnlyDictionary<string, string> Wishes { get; init; } = NoWishes;

    public static IReadOnlyDictionary<string, string> NoWishes { get; } = new Dictionary<string, string>();

    /// <summary>What checks before us found.</summary>
    public SieveVerdicts Verdicts { get; init; } = SieveVerdicts.None;

    /// <summary>Was this key of a duplicate test remembered by an earlier run, not too long ago? RFC 7352 §3</summary>
    public Func<string, bool> WasSeen { get; init; } = _ => false;

    /// <summary>Lists that are kept outside of scripts; null: there is none of this name that the script may ask about. The second argument: the
    /// script is the account's own, not one of its domain or of the server. RFC 6134 §2.2</summary>
    public Func<ListName, bool, SieveList?> List { get; init; } = (_, _) => null;

    /// <summary>Of dates that a script says no zone for. RFC 5260 §4.1</summary>
    public TimeZoneInfo Zone { get; init; } = TimeZoneInfo.Local;

    public required SieveEnvironment Environment { get; init; }
}

/// <summary>Where a script runs. RFC 5183 §4.1, RFC 6785 §4</summary>
/// <param name="Domain">Of the account; octets.</param>
/// <param name="Host">This server; octets.</param>
/// <param name="RemoteIp">The client; empty: it is not known.</param>
public sealed record SieveEnvironment(string Domain, string Host, string RemoteIp)
{
    static readonly string s_version = typeof(SieveEnvironment).Assembly.GetName().Version?.ToString(2) ?? "";

    const string Settings = "vnd.dovecot.config.";

    /// <summary>Log-in name of the account; octets.</summary>
    public string User { get; init; } = "";

    /// <summary><see cref="SieveOptions.Environment"/></summary>
    public IDictionary<string, string>? Configured { get; init; }

    /// <summary>Null: mail comes in.</summary>
    public SieveEvent? Event { get; init; }

    /// <param name="item">In lower case; octets.</param>
    /// <param name="all">Also those of vnd.dovecot.environment.</param>
    /// <returns>Null: there is no such item.</returns>
    public string? Find(string item, bool all) => item switch
    {
        "domain" => Domain,
        "host" => Host,
        "location" => Event is null ? "MDA" : "MS",   // RFC 6785 §4.1
        "name" => "MailAdmin",
        "phase" => Event is null ? "during" : "post",
        "remote-host" => "",   // the name that a client gives itself is nothing a script should trust
        "remote-ip" => RemoteIp,
        "version" => s_version,
        "imap.user" => Event?.User ?? "",   // RFC 6785 §4.2
        "imap.email" => Event?.Email ?? "",
        "imap.cause" => Event?.Cause ?? "",
        "imap.mailbox" => Event?.Mailbox ?? "",
        "imap.changedflags" => Event?.ChangedFlags ?? "",
        "vnd.dovecot.default-mailbox" when all => SieveAction.Store.Inbox,
        "vnd.dovecot.username" when all => User,
        _ when all && item.StartsWith(Settings, StringComparison.Ordinal) => Setting(item[Settings.Length..]),
        _ => null,
    };

    /// <summary>In any case, and "_" and "-" are the same: names of variables have no "-".</summary>
    string? Setting(string name)
    {
        foreach ((string key, string value) in Configured ?? System.Collections.Immutable.ImmutableDictionary<string, string>.Empty)
        {
            if (Octets.OfText(key).Replace('_', '-').Equals(name.Replace('_', '-'), StringComparison.OrdinalIgnoreCase))
                return Octets.OfText(value);
        }
        return null;
    }
}

/// <summary>A mailbox of the account.</summary>
/// <param name="Name">Text, levels apart by "/".</param>
/// <param name="Id">RFC 8474 §4</param>
/// <param name="SpecialUse">With its backslash; empty: none.</param>
public sealed record SieveMailbox(string Name, string Id, string SpecialUse);

/// <summary>Where a spam and a virus check before us leave their findings: fields of the message that they take out of mail from strangers. RFC 5235 §3.1, RFC 5235 §4</summary>
/// <param name="Spam">Empty: none.</param>
/// <param name="SpamMost">Score that certainly is spam.</param>
/// <param name="Virus">Empty: none.</param>
public sealed record SieveVerdicts(string Spam, double SpamMost, string Virus)
{
    public static SieveVerdicts None { get; } = new("", 0, "");
}
