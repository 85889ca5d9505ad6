namespace MailEngine;

/// <summary>Every setting of the system, bound from <c>Mail:</c> (appsettings.json, or environment: <c>Mail__DataPath</c>).</summary>
/// <remarks>Validated once at start by <see cref="EngineOptionsCheck"/>; an error names the setting, its value and what would be right.</remarks>
public sealed class EngineOptions
{
    /// <summary>Folder of all state. Relative paths are taken from the working directory. Created with mode 0700.</summary>
    public string DataPath { get; set; } = "data";

    /// <summary>The name this server gives itself in greetings, Received fields and reports. Empty: the machine's name.
    /// RFC 5321 §4.1.1.1 wants a fully qualified one. The set-up page stores one in accounts.db, which then wins over an empty setting.</summary>
    public string Hostname { get; set; } = "";

    /// <summary>Addresses the mail ports and the panel listen on. Default: loopback only, so that a trial run is not on the net.</summary>
    public IList<string> Listen { get; set; } = [];

    /// <summary>Added to every standard mail port. Default 10000, so that no root is needed; 0 in production.</summary>
    public int PortOffset { get; set; } = 10000;

    /// <summary>HTTP port of the panel; 0: any free port; -1: off.</summary>
    public int PanelPort { get; set; } = 8080;

    /// <summary>HTTPS port of the panel; 0: any free port; -1: off.</summary>
    public int PanelTlsPort { get; set; } = 8443;

    /// <summary>Where people find the panel, as links in mail name it: <c>https://mail.example.org</c>. Never taken from a request, whose host
    /// name a stranger can choose. Empty: the name of this server with <see cref="PanelTlsPort"/>.</summary>
    public string PanelUrl { get; set; } = "";

    /// <summary>Replaces the standard mail listeners when not empty.</summary>
    public IList<ListenerOptions> Listeners { get; set; } = [];

    /// <summary>Smart hosts, <c>host:port</c>, tried in order; empty: deliver by MX. With AUTH: see <see cref="RelayAuth"/>.</summary>
    public IList<string> Relayhosts { get; set; } = [];

    /// <summary>Log-in for a relay host; the key is the host as written in <see cref="Relayhosts"/>.</summary>
    public IDictionary<string, RelayAuthOptions> RelayAuth { get; set; } = new Dictionary<string, RelayAuthOptions>(StringComparer.OrdinalIgnoreCase);

    public DnsOptions Dns { get; set; } = new();

    public ChecksOptions Checks { get; set; } = new();

    /// <summary>Networks (CIDR) that may use XCLIENT or PROXY. Default none.</summary>
    public IList<string> TrustedNetworks { get; set; } = [];

    /// <summary>True: passwords are taken without TLS. For tests only. RFC 9051 §11.1</summary>
    public bool AllowPlaintextAuth { get; set; }

    /// <summary>True: LITERAL- is announced in place of LITERAL+, and an IMAP client that sends more than 4096 bytes without being asked is sent
    /// away. RFC 7888 §5</summary>
    public bool ImapLiteralMinus { get; set; }

    /// <summary>False: IMAP clients cannot log out without leaving. Switch it off behind a proxy that trusts a connection for one user
    /// only: RFC 8437 §8 asks for the switch.</summary>
    public bool ImapUnauthenticate { get; set; } = true;

    /// <summary>True: APPEND takes 8-bit header fields also from clients that did not enable UTF8=ACCEPT, as old mail moved in from elsewhere
    /// has them. Default false: RFC 6855 §4 wants them refused.</summary>
    public bool AllowRawHeaders { get; set; }

    public TlsOptions Tls { get; set; } = new();

    public LimitOptions Limits { get; set; } = new();

    public PasswordOptions Passwords { get; set; } = new();

    public LinkOptions Links { get; set; } = new();

    public StoreOptions Store { get; set; } = new();

    public QueueOptions Queue { get; set; } = new();

    public SieveOptions Sieve { get; set; } = new();

    public Pop3Options Pop3 { get; set; } = new();

    /// <summary>Mail protocols and ports as standard assigns them, plus <see cref="PortOffset"/>, unless <see cref="Listeners"/> is set.</summary>
    public IReadOnlyList<ListenerOptions> EffectiveListeners()
    {
        if (Listeners.Count > 0)
            return [.. Listeners];
        int At(int port) => PortOffset + port;
        List<ListenerOptions> listeners =
        [
            new() { Protocol = MailProtocol.Smtp, Port = At(25) },
            new() { Protocol = MailProtocol.Submission, Port = At(587) },
            new() { Protocol = MailProtocol.Submission, Port = At(465), ImplicitTls = true },
            new() { Protocol = MailProtocol.Lmtp, Port = At(24), Address = "127.0.0.1" },
            new() { Protocol = MailProtocol.Imap, Port = At(143) },
            new() { Protocol = MailProtocol.Imap, Port = At(993), ImplicitTls = true },
            new() { Protocol = MailProtocol.Pop3, Port = At(110) },
            new() { Protocol = MailProtocol.Pop3, Port = At(995), ImplicitTls = true },
            new() { Protocol = MailProtocol.ManageSieve, Port = At(4190) },
        ];
        if (Sieve.OldPort)
            listeners.Add(new() { Protocol = MailProtocol.ManageSieve, Port = At(2000) });
        return listeners;
    }
}

/// <summary>The protocols a listener can speak.</summary>
public enum MailProtocol { Smtp, Submission, Lmtp, Imap, ManageSieve, Pop3 }

/// <summary>One mail port.</summary>
public sealed class ListenerOptions
{
    public MailProtocol Protocol { get; set; }

    /// <summary>Port, offset included; 0: any free port (tests).</summary>
    public int Port { get; set; }

    /// <summary>Address to listen on; null: all of <see cref="EngineOptions.Listen"/>.</summary>
    public string? Address { get; set; }

    /// <summary>TLS from the first byte (RFC 8314) instead of STARTTLS.</summary>
    public bool ImplicitTls { get; set; }

    /// <summary>IMAP: between the levels of a mailbox name, "/" or ".". Default "/"; "." for clients that come from Courier or from
    /// Cyrus with its old separator. With ".", a dot that is part of a level is written "/".</summary>
    public string MailboxSeparator { get; set; } = "/";

    /// <summary>IMAP: what all names of one's own mailboxes but INBOX begin with: empty, or <c>INBOX</c> and the separator, as Courier has it.</summary>
    public string MailboxPrefix { get; set; } = "";
}

/// <summary>Log-in at a relay host.</summary>
public sealed class RelayAuthOptions
{
    public string User { get; set; } = "";
    public string Password { get; set; } = "";
    /// <summary>True: no TLS, no mail. Default true, because a password goes over the line.</summary>
    public bool RequireTls { get; set; } = true;
    /// <summary>True: its certificate must be good for its name. Default true; false for a relay host with a self-signed one.</summary>
    public bool VerifyCertificate { get; set; } = true;
}

/// <summary>The resolver.</summary>
public sealed class DnsOptions
{
    /// <summary>Servers as <c>address:port</c>, tried in order; empty: those of /etc/resolv.conf.</summary>
    public IList<string> Servers { get; set; } = [];
    /// <summary>Time for one answer of one server. Default 3 s: a healthy resolver answers in less than one.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(3);
}

/// <summary>Certificate files; without them a self-signed one is made in the data folder.</summary>
public sealed class TlsOptions
{
    /// <summary>PEM file with the certificate chain; null: <c>tls/self-signed.pem</c> in the data folder, made when absent.</summary>
    public string? CertificatePath { get; set; }
    /// <summary>PEM file with the private key; null: the same file as the certificate.</summary>
    public string? KeyPath { get; set; }
}

/// <summary>Every limit of the engine: a default and the reason for it.</summary>
public sealed class LimitOptions
{
    /// <summary>Largest message, bytes. Default 50 MiB: what large providers accept. RFC 1870 §4</summary>
    public long MessageBytes { get; set; } = 50L << 20;
    /// <summary>Recipients of one SMTP transaction. At least 100: RFC 5321 §4.5.3.1.8. Default 1000.</summary>
    public int Recipients { get; set; } = 1000;
    /// <summary>SMTP command line, bytes, CRLF included. RFC 5321 §4.5.3.1.4 says 512; AUTH needs 12288: RFC 4954 §4.</summary>
    public int SmtpLineBytes { get; set; } = 12288;
    /// <summary>Text line of a message, bytes; longer lines are refused with 500. RFC 5321 §4.5.3.1.6 says 1000; real mail has longer ones.</summary>
    public int TextLineBytes { get; set; } = 1 << 20;
    /// <summary>IMAP command line without literals, bytes. RFC 9051 §4.3 leaves it open; RFC 7162 §4 recommends 8192. Default 64 KiB: long UID sets.</summary>
    public int ImapLineBytes { get; set; } = 64 << 10;
    /// <summary>Literals of one IMAP command other than APPEND, bytes in all.</summary>
    public int ImapLiteralBytes { get; set; } = 128 << 10;
    /// <summary>Time one search, sort or thread may take (attack case A7). Default 2 min: text of a whole large mailbox that is not indexed yet.</summary>
    public TimeSpan ImapSearchTime { get; set; } = TimeSpan.FromMinutes(2);
    /// <summary>How often a command that takes long (a search, a change of many messages) says that it goes on. Default 10 s, as RFC 9585 advises.</summary>
    public TimeSpan ImapProgress { get; set; } = TimeSpan.FromSeconds(10);
    /// <summary>Messages of one APPEND command. RFC 3502 §6.3.11 leaves it open; each is held open until all are there. Default 1000.</summary>
    public int AppendMessages { get; set; } = 1000;
    /// <summary>Searches of one session that are kept up to date for its client. RFC 5267 §4.3.1 asks for at least one.</summary>
    public int ImapUpdateContexts { get; set; } = 16;
    /// <summary>All input of one connection before log-in, bytes (attack case A6).</summary>
    public int PreAuthBytes { get; set; } = 8 << 10;
    /// <summary>Depth of parentheses and of MIME parts (attack case A7).</summary>
    public int Depth { get; set; } = 100;
    /// <summary>MIME parts of one message that are told apart; the rest stays in the last one (attack case A8).</summary>
    public int MimeParts { get; set; } = 1000;
    /// <summary>Connections in all.</summary>
    public int Connections { get; set; } = 20000;
    /// <summary>Connections from one address; loopback is not counted.</summary>
    public int ConnectionsPerAddress { get; set; } = 100;
    /// <summary>IMAP connections of one account. Clients open one a folder.</summary>
    public int ConnectionsPerAccount { get; set; } = 50;
    /// <summary>Time to log in. Default 60 s.</summary>
    public TimeSpan TimeToAuthenticate { get; set; } = TimeSpan.FromSeconds(60);
    /// <summary>Time without a command on SMTP. RFC 5321 §4.5.3.2.7 asks for 5 min. Less is taken, with a warning at the start.</summary>
    public TimeSpan SmtpIdle { get; set; } = TimeSpan.FromMinutes(5);
    /// <summary>Time without a command on IMAP and ManageSieve. RFC 9051 §5.4 and RFC 5804 §1.2 ask for 30 min at least. Less is taken, with a warning at the start.</summary>
    public TimeSpan ImapIdle { get; set; } = TimeSpan.FromMinutes(31);
    /// <summary>POP3 line, bytes, CRLF included. RFC 2449 §4 asks for 255 at least. Default 4096: the base64 of a log-in with the longest name and password.</summary>
    public int Pop3LineBytes { get; set; } = 4096;
    /// <summary>Time without a command on POP3. RFC 1939 §3 asks for 10 min at least. Less is taken, with a warning at the start.</summary>
    public TimeSpan Pop3Idle { get; set; } = TimeSpan.FromMinutes(10);
    /// <summary>Slowest rate of a message body, bytes a second over a minute (attack case A21).</summary>
    public int SlowestBytesPerSecond { get; set; } = 500;
    /// <summary>Bad commands after which a connection is closed.</summary>
    public int BadCommands { get; set; } = 20;
    /// <summary>Received fields after which a message is a loop: RFC 5321 §6.3 asks for at least 100.</summary>
    public int Hops { get; set; } = 100;
    /// <summary>Depth of alias expansion; deeper is a loop.</summary>
    public int AliasDepth { get; set; } = 10;
    /// <summary>Addresses one recipient may expand to.</summary>
    public int AliasExpansion { get; set; } = 10000;
    /// <summary>Mailboxes of one account.</summary>
    public int MailboxesPerAccount { get; set; } = 10000;
    /// <summary>Addresses that one account may put into its address book. Default 2,000: what people have, and a script looks each up in an index anyway.</summary>
    public int Contacts { get; set; } = 2000;
    /// <summary>A file or text with addresses for an address book, octets: it is in memory while it is read. Default 4 MiB: 2,000 vCards, and some of them with a picture.</summary>
    public int ContactFileBytes { get; set; } = 4 << 20;
    /// <summary>Largest value of one annotation, octets. RFC 5464 §4.1 wants 1024 at least. Default 64 KiB: what fits into a command.</summary>
    public int MetadataBytes { get; set; } = 64 << 10;
    /// <summary>Failed log-ins for one account and one network in a quarter of an hour before they are slowed down.</summary>
    public int FailedLogins { get; set; } = 10;
    /// <summary>Age at which a remembered log-in must be checked against the hash again. Default 5 min.</summary>
    public TimeSpan LoginCache { get; set; } = TimeSpan.FromMinutes(5);
}

/// <summary>What passwords must be like and how they are kept.</summary>
public sealed class PasswordOptions
{
    /// <summary>Shortest password, characters. Default 10; below 8 is refused (NIST SP 800-63B asks for 8 at least).</summary>
    public int MinLength { get; set; } = 10;
    /// <summary>Rounds of PBKDF2-HMAC-SHA512 for new hashes. Default 210,000 (OWASP); about a tenth of a second.</summary>
    public int Iterations { get; set; } = 210_000;
}

/// <summary>One-time links: invitations, and the way back in for who has forgotten his password.</summary>
public sealed class LinkOptions
{
    /// <summary>How long a link for a new password is good. Default 1 h: long enough for a mail that greylisting holds back.</summary>
    public TimeSpan PasswordTime { get; set; } = TimeSpan.FromHours(1);
    /// <summary>How long an invitation is good, and the link that proves a recovery address. Default 7 days: somebody may be away.</summary>
    public TimeSpan InvitationTime { get; set; } = TimeSpan.FromDays(7);
    /// <summary>Links for a new password that are mailed for one account in an hour; what is asked for beyond it is left. Those that were mailed
    /// stay good, so nobody is kept from his by others asking. Default 3.</summary>
    public int MailsPerAccount { get; set; } = 3;
    /// <summary>Links for a new password that one network may ask for in an hour, for whatever names. Default 20: an office behind one address.</summary>
    public int AsksPerNetwork { get; set; } = 20;
}

/// <summary>The message store.</summary>
public sealed class StoreOptions
{
    /// <summary>A segment is sealed at this size, bytes.</summary>
    public long SegmentBytes { get; set; } = 256L << 20;
    /// <summary>A body above this is a segment file of its own, written as it arrives, never held in memory. Bytes.</summary>
    public int InlineBodyBytes { get; set; } = 1 << 20;
    /// <summary>Expunged mail is kept this long for undelete and QRESYNC.</summary>
    public TimeSpan ExpungeRetention { get; set; } = TimeSpan.FromDays(14);
    /// <summary>How often segments are looked through for garbage. Default 6 h: it comes from expunges of a fortnight ago, so nothing hurries.</summary>
    public TimeSpan CompactionInterval { get; set; } = TimeSpan.FromHours(6);
    /// <summary>A segment with less than this part alive is written anew, percent. Default 50: each byte given back costs at most one written.</summary>
    public int CompactionPercent { get; set; } = 50;
    /// <summary>How fast live messages are moved, bytes a second; 0: never. Default 16 MiB: a small part of what a disk can do.</summary>
    public int CompactionBytesPerSecond { get; set; } = 16 << 20;
    /// <summary>A message delivered a second time (same Message-ID, sender, recipient and bytes) inside this time is dropped:
    /// the sender did not hear our 250 and tried again. Default one day.</summary>
    public TimeSpan DuplicateWindow { get; set; } = TimeSpan.FromDays(1);
    /// <summary>Most deliveries of the duplicate window that are remembered, the newest; about 64 bytes of memory each. Senders who
    /// did not hear our answer come again within the hour, so this covers 100 messages a second.</summary>
    public int DuplicateKeys { get; set; } = 400_000;
    /// <summary>Rows of delivered messages that may wait in memory before they are written to the index together. The messages
    /// themselves are on disk by then. More makes delivery cheaper and a start after a crash longer (some 0.1 ms a row).</summary>
    public int PendingRows { get; set; } = 1000;
    /// <summary>Bytes kept aside on the volume of a partition. When the disk is full they are given back, so that mail that was taken is
    /// written down and users can still log in and delete; no mail is taken until this much is free again. Default 16 MiB: the rows of
    /// <see cref="PendingRows"/> messages, and room for deleting.</summary>
    public long ReserveBytes { get; set; } = 16L << 20;
    /// <summary>Bytes of the index of a partition, the newest, that are read once after a start, so that the first mailboxes open as quickly as later
    /// ones. Default 1 GiB: the index of some 600,000 messages, a second of a common disk. At most a quarter of the memory; 0: nothing.</summary>
    public long WarmUpBytes { get; set; } = 1L << 30;
    /// <summary>Messages in opened mailboxes that are kept in memory though nobody holds them; about 80 bytes each.</summary>
    public int CachedMessages { get; set; } = 1_000_000;
    /// <summary>Memory for what messages are sorted, threaded and searched by (subjects, senders, references) in mailboxes used lately,
    /// bytes. Default 128 MiB: about 500,000 messages.</summary>
    public long ColumnBytes { get; set; } = 128L << 20;
    /// <summary>False: no text index is kept (it takes about as much room as the text of the mail); searching for text looks at the messages.</summary>
    public bool TextIndex { get; set; } = true;
    /// <summary>Most text of one message that is indexed, bytes; the message is looked at itself when it has more. Default 1 MiB.</summary>
    public int IndexedTextBytes { get; set; } = 1 << 20;
    /// <summary>How long the text index waits for more mail before it takes some in: many messages at once cost less. Default 2 s.</summary>
    public TimeSpan IndexDelay { get; set; } = TimeSpan.FromSeconds(2);
    /// <summary>How long the text index lets a stream of mail (more than a hundred a second) go first, at most. Messages that wait are found by
    /// looking at them. Default 5 minutes: a mailing passes in that time; a server that is busy all day indexes beside it after that.</summary>
    public TimeSpan IndexPatience { get; set; } = TimeSpan.FromMinutes(5);
    /// <summary>Folders that mail is kept in, on one volume or several; each account lives in one. Empty, the default: one partition,
    /// <c>partitions/default</c> in the data folder. There always is one named "default": it holds the queue and the list of who lives where.
    /// docs/partitions.md</summary>
    public IList<PartitionOptions> Partitions { get; set; } = [];
    /// <summary>How fast an account is moved to another partition, bytes a second. Default 32 MiB: about a third of what a hard disk reads
    /// in a row, so that users of both volumes keep the rest.</summary>
    public int MoveBytesPerSecond { get; set; } = 32 << 20;
    /// <summary>Changes that may wait for the commit loop of a partition.</summary>
    public int PendingChanges { get; set; } = 4096;
    /// <summary>False: nothing is synced. For filling a store before a measurement, never in use.</summary>
    public bool Sync { get; set; } = true;
}

/// <summary>A folder on a volume that keeps the mail of some accounts.</summary>
public sealed class PartitionOptions
{
    /// <summary>Lower-case letters, digits and hyphens, 32 at most. It stays what it is: accounts are known to live in it by this name.</summary>
    public string Name { get; set; } = "";
    /// <summary>The folder; its parent must be there, so that a volume which is not mounted is noticed. Empty: <c>partitions/NAME</c> in the data folder.</summary>
    public string Folder { get; set; } = "";
    /// <summary>Share of the new accounts, together with the free space of the volume: one with weight 2 gets twice as many. Default 1.</summary>
    public int Weight { get; set; } = 1;
    /// <summary>True: no new accounts, unless every partition is closed. Those that are there stay.</summary>
    public bool Closed { get; set; }
    /// <summary>New accounts of these domains go here, and only here when none of the other partitions names their domain. Empty: no domain in particular.</summary>
    public IList<string> Domains { get; set; } = [];
}

/// <summary>Whether senders are who they say: asked before they are sent a refusal, a report or an answer to a message that came from outside.</summary>
public sealed class ChecksOptions
{
    /// <summary>False: nobody is asked, and whoever a message names as its sender hears of it. Default true: mail with a forged sender is common, and
    /// he who is told of what he never sent complains of us (backscatter).</summary>
    public bool Senders { get; set; } = true;
    /// <summary>Networks (CIDR) whose clients bring mail of others, such as a server in front: what such a one brings is not held against the sender.
    /// Empty: private networks. This machine always is one.</summary>
    public IList<string> Inside { get; set; } = [];
    /// <summary>True: this machine's own clients are checked as if they were outside. For tests only.</summary>
    public bool ChecksLoopback { get; set; }
    /// <summary>Servers in front whose Authentication-Results fields are believed where they say that a sender failed: the name at the start of the field.
    /// Default none. RFC 7601 §2.5</summary>
    public IList<string> TrustedServers { get; set; } = [];
    /// <summary>Signatures of one message that are looked at; each costs a question and a look through the message. Default 8. RFC 6376 §6.1</summary>
    public int Signatures { get; set; } = 8;
    /// <summary>Shortest RSA key that proves anything, bits. Default 1024. RFC 8301 §3.2</summary>
    public int KeyBits { get; set; } = 1024;
    /// <summary>For all name servers together, 60 s at the most since the client waits meanwhile; then mail that was to be refused is kept. Default 20 s: RFC 7208 §4.6.4 asks for as much.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary><see cref="Inside"/>, or what it stands for.</summary>
    public IReadOnlyList<string> EffectiveInside() => Inside.Count > 0 ? [.. Inside]
        : ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"];
}

/// <summary>The outgoing queue.</summary>
public sealed class QueueOptions
{
    /// <summary>Waiting times between attempts; the last one repeats. RFC 5321 §4.5.4.1 asks for 30 min at least in the long run.</summary>
    public IList<TimeSpan> RetryAfter { get; set; } = [];
    /// <summary>After this a message is returned. RFC 5321 §4.5.4.1: 4-5 days.</summary>
    public TimeSpan GiveUpAfter { get; set; } = TimeSpan.FromDays(5);
    /// <summary>After this the sender is told once that his message waits.</summary>
    public TimeSpan DelayNotice { get; set; } = TimeSpan.FromHours(4);
    /// <summary>Deliveries at the same time.</summary>
    public int Concurrency { get; set; } = 50;
    /// <summary>Deliveries at the same time to one destination.</summary>
    public int ConcurrencyPerDestination { get; set; } = 10;
    /// <summary>Time to connect. RFC 5321 §4.5.3.2 has no figure; default 30 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(30);
    /// <summary>Port of the next hop when it is found by MX.</summary>
    public int Port { get; set; } = 25;
}

/// <summary>Sieve scripts: how large they may be, and how much they may do with one message. What is over a limit of the first kind is refused
/// when the script is stored; over one of the second kind the script ends and the message is kept (RFC 5228 §2.10.6).</summary>
public sealed class SieveOptions
{
    /// <summary>Largest script, octets. Default 1 MiB, as other servers have it.</summary>
    public int ScriptBytes { get; set; } = 1 << 20;
    /// <summary>Blocks inside blocks, and tests inside tests. RFC 5228 §2.10.7 asks for 15 of each. Default 32.</summary>
    public int Nesting { get; set; } = 32;
    /// <summary>Commands and tests of one script. Default 20,000: the largest scripts that programs make have some thousand rules.</summary>
    public int Commands { get; set; } = 20_000;
    /// <summary>Strings of one script. Default 50,000: long lists of senders.</summary>
    public int Strings { get; set; } = 50_000;
    /// <summary>Regular expressions of one script. Default 500: each is kept ready, some 130 kB of memory.</summary>
    public int Patterns { get; set; } = 500;
    /// <summary>Work for one message: commands and tests done, and one more for each 64 octets compared. Default 2,000,000, some tenth of a second.</summary>
    public int Steps { get; set; } = 2_000_000;
    /// <summary>Processor time of one script for one message, where its steps cost more than they should. Default 5 s, some fifty times what all of them
    /// take; other servers give 30 s.</summary>
    public TimeSpan Time { get; set; } = TimeSpan.FromSeconds(5);
    /// <summary>Actions for one message. Default 32.</summary>
    public int Actions { get; set; } = 32;
    /// <summary>Redirects of one message. RFC 5228 §4.2 wants a limit, RFC 5228 §10 says why. Default 8.</summary>
    public int Redirects { get; set; } = 8;
    /// <summary>Whose name stands in the reverse path of what is sent on to other domains: the sender's (false), or an address of the account's domain that
    /// leads returned mail back to him (true). Default false; true where next hops refuse it by the sender's SPF record. RFC 5228 §4.2 leaves it to us.</summary>
    public bool RewriteSender { get; set; }
    /// <summary>Days for which such an address takes returned mail. Default 21: mail waits some days in queues, RFC 5321 §4.5.4.1.</summary>
    public int RewriteDays { get; set; } = 21;
    /// <summary>Addresses that are notified of one message. RFC 5435 §8 wants a limit. Default 4.</summary>
    public int Notifications { get; set; } = 4;
    /// <summary>Notes of scripts about one message (debug_log) that stand in the trace; more are passed over. Default 16.</summary>
    public int Notes { get; set; } = 16;
    /// <summary>Values that scripts can ask for by names of your choice: NAME here is the item <c>vnd.dovecot.config.NAME</c> of vnd.dovecot.environment.
    /// Every user can read them. Default none.</summary>
    public IDictionary<string, string> Environment { get; set; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
    /// <summary>Octets of header fields that scripts add to one message. RFC 5293 §4 asks for 998 at least. Default 64 KiB.</summary>
    public int HeaderBytes { get; set; } = 64 << 10;
    /// <summary>Octets of new text that scripts write into one message by replace and enclose: they are in memory. Default 4 MiB.</summary>
    public int ChangedBytes { get; set; } = 4 << 20;
    /// <summary>Header field that a spam check before this server writes, and takes out of what strangers send; its first word is the score. Default
    /// empty: nothing checks, and spamtest says so. RFC 5235 §4</summary>
    public string SpamField { get; set; } = "";
    /// <summary>Score that certainly is spam: 10 of spamtest. Default 10, twice what SpamAssassin calls spam.</summary>
    public double SpamMaximum { get; set; } = 10;
    /// <summary>The same for viruses: its first word is "clean", "infected", or a number from 1 to 5. Default empty. RFC 5235 §3.3</summary>
    public string VirusField { get; set; } = "";
    /// <summary>Octets of one variable; a longer value is an error of a new script where it stands there, and else cut. RFC 5229 §6 asks for 4000 at least. Default 16 KiB.</summary>
    public int VariableBytes { get; set; } = 16 << 10;
    /// <summary>Variables of one script. RFC 5229 §6 asks for 128 at least. Default 256.</summary>
    public int Variables { get; set; } = 256;
    /// <summary>Decoded text of a message that body tests look at, octets. Default 1 MiB; the rest does not match.</summary>
    public int BodyBytes { get; set; } = 1 << 20;
    /// <summary>Scripts inside scripts. RFC 6609 §3.1 asks for 3 levels at least. Default 10.</summary>
    public int IncludeDepth { get; set; } = 10;
    /// <summary>Scripts that one script includes, and those that they include, each time counted. Default 255, as other servers have it.</summary>
    public int Includes { get; set; } = 255;
    /// <summary>True: ManageSieve answers on port 2000 as well, where Cyrus's timsieved was before RFC 5804 §1.8 gave it 4190. Default false: few programs still ask there.</summary>
    public bool OldPort { get; set; }
    /// <summary>Scripts of one account, at the most; a domain may allow fewer, and smaller ones. Default 100.</summary>
    public int Scripts { get; set; } = 100;
    /// <summary>A message that somebody tries a script with in the panel, octets: it is in memory meanwhile. Default 5 MiB.</summary>
    public int TrialBytes { get; set; } = 5 << 20;
    /// <summary>Compiled scripts kept in memory, those used last. Default 20,000, some 5 kB each.</summary>
    public int CachedPrograms { get; set; } = 20_000;
    /// <summary>Memory that they may hold together, octets, about. Default 256 MiB: 20,000 usual ones find room, and as many of the largest do not take
    /// all there is. One that takes more than a sixteenth of it is not kept, and compiled anew when it is needed.</summary>
    public long CachedProgramBytes { get; set; } = 256 << 20;
    /// <summary>Mails that scripts of imapsieve (RFC 6785) send in a minute for one account; what is over it is not sent, the message stays, and the
    /// account's log says so once. What the scripts send for one message is sent together, also where that alone is more. Default 60: one command can touch all messages of a mailbox, and each would be a mail.</summary>
    public int EventMails { get; set; } = 60;
}

/// <summary>POP3: what a maildrop is, and what becomes of it when it was fetched.</summary>
public sealed class Pop3Options
{
    /// <summary>Mailboxes that are the maildrop together: names and patterns as IMAP's LIST has them (<c>Lists/*</c>), special uses (<c>\Junk</c>), and
    /// with <c>-</c> in front those that are left out: <c>*</c>, <c>-\Trash</c>, <c>-\Junk</c>, <c>-\Sent</c>, <c>-\Drafts</c> is all that was received.
    /// Empty, the default: INBOX alone, because programs that fetch and delete must not empty what users file away.</summary>
    public IList<string> Folders { get; set; } = [];
    /// <summary>How unique-ids are written. Default <c>{uidvalidity}.{uid}</c>, which is Cyrus's own form. With the mail of a Dovecot server, moved here
    /// with its UIDs, <c>{uid:08x}{uidvalidity:08x}</c> (<c>X</c> for capitals) keeps what its users' programs remember; Courier: <c>UID{uid}-{uidvalidity}</c>.</summary>
    public string Uidl { get; set; } = "{uidvalidity}.{uid}";
    /// <summary>True: one POP3 session an account, a second one is told [IN-USE]. IMAP goes on beside it either way. Default false: deletions name
    /// messages and not numbers, so sessions do each other no harm, and one that hangs shuts nobody out.</summary>
    public bool Exclusive { get; set; }
    /// <summary>True: what was retrieved has \Seen in IMAP, set when the session ends. Default false, as other servers do.</summary>
    public bool MarkSeen { get; set; }
    /// <summary>False: QUIT also takes out what was retrieved and not deleted, and that is announced (EXPIRE 0). RFC 2449 §6.7</summary>
    public bool LeaveMail { get; set; } = true;
    /// <summary>Time after a log-in in which the account may not log in again, announced and enforced: RFC 2449 §6.5. Default none: log-ins are cheap here.</summary>
    public TimeSpan LoginDelay { get; set; }
}
