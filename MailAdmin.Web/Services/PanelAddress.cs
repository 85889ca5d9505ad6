using System.Globalization;
using MailEngine;

namespace MailAdmin.Web.Services;

/// <summary>Where people find the panel, for links that are mailed or shown.</summary>
/// <remarks>From the settings alone: the host name of a request is whatever a stranger wrote into it, and a link that leads to him would hand him
/// the password of whoever follows it.</remarks>
public sealed class PanelAddress(EngineOptions options, HostSettings hosts)
{
    /// <param name="path">From the root, with its query.</param>
    public async ValueTask<string> LinkAsync(string path, CancellationToken ct = default)
    {
        if (options.PanelUrl.Length > 0)
            return options.PanelUrl.TrimEnd('/') + path;
        string host = await hosts.HostnameAsync(ct);
        (string scheme, int port, int usual) = options.PanelTlsPort < 0 && options.PanelPort >= 0 ? ("http", options.PanelPort, 80) : ("https", options.PanelTlsPort, 443);
        return port < 0 || port == usual ? $"{scheme}://{host}{path}" : string.Create(CultureInfo.InvariantCulture, $"{scheme}://{host}:{port}{path}");
    }

    internal ValueTask<string> OneTimeAsync(string token, CancellationToken ct) => LinkAsync("/login/link?token=" + token, ct);
}
