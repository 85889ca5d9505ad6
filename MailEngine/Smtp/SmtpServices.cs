using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Net;
using MailEngine.Sasl;
using Microsoft.Extensions.Logging;

namespace MailEngine.Smtp;

/// <summary>What SMTP sessions use.</summary>
sealed record SmtpServices(
    EngineOptions Options, ServerName Hostname, Reception Reception, AccountDirectory Directory, Authenticator Authenticator, SessionRegistry Sessions,
    TimeProvider Clock, ILogger Log);
