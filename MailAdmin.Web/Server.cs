using MailAdmin.Web.Cli;
using MailEngine;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MailAdmin.Web;

/// <summary>The one process: reads the settings, opens the engine, hosts mail ports and panel in one web server, stops them in order.</summary>
public static class Server
{
    /// <summary>Time for running commands and the commit in progress after SIGTERM, before sessions are told to end.</summary>
    static readonly TimeSpan s_stopTime = TimeSpan.FromSeconds(30);

    /// <returns>Exit code: 0 ended in order, 2 wrong settings; or that of the command, when <paramref name="args"/> hold one.</returns>
    /// <exception cref="EngineStartException">It could not start; one line for the operator.</exception>
    public static async Task<int> RunAsync(string[] args)
    {
        WebApplicationBuilder builder = Builder(args);
        if (await CommandLine.RunAsync(args, builder.Configuration) is { } exitCode)
            return exitCode;
        IReadOnlyList<string> errors = [.. ReadOptions(builder.Configuration, out EngineOptions options), .. EngineOptionsCheck.Check(options)];
        if (errors.Count > 0)
        {
            foreach (string error in errors)
                await Console.Error.WriteLineAsync(error);
            return 2;
        }
        using ILoggerFactory logs = Logs(builder.Configuration);
        foreach (string warning in EngineOptionsCheck.Warnings(options))
            ServerLog.Setting(logs.CreateLogger(typeof(Server)), warning);
        await using EngineServices engine = await EngineServices.OpenAsync(options, TimeProvider.System, logs);
        await using WebApplication app = Build(builder, engine, logs);
        await StartAsync(app);
        await AnnounceAsync(app, engine);
        // What only the start needed is given back: a server may then be idle for hours, without a collection.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        await app.WaitForShutdownAsync();
        return 0;
    }

    /// <summary>Settings and static files stand beside the binary; data/ and other relative paths are taken from the working directory.</summary>
    public static WebApplicationBuilder Builder(string[] args)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            ContentRootPath = AppContext.BaseDirectory,
            ApplicationName = typeof(Server).Assembly.GetName().Name,   // under a test host too: the lists of static files bear this name
        });
        builder.WebHost.UseStaticWebAssets();
        return builder;
    }

    /// <summary>Binds <c>Mail:</c>.</summary>
    /// <returns>What is wrong with it: a line each, with the setting, its value and what would be right.</returns>
    public static IReadOnlyList<string> ReadOptions(IConfiguration configuration, out EngineOptions options)
    {
        options = new EngineOptions();
        try
        {
            configuration.GetSection("Mail").Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
        }
        catch (InvalidOperationException fault)
        {
            string reason = fault.InnerException is { } inner ? $"{fault.Message} {inner.Message}" : fault.Message;
            return [$"Settings: {reason.ReplaceLineEndings(" ")} Compare appsettings.json and the Mail__ variables with the README."];
        }
        return [];
    }

    /// <summary>One log for the engine, which opens before the host is built, and for the host.</summary>
    static ILoggerFactory Logs(ConfigurationManager configuration) => LoggerFactory.Create(log => log
        .AddConfiguration(configuration.GetSection("Logging"))
        .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None)               // a failed start is our one line, not its stack trace
        .AddFilter("Microsoft.AspNetCore.DataProtection.KeyManagement", LogLevel.Error)       // keys lie in the data folder, mode 0700, by design
        .AddSimpleConsole(Format));

    /// <summary>The application, ready to start.</summary>
    public static WebApplication Build(WebApplicationBuilder builder, EngineServices engine, ILoggerFactory logs)
    {
        builder.Services.AddSingleton(logs);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = s_stopTime);
        engine.AddTo(builder.Services);
        builder.Services.AddPanel(engine.Options.DataPath);
        builder.Services.AddHostedService<ControlServer>();
        var panel = new PanelEndpoints();
        builder.Services.AddSingleton(panel);
        // What a client sent is worked on where it was received, not handed to a second thread: nothing here holds that thread for long.
        // A buffer is taken before there is something to read: a system call less each time, for 4 kB a connection.
        builder.WebHost.UseSockets(sockets => (sockets.UnsafePreferInlineScheduling, sockets.WaitForDataBeforeAllocatingBuffer) = (true, false));
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, engine, panel));
        WebApplication app = builder.Build();
        app.MapPanel();
        return app;
    }

    /// <summary>Opens all ports.</summary>
    /// <exception cref="EngineStartException">A port is taken or forbidden.</exception>
    public static async Task StartAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync();
        }
        catch (IOException fault) when (fault.InnerException is AddressInUseException)
        {
            throw new EngineStartException($"{fault.Message.TrimEnd('.')}. Stop the program that has it ('ss -ltnp' names it), or change Mail:PortOffset, Mail:PanelPort or Mail:Listeners.", fault);
        }
        catch (Exception fault) when (fault is IOException or System.Net.Sockets.SocketException or FormatException or UnauthorizedAccessException)
        {
            throw new EngineStartException($"{fault.Message.TrimEnd('.')}. Check Mail:Listen, Mail:PortOffset and the right to open ports below 1024.", fault);
        }
    }

    static void Listen(KestrelServerOptions kestrel, EngineServices engine, PanelEndpoints panel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = engine.Options.Limits.Connections;
        kestrel.Limits.MaxResponseBufferSize = 256 << 10;   // a session writes its next pieces while one is being sent
        panel.Listen(kestrel, engine);
        engine.Listeners.Configure(kestrel, engine.Doors);
    }

    /// <summary>One line with the set-up link while nobody can log in yet; otherwise where the panel is.</summary>
    static async Task AnnounceAsync(WebApplication app, EngineServices engine)
    {
        string panel = app.Services.GetRequiredService<PanelEndpoints>().Local?.ToString().TrimEnd('/') ?? "(off: Mail:PanelPort)";
        var setup = app.Services.GetRequiredService<Services.SetupService>();
        Console.WriteLine(await setup.IsNeededAsync(default)
            ? $"Set up MailAdmin here, once: {panel}/setup?token={await setup.NewTokenAsync(default)}"
            : $"MailAdmin {engine.Hostname} is running; its panel is at {panel}/");
    }

    static void Format(Microsoft.Extensions.Logging.Console.SimpleConsoleFormatterOptions format)
    {
        format.SingleLine = true;
        format.UseUtcTimestamp = true;
        format.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
    }
}
