namespace MailEngine.Imap;

/// <summary>What the client of a session has switched on, by ENABLE or by a command that implies it. RFC 5161 §3.1</summary>
/// <remarks>Only ever grows while an account is logged in. Shared by the session and the mailbox it has selected.</remarks>
internal sealed class EnabledExtensions
{
    /// <summary>Mod-sequences and UIDs in every FETCH response that was not asked for. RFC 7162 §3.1</summary>
    public bool CondStore { get; set; }

    /// <summary>VANISHED in place of EXPUNGE, and resynchronisation at SELECT. Implies <see cref="CondStore"/>. RFC 7162 §3.2.3</summary>
    public bool QResync { get; private set; }

    /// <summary>IMAP4rev2: mailbox names in UTF-8, ESEARCH for SEARCH, nothing is \Recent, LIST at SELECT. RFC 9051 §6.3.1</summary>
    public bool Rev2 { get; private set; }

    /// <summary>Strings and mailbox names in UTF-8, 8-bit header fields. RFC 6855 §3; IMAP4rev2 has it built in.</summary>
    public bool Utf8 => Utf8Accept || Rev2;

    /// <summary>UTF8=ACCEPT itself was enabled.</summary>
    public bool Utf8Accept { get; private set; }

    /// <summary>No sequence numbers, neither way: UIDFETCH and VANISHED in place of FETCH and EXPUNGE. RFC 9586</summary>
    public bool UidOnly { get; private set; }

    /// <summary>The client is told of annotations of mailboxes, and of the server, that others change. RFC 5464 §4.4</summary>
    public bool Metadata { get; private set; }

    /// <summary>Of those of the server.</summary>
    public bool ServerMetadata { get; private set; }

    /// <summary>Turns on what ENABLE named.</summary>
    /// <returns>The name as it is announced; null: nothing of ours, or nothing that needs to be enabled (RFC 5161 §3.1).</returns>
    public string? Enable(string name)
    {
        switch (name.ToUpperInvariant())
        {
            case "CONDSTORE":
                CondStore = true;
                return "CONDSTORE";
            case "QRESYNC":
                CondStore = QResync = true;
                return "QRESYNC";
            case "IMAP4REV2":
                Rev2 = true;
                return "IMAP4rev2";
            case "UTF8=ACCEPT":
                Utf8Accept = true;
                return "UTF8=ACCEPT";
            case "METADATA":
                Metadata = true;
                return "METADATA";
            case "METADATA-SERVER":
                ServerMetadata = true;
                return "METADATA-SERVER";
            case "UIDONLY":
                UidOnly = true;
                return "UIDONLY";
            default:
                return null;
        }
    }
}
