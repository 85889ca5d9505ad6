using MailEngine.Addresses;

namespace MailEngine.Dns;

/// <summary>Where mail for a domain goes.</summary>
/// <param name="Status">Failed: try later. NoSuchName: the domain does not exist, return the mail.</param>
/// <param name="IsNull">"MX 0 .": the domain takes no mail at all. RFC 7505 §3</param>
/// <param name="Hosts">In the order to try; with their preference.</param>
public sealed record MailExchangers(DnsStatus Status, bool IsNull, IReadOnlyList<(ushort Preference, DomainName Host)> Hosts)
{
    const int Most = 20;   // attack case A20: a hundred MX records are a trap, not a mail service

    /// <summary>Finds them: MX by preference, equals in random order; without MX the domain itself. RFC 5321 §5.1</summary>
    public static async ValueTask<MailExchangers> FindAsync(Resolver resolver, DomainName domain, CancellationToken ct)
    {
        DnsAnswer answer = await resolver.AskAsync(domain, DnsType.Mx, ct);
        switch (answer.Status)
        {
            case DnsStatus.Failed or DnsStatus.NoSuchName:
                return new MailExchangers(answer.Status, false, []);
            case DnsStatus.NoData:
                return new MailExchangers(DnsStatus.Ok, false, [(0, domain)]);
        }
        var found = new List<(ushort Preference, DomainName Host)>();
        bool isNull = false;
        foreach (DnsRecord record in answer.Records)
        {
            var mx = (DnsRecord.Mx)record;
            if (mx.Exchange.Length == 0)
                isNull = true;
            else if (DomainName.TryParse(mx.Exchange, out DomainName host))
                found.Add((mx.Preference, host));
        }
        if (found.Count == 0)
            return new MailExchangers(isNull ? DnsStatus.Ok : DnsStatus.Failed, isNull, []);
        (ushort Preference, DomainName Host)[] hosts = [.. found];
        Random.Shared.Shuffle(hosts);
        hosts = [.. hosts.OrderBy(h => h.Preference)];   // a stable sort: equals stay shuffled
        return new MailExchangers(DnsStatus.Ok, false, hosts.Length > Most ? hosts[..Most] : hosts);
    }
}
