using MailEngine.Accounts;
using MailEngine.Net;
using MailEngine.Sasl;
using Microsoft.Extensions.Logging;

namespace MailEngine.ManageSieve;

/// <summary>What sessions use.</summary>
sealed record ManageSieveServices(
    EngineOptions Options, SieveScripts Scripts, Authenticator Authenticator, SessionRegistry Sessions, LoggedInSessions LoggedIn, TimeProvider Clock, ILogger Log);

/// <summary>The ManageSieve door: users look after their Sieve scripts. RFC 5804</summary>
public sealed class ManageSieveServer : IDisposable
{
    readonly ManageSieveServices _services;

    public ManageSieveServer(SieveScripts scripts, AccountDirectory directory, Authenticator authenticator, SessionRegistry sessions,
        EngineOptions options, TimeProvider clock, ILogger<ManageSieveServer> log)
    {
        _services = new ManageSieveServices(options, scripts, authenticator, sessions,
            new LoggedInSessions(directory, authenticator, MailServices.ManageSieve, log), clock, log);
    }

    public ProtocolDoor Door => new(
        connection => new ManageSieveSession(connection, _services).RunAsync(), "BYE (TRYLATER) \"Too many connections\"\r\n"u8.ToArray());

    public void Dispose() => _services.LoggedIn.Dispose();
}
