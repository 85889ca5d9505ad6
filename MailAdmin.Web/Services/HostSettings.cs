using MailEngine;
using MailEngine.Accounts;

namespace MailAdmin.Web.Services;

/// <summary>Settings that appsettings.json and the panel both can make; the file wins.</summary>
public sealed class HostSettings(EngineOptions options, AccountDirectory directory)
{
    /// <summary>The name this server goes by: Mail:Hostname, else the one from set-up, else the machine's.</summary>
    public async ValueTask<string> HostnameAsync(CancellationToken ct = default)
    {
        if (options.Hostname.Length > 0)
            return options.Hostname;
        return await directory.FindSettingAsync(Setting.Hostname, ct) is { Length: > 0 } set ? set : Environment.MachineName;
    }
}
