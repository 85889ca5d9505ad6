using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailAdmin.Web.Services;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Dns;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Cli;

/// <summary>One finding. <see cref="Verdict"/> is pass, note (works, but look at it) or fail.</summary>
sealed record Finding(string Verdict, string What, string Text);

/// <summary>Looks at everything outside the code that makes mail systems fail, and says what to do. Changes nothing.</summary>
sealed class Doctor(CliSession session)
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    readonly List<Finding> _findings = [];
    EngineOptions Options => session.Options;

    /// <returns>0: nothing fails; 1: something does.</returns>
    public static async Task<int> RunAsync(CliSession session)
    {
        var doctor = new Doctor(session);
        await doctor.LookAsync();
        session.Output.Table(doctor._findings, ("", f => f.Verdict), ("CHECK", f => f.What), ("FINDING", f => f.Text));
        return doctor._findings.Exists(f => f.Verdict == "fail") ? 1 : 0;
    }

    async Task LookAsync()
    {
        IReadOnlyList<string> wrong = EngineOptionsCheck.Check(Options);
        foreach (string error in wrong)
            Fail("settings", error);
        if (wrong.Count > 0)
            return;
        Pass("settings", "every setting is in its range");
        foreach (string warning in EngineOptionsCheck.Warnings(Options))
            Note("settings", warning);
        bool running = await ControlClient.FindAsync(Options.DataPath) is not null;
        Note("server", running ? "running on this data folder" : "not running", isGood: running);
        LookAtFolder();
        await LookAtPortsAsync(running);
        string hostname = await LookAtAccountsAsync();
        await LookAtStoreAsync(running);
        LookAtCertificate(hostname);
        await LookAtNamesAsync(hostname);
    }

    void LookAtFolder()
    {
        string folder = Path.GetFullPath(Options.DataPath);
        if (!Directory.Exists(folder))
        {
            Note("data folder", $"{folder} does not exist yet; the first start makes it");
            return;
        }
        string probe = Path.Combine(folder, $".doctor-{Guid.NewGuid():N}");
        try
        {
            File.WriteAllBytes(probe, [1]);
            File.Delete(probe);
            Pass("data folder", $"{folder} can be written to");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fail("data folder", $"{folder} cannot be written to ({e.Message}): give it to the user that runs the server");
        }
        if ((File.GetUnixFileMode(folder) & (UnixFileMode.OtherRead | UnixFileMode.OtherExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute)) != 0)
            Note("data folder", $"others may look into {folder}: chmod 700 it");
        var disk = new DriveInfo(folder);
        string free = $"{Size.Text(disk.AvailableFreeSpace)} of {Size.Text(disk.TotalSize)} are free";
        if (disk.AvailableFreeSpace < 256L << 20)
            Fail("disk space", $"{free}: mail will soon be refused; make room");
        else if (disk.AvailableFreeSpace < disk.TotalSize / 20)
            Note("disk space", free);
        else
            Pass("disk space", free);
    }

    async Task LookAtPortsAsync(bool running)
    {
        IList<string> addresses = Options.Listen.Count > 0 ? Options.Listen : ["127.0.0.1"];
        foreach (ListenerOptions l in Options.EffectiveListeners())
        {
            foreach (string address in l.Address is { } own ? [own] : addresses)
                await LookAtPortAsync($"port {l.Port} {l.Protocol.ToString().ToLowerInvariant()}{(l.ImplicitTls ? " (TLS)" : "")}", address, l.Port, running);
        }
        foreach (string address in addresses)
        {
            await LookAtPortAsync($"port {Options.PanelPort} panel", address, Options.PanelPort, running);
            await LookAtPortAsync($"port {Options.PanelTlsPort} panel (TLS)", address, Options.PanelTlsPort, running);
        }
    }

    async Task LookAtPortAsync(string what, string address, int port, bool running)
    {
        if (port <= 0)
            return;
        if (!IPAddress.TryParse(address == "*" ? "0.0.0.0" : address, out IPAddress? ip))
            ip = IPAddress.Loopback;
        if (running)
        {
            IPAddress reach = ip.Equals(IPAddress.Any) ? IPAddress.Loopback : ip.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : ip;
            using var client = new Socket(reach.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            using var limit = new CancellationTokenSource(s_patience);
            try
            {
                await client.ConnectAsync(reach, port, limit.Token);
                Pass(what, $"{address} answers");
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                Fail(what, $"{address} does not answer although the server runs: was the setting changed since it started?");
            }
            return;
        }
        using var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(ip, port));
            Pass(what, $"{address} is free");
        }
        catch (SocketException e)
        {
            Fail(what, e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => $"another program has it on {address}: stop that, or set another Mail:PortOffset or Mail:PanelPort",
                SocketError.AccessDenied => $"this user may not open it on {address}: allow it (CAP_NET_BIND_SERVICE), or set a Mail:PortOffset",
                SocketError.AddressNotAvailable => $"this machine does not have the address {address}: correct Mail:Listen",
                _ => $"{address}: {e.Message}",
            });
        }
    }

    async Task<string> LookAtAccountsAsync()
    {
        string hostname = Options.Hostname;
        if (!File.Exists(Path.Combine(Options.DataPath, "accounts.db")))
        {
            Note("accounts", "accounts.db is not there yet; the first start makes it");
            return hostname;
        }
        try
        {
            await using AccountsContext db = (await session.DatabaseAsync()).NewContext();
            int domains = await db.Domains.CountAsync();
            int accounts = await db.Accounts.CountAsync();
            Pass("accounts", string.Create(CultureInfo.InvariantCulture, $"{domains} domains, {accounts} accounts"));
            if (!await db.Grants.AnyAsync(g => g.DomainId == null))
                Note("administrator", "nobody administers the server yet: use the set-up link of the start, or superuser add");
            await LookAtAuditAsync(db);
            if (hostname.Length == 0)
                hostname = await db.Settings.Where(s => s.Key == Setting.Hostname).Select(s => s.Value).FirstOrDefaultAsync() ?? "";
        }
        catch (AccountsOpenException e)
        {
            Fail("accounts", e.Message);
        }
        return hostname;
    }

    async Task LookAtAuditAsync(AccountsContext db)
    {
        AuditCheck check = await AuditChain.VerifyAsync(db, CancellationToken.None);
        if (check.BrokenAt is null)
            Pass("audit", string.Create(CultureInfo.InvariantCulture, $"{check.Entries} entries, each follows from the one before; note the last one elsewhere: {check.Head}"));
        else
            Fail("audit", $"{check.What}; compare with a backup of accounts.db");
    }

    async Task LookAtStoreAsync(bool running)
    {
        if (!running && !Directory.Exists(Path.Combine(Options.DataPath, "partitions")))
        {
            Note("store", "no mail yet; the first start makes it");
            return;
        }
        try
        {
            int waiting = (await (await session.StoreAsync()).ReadQueueAsync()).Count;
            Pass("store", string.Create(CultureInfo.InvariantCulture, $"opens; {waiting} recipients wait in the queue"));
        }
        catch (Exception e) when (e is StoreOpenException or IOException)
        {
            Fail("store", e.Message);
        }
    }

    void LookAtCertificate(string hostname)
    {
        string path = Options.Tls.CertificatePath ?? Path.Combine(Options.DataPath, "tls", "self-signed.pem");
        if (!File.Exists(path))
        {
            Note("certificate", "the first start makes a self-signed one; set Mail:Tls:CertificatePath before strangers send mail here");
            return;
        }
        try
        {
            using X509Certificate2 certificate = X509Certificate2.CreateFromPemFile(path, Options.Tls.KeyPath ?? path);
            TimeSpan left = certificate.NotAfter.ToUniversalTime() - DateTime.UtcNow;
            string until = certificate.NotAfter.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            if (left < TimeSpan.Zero)
                Fail("certificate", $"{path} ended on {until}: renew it");
            else if (left < TimeSpan.FromDays(14))
                Note("certificate", $"{path} ends on {until}: renew it");
            else if (Options.Tls.CertificatePath is null)
                Note("certificate", "self-signed: mail programs will warn; set Mail:Tls:CertificatePath");
            else if (hostname.Length > 0 && !certificate.MatchesHostname(hostname))
                Fail("certificate", $"{path} is not for {hostname}: get one that names it");
            else
                Pass("certificate", $"good until {until}");
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            Fail("certificate", $"{path} cannot be used ({e.Message}): it must be PEM, with its unencrypted private key");
        }
    }

    async Task LookAtNamesAsync(string hostname)
    {
        if (!DomainName.TryParse(hostname, out DomainName host) || !hostname.Contains('.', StringComparison.Ordinal))
        {
            Note("host name", "no full name is set: other servers distrust one without; set Mail:Hostname");
            return;
        }
        var resolver = new Resolver(Options.Dns, TimeProvider.System);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            (DnsStatus status, IReadOnlyList<IPAddress> addresses) = await resolver.AddressesAsync(host, limit.Token);
            if (status == DnsStatus.Failed)
                Fail("DNS", "no name server answers: mail cannot be sent; look at Mail:Dns:Servers or /etc/resolv.conf");
            else if (addresses.Count == 0)
                Note("DNS", $"{hostname} has no address in DNS: other servers cannot reach it");
            else
                Pass("DNS", $"{hostname} is {string.Join(", ", addresses)}");
            if (status == DnsStatus.Failed || !File.Exists(Path.Combine(Options.DataPath, "accounts.db")))
                return;
            await using AccountsContext db = (await session.DatabaseAsync()).NewContext();
            foreach (string name in await db.Domains.Where(d => d.Enabled).OrderBy(d => d.Name).Select(d => d.Name).Take(20).ToListAsync(limit.Token))
            {
                MailExchangers mx = await MailExchangers.FindAsync(resolver, DomainName.Parse(name), limit.Token);
                if (mx.Hosts.Any(h => h.Host == host))
                    Pass("MX", $"{name} leads here");
                else
                    Note("MX", $"{name} does not lead to {hostname}: mail from outside goes elsewhere");
            }
        }
        catch (OperationCanceledException)
        {
            Fail("DNS", "name servers take too long to answer; look at Mail:Dns:Servers or /etc/resolv.conf");
        }
    }

    void Pass(string what, string text) => _findings.Add(new Finding("pass", what, text));

    void Note(string what, string text, bool isGood = false) => _findings.Add(new Finding(isGood ? "pass" : "note", what, text));

    void Fail(string what, string text) => _findings.Add(new Finding("fail", what, text));
}
