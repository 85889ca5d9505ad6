using System.Globalization;
using System.Net;
using MailEngine.Addresses;

namespace MailAdmin.Web.Services;

/// <summary>A next hop as people write it: name or address, with a port or without; IPv6 addresses in brackets.</summary>
static class HostAndPort
{
    public static bool IsValid(string text)
    {
        string host = text;
        int colon = text.LastIndexOf(':');
        if (colon > text.LastIndexOf(']'))
        {
            if (!ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0)
                return false;
            host = text[..colon];
        }
        if (host.StartsWith('[') && host.EndsWith(']'))
            return IPAddress.TryParse(host[1..^1], out _);
        return !host.Contains(':', StringComparison.Ordinal) && DomainName.TryParse(host, out _);
    }
}
