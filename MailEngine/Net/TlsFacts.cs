using System.Net.Security;
using System.Security.Authentication;

namespace MailEngine.Net;

/// <summary>What was agreed in a TLS handshake; for Received fields (RFC 8314 §4.3) and for the session list.</summary>
public sealed record TlsFacts(SslProtocols Protocol, TlsCipherSuite CipherSuite)
{
    /// <summary>As RFC 8314 §4.3 and OpenSSL write it: TLSv1.3, TLSv1.2.</summary>
    public string Version => Protocol switch
    {
        SslProtocols.Tls13 => "TLSv1.3",
        SslProtocols.Tls12 => "TLSv1.2",
        _ => Protocol.ToString(),
    };
}
