using MailEngine.Accounts;
using Microsoft.Extensions.Logging;

namespace MailEngine.Sasl;

static partial class SaslLog
{
    /// <summary>One line for all failures of one name from one network since the last line.</summary>
    [LoggerMessage(1201, LogLevel.Warning, "log-in failed: user={User} network={Network} service={Service} reason={Reason} times={Count}")]
    public static partial void LoginFailed(this ILogger log, string user, string network, string service, string reason, int count);

    [LoggerMessage(1202, LogLevel.Warning, "log-in failed for {Names} more names, {Count} times in all")]
    public static partial void ManyLoginsFailed(this ILogger log, int names, int count);

    [LoggerMessage(1203, LogLevel.Error, "the log-in journal could not be written, its entries wait: {Reason}")]
    public static partial void JournalFailed(this ILogger log, string reason);

    [LoggerMessage(1204, LogLevel.Information, "account {AccountId}: password hash renewed")]
    public static partial void Rehashed(this ILogger log, long accountId);

    [LoggerMessage(1205, LogLevel.Warning, "checking the accounts of open {Service} sessions failed")]
    public static partial void RecheckFailed(this ILogger log, Exception e, MailServices service);
}
