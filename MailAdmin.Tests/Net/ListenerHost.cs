using MailEngine;
using MailEngine.Net;
using MailEngine.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailAdmin.Tests.Net;

/// <summary>Real listeners on free ports with a protocol of the test's own.</summary>
sealed class ListenerHost : IAsyncDisposable
{
    readonly WebApplication _app;
    readonly string _folder;

    ListenerHost(WebApplication app, string folder, MailListeners listeners, SessionRegistry sessions)
    {
        _app = app;
        _folder = folder;
        Listeners = listeners;
        Sessions = sessions;
    }

    public MailListeners Listeners { get; }
    public SessionRegistry Sessions { get; }
    public string Folder => _folder;

    public static async Task<ListenerHost> StartAsync(Func<Connection, Task> serve, Action<EngineOptions>? change = null, TimeProvider? clock = null)
    {
        string folder = Directory.CreateTempSubdirectory("net").FullName;
        var options = new EngineOptions
        {
            DataPath = folder,
            Listeners =
            [
                new ListenerOptions { Protocol = MailProtocol.Smtp },
                new ListenerOptions { Protocol = MailProtocol.Submission, ImplicitTls = true },
                new ListenerOptions { Protocol = MailProtocol.Lmtp },
            ],
            Listen = ["127.0.0.1"],
        };
        change?.Invoke(options);
        var sessions = new SessionRegistry(options);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        clock ??= TimeProvider.System;
        var heartbeat = new Heartbeat(clock);
        builder.Services.AddSingleton(heartbeat);
        MailListeners? listeners = null;
        var door = new ProtocolDoor(serve, "421 4.7.0 Too many connections\r\n"u8.ToArray());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            listeners = new MailListeners(options, Certificates.Load(options, "mail.example.test", TimeProvider.System), sessions, heartbeat,
                kestrel.ApplicationServices.GetRequiredService<ILogger<MailListeners>>());
            listeners.Configure(kestrel, new Dictionary<MailProtocol, ProtocolDoor>
            {
                [MailProtocol.Smtp] = door,
                [MailProtocol.Submission] = door,
                [MailProtocol.Lmtp] = door,
            });
        });
        WebApplication app = builder.Build();
        await app.StartAsync();
        return new ListenerHost(app, folder, listeners!, sessions);
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
