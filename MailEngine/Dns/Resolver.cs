using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MailEngine.Addresses;

namespace MailEngine.Dns;

/// <summary>Asks recursive name servers; remembers what they say.</summary>
/// <remarks>
/// UDP first, from a fresh random port with a random id each time (RFC 5452 §9.2), TCP when the answer is cut off. Servers are tried in
/// order, twice round. SERVFAIL, refusals and silence are <see cref="DnsStatus.Failed"/>: never taken for "there is none".
/// </remarks>
public sealed class Resolver
{
    const int MostAliases = 8;
    readonly IReadOnlyList<IPEndPoint> _servers;
    readonly TimeSpan _timeout;
    readonly DnsCache _cache;

    /// <exception cref="FormatException">A server of <c>Mail:Dns:Servers</c> is not address:port; the text names it.</exception>
    public Resolver(DnsOptions options, TimeProvider clock)
    {
        _servers = options.Servers.Count > 0 ? [.. options.Servers.Select(ParseServer)] : SystemServers();
        _timeout = options.Timeout;
        _cache = new DnsCache(clock);
    }

    /// <summary>Records of one type. Aliases are followed, at most eight. RFC 1034 §3.6.2</summary>
    public async ValueTask<DnsAnswer> AskAsync(DomainName name, DnsType type, CancellationToken ct) => await AskAsync(name.Value, type, ct);

    /// <summary>The same for a name that need not be a host's, as policies have them: any printable ASCII in its labels.</summary>
    /// <returns>What cannot stand in a question (RFC 1035 §2.3.4) is a name that does not exist.</returns>
    public async ValueTask<DnsAnswer> AskNameAsync(string name, DnsType type, CancellationToken ct) =>
        DnsMessage.CanBeAsked(name) ? await AskAsync(name.ToLowerInvariant(), type, ct) : new DnsAnswer(DnsStatus.NoSuchName, [], name);

    /// <summary>Names of an address. RFC 1035 §3.5, RFC 3596 §2.5</summary>
    public async ValueTask<DnsAnswer> AskPointerAsync(IPAddress address, CancellationToken ct) =>
        await AskAsync(ReverseName(address), DnsType.Ptr, ct);

    /// <summary>IPv6 and IPv4 addresses of a host, IPv6 first.</summary>
    /// <returns>Failed only when neither question got an answer and there is no address.</returns>
    public async ValueTask<(DnsStatus Status, IReadOnlyList<IPAddress> Addresses)> AddressesAsync(DomainName host, CancellationToken ct)
    {
        ValueTask<DnsAnswer> asked = AskAsync(host.Value, DnsType.Aaaa, ct);
        DnsAnswer four = await AskAsync(host.Value, DnsType.A, ct);
        DnsAnswer six = await asked;
        var addresses = new List<IPAddress>();
        foreach (DnsRecord record in six.Records)
            addresses.Add(((DnsRecord.Address)record).Value);
        foreach (DnsRecord record in four.Records)
            addresses.Add(((DnsRecord.Address)record).Value);
        if (addresses.Count > 0)
            return (DnsStatus.Ok, addresses);
        if (four.Status == DnsStatus.Failed || six.Status == DnsStatus.Failed)
            return (DnsStatus.Failed, addresses);
        return (four.Status, addresses);
    }

    async ValueTask<DnsAnswer> AskAsync(string name, DnsType type, CancellationToken ct)
    {
        if (_cache.Find(name, type) is { } known)
            return known;
        (DnsAnswer answer, TimeSpan time) = await FollowAsync(name, type, ct);
        if (answer.Status != DnsStatus.Failed)
            _cache.Keep(name, type, answer, time);
        return answer;
    }

    async ValueTask<(DnsAnswer Answer, TimeSpan Time)> FollowAsync(string name, DnsType type, CancellationToken ct)
    {
        var time = TimeSpan.MaxValue;
        string current = name;
        for (int alias = 0; alias <= MostAliases;)
        {
            DnsResponse? response = await AskServersAsync(current, type, ct);
            if (response is null || response.ResponseCode is not (0 or 3))
                return (DnsAnswer.Failure(current), TimeSpan.Zero);
            // A recursive server gives the whole chain; what it leaves out is asked for in another round.
            bool followed = false;
            while (FindAlias(response, current) is { } next && ++alias <= MostAliases)
            {
                time = Shorter(time, next.Ttl);
                current = next.Target;
                followed = true;
            }
            if (alias > MostAliases)
                break;
            var records = new List<DnsRecord>();
            foreach (DnsRecord record in response.Answers)
            {
                if (TypeOf(record) == type && record.Name == current)
                {
                    records.Add(record);
                    time = Shorter(time, record.Ttl);
                }
            }
            if (records.Count > 0)
                return (new DnsAnswer(DnsStatus.Ok, records, current), time);
            if (followed && response is { NegativeTtl: null, ResponseCode: 0 })
                continue;
            return (new DnsAnswer(response.ResponseCode == 3 ? DnsStatus.NoSuchName : DnsStatus.NoData, [], current),
                Shorter(time, response.NegativeTtl ?? TimeSpan.FromSeconds(30)));
        }
        return (DnsAnswer.Failure(name), TimeSpan.Zero);   // aliases without end

        DnsRecord.Pointer? FindAlias(DnsResponse response, string owner)
        {
            foreach (DnsRecord record in response.Answers)
            {
                if (type != DnsType.Cname && record is DnsRecord.Pointer { Type: DnsType.Cname } pointer && pointer.Name == owner)
                    return pointer;
            }
            return null;
        }
    }

    async ValueTask<DnsResponse?> AskServersAsync(string name, DnsType type, CancellationToken ct)
    {
        DnsResponse? failed = null;
        for (int round = 0; round < 2; round++)
        {
            foreach (IPEndPoint server in _servers)
            {
                DnsResponse? response = await AskServerAsync(server, name, type, ct);
                if (response?.ResponseCode is 0 or 3)
                    return response;
                failed = response ?? failed;
            }
        }
        return failed;
    }

    async ValueTask<DnsResponse?> AskServerAsync(IPEndPoint server, string name, DnsType type, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_timeout);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(65536 + 2);
        try
        {
            DnsResponse? response = await AskUdpAsync(server, name, type, buffer, limit.Token);
            return response is { IsTruncated: true } ? await AskTcpAsync(server, name, type, buffer, limit.Token) : response;
        }
        catch (Exception e) when (e is SocketException or IOException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    static async ValueTask<DnsResponse?> AskUdpAsync(IPEndPoint server, string name, DnsType type, byte[] buffer, CancellationToken ct)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, ct);   // only this server's packets come in, and "port unreachable" is heard
        ushort id = (ushort)RandomNumberGenerator.GetInt32(65536);
        int length = DnsMessage.WriteQuery(buffer, id, name, type);
        await socket.SendAsync(buffer.AsMemory(0, length), ct);
        while (true)
        {
            int received = await socket.ReceiveAsync(buffer, ct);
            // What is not the answer is ignored, and the wait goes on: a forger must not end it. RFC 5452 §9.1
            if (DnsMessage.TryRead(buffer.AsSpan(0, received), id, name, type, out DnsResponse? response))
                return response;
        }
    }

    // RFC 7766 §8: two octets of length before each message.
    static async ValueTask<DnsResponse?> AskTcpAsync(IPEndPoint server, string name, DnsType type, byte[] buffer, CancellationToken ct)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, ct);
        await using var stream = new NetworkStream(socket);
        ushort id = (ushort)RandomNumberGenerator.GetInt32(65536);
        int length = DnsMessage.WriteQuery(buffer.AsSpan(2), id, name, type);
        BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)length);
        await stream.WriteAsync(buffer.AsMemory(0, length + 2), ct);
        await stream.ReadExactlyAsync(buffer.AsMemory(0, 2), ct);
        int size = BinaryPrimitives.ReadUInt16BigEndian(buffer);
        await stream.ReadExactlyAsync(buffer.AsMemory(0, size), ct);
        return DnsMessage.TryRead(buffer.AsSpan(0, size), id, name, type, out DnsResponse? response) && response is { IsTruncated: false }
            ? response
            : null;
    }

    static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;

    static DnsType TypeOf(DnsRecord record) => record switch
    {
        DnsRecord.Address { Value.AddressFamily: AddressFamily.InterNetwork } => DnsType.A,
        DnsRecord.Address => DnsType.Aaaa,
        DnsRecord.Mx => DnsType.Mx,
        DnsRecord.Text => DnsType.Txt,
        DnsRecord.Pointer pointer => pointer.Type,
        _ => 0,
    };

    static string ReverseName(IPAddress address)
    {
        byte[] bytes = address.GetAddressBytes();
        Array.Reverse(bytes);
        return address.AddressFamily == AddressFamily.InterNetwork
            ? string.Join('.', bytes) + ".in-addr.arpa"
            : string.Join('.', bytes.Select(b => FormattableString.Invariant($"{b & 0xF:x}.{b >> 4:x}"))) + ".ip6.arpa";
    }

    static IPEndPoint ParseServer(string text) =>
        IPEndPoint.TryParse(text, out IPEndPoint? server)
            ? server.Port == 0 ? new IPEndPoint(server.Address, 53) : server
            : throw new FormatException($"Mail:Dns:Servers \"{text}\" is not a name server; right is 192.0.2.1:53 or [2001:db8::1]:53.");

    // resolv.conf(5): "nameserver ADDRESS", at most three; without any, the one on this host.
    static List<IPEndPoint> SystemServers()
    {
        var servers = new List<IPEndPoint>();
        try
        {
            foreach (string line in File.ReadLines("/etc/resolv.conf"))
            {
                string[] words = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
                if (words is ["nameserver", var address, ..] && IPAddress.TryParse(address, out IPAddress? parsed) && servers.Count < 3)
                    servers.Add(new IPEndPoint(parsed, 53));
            }
        }
        catch (IOException)
        {
            // No such file: as if it were empty.
        }
        return servers.Count > 0 ? servers : [new IPEndPoint(IPAddress.Loopback, 53)];
    }
}
