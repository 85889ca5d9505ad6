using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using MailEngine.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace MailEngine.Net;

/// <summary>How a protocol serves connections: what the listeners know of SMTP, LMTP or IMAP.</summary>
/// <param name="Serve">Runs one session to its end. TLS is on already where the listener has it from the first byte.
/// Lost connections may be thrown out of it; anything else thrown is logged as a fault.</param>
/// <param name="TooManyConnections">Greeting of a refused connection, whole line with CRLF: 421 or BYE.</param>
public sealed record ProtocolDoor(Func<Connection, Task> Serve, ReadOnlyMemory<byte> TooManyConnections);

/// <summary>A mail port that is open.</summary>
/// <param name="EndPoint">With the port that the system chose where port 0 was asked for.</param>
public sealed record BoundListener(ListenerOptions Listener, EndPoint EndPoint);

/// <summary>The mail ports: Kestrel endpoints that hand each connection to its protocol.</summary>
public sealed class MailListeners(
    EngineOptions options, Certificates certificates, SessionRegistry sessions, Heartbeat heartbeat, ILogger<MailListeners> log)
{
    // sun_path holds 108 bytes with its NUL.
    const int LongestSocketPath = 107;
    readonly List<(ListenerOptions Listener, ListenOptions Endpoint)> _endpoints = [];

    /// <summary>The open ports; right once the host has started.</summary>
    public IReadOnlyList<BoundListener> Bound => [.. _endpoints.Select(e => new BoundListener(e.Listener, e.Endpoint.EndPoint))];

    /// <summary>The addresses of <c>Mail:Listen</c>; without it the machine's loopback addresses.</summary>
    /// <exception cref="FormatException">One is not an IP address; the text names it.</exception>
    public IEnumerable<IPAddress> Addresses =>
        options.Listen.Count > 0 ? options.Listen.Select(ParseAddress)
        : HasIPv6Loopback() ? [IPAddress.Loopback, IPAddress.IPv6Loopback]
        : [IPAddress.Loopback];

    /// <summary>The port of the first listener of its kind. For tests, where the system chooses ports.</summary>
    public int PortOf(MailProtocol protocol, bool implicitTls = false) =>
        _endpoints.First(e => e.Listener.Protocol == protocol && e.Listener.ImplicitTls == implicitTls && e.Endpoint.IPEndPoint is not null)
            .Endpoint.IPEndPoint!.Port;

    /// <summary>Adds every listener of the settings whose protocol has a door.</summary>
    /// <exception cref="FormatException">A listen address is not an IP address; the text names it.</exception>
    public void Configure(KestrelServerOptions kestrel, IReadOnlyDictionary<MailProtocol, ProtocolDoor> doors)
    {
        foreach (ListenerOptions listener in options.EffectiveListeners())
        {
            if (!doors.TryGetValue(listener.Protocol, out ProtocolDoor? door))
                continue;
            foreach (IPAddress address in AddressesOf(listener))
                kestrel.Listen(address, listener.Port, endpoint => Attach(endpoint, listener, door));
        }
        if (doors.TryGetValue(MailProtocol.Lmtp, out ProtocolDoor? lmtp) && options.EffectiveListeners().Any(l => l.Protocol == MailProtocol.Lmtp))
            ListenOnUnixSocket(kestrel, Path.GetFullPath(Path.Combine(options.DataPath, "lmtp.sock")), lmtp);
    }

    void ListenOnUnixSocket(KestrelServerOptions kestrel, string path, ProtocolDoor door)
    {
        if (Encoding.UTF8.GetByteCount(path) > LongestSocketPath)
        {
            NetLog.SocketPathTooLong(log, path, LongestSocketPath);
            return;
        }
        RemoveStaleSocket(path);
        kestrel.ListenUnixSocket(path, endpoint => Attach(endpoint, new ListenerOptions { Protocol = MailProtocol.Lmtp }, door));
    }

    // A server that was killed leaves its socket file behind, and bind() refuses an existing one. One that still answers is
    // left in place, so that bind fails with "address in use".
    static void RemoveStaleSocket(string path)
    {
        if (!File.Exists(path))
            return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
        }
    }

    void Attach(ListenOptions endpoint, ListenerOptions listener, ProtocolDoor door)
    {
        _endpoints.Add((listener, endpoint));
        endpoint.Run(context => ServeAsync(context, listener, door));
    }

    async Task ServeAsync(ConnectionContext context, ListenerOptions listener, ProtocolDoor door)
    {
        var connection = new Connection(context, listener, heartbeat, certificates);
        connection.Expect(TimeSpan.FromSeconds(30));
        heartbeat.Watch(connection);
        bool counted = sessions.TryAdd(connection);
        try
        {
            if (!counted)
            {
                NetLog.TooMany(log, listener.Protocol, connection.RemoteText);
                if (!listener.ImplicitTls)
                    await connection.Output.WriteAsync(door.TooManyConnections, connection.Closed);
                return;
            }
            NetLog.Opened(log, connection.Id, listener.Protocol, connection.RemoteText);
            if (listener.ImplicitTls && !await connection.UpgradeToTlsAsync(default, connection.Closed))
            {
                NetLog.HandshakeFailed(log, connection.Id, listener.Protocol, connection.RemoteText);
                return;
            }
            // Kestrel asks connections to end before it stops: the session then says 421 or BYE.
            var lifetime = context.Features.Get<Microsoft.AspNetCore.Connections.Features.IConnectionLifetimeNotificationFeature>();
            using CancellationTokenRegistration stopping = lifetime?.ConnectionClosedRequested.UnsafeRegister(
                static c => ((Connection)c!).End(EndReason.Stopping), connection) ?? default;
            await door.Serve(connection);
        }
        catch (Exception e) when (Connection.IsLostConnection(e))
        {
            NetLog.Lost(log, e, connection.Id, listener.Protocol);   // nobody is left to answer
        }
        catch (Exception e)
        {
            NetLog.Failed(log, e, connection.Id, listener.Protocol);
        }
        finally
        {
            await connection.CloseAsync();
            heartbeat.Forget(connection);
            if (counted)
                sessions.Remove(connection);
        }
    }

    IEnumerable<IPAddress> AddressesOf(ListenerOptions listener)
    {
        if (listener.Address is { } one)
            return [ParseAddress(one)];
        return Addresses;
    }

    static IPAddress ParseAddress(string text) => text switch
    {
        "*" => IPAddress.IPv6Any,
        "localhost" => IPAddress.Loopback,
        _ => IPAddress.TryParse(text, out IPAddress? address)
            ? address
            : throw new FormatException($"Mail:Listen \"{text}\" is not an IP address; right are 0.0.0.0, :: or an address of this machine."),
    };

    // The kernel may know IPv6 while no interface has an address: ask for the address, not for the protocol.
    static bool HasIPv6Loopback() => Socket.OSSupportsIPv6 && NetworkInterface.GetAllNetworkInterfaces()
        .Any(i => i.GetIPProperties().UnicastAddresses.Any(a => a.Address.Equals(IPAddress.IPv6Loopback)));
}
