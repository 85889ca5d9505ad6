using MailEngine.Accounts;
using MailEngine.Net;
using MailEngine.Sasl;
using MailEngine.Store;
using Microsoft.Extensions.Logging;

namespace MailEngine.Pop3;

/// <summary>What sessions use.</summary>
sealed record Pop3Services(
    EngineOptions Options, ServerName Hostname, MailStore Store, Authenticator Authenticator, SessionRegistry Sessions, LoggedInSessions LoggedIn,
    MaildropAccess Access, UidlForm Uidl, TimeProvider Clock, ILogger Log);

/// <summary>The POP3 door: users fetch their mail. RFC 1939</summary>
public sealed class Pop3Server : IDisposable
{
    readonly Pop3Services _services;

    public Pop3Server(MailStore store, AccountDirectory directory, Authenticator authenticator, SessionRegistry sessions, ServerName hostname,
        EngineOptions options, TimeProvider clock, ILogger<Pop3Server> log)
    {
        _services = new Pop3Services(options, hostname, store, authenticator, sessions, new LoggedInSessions(directory, authenticator, MailServices.Pop3, log),
            new MaildropAccess(options.Pop3, clock), UidlForm.Parse(options.Pop3.Uidl), clock, log);
    }

    public ProtocolDoor Door => new(
        connection => new Pop3Session(connection, _services).RunAsync(), "-ERR [SYS/TEMP] Too many connections\r\n"u8.ToArray());

    public void Dispose() => _services.LoggedIn.Dispose();
}
