using Microsoft.Extensions.Logging;

namespace MailEngine.Pop3;

/// <summary>Log lines of POP3 sessions.</summary>
static partial class Pop3Log
{
    [LoggerMessage(6001, LogLevel.Error, "{Session} POP3 command {Command} failed")]
    public static partial void CommandFailed(ILogger log, Exception e, string session, string command);

    [LoggerMessage(6002, LogLevel.Information, "{Session} {Client} logged in as account {AccountId}: {Messages} messages")]
    public static partial void LoggedIn(ILogger log, string session, string client, long accountId, int messages);

    [LoggerMessage(6003, LogLevel.Information, "{Session} account {AccountId} has left: {Retrieved} messages sent, {Octets} octets, {Removed} removed")]
    public static partial void Left(ILogger log, string session, long accountId, long retrieved, long octets, int removed);

    [LoggerMessage(6004, LogLevel.Error, "{Session} the bytes of message UID {Uid} in mailbox {MailboxId} cannot be read")]
    public static partial void MessageLost(ILogger log, Exception e, string session, uint uid, long mailboxId);

    [LoggerMessage(6005, LogLevel.Information, "{Session} {Client} dropped: {Reason}")]
    public static partial void Dropped(ILogger log, string session, string client, string reason);
}
