using Microsoft.Extensions.Logging;

namespace MailEngine.Accounts;

static partial class AccountsLog
{
    [LoggerMessage(1101, LogLevel.Information, "accounts.db: applied {Count} migrations, now at {Last}")]
    public static partial void Migrated(this ILogger log, int count, string last);

    [LoggerMessage(1102, LogLevel.Error, "accounts.db does not answer; changes made by other processes are not seen until it does: {Reason}")]
    public static partial void PollFailed(this ILogger log, string reason);

    [LoggerMessage(1103, LogLevel.Information, "accounts.db answers again")]
    public static partial void PollRecovered(this ILogger log);

    [LoggerMessage(1104, LogLevel.Error, "directory look-up failed: {Reason}")]
    public static partial void LookUpFailed(this ILogger log, string reason);

    [LoggerMessage(1105, LogLevel.Error, "a listener to directory changes failed")]
    public static partial void ListenerFailed(this ILogger log, Exception exception);
}
