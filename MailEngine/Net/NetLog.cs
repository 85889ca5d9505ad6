using Microsoft.Extensions.Logging;

namespace MailEngine.Net;

/// <summary>Log lines of listeners, connections and certificates.</summary>
static partial class NetLog
{
    [LoggerMessage(1001, LogLevel.Debug, "{Session} {Protocol} connection from {Client}")]
    public static partial void Opened(ILogger log, string session, MailProtocol protocol, string client);

    [LoggerMessage(1002, LogLevel.Warning, "{Protocol} connection from {Client} refused: too many connections")]
    public static partial void TooMany(ILogger log, MailProtocol protocol, string client);

    [LoggerMessage(1003, LogLevel.Error, "{Session} {Protocol} session failed")]
    public static partial void Failed(ILogger log, Exception e, string session, MailProtocol protocol);

    [LoggerMessage(1004, LogLevel.Debug, "{Session} {Protocol} TLS handshake with {Client} failed")]
    public static partial void HandshakeFailed(ILogger log, string session, MailProtocol protocol, string client);

    [LoggerMessage(1005, LogLevel.Warning, "unix socket {Path} is not opened: the path is longer than {Most} bytes")]
    public static partial void SocketPathTooLong(ILogger log, string path, int most);

    [LoggerMessage(1006, LogLevel.Debug, "{Session} {Protocol} connection was lost")]
    public static partial void Lost(ILogger log, Exception e, string session, MailProtocol protocol);
}
