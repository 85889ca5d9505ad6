using MailEngine.Accounts;
using MailEngine.Net;
using MailEngine.Sasl;
using Microsoft.Extensions.Logging;

namespace MailEngine.ManageSieve;

/// <summary>What sessions use.</summary>
sealed record ManageSieveServices(
    EngineOptions Options, ServerName Hostname, SieveScripts Scripts, Authenticator Authenticator, SessionRegistry Sessions, TimeProvider Clock, ILogger Log);

/// <summary>The ManageSieve door: users look after their Sieve scripts. RFC 5804</summary>
public sealed class ManageSieveServer(
    SieveScripts scripts, Authenticator authenticator, SessionRegistry sessions, ServerName hostname, EngineOptions options, TimeProvider clock, ILogger<ManageSieveServer> log)
{
    readonly ManageSieveServices _services = new(options, hostname, scripts, authenticator, sessions, clock, log);

    public ProtocolDoor Door => new(
        connection => new ManageSieveSession(connection, _services).RunAsync(), "BYE (TRYLATER) \"Too many connections\"\r\n"u8.ToArray());
}
