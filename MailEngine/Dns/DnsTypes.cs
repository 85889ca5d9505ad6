using System.Net;

namespace MailEngine.Dns;

/// <summary>Record types that mail needs. RFC 1035 §3.2.2, RFC 3596 §2.1</summary>
public enum DnsType : ushort
{
    A = 1,
    Ns = 2,
    Cname = 5,
    Soa = 6,
    Ptr = 12,
    Mx = 15,
    Txt = 16,
    Aaaa = 28,
    Opt = 41,
}

/// <summary>How a question ended.</summary>
public enum DnsStatus
{
    /// <summary>There are records.</summary>
    Ok,
    /// <summary>The name exists, this type does not. RFC 2308 §2.2</summary>
    NoData,
    /// <summary>There is no such name. RFC 2308 §2.1</summary>
    NoSuchName,
    /// <summary>No server gave a usable answer: try later, conclude nothing.</summary>
    Failed,
}

/// <summary>One record of an answer.</summary>
public abstract record DnsRecord(string Name, TimeSpan Ttl)
{
    public sealed record Address(string Name, TimeSpan Ttl, IPAddress Value) : DnsRecord(Name, Ttl);

    public sealed record Mx(string Name, TimeSpan Ttl, ushort Preference, string Exchange) : DnsRecord(Name, Ttl);

    /// <param name="Value">All strings of the record joined; octets as Latin-1. RFC 7208 §3.3</param>
    public sealed record Text(string Name, TimeSpan Ttl, string Value) : DnsRecord(Name, Ttl);

    /// <param name="Target">Of a CNAME or a PTR.</param>
    public sealed record Pointer(string Name, TimeSpan Ttl, DnsType Type, string Target) : DnsRecord(Name, Ttl);
}

/// <summary>Answer to one question, aliases already followed.</summary>
/// <param name="Records">Of the type asked for; in the order of the answer.</param>
/// <param name="CanonicalName">The name at the end of the CNAME chain.</param>
public sealed record DnsAnswer(DnsStatus Status, IReadOnlyList<DnsRecord> Records, string CanonicalName)
{
    internal static DnsAnswer Failure(string name) => new(DnsStatus.Failed, [], name);
}
