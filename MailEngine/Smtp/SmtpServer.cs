using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Net;
using MailEngine.Sasl;
using MailEngine.Store;
using Microsoft.Extensions.Logging;

namespace MailEngine.Smtp;

/// <summary>The SMTP doors: port 25 for other servers, 587 and 465 for people. RFC 5321, RFC 6409, RFC 8314</summary>
public sealed class SmtpServer
{
    readonly SmtpServices _services;

    public SmtpServer(Router router, Delivery delivery, MailStore store, TraceLog trace, AccountDirectory directory, Authenticator authenticator,
        SessionRegistry sessions, ServerName hostname, EngineOptions options, TimeProvider clock, ILogger<SmtpServer> log)
    {
        _services = new SmtpServices(options, hostname, new Reception(router, delivery, store, trace, hostname, options, clock, log), directory, authenticator,
            sessions, clock, log);
    }

    /// <summary>Mail from other servers: no log-in, no relaying.</summary>
    public ProtocolDoor Door => DoorFor(isSubmission: false);

    /// <summary>Mail from our own accounts: nothing without log-in.</summary>
    public ProtocolDoor SubmissionDoor => DoorFor(isSubmission: true);

    ProtocolDoor DoorFor(bool isSubmission) => new(
        connection => new SmtpSession(connection, _services, isSubmission).RunAsync(), "421 4.7.0 Too many connections\r\n"u8.ToArray());
}
