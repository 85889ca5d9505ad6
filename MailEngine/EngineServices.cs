using MailEngine.Accounts;
using MailEngine.Checks;
using MailEngine.Dns;
using MailEngine.Flow;
using MailEngine.Imap;
using MailEngine.Lmtp;
using MailEngine.ManageSieve;
using MailEngine.Net;
using MailEngine.Pop3;
using MailEngine.Sasl;
using MailEngine.Smtp;
using MailEngine.Store;
using MailEngine.Tls;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailEngine;

/// <summary>The engine could not start. The message is one line for the operator: what is wrong and what to do.</summary>
public sealed class EngineStartException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The object graph of the engine, on one screen: what is made, from what, in which order; disposed in the opposite order.</summary>
public sealed class EngineServices : IAsyncDisposable
{
    readonly Stack<object> _made = new();

    EngineServices(EngineOptions options, TimeProvider clock)
    {
        Options = options;
        Clock = clock;
    }

    public EngineOptions Options { get; }
    public TimeProvider Clock { get; }
    public AccountsDatabase Database { get; private set; } = null!;
    public AccountDirectory Directory { get; private set; } = null!;
    public PasswordHashes Hashes { get; private set; } = null!;
    public Authenticator Authenticator { get; private set; } = null!;
    public MailStore Store { get; private set; } = null!;
    public ServerName Hostname { get; private set; } = null!;
    public Certificates Certificates { get; private set; } = null!;
    public SessionRegistry Sessions { get; private set; } = null!;
    public Heartbeat Heartbeat { get; private set; } = null!;
    public TraceLog Trace { get; private set; } = null!;
    public SieveScripts Scripts { get; private set; } = null!;
    public Router Router { get; private set; } = null!;
    public Delivery Delivery { get; private set; } = null!;
    public Resolver Resolver { get; private set; } = null!;
    public QueueScheduler Queue { get; private set; } = null!;
    public QueueControl QueueControl { get; private set; } = null!;
    public SystemMail SystemMail { get; private set; } = null!;
    public MailListeners Listeners { get; private set; } = null!;

    /// <summary>What is behind each kind of mail port.</summary>
    public IReadOnlyDictionary<MailProtocol, ProtocolDoor> Doors { get; private set; } = null!;

    /// <summary>Opens everything. Nothing listens yet.</summary>
    /// <exception cref="EngineStartException">The data folder, a database or the certificate cannot be used.</exception>
    public static async Task<EngineServices> OpenAsync(EngineOptions options, TimeProvider clock, ILoggerFactory logs)
    {
        var engine = new EngineServices(options, clock);
        try
        {
            await engine.OpenAsync(logs);
            return engine;
        }
        catch (Exception e) when (e is StoreOpenException or AccountsOpenException or InvalidOperationException or FormatException or UnauthorizedAccessException or IOException)
        {
            await engine.DisposeAsync();
            throw new EngineStartException(e.Message, e);
        }
    }

    async Task OpenAsync(ILoggerFactory logs)
    {
        Io.Disk.CreateDirectory(Options.DataPath);
        MailEngine.Store.Backup.StoreRestore.Finish(Options.DataPath);   // a restore that a crash interrupted

        // The two databases do not know one another, and each takes its time: start both.
        Task<MailStore> store = MailStore.OpenAsync(Options.DataPath, Options.Store, Clock, logs.CreateLogger<MailStore>(), Options.Limits);
        try
        {
            Database = Made(await AccountsDatabase.OpenAsync(Options.DataPath, Clock, logs.CreateLogger<AccountsDatabase>()));
        }
        finally
        {
            Store = Made(await store);
        }
        Directory = Made(new AccountDirectory(Database, logs.CreateLogger<AccountDirectory>()));
        Store.DomainOf = id => AccountDomains.FindAsync(Database, id);
        Hashes = new PasswordHashes(Options.Passwords);
        Authenticator = Made(new Authenticator(Directory, Database, Hashes, Options.Limits, logs.CreateLogger<Authenticator>()));

        Hostname = new ServerName(await HostnameAsync());
        Directory.OnChange(() => _ = RefreshHostnameAsync());
        Certificates = Made(Certificates.Load(Options, Hostname.Name, Clock));
        Sessions = new SessionRegistry(Options);
        Heartbeat = Made(new Heartbeat(Clock));

        Trace = Made(new TraceLog(Options.DataPath, Clock, logs.CreateLogger<TraceLog>()));
        var senders = await SenderRewriting.OpenAsync(Database, Options.Sieve, Clock);
        Router = new Router(Directory, Options) { Senders = senders };
        Scripts = new SieveScripts(Database);
        var filter = new MailFilter(Scripts, Directory, Store, Hostname, Options, Trace, logs.CreateLogger<MailFilter>()) { Senders = senders };
        Resolver = new Resolver(Options.Dns, Clock);
        Delivery = new Delivery(Store, Trace, Clock, logs.CreateLogger<Delivery>()) { Filter = filter, Checks = new SenderChecks(Resolver, Options.Checks, Clock) };
        Queue = Made(new QueueScheduler(Store, Router, Delivery, Resolver, Trace, Hostname, Options, Clock, logs.CreateLogger<QueueScheduler>()));
        QueueControl = new QueueControl(Queue, Store, Trace, Clock);
        SystemMail = new SystemMail(Router, Delivery, Store, Hostname, Clock);

        var smtp = new SmtpServer(Router, Delivery, Store, Trace, Directory, Authenticator, Sessions, Hostname, Options, Clock, logs.CreateLogger<SmtpServer>());
        var lmtp = new LmtpServer(Router, Delivery, Store, Trace, Hostname, Options, Clock, logs.CreateLogger<LmtpServer>());
        var imap = Made(new ImapServer(Store, Directory, new AccountAdministration(Database), Authenticator, Sessions, Hostname, Options, Clock, logs.CreateLogger<ImapServer>())
        {
            Events = new MailEvents(filter, Delivery, Directory, Store, Options, Clock),
        });
        var pop3 = Made(new Pop3Server(Store, Directory, Authenticator, Sessions, Hostname, Options, Clock, logs.CreateLogger<Pop3Server>()));
        var manageSieve = Made(new ManageSieveServer(Scripts, Directory, Authenticator, Sessions, Options, Clock, logs.CreateLogger<ManageSieveServer>()));
        Doors = new Dictionary<MailProtocol, ProtocolDoor>
        {
            [MailProtocol.Smtp] = smtp.Door,
            [MailProtocol.Submission] = smtp.SubmissionDoor,
            [MailProtocol.Lmtp] = lmtp.Door,
            [MailProtocol.Imap] = imap.Door,
            [MailProtocol.Pop3] = pop3.Door,
            [MailProtocol.ManageSieve] = manageSieve.Door,
        };
        Listeners = new MailListeners(Options, Certificates, Sessions, Heartbeat, logs.CreateLogger<MailListeners>());
    }

    /// <summary>Gives the panel and the command line what they work on.</summary>
    public void AddTo(IServiceCollection services)
    {
        services.AddSingleton(Options);
        services.AddSingleton(Clock);
        services.AddSingleton(Database);
        services.AddSingleton(Directory);
        services.AddSingleton(Hashes);
        services.AddSingleton(Authenticator);
        services.AddSingleton(Store);
        services.AddSingleton(Hostname);
        services.AddSingleton(Certificates);
        services.AddSingleton(Sessions);
        services.AddSingleton(Trace);
        services.AddSingleton(QueueControl);
        services.AddSingleton(SystemMail);
        services.AddSingleton(Listeners);
        services.AddSingleton(this);
        services.AddHostedService<EngineHost>();
    }

    public async ValueTask DisposeAsync()
    {
        while (_made.TryPop(out object? last))
        {
            if (last is IAsyncDisposable later)
                await later.DisposeAsync();
            else
                (last as IDisposable)?.Dispose();
        }
    }

    T Made<T>(T part) where T : notnull
    {
        _made.Push(part);
        return part;
    }

    /// <summary>The setting, else the name given at set-up, else the machine's.</summary>
    async Task<string> HostnameAsync() =>
        Options.Hostname is { Length: > 0 } set ? set
        : await Directory.FindSettingAsync(Setting.Hostname, default) is { Length: > 0 } stored ? stored
        : System.Net.Dns.GetHostName();

    async Task RefreshHostnameAsync()
    {
        try
        {
            Hostname.Name = await HostnameAsync();
        }
        catch (DirectoryUnavailableException)
        {
            // The name stays what it was; the next change asks again.
        }
    }
}
