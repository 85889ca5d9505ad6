using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Net;
using MailEngine.Sasl;
using MailEngine.Store;
using Microsoft.Extensions.Logging;

namespace MailEngine.Imap;

/// <summary>The IMAP door. RFC 3501, RFC 9051, and what <see cref="Capabilities"/> announces</summary>
public sealed class ImapServer : IDisposable
{
    ImapServices _services;

    public ImapServer(MailStore store, AccountDirectory directory, AccountAdministration administration, Authenticator authenticator, SessionRegistry sessions, ServerName hostname,
        EngineOptions options, TimeProvider clock, ILogger<ImapServer> log)
    {
        _services = new ImapServices(options, hostname, store, authenticator, sessions, new LoggedInSessions(directory, authenticator, MailServices.Imap, log),
            directory, administration, clock, log);
    }

    /// <summary>Runs scripts of mailboxes; null: none do. RFC 6785 §2.2</summary>
    internal MailEvents? Events
    {
        init => _services = _services with { Events = value };
    }

    public ProtocolDoor Door => new(
        connection => new ImapSession(connection, _services).RunAsync(), "* BYE [UNAVAILABLE] Too many connections\r\n"u8.ToArray());

    public void Dispose() => _services.LoggedIn.Dispose();
}
