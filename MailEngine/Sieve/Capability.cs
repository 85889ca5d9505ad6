namespace MailEngine.Sieve;

/// <summary>Names of the extensions that are here whole; what a script may require and ManageSieve announces. RFC 5228 §6</summary>
public static class Capability
{
    internal const string FileInto = "fileinto";
    internal const string Envelope = "envelope";
    internal const string EncodedCharacter = "encoded-character";
    internal const string Copy = "copy";
    internal const string Body = "body";
    internal const string Variables = "variables";
    internal const string Relational = "relational";
    internal const string Imap4Flags = "imap4flags";
    internal const string Subaddress = "subaddress";
    internal const string Date = "date";
    internal const string Index = "index";
    internal const string Environment = "environment";
    internal const string IHave = "ihave";
    internal const string Regex = "regex";
    internal const string Include = "include";
    internal const string Vacation = "vacation";
    internal const string VacationSeconds = "vacation-seconds";
    internal const string EReject = "ereject";
    internal const string Reject = "reject";
    internal const string Mailbox = "mailbox";
    internal const string Duplicate = "duplicate";
    internal const string EditHeader = "editheader";
    internal const string SpecialUse = "special-use";
    internal const string MailboxId = "mailboxid";
    internal const string EnvelopeDsn = "envelope-dsn";
    internal const string RedirectDsn = "redirect-dsn";
    internal const string MailboxMetadata = "mboxmetadata";
    internal const string ServerMetadata = "servermetadata";
    internal const string ENotify = "enotify";
    internal const string ForEveryPart = "foreverypart";
    internal const string Mime = "mime";
    internal const string ExtractText = "extracttext";
    internal const string Replace = "replace";
    internal const string Enclose = "enclose";
    internal const string Fcc = "fcc";
    internal const string ExtLists = "extlists";
    internal const string Debug = "vnd.dovecot.debug";
    internal const string MoreEnvironment = "vnd.dovecot.environment";
    internal const string Report = "vnd.dovecot.report";
    internal const string ImapSieve = "imapsieve";
    internal const string SpamTest = "spamtest";
    internal const string SpamTestPlus = "spamtestplus";
    internal const string VirusTest = "virustest";

    /// <summary>Comparators other than those of RFC 5228 §2.7.3 that must be there always.</summary>
    internal const string ComparatorPrefix = "comparator-";

    static readonly string[] s_all =
    [
        FileInto, Envelope, EncodedCharacter, Copy, Body, Variables, Relational, Imap4Flags, Subaddress, Date, Index, Environment, IHave, Regex,
        Vacation, VacationSeconds, EReject, Reject, Mailbox, Duplicate, Include,
        EditHeader, SpecialUse, MailboxId, EnvelopeDsn, RedirectDsn, MailboxMetadata, ServerMetadata, ENotify, ForEveryPart, Mime, ExtractText, Replace, Enclose, Fcc, ExtLists, SpamTest, SpamTestPlus, VirusTest,
        ImapSieve, Debug, MoreEnvironment, Report,
        "comparator-i;octet", "comparator-i;ascii-casemap", "comparator-i;ascii-numeric", "comparator-i;unicode-casemap",
    ];

    static readonly HashSet<string> s_known = new(s_all, StringComparer.Ordinal);

    public static IReadOnlyList<string> All => s_all;

    public static bool IsKnown(string name) => s_known.Contains(name);
}
