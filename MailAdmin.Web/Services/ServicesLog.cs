using MailEngine.Accounts;
using MailEngine.Store;

namespace MailAdmin.Web.Services;

static partial class ServicesLog
{
    [LoggerMessage(2101, LogLevel.Error, "store task {Kind} of account {AccountId} failed: {Error}")]
    public static partial void StoreTaskFailed(this ILogger log, StoreTaskKind kind, long accountId, StoreError error);

    [LoggerMessage(2102, LogLevel.Error, "store tasks could not be read; they are tried again")]
    public static partial void StoreTasksFailed(this ILogger log, Exception exception);

    [LoggerMessage(2103, LogLevel.Information, "set-up is done: account {AccountId} administers the server")]
    public static partial void SetupDone(this ILogger log, long accountId);

    [LoggerMessage(2105, LogLevel.Error, "a link for a new password could not be mailed")]
    public static partial void LinkNotMailed(this ILogger log, Exception exception);

    [LoggerMessage(2104, LogLevel.Error, "suspensions that are over could not be ended; they are tried again")]
    public static partial void SuspensionsFailed(this ILogger log, Exception exception);

    [LoggerMessage(2106, LogLevel.Error, "whether an open page's session may go on could not be checked; it is tried again")]
    public static partial void SessionCheckFailed(this ILogger log, Exception exception);
}
