namespace MailAdmin.Web;

static partial class ServerLog
{
    [LoggerMessage(2301, LogLevel.Warning, "{Setting}")]
    public static partial void Setting(ILogger log, string setting);
}
