using Microsoft.Extensions.Logging;

namespace MailEngine.Flow;

/// <summary>Log lines of the way of mail: acceptance, queue, outbound, trace.</summary>
static partial class FlowLog
{
    [LoggerMessage(2401, LogLevel.Information, "{MessageKey} accepted from {Peer}: <{ReversePath}>, {Recipients} recipients, {Octets} octets")]
    public static partial void Accepted(ILogger log, string messageKey, string peer, string reversePath, int recipients, long octets);

    [LoggerMessage(2402, LogLevel.Warning, "{MessageKey} not kept: {Error}")]
    public static partial void NotKept(ILogger log, string messageKey, Store.StoreError error);

    [LoggerMessage(2403, LogLevel.Warning, "{Count} trace events lost: {Reason}")]
    public static partial void TraceLost(ILogger log, int count, string reason);

    [LoggerMessage(2410, LogLevel.Information, "{MessageKey} sent to <{Recipient}> by {Host}: {Reply}")]
    public static partial void Sent(ILogger log, string messageKey, string recipient, string host, string reply);

    [LoggerMessage(2411, LogLevel.Information, "{MessageKey} deferred for <{Recipient}> until {Next:u}: {Reply}")]
    public static partial void Deferred(ILogger log, string messageKey, string recipient, DateTimeOffset next, string reply);

    [LoggerMessage(2412, LogLevel.Information, "{MessageKey} failed for <{Recipient}>: {Reply}")]
    public static partial void Bounced(ILogger log, string messageKey, string recipient, string reply);

    [LoggerMessage(2413, LogLevel.Error, "Queue loop failed; it goes on")]
    public static partial void QueueFailed(ILogger log, Exception e);

    [LoggerMessage(2414, LogLevel.Warning, "{Host}: TLS failed ({Reason}); sending in the clear")]
    public static partial void TlsFellBack(ILogger log, string host, string reason);

    [LoggerMessage(2417, LogLevel.Error, "{MessageKey} cannot be read from the queue: {Reason} Run 'store check'")]
    public static partial void MessageUnreadable(ILogger log, string messageKey, string reason);

    [LoggerMessage(2416, LogLevel.Warning, "{MessageKey}: the report to <{Recipient}> is lost: {Reply}")]
    public static partial void ReportLost(ILogger log, string messageKey, string recipient, string reply);

    [LoggerMessage(2419, LogLevel.Information, "{MessageKey}: no report to <{Recipient}>: {Why}")]
    public static partial void ReportWithheld(ILogger log, string messageKey, string recipient, string why);

    [LoggerMessage(2418, LogLevel.Information, "{MessageKey}: the Sieve script of account {AccountId} ended with a fault; the mail is kept")]
    public static partial void ScriptFailed(ILogger log, string messageKey, long accountId);

    [LoggerMessage(2415, LogLevel.Information, "Queue holds {Count} recipients")]
    public static partial void QueueLoaded(ILogger log, int count);
}
