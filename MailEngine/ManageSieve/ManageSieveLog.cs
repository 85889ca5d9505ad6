using Microsoft.Extensions.Logging;

namespace MailEngine.ManageSieve;

/// <summary>Log lines of ManageSieve sessions.</summary>
static partial class ManageSieveLog
{
    [LoggerMessage(5001, LogLevel.Error, "{Session} ManageSieve command {Command} failed")]
    public static partial void CommandFailed(ILogger log, Exception e, string session, string command);

    [LoggerMessage(5002, LogLevel.Information, "{Session} ManageSieve log-in from {Client}: account {AccountId}")]
    public static partial void LoggedIn(ILogger log, string session, string client, long accountId);
}
