using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailEngine.Flow;

/// <summary>Writes the trace field of a message that came in. RFC 5321 §4.4</summary>
static class ReceivedField
{
    /// <returns>The whole field, folded, CRLF-ended.</returns>
    public static byte[] Write(Envelope envelope, string hostname)
    {
        var text = new StringBuilder(256);
        text.Append("Received: from ").Append(NameOf(envelope)).Append(" (").Append(AddressOf(envelope.ClientAddress)).Append(')');
        if (envelope.Tls is { } tls)   // RFC 8314 §4.3 asks to record it; the form is that of Postfix and others
            text.Append("\r\n\t(using ").Append(tls.Version).Append(" with cipher ").Append(tls.CipherSuite).Append(')');
        text.Append("\r\n\tby ").Append(hostname).Append(" with ").Append(envelope.With.ToString().ToUpperInvariant());
        text.Append(" id ").Append(envelope.MessageKey);
        // With several recipients "for" would tell each of the others: RFC 5321 §7.2.
        if (envelope.Recipients is [{ Address: { NeedsUtf8: false } only }])
            text.Append("\r\n\tfor <").Append(only).Append('>');
        text.Append(";\r\n\t").Append(MailDate.Format(envelope.ReceivedAt)).Append("\r\n");
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    static string NameOf(Envelope envelope) => envelope.ClientName.Length > 0 ? envelope.ClientName : "unknown";

    // TCP-info = address-literal. RFC 5321 §4.4, §4.1.3
    static string AddressOf(IPAddress? address) => address switch
    {
        null => "local socket",
        { AddressFamily: AddressFamily.InterNetworkV6 } => $"[IPv6:{address}]",
        _ => $"[{address}]",
    };
}
