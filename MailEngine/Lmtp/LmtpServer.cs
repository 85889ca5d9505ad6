using MailEngine.Flow;
using MailEngine.Net;
using MailEngine.Store;
using Microsoft.Extensions.Logging;

namespace MailEngine.Lmtp;

/// <summary>What LMTP sessions use.</summary>
sealed record LmtpServices(EngineOptions Options, ServerName Hostname, Reception Reception, TimeProvider Clock, ILogger Log);

/// <summary>The LMTP door: mail from another mail server on this host, each recipient answered for itself. RFC 2033</summary>
public sealed class LmtpServer(
    Router router, Delivery delivery, MailStore store, TraceLog trace, ServerName hostname, EngineOptions options, TimeProvider clock, ILogger<LmtpServer> log)
{
    readonly LmtpServices _services = new(
        options, hostname, new Reception(router, delivery, store, trace, hostname, options, clock, log), clock, log);

    public ProtocolDoor Door => new(
        connection => new LmtpSession(connection, _services).RunAsync(), "421 4.7.0 Too many connections\r\n"u8.ToArray());
}
