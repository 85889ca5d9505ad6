using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using MailAdmin.Tests.Accounts;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Checks;
using MailEngine.Dns;
using MailEngine.Flow;
using MailEngine.Imap;
using MailEngine.Lmtp;
using MailEngine.ManageSieve;
using MailEngine.Net;
using MailEngine.Pop3;
using MailEngine.Smtp;
using MailEngine.Store;
using MailEngine.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Rig;

/// <summary>The mail side of the server on free ports of 127.0.0.1: real listeners, real store, real accounts, in a temporary folder.</summary>
public sealed class MailRig : IAsyncDisposable
{
    public const string Hostname = "mail.example.test";
    public const string Password = "correct horse 7 stairs";

    readonly WebApplication _app;
    readonly Heartbeat _heartbeat;
    readonly Certificates _certificates;
    readonly TempFolder _folder;
    readonly ImapServer _imap;
    readonly Pop3Server _pop3;
    readonly ManageSieveServer _manageSieve;

    MailRig(WebApplication app, TempFolder folder, AccountsRig accounts, MailStore store, TraceLog trace, MailListeners listeners,
        SessionRegistry sessions, Heartbeat heartbeat, Certificates certificates, QueueScheduler queue, QueueControl control, EngineOptions options,
        ImapServer imap, Pop3Server pop3, ManageSieveServer manageSieve)
    {
        _app = app;
        _folder = folder;
        _heartbeat = heartbeat;
        _certificates = certificates;
        Accounts = accounts;
        Store = store;
        Trace = trace;
        Listeners = listeners;
        Sessions = sessions;
        Queue = queue;
        Control = control;
        Options = options;
        _imap = imap;
        _pop3 = pop3;
        _manageSieve = manageSieve;
    }

    public AccountsRig Accounts { get; }
    public MailStore Store { get; }
    public TraceLog Trace { get; }
    public MailListeners Listeners { get; }
    public SessionRegistry Sessions { get; }
    public QueueScheduler Queue { get; }
    public QueueControl Control { get; }
    public EngineOptions Options { get; }
    public string Folder => _folder.Path;

    /// <summary>Domain example.test with the accounts that tests speak of: ann and bob.</summary>
    public long Ann { get; private set; }
    public long Bob { get; private set; }
    public long Domain { get; private set; }

    public static async Task<MailRig> StartAsync(Action<EngineOptions>? change = null, TimeProvider? clock = null)
    {
        var folder = new TempFolder();
        clock ??= TimeProvider.System;
        var options = new EngineOptions
        {
            DataPath = folder.Path,
            Hostname = Hostname,
            Listen = ["127.0.0.1"],
            Listeners =
            [
                new ListenerOptions { Protocol = MailProtocol.Smtp },
                new ListenerOptions { Protocol = MailProtocol.Submission },
                new ListenerOptions { Protocol = MailProtocol.Submission, ImplicitTls = true },
                new ListenerOptions { Protocol = MailProtocol.Lmtp },
                new ListenerOptions { Protocol = MailProtocol.Imap },
                new ListenerOptions { Protocol = MailProtocol.Imap, ImplicitTls = true },
                new ListenerOptions { Protocol = MailProtocol.Pop3 },
                new ListenerOptions { Protocol = MailProtocol.Pop3, ImplicitTls = true },
                new ListenerOptions { Protocol = MailProtocol.ManageSieve },
            ],
        };
        change?.Invoke(options);
        AccountsRig accounts = await AccountsRig.OpenAsync(TimeProvider.System, System.IO.Path.Combine(folder.Path, "accounts"), options.Limits);
        MailStore store = await MailStore.OpenAsync(folder.Path, options.Store, clock, NullLogger<MailStore>.Instance, options.Limits);
        store.DomainOf = id => AccountDomains.FindAsync(accounts.Database, id);
        var trace = new TraceLog(folder.Path, clock, NullLogger<TraceLog>.Instance);
        var sessions = new SessionRegistry(options);
        var heartbeat = new Heartbeat(clock);
        var hostname = new ServerName(Hostname);
        Certificates certificates = Certificates.Load(options, Hostname, TimeProvider.System);
        var senders = await SenderRewriting.OpenAsync(accounts.Database, options.Sieve, clock);
        var router = new Router(accounts.Directory, options) { Senders = senders };
        var scripts = new SieveScripts(accounts.Database);
        var filter = new MailFilter(scripts, accounts.Directory, store, hostname, options, trace, NullLogger.Instance) { Senders = senders };
        var delivery = new Delivery(store, trace, clock, NullLogger<Delivery>.Instance) { Filter = filter, Checks = new SenderChecks(new Resolver(options.Dns, clock), options.Checks, clock) };
        var smtp = new SmtpServer(router, delivery, store, trace, accounts.Directory, accounts.Authenticator, sessions, hostname, options, clock,
            NullLogger<SmtpServer>.Instance);
        var imap = new ImapServer(store, accounts.Directory, new AccountAdministration(accounts.Database), accounts.Authenticator, sessions, hostname, options, clock, NullLogger<ImapServer>.Instance)
        {
            Events = new MailEvents(filter, delivery, accounts.Directory, store, options, clock),
        };
        var pop3 = new Pop3Server(store, accounts.Directory, accounts.Authenticator, sessions, hostname, options, clock, NullLogger<Pop3Server>.Instance);
        var manageSieve = new ManageSieveServer(scripts, accounts.Directory, accounts.Authenticator, sessions, options, clock, NullLogger<ManageSieveServer>.Instance);
        var lmtp = new LmtpServer(router, delivery, store, trace, hostname, options, clock, NullLogger<LmtpServer>.Instance);
        var queue = new QueueScheduler(store, router, delivery, new Resolver(options.Dns, clock), trace, hostname, options, clock,
            NullLogger<QueueScheduler>.Instance);
        queue.Start();
        var listeners = new MailListeners(options, certificates, sessions, heartbeat, NullLogger<MailListeners>.Instance);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => listeners.Configure(kestrel, new Dictionary<MailProtocol, ProtocolDoor>
        {
            [MailProtocol.Smtp] = smtp.Door,
            [MailProtocol.Submission] = smtp.SubmissionDoor,
            [MailProtocol.Lmtp] = lmtp.Door,
            [MailProtocol.Imap] = imap.Door,
            [MailProtocol.Pop3] = pop3.Door,
            [MailProtocol.ManageSieve] = manageSieve.Door,
        }));
        WebApplication app = builder.Build();
        await app.StartAsync();
        var rig = new MailRig(app, folder, accounts, store, trace, listeners, sessions, heartbeat, certificates, queue,
            new QueueControl(queue, store, trace, clock), options, imap, pop3, manageSieve);
        rig.Domain = await accounts.GivenDomainAsync("example.test");
        rig.Ann = await accounts.GivenAccountAsync("ann@example.test", Password);
        rig.Bob = await accounts.GivenAccountAsync("bob@example.test", Password);
        return rig;
    }

    /// <summary>For connections that are no sockets.</summary>
    public ProtocolDoor ImapDoor => _imap.Door;

    /// <summary>A client; the greeting is not read yet.</summary>
    public async Task<WireScript> ConnectAsync(MailProtocol protocol = MailProtocol.Smtp, bool implicitTls = false)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync("127.0.0.1", Listeners.PortOf(protocol, implicitTls));
        if (!implicitTls)
            return new WireScript(client.GetStream());
        return new WireScript(await TlsOverAsync(client.GetStream()));
    }

    public static async Task<SslStream> TlsOverAsync(Stream stream)
    {
        var tls = new SslStream(stream, leaveInnerStreamOpen: false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync(Hostname);
        return tls;
    }

    /// <summary>A submission session after EHLO, STARTTLS, EHLO and log-in.</summary>
    public async Task<WireScript> LogInAsync(string user = "ann@example.test")
    {
        WireScript client = await ConnectAsync(MailProtocol.Submission);
        await client.PlayAsync("S: 220 *\nC: EHLO client.test");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync("C: STARTTLS\nS: 220 *");
        client.Continue(await TlsOverAsync(client.Stream));
        await client.SendAsync("EHLO client.test\r\n");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync($"C: AUTH PLAIN {Plain(user, Password)}\nS: 235 2.7.0 *");
        return client;
    }

    public static string Plain(string user, string password) => Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0{user}\0{password}"));

    /// <summary>All messages of a mailbox as text (Latin-1), oldest first.</summary>
    public async Task<List<string>> MessagesAsync(long account, string mailbox = "INBOX")
    {
        Mailbox? box = await Store.OpenAsync(account, MailboxName.Parse(mailbox));
        var messages = new List<string>();
        if (box is null)
            return messages;
        MailboxSnapshot snapshot = box.Current;
        for (int i = 0; i < snapshot.Count; i++)
        {
            using MessageReader reader = Store.OpenMessage(snapshot, snapshot[i]);
            byte[] bytes = new byte[reader.Length];
            reader.Read(0, bytes);
            messages.Add(Encoding.Latin1.GetString(bytes));
        }
        return messages;
    }

    public Task StopListeningAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _imap.Dispose();
        _pop3.Dispose();
        _manageSieve.Dispose();
        _heartbeat.Dispose();
        await Queue.DisposeAsync();
        await Trace.DisposeAsync();
        await Store.DisposeAsync();
        await Accounts.DisposeAsync();
        _certificates.Dispose();
        _folder.Dispose();
    }
}
