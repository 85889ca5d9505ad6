using Microsoft.Extensions.Logging;

namespace MailEngine.Imap;

/// <summary>Log lines of IMAP sessions.</summary>
static partial class ImapLog
{
    [LoggerMessage(4001, LogLevel.Error, "{Session} IMAP command {Command} failed")]
    public static partial void CommandFailed(ILogger log, Exception e, string session, string command);

    [LoggerMessage(4002, LogLevel.Information, "{Session} {Client} dropped: {Reason}")]
    public static partial void Dropped(ILogger log, string session, string client, string reason);

    [LoggerMessage(4003, LogLevel.Information, "{Session} {Client} logged in as account {AccountId}")]
    public static partial void LoggedIn(ILogger log, string session, string client, long accountId);

    [LoggerMessage(4004, LogLevel.Error, "{Session} the bytes of message UID {Uid} in mailbox {MailboxId} cannot be read")]
    public static partial void MessageLost(ILogger log, Exception e, string session, uint uid, long mailboxId);
}
