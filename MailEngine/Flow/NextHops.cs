using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using MailEngine.Addresses;
using MailEngine.Dns;
using MailEngine.Net;

namespace MailEngine.Flow;

/// <summary>How the next hop of a recipient is found. Rows with the same one share connections.</summary>
/// <param name="Kind">What <paramref name="Name"/> is.</param>
/// <param name="Name">A domain (MX), host or host:port, or empty for the relay hosts of the settings.</param>
readonly record struct NextHop(NextHop.By Kind, string Name)
{
    public enum By
    {
        /// <summary>Into a mailbox here.</summary>
        Local,
        Mx,
        Host,
        Relayhosts,
    }
}

/// <summary>A host to try, or why there is none.</summary>
readonly record struct HopStep(OutboundTarget? Target, Reply? Refusal);

/// <summary>Finds the hosts for a next hop, in the order to try. RFC 5321 §5.1</summary>
sealed class NextHops(Resolver resolver, EngineOptions options, ServerName hostname)
{
    static readonly Reply s_dnsFailed = new(451, "4.4.3", "The name servers do not answer");
    static readonly Reply s_noDomain = new(550, "5.1.2", "The domain does not exist");
    static readonly Reply s_nullMx = new(556, "5.1.10", "The domain takes no mail");   // RFC 7505 §4.2
    static readonly Reply s_noHost = new(550, "5.4.4", "No mail host of the domain has an address");
    static readonly Reply s_ourselves = new(554, "5.4.6", "Mail for the domain leads back to this server");

    public async IAsyncEnumerable<HopStep> FindAsync(NextHop hop, [EnumeratorCancellation] CancellationToken ct)
    {
        Reply? trouble = null;
        bool any = false;
        await foreach ((string host, int port, RelayAuthOptions? auth, Reply? refusal) in HostsAsync(hop, ct))
        {
            if (refusal is not null)
            {
                yield return new HopStep(null, refusal);
                yield break;
            }
            if (IPAddress.TryParse(host, out IPAddress? literal))
            {
                any = true;
                yield return new HopStep(new OutboundTarget(host, literal, port, auth), null);
                continue;
            }
            if (!DomainName.TryParse(host, out DomainName name))
                continue;
            (DnsStatus status, IReadOnlyList<IPAddress> addresses) = await resolver.AddressesAsync(name, ct);
            if (status == DnsStatus.Failed)
                trouble = s_dnsFailed;
            foreach (IPAddress address in addresses)
            {
                any = true;
                yield return new HopStep(new OutboundTarget(name.Value, address, port, auth), null);
            }
        }
        // A relay host without an address is a mistake in the settings or of the moment: the mail waits.
        if (!any)
            yield return new HopStep(null, trouble ?? (hop.Kind == NextHop.By.Mx ? s_noHost : s_dnsFailed));
    }

    async IAsyncEnumerable<(string Host, int Port, RelayAuthOptions? Auth, Reply? Refusal)> HostsAsync(
        NextHop hop, [EnumeratorCancellation] CancellationToken ct)
    {
        if (hop.Kind == NextHop.By.Relayhosts)
        {
            foreach (string relayhost in options.Relayhosts)
            {
                (string host, int port) = SplitPort(relayhost, 25);
                RelayAuthOptions? auth = options.RelayAuth.TryGetValue(relayhost, out RelayAuthOptions? found) ? found : null;
                yield return (host, port, auth, null);
            }
            yield break;
        }
        if (hop.Kind == NextHop.By.Host)
        {
            (string host, int port) = SplitPort(hop.Name, 25);
            yield return (host, port, null, null);
            yield break;
        }
        MailExchangers exchangers = await MailExchangers.FindAsync(resolver, DomainName.Parse(hop.Name), ct);
        if (exchangers.Status != DnsStatus.Ok || exchangers.IsNull)
        {
            yield return ("", 0, null, exchangers.IsNull ? s_nullMx : exchangers.Status == DnsStatus.Failed ? s_dnsFailed : s_noDomain);
            yield break;
        }
        // Where we are one of the hosts ourselves, only better ones may be tried: RFC 5321 §5.1.
        int own = int.MaxValue;
        foreach ((ushort preference, DomainName host) in exchangers.Hosts)
        {
            if (host.Value.Equals(hostname.Name, StringComparison.OrdinalIgnoreCase))
                own = Math.Min(own, preference);
        }
        bool any = false;
        foreach ((ushort preference, DomainName host) in exchangers.Hosts)
        {
            if (preference >= own)
                continue;
            any = true;
            yield return (host.Value, options.Queue.Port, null, null);
        }
        if (!any)
            yield return ("", 0, null, s_ourselves);
    }

    /// <summary>host, host:port, [IPv6]:port.</summary>
    internal static (string Host, int Port) SplitPort(string text, int usual)
    {
        if (text.StartsWith('[') && text.IndexOf(']', StringComparison.Ordinal) is var close and > 0)
        {
            return close + 1 < text.Length && text[close + 1] == ':' && TryPort(text[(close + 2)..], out int port6)
                ? (text[1..close], port6)
                : (text[1..close], usual);
        }
        int colon = text.LastIndexOf(':');
        return colon > 0 && text.IndexOf(':', StringComparison.Ordinal) == colon && TryPort(text[(colon + 1)..], out int port)
            ? (text[..colon], port)
            : (text, usual);

        static bool TryPort(string digits, out int value) =>
            int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value is > 0 and < 65536;
    }
}
