using Microsoft.Extensions.Hosting;

namespace MailEngine;

/// <summary>Starts and ends what works by itself: the queue. Ports are the web server's: it opens them after this has started and
/// closes them, letting running commands finish, before this is stopped.</summary>
public sealed class EngineHost(EngineServices engine) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        engine.Queue.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        // Sessions that still run when the time is up are told so, and end.
        engine.Sessions.EndAll();
        return Task.CompletedTask;
    }
}
