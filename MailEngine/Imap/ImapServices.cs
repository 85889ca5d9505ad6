using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Net;
using MailEngine.Sasl;
using MailEngine.Store;
using Microsoft.Extensions.Logging;

namespace MailEngine.Imap;

/// <summary>What IMAP sessions use.</summary>
sealed record ImapServices(
    EngineOptions Options, ServerName Hostname, MailStore Store, Authenticator Authenticator, SessionRegistry Sessions, LoggedInSessions LoggedIn,
    AccountDirectory Directory, AccountAdministration Administration, TimeProvider Clock, ILogger Log)
{
    /// <summary>Null: no scripts run for what is done here.</summary>
    public MailEvents? Events { get; init; }
}
