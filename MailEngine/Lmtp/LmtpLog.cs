using Microsoft.Extensions.Logging;

namespace MailEngine.Lmtp;

/// <summary>Log lines of LMTP sessions.</summary>
static partial class LmtpLog
{
    [LoggerMessage(3101, LogLevel.Error, "{Session} LMTP command {Command} failed")]
    public static partial void CommandFailed(ILogger log, Exception e, string session, string command);
}
