using System.Net;
using System.Net.Sockets;

namespace MailEngine.Sasl;

/// <summary>What counts as one network when log-ins are counted: an IPv4 address, the first 64 bits of an IPv6 one, or this machine.</summary>
public static class LoginNetwork
{
    /// <summary>This machine: webmail and the panel's own proxy log in for everybody, so it is never shut out as a whole.</summary>
    public const string Local = "local";

    public static string Of(IPAddress? client)
    {
        if (client is null || IPAddress.IsLoopback(client))
            return Local;
        if (client.IsIPv4MappedToIPv6)
            client = client.MapToIPv4();
        if (IPAddress.IsLoopback(client))
            return Local;
        if (client.AddressFamily != AddressFamily.InterNetworkV6)
            return client.ToString();
        Span<byte> bytes = stackalloc byte[16];
        client.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes) + "/64";
    }
}
