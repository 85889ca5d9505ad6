namespace MailAdmin.Web;

static partial class ServerLog
{
    [LoggerMessage(3101, LogLevel.Warning, "{Setting}")]
    public static partial void Setting(ILogger log, string setting);
}
