using System.Globalization;
using System.Net;
using MailEngine.Addresses;

namespace MailEngine;

/// <summary>Looks over all settings before anything starts. Each error is one line: the setting, its value, what would be right.</summary>
public static class EngineOptionsCheck
{
    public static IReadOnlyList<string> Check(EngineOptions options)
    {
        var errors = new List<string>();
        CheckNames(options, errors);
        CheckPorts(options, errors);
        CheckNetwork(options, errors);
        CheckLimits(options.Limits, errors);
        CheckStore(options.Store, errors);
        CheckPartitions(options, errors);
        CheckQueue(options.Queue, errors);
        CheckSieve(options.Sieve, errors);
        CheckPop3(options.Pop3, errors);
        Require(errors, options.Passwords.MinLength is >= 8 and <= 128, "Passwords:MinLength", options.Passwords.MinLength, "8 to 128 characters");
        Require(errors, options.Passwords.Iterations is >= 1000 and <= 10_000_000, "Passwords:Iterations", options.Passwords.Iterations, "1000 to 10000000 rounds; 210000 is usual");
        Within(errors, "Links:PasswordTime", options.Links.PasswordTime, TimeSpan.FromMinutes(5), TimeSpan.FromDays(1));
        Within(errors, "Links:InvitationTime", options.Links.InvitationTime, TimeSpan.FromHours(1), TimeSpan.FromDays(90));
        Within(errors, "Links:MailsPerAccount", options.Links.MailsPerAccount, 1, 100);
        Within(errors, "Links:AsksPerNetwork", options.Links.AsksPerNetwork, 1, 100_000);
        return errors;
    }

    /// <summary>What may be set, and keeps less than a standard asks for: a line each, as for errors. Somebody under attack may want it so.</summary>
    public static IReadOnlyList<string> Warnings(EngineOptions options)
    {
        var warnings = new List<string>();
        AtLeast(warnings, "Limits:SmtpIdle", options.Limits.SmtpIdle, TimeSpan.FromMinutes(5), "RFC 5321");   // RFC 5321 §4.5.3.2.7
        AtLeast(warnings, "Limits:ImapIdle", options.Limits.ImapIdle, TimeSpan.FromMinutes(30), "RFC 9051 for IMAP and RFC 5804 for ManageSieve");   // RFC 9051 §5.4, RFC 5804 §1.2
        AtLeast(warnings, "Limits:Pop3Idle", options.Limits.Pop3Idle, TimeSpan.FromMinutes(10), "RFC 1939");   // RFC 1939 §3
        return warnings;
    }

    static void AtLeast(List<string> warnings, string setting, TimeSpan value, TimeSpan least, string source)
    {
        if (value < least)
            warnings.Add(string.Create(CultureInfo.InvariantCulture, $"Mail:{setting} is \"{value}\": sessions end sooner than is asked for by {source}, and programs may take that for a fault; right would be {least} or more."));
    }

    static void CheckNames(EngineOptions options, List<string> errors)
    {
        Require(errors, options.DataPath.Trim().Length > 0 && !File.Exists(options.DataPath), "DataPath", options.DataPath, "a folder that this process may write to");
        Require(errors, options.Hostname.Length == 0 || DomainName.TryParse(options.Hostname, out _), "Hostname", options.Hostname,
            "the full name of this server such as mail.example.org, or empty");
        Require(errors, options.PanelUrl.Length == 0
            || (Uri.TryCreate(options.PanelUrl, UriKind.Absolute, out Uri? panel) && panel.Scheme is "https" or "http" && panel is { PathAndQuery: "/", Fragment: "", UserInfo: "" }),
            "PanelUrl", options.PanelUrl, "an address such as https://mail.example.org, without a path, or empty");
        foreach (string relay in options.Relayhosts)
            Require(errors, IsHostAndPort(relay), "Relayhosts", relay, "host:port, for example smtp.example.org:587");
        foreach ((string host, RelayAuthOptions auth) in options.RelayAuth)
        {
            Require(errors, options.Relayhosts.Contains(host, StringComparer.OrdinalIgnoreCase), "RelayAuth", host, "a host as it stands in Mail:Relayhosts");
            Require(errors, auth.User.Length > 0 && auth.Password.Length > 0, $"RelayAuth:{host}", auth.User, "a user and a password");
        }
        CheckFile(errors, "Tls:CertificatePath", options.Tls.CertificatePath);
        CheckFile(errors, "Tls:KeyPath", options.Tls.KeyPath);
        Require(errors, options.Tls.KeyPath is null || options.Tls.CertificatePath is not null, "Tls:KeyPath", options.Tls.KeyPath ?? "",
            "nothing as long as Mail:Tls:CertificatePath is not set");
    }

    static void CheckPorts(EngineOptions options, List<string> errors)
    {
        Require(errors, options.PortOffset is >= 0 and <= 60_000, "PortOffset", options.PortOffset, "0 (production) to 60000; it is added to every mail port");
        Require(errors, options.PanelPort is >= -1 and <= 65535, "PanelPort", options.PanelPort, "a port from 1 to 65535, 0 for any free one, or -1 for none");
        Require(errors, options.PanelTlsPort is >= -1 and <= 65535, "PanelTlsPort", options.PanelTlsPort, "a port from 1 to 65535, 0 for any free one, or -1 for none");
        foreach (string address in options.Listen)
            Require(errors, address == "*" || IPAddress.TryParse(address, out _), "Listen", address, "an IP address of this machine, 0.0.0.0 or :: for all");
        if (options.PortOffset is < 0 or > 60_000)
            return;
        var taken = new Dictionary<(string, int), string>();
        foreach ((string what, ListenerOptions l) in options.EffectiveListeners().Select((l, i) => ($"Listeners:{i}", l)))
        {
            Require(errors, l.Port is >= 0 and <= 65535, $"{what}:Port", l.Port, "a port from 1 to 65535, or 0 for any free one");
            Require(errors, l.Address is null || l.Address == "*" || IPAddress.TryParse(l.Address, out _), $"{what}:Address", l.Address ?? "", "an IP address of this machine");
            Require(errors, Enum.IsDefined(l.Protocol), $"{what}:Protocol", l.Protocol, string.Join(", ", Enum.GetNames<MailProtocol>()));
            Require(errors, l.MailboxSeparator is "/" or ".", $"{what}:MailboxSeparator", l.MailboxSeparator, "\"/\" or \".\"");
            Require(errors, l.MailboxPrefix.Length == 0 || l.MailboxPrefix == "INBOX" + l.MailboxSeparator, $"{what}:MailboxPrefix", l.MailboxPrefix,
                $"nothing, or INBOX{l.MailboxSeparator}");
            Claim(errors, taken, l.Address ?? "", l.Port, what);
        }
        Claim(errors, taken, "", options.PanelPort, "PanelPort");
        Claim(errors, taken, "", options.PanelTlsPort, "PanelTlsPort");
    }

    static void Claim(List<string> errors, Dictionary<(string, int), string> taken, string address, int port, string what)
    {
        if (port > 0 && !taken.TryAdd((address, port), what))
            Require(errors, false, what, port, $"a port of its own; Mail:{taken[(address, port)]} has this one");
    }

    static void CheckNetwork(EngineOptions options, List<string> errors)
    {
        foreach (string network in options.TrustedNetworks)
            Require(errors, IPNetwork.TryParse(network, out _) || IPAddress.TryParse(network, out _), "TrustedNetworks", network, "a network such as 192.0.2.0/24 or 2001:db8::/32");
        foreach (string server in options.Dns.Servers)
            Require(errors, IPEndPoint.TryParse(server, out IPEndPoint? end) && end.Port != 0, "Dns:Servers", server, "address:port, for example 127.0.0.1:53");
        foreach (string network in options.Checks.Inside)
            Require(errors, IPNetwork.TryParse(network, out _), "Checks:Inside", network, "a network such as 192.0.2.0/24 or 2001:db8::/32");
        Within(errors, "Checks:Signatures", options.Checks.Signatures, 1, 100);
        Within(errors, "Checks:KeyBits", options.Checks.KeyBits, 1024, 4096);   // RFC 8301 §3.2
        Within(errors, "Checks:Timeout", options.Checks.Timeout, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(60));   // RFC 7208 §4.6.4; the client waits for its 250 meanwhile
        Within(errors, "Dns:Timeout", options.Dns.Timeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1));
    }

    static void CheckLimits(LimitOptions limits, List<string> errors)
    {
        Within(errors, "Limits:MessageBytes", limits.MessageBytes, 64 << 10, 2L << 30);
        Within(errors, "Limits:Recipients", limits.Recipients, 100, 100_000);   // RFC 5321 §4.5.3.1.8
        Within(errors, "Limits:SmtpLineBytes", limits.SmtpLineBytes, 512, 1 << 20);   // RFC 5321 §4.5.3.1.4
        Within(errors, "Limits:TextLineBytes", limits.TextLineBytes, 1000, 64 << 20);   // RFC 5321 §4.5.3.1.6
        Within(errors, "Limits:ImapLineBytes", limits.ImapLineBytes, 8192, 16 << 20);
        Within(errors, "Limits:ImapLiteralBytes", limits.ImapLiteralBytes, 4096, 64 << 20);
        Within(errors, "Limits:PreAuthBytes", limits.PreAuthBytes, 1024, 1 << 20);
        Within(errors, "Limits:Depth", limits.Depth, 10, 1000);
        Within(errors, "Limits:MimeParts", limits.MimeParts, 10, 100_000);
        Within(errors, "Limits:Connections", limits.Connections, 10, 1_000_000);
        Within(errors, "Limits:ConnectionsPerAddress", limits.ConnectionsPerAddress, 1, 1_000_000);
        Within(errors, "Limits:ConnectionsPerAccount", limits.ConnectionsPerAccount, 1, 1_000_000);
        Within(errors, "Limits:ImapUpdateContexts", limits.ImapUpdateContexts, 1, 1000);
        Within(errors, "Limits:ImapSearchTime", limits.ImapSearchTime, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        Within(errors, "Limits:ImapProgress", limits.ImapProgress, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        Within(errors, "Limits:TimeToAuthenticate", limits.TimeToAuthenticate, TimeSpan.FromSeconds(5), TimeSpan.FromHours(1));
        Within(errors, "Limits:SmtpIdle", limits.SmtpIdle, TimeSpan.FromSeconds(10), TimeSpan.FromHours(1));
        Within(errors, "Limits:ImapIdle", limits.ImapIdle, TimeSpan.FromMinutes(1), TimeSpan.FromDays(1));
        Within(errors, "Limits:Pop3LineBytes", limits.Pop3LineBytes, 255, 1 << 20);   // RFC 2449 §4
        Within(errors, "Limits:Pop3Idle", limits.Pop3Idle, TimeSpan.FromMinutes(1), TimeSpan.FromDays(1));
        Within(errors, "Limits:SlowestBytesPerSecond", limits.SlowestBytesPerSecond, 0, 1 << 20);
        Within(errors, "Limits:BadCommands", limits.BadCommands, 1, 10_000);
        Within(errors, "Limits:Hops", limits.Hops, 30, 10_000);
        Within(errors, "Limits:AliasDepth", limits.AliasDepth, 1, 100);
        Within(errors, "Limits:AliasExpansion", limits.AliasExpansion, 1, 1_000_000);
        Within(errors, "Limits:MetadataBytes", limits.MetadataBytes, 1024, 16 << 20);   // RFC 5464 §4.1
        Within(errors, "Limits:MailboxesPerAccount", limits.MailboxesPerAccount, 10, 1_000_000);
        Within(errors, "Limits:Contacts", limits.Contacts, 0, 100_000);
        Within(errors, "Limits:ContactFileBytes", limits.ContactFileBytes, 4096, 64 << 20);
        Within(errors, "Limits:AppendMessages", limits.AppendMessages, 1, 100_000);
        Within(errors, "Limits:FailedLogins", limits.FailedLogins, 1, 10_000);
        Within(errors, "Limits:LoginCache", limits.LoginCache, TimeSpan.Zero, TimeSpan.FromHours(1));
    }

    static void CheckStore(StoreOptions store, List<string> errors)
    {
        Within(errors, "Store:SegmentBytes", store.SegmentBytes, 1L << 20, 3L << 30);
        Within(errors, "Store:InlineBodyBytes", store.InlineBodyBytes, 4096, 64 << 20);
        Within(errors, "Store:ExpungeRetention", store.ExpungeRetention, TimeSpan.Zero, TimeSpan.FromDays(3650));
        Within(errors, "Store:CompactionInterval", store.CompactionInterval, TimeSpan.FromMinutes(1), TimeSpan.FromDays(30));
        Within(errors, "Store:CompactionPercent", store.CompactionPercent, 1, 90);
        Within(errors, "Store:CompactionBytesPerSecond", store.CompactionBytesPerSecond, 0, int.MaxValue);
        Within(errors, "Store:CachedMessages", store.CachedMessages, 0, int.MaxValue);
        Within(errors, "Store:ColumnBytes", store.ColumnBytes, 1L << 20, 1L << 40);
        Within(errors, "Store:IndexedTextBytes", store.IndexedTextBytes, 1024, 64 << 20);
        Within(errors, "Store:IndexDelay", store.IndexDelay, TimeSpan.Zero, TimeSpan.FromHours(1));
        Within(errors, "Store:IndexPatience", store.IndexPatience, TimeSpan.Zero, TimeSpan.FromDays(1));
        Within(errors, "Store:PendingChanges", store.PendingChanges, 1, 1_000_000);
        Within(errors, "Store:MoveBytesPerSecond", store.MoveBytesPerSecond, 1 << 16, int.MaxValue);
    }

    static void CheckPartitions(EngineOptions options, List<string> errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var folders = new Dictionary<string, string>(StringComparer.Ordinal);
        var domains = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach ((string at, PartitionOptions partition) in options.Store.Partitions.Select((p, i) => ($"Store:Partitions:{i}", p)))
        {
            bool named = partition.Name.Length is > 0 and <= 32 && partition.Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
            Require(errors, named, $"{at}:Name", partition.Name, "1 to 32 lower-case letters, digits and hyphens");
            Require(errors, !named || names.Add(partition.Name), $"{at}:Name", partition.Name, "a name that no other partition has");
            Within(errors, $"{at}:Weight", partition.Weight, 1, 1000);
            if (named)
            {
                string folder = Store.Partitions.PartitionFolders.Of(options.DataPath, partition);
                Require(errors, folders.TryAdd(folder, partition.Name), $"{at}:Folder", partition.Folder, $"a folder that is not that of \"{folders.GetValueOrDefault(folder)}\" too");
            }
            foreach (string domain in partition.Domains)
            {
                Require(errors, DomainName.TryParse(domain, out _), $"{at}:Domains", domain, "a domain such as example.org");
                Require(errors, domains.Add(domain), $"{at}:Domains", domain, "a domain that no other partition names");
            }
        }
        // One inside another: a backup or a repair of the one would find files of the other.
        foreach ((string folder, string name) in folders)
        {
            if (folders.Keys.FirstOrDefault(other => folder.StartsWith(other + Path.DirectorySeparatorChar, StringComparison.Ordinal)) is { } outer)
                Require(errors, false, "Store:Partitions", folder, $"a folder that is not inside that of \"{folders[outer]}\"");
        }
    }

    static void CheckQueue(QueueOptions queue, List<string> errors)
    {
        foreach (TimeSpan wait in queue.RetryAfter)
            Within(errors, "Queue:RetryAfter", wait, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        Within(errors, "Queue:GiveUpAfter", queue.GiveUpAfter, TimeSpan.FromSeconds(1), TimeSpan.FromDays(60));
        Within(errors, "Queue:DelayNotice", queue.DelayNotice, TimeSpan.FromSeconds(1), TimeSpan.FromDays(60));
        Within(errors, "Queue:Concurrency", queue.Concurrency, 1, 10_000);
        Within(errors, "Queue:ConcurrencyPerDestination", queue.ConcurrencyPerDestination, 1, 10_000);
        Within(errors, "Queue:ConnectTimeout", queue.ConnectTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        Within(errors, "Queue:Port", queue.Port, 1, 65535);
    }

    static void CheckSieve(SieveOptions sieve, List<string> errors)
    {
        Within(errors, "Sieve:ScriptBytes", sieve.ScriptBytes, 1024, 16 << 20);
        Within(errors, "Sieve:Nesting", sieve.Nesting, 15, 1000);   // RFC 5228 §2.10.7
        Within(errors, "Sieve:Commands", sieve.Commands, 100, 1_000_000);
        Within(errors, "Sieve:Strings", sieve.Strings, 100, 1_000_000);
        Within(errors, "Sieve:Patterns", sieve.Patterns, 1, 100_000);
        Within(errors, "Sieve:Time", sieve.Time, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(5));
        Within(errors, "Sieve:Steps", sieve.Steps, 1000, 1_000_000_000);
        Within(errors, "Sieve:Actions", sieve.Actions, 1, 1000);
        Within(errors, "Sieve:Redirects", sieve.Redirects, 0, 1000);
        Within(errors, "Sieve:VariableBytes", sieve.VariableBytes, 4000, 1 << 20);   // RFC 5229 §6
        Within(errors, "Sieve:Variables", sieve.Variables, 128, 10_000);   // RFC 5229 §6
        Within(errors, "Sieve:BodyBytes", sieve.BodyBytes, 4096, 64 << 20);
        Within(errors, "Sieve:RewriteDays", sieve.RewriteDays, 1, 365);
        Within(errors, "Sieve:Notifications", sieve.Notifications, 0, 1000);
        Within(errors, "Sieve:ChangedBytes", sieve.ChangedBytes, 4096, 64 << 20);
        Within(errors, "Sieve:Notes", sieve.Notes, 0, 1000);
        Within(errors, "Sieve:HeaderBytes", sieve.HeaderBytes, 998, 1 << 20);   // RFC 5293 §4
        if (sieve.SpamMaximum is not (> 0 and < 1e9))
            errors.Add($"Mail:Sieve:SpamMaximum is {sieve.SpamMaximum}: it must be a number above 0, the score that certainly is spam.");
        Within(errors, "Sieve:IncludeDepth", sieve.IncludeDepth, 3, 100);   // RFC 6609 §3.1
        Within(errors, "Sieve:Includes", sieve.Includes, 3, 10_000);
        Within(errors, "Sieve:Scripts", sieve.Scripts, 1, 10_000);
        Within(errors, "Sieve:TrialBytes", sieve.TrialBytes, 4096, 256 << 20);
        Within(errors, "Sieve:CachedPrograms", sieve.CachedPrograms, 1, 1_000_000);
        Within(errors, "Sieve:CachedProgramBytes", sieve.CachedProgramBytes, 1 << 20, 1L << 36);
        Within(errors, "Sieve:EventMails", sieve.EventMails, 0, 100_000);
    }

    static void CheckPop3(Pop3Options pop3, List<string> errors)
    {
        foreach (string pattern in pop3.Folders)
            Require(errors, Pop3.MaildropFolders.IsValid(pattern), "Pop3:Folders", pattern, "the name of a mailbox, a pattern such as Lists/*, a special use such as \\Junk, or one of them with - in front");
        Require(errors, pop3.Folders.Count == 0 || pop3.Folders.Any(p => !p.StartsWith('-')), "Pop3:Folders", string.Join(", ", pop3.Folders), "one entry at least without - in front, or none at all");
        Require(errors, Pop3.UidlForm.TryParse(pop3.Uidl) is not null, "Pop3:Uidl", pop3.Uidl,
            "printable characters without spaces around {uidvalidity} and {uid} (or {uid:08x}), told apart by a character or by :08x");
        Within(errors, "Pop3:LoginDelay", pop3.LoginDelay, TimeSpan.Zero, TimeSpan.FromDays(1));
    }

    static bool IsHostAndPort(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0)
            return false;
        string host = text[..colon];
        return host.StartsWith('[') ? host.EndsWith(']') && IPAddress.TryParse(host[1..^1], out _) : DomainName.TryParse(host, out _);
    }

    static void CheckFile(List<string> errors, string setting, string? path)
    {
        if (path is not null)
            Require(errors, File.Exists(path), setting, path, "a PEM file that this process may read");
    }

    static void Within<T>(List<string> errors, string setting, T value, T least, T most) where T : struct, IComparable<T> =>
        Require(errors, value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0, setting, value, string.Create(CultureInfo.InvariantCulture, $"{least} to {most}"));

    static void Require(List<string> errors, bool holds, string setting, object value, string right)
    {
        if (!holds)
            errors.Add(string.Create(CultureInfo.InvariantCulture, $"Mail:{setting} is \"{value}\"; right would be {right}."));
    }
}
