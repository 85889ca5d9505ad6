using Microsoft.Extensions.Logging;

namespace MailEngine.Smtp;

/// <summary>Log lines of SMTP sessions.</summary>
static partial class SmtpLog
{
    [LoggerMessage(3001, LogLevel.Error, "{Session} SMTP command {Command} failed")]
    public static partial void CommandFailed(ILogger log, Exception e, string session, string command);

    [LoggerMessage(3002, LogLevel.Information, "{Session} {Client} dropped: {Reason}")]
    public static partial void Dropped(ILogger log, string session, string client, string reason);

    [LoggerMessage(3003, LogLevel.Information, "{Session} {Client} logged in as account {AccountId}")]
    public static partial void LoggedIn(ILogger log, string session, string client, long accountId);
}
