using System.Net;
using MailEngine;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MailAdmin.Web;

/// <summary>The HTTP and HTTPS ports of the panel, and where a browser finds them once the server has started.</summary>
public sealed class PanelEndpoints
{
    readonly List<ListenOptions> _http = [], _https = [];

    /// <summary>Address of the panel for this machine, HTTP if it is on; null: the panel has no port.</summary>
    public Uri? Local => Of(_http, "http") ?? Of(_https, "https");

    public Uri? LocalTls => Of(_https, "https");

    internal void Listen(KestrelServerOptions kestrel, EngineServices engine)
    {
        foreach (IPAddress address in engine.Listeners.Addresses)
        {
            if (engine.Options.PanelPort >= 0)
                kestrel.Listen(address, engine.Options.PanelPort, _http.Add);
            if (engine.Options.PanelTlsPort >= 0)
            {
                kestrel.Listen(address, engine.Options.PanelTlsPort, endpoint =>
                {
                    // Asked anew for each connection: a renewed certificate needs no restart.
                    endpoint.UseHttps(https => https.ServerCertificateSelector = (_, _) => engine.Certificates.Certificate);
                    _https.Add(endpoint);
                });
            }
        }
    }

    static Uri? Of(List<ListenOptions> endpoints, string scheme)
    {
        if (endpoints.Count == 0)
            return null;
        IPEndPoint at = endpoints[0].IPEndPoint!;
        bool local = IPAddress.IsLoopback(at.Address) || at.Address.Equals(IPAddress.Any) || at.Address.Equals(IPAddress.IPv6Any);
        return new UriBuilder(scheme, local ? "localhost" : at.Address.ToString(), at.Port).Uri;
    }
}
