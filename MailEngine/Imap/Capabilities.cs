namespace MailEngine.Imap;

/// <summary>What is announced, by state: only what works right there and then. RFC 9051 §6.1.1</summary>
internal static class Capabilities
{
    /// <summary>One of LITERAL+ and LITERAL-, never both: RFC 7888 §5.</summary>
    static string Always(EngineOptions options) =>
        $"{(s_isRev2 ? "IMAP4rev1 IMAP4rev2" : "IMAP4rev1")} {(options.ImapLiteralMinus ? "LITERAL-" : "LITERAL+")} SASL-IR ID ENABLE";

    public static string Before(EngineOptions options, bool mayStartTls, bool mayLogIn) =>
        Always(options) + (mayStartTls ? " STARTTLS" : "") + (mayLogIn ? " AUTH=PLAIN AUTH=LOGIN" + ForCyradm : " LOGINDISABLED");

    /// <summary>For use after log-in. cyradm asks once, before it logs in, and takes no other answer.</summary>
    const string ForCyradm = " CREATE-SPECIAL-USE LIST-EXTENDED METADATA SPECIAL-USE";

    /// <summary>One a line, by name: several people add to it.</summary>
    static readonly string[] s_loggedIn =
    [
        "ACL",                  // RFC 4314 §5.1.1
        "BINARY",               // RFC 3516 §4.1
        "CATENATE",             // RFC 4469 §2
        "CHILDREN",             // RFC 3348 §3
        "COMPRESS=DEFLATE",     // RFC 4978 §5
        "CONDSTORE",            // RFC 7162 §3.1.1
        "CONTEXT=SEARCH",       // RFC 5267 §4.1
        "CONTEXT=SORT",         // RFC 5267 §4.1
        "CREATE-SPECIAL-USE",   // RFC 6154 §3
        "ESEARCH",              // RFC 4731 §3
        "ESORT",                // RFC 5267 §3.1
        "FILTERS",              // RFC 5466 §3
        "I18NLEVEL=1",          // RFC 5255 §4.3
        "IDLE",                 // RFC 2177 §3
        "INPROGRESS",           // RFC 9585 §3
        "LIST-EXTENDED",        // RFC 5258 §3
        "LIST-METADATA",        // RFC 9590 §3
        "LIST-MYRIGHTS",        // RFC 8440 §3
        "LIST-STATUS",          // RFC 5819 §2
        "METADATA",             // RFC 5464 §5
        "METADATA-SERVER",      // RFC 5464 §5
        "MOVE",                 // RFC 6851 §3
        "MULTIAPPEND",          // RFC 3502 §6.3.11
        "MULTISEARCH",          // RFC 7377 §2
        "NAMESPACE",            // RFC 2342 §5
        "NOTIFY",               // RFC 5465 §3
        "OBJECTID",             // RFC 8474 §3
        "PARTIAL",              // RFC 9394 §3
        "PREVIEW",              // RFC 8970 §6
        "QRESYNC",              // RFC 7162 §3.2.2
        "QUOTA",                // RFC 9208 §4
        "QUOTA=RES-MAILBOX",    // RFC 9208 §5.3
        "QUOTA=RES-MESSAGE",    // RFC 9208 §5.2
        "QUOTA=RES-STORAGE",    // RFC 9208 §5.1
        "QUOTASET",             // RFC 9208 §4.1.3; for administrators, others are told NO
        "REPLACE",              // RFC 8508 §5
        "RIGHTS=texk",          // RFC 4314 §5.1.1
        "SAVEDATE",             // RFC 8514 §4.1
        "SEARCH=FUZZY",         // RFC 6203 §7
        "SEARCHRES",            // RFC 5182 §2.1
        "SORT",                 // RFC 5256 §3
        "SORT=DISPLAY",         // RFC 5957 §1
        "SPECIAL-USE",          // RFC 6154 §2
        "STATUS=SIZE",          // RFC 8438 §2
        "THREAD=ORDEREDSUBJECT",// RFC 5256 §3
        "THREAD=REFERENCES",    // RFC 5256 §3
        "UIDPLUS",              // RFC 4315 §1
        "UIDONLY",              // RFC 9586 §3
        "UNSELECT",             // RFC 3691 §2
        "URL-PARTIAL",          // RFC 5550 §3.2
        "URLAUTH",              // RFC 4467 §1
        "URLAUTH=BINARY",       // RFC 5524
        "UTF8=ACCEPT",          // RFC 6855 §3
        "WITHIN",               // RFC 5032 §2
    ];

    /// <summary>What IMAP4rev2 folds in: it is announced when all of that is. RFC 9051 §E</summary>
    static readonly string[] s_foldedIn =
    [
        "BINARY", "ESEARCH", "IDLE", "LIST-EXTENDED", "LIST-STATUS", "MOVE", "NAMESPACE", "SEARCHRES", "SPECIAL-USE", "STATUS=SIZE", "UIDPLUS", "UNSELECT",
    ];

    static readonly bool s_isRev2 = Array.TrueForAll(s_foldedIn, name => s_loggedIn.Contains(name));

    static readonly string s_loggedInText = string.Join(' ', s_loggedIn);

    /// <summary>Where the scripts of mailboxes are looked after. RFC 6785 §2.1</summary>
    static string SieveUrl(EngineOptions options, string hostname)
    {
        if (options.EffectiveListeners().FirstOrDefault(listener => listener.Protocol == MailProtocol.ManageSieve) is not { } door)
            return "";
        return door.Port is 0 or StandardSievePort ? $" IMAPSIEVE=sieve://{hostname}" : $" IMAPSIEVE=sieve://{hostname}:{door.Port}";
    }

    /// <summary>RFC 5804 §1.8</summary>
    const int StandardSievePort = 4190;

    /// <summary>APPENDLIMIT is one for all mailboxes: RFC 7889 §2. UNAUTHENTICATE can be switched off: RFC 8437 §8.</summary>
    public static string After(EngineOptions options, string hostname) =>
        $"{Always(options)} {s_loggedInText}{SieveUrl(options, hostname)}{(options.ImapUnauthenticate ? " UNAUTHENTICATE" : "")} APPENDLIMIT={options.Limits.MessageBytes}";
}
