using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MailEngine.Dns;

namespace MailAdmin.Tests.Rig;

/// <summary>A small name server on 127.0.0.1, UDP and TCP on one port, with the records a test gives it.</summary>
sealed class DnsServer : IDisposable
{
    readonly Socket _udp;
    readonly TcpListener _tcp;
    readonly CancellationTokenSource _stop = new();
    readonly ConcurrentDictionary<(string Name, DnsType Type), List<(DnsType Type, string Owner, byte[] Data)>> _records = new();
    readonly ConcurrentDictionary<string, int> _codes = new();
    int _questions;

    public DnsServer()
    {
        (_tcp, _udp) = Bind();
        EndPoint = (IPEndPoint)_tcp.LocalEndpoint;
        _ = Task.Run(ServeUdpAsync);
        _ = Task.Run(ServeTcpAsync);
    }

    // A port that is free for TCP may be one that some resolver asks from by UDP.
    static (TcpListener Tcp, Socket Udp) Bind()
    {
        while (true)
        {
            var tcp = new TcpListener(IPAddress.Loopback, 0);
            tcp.Start();
            var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                udp.Bind(tcp.LocalEndpoint);
                return (tcp, udp);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                udp.Dispose();
                tcp.Dispose();
            }
        }
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>For <c>Mail:Dns:Servers</c>.</summary>
    public string Address => EndPoint.ToString();

    public int Questions => Volatile.Read(ref _questions);

    /// <summary>True: UDP answers are cut off, so that the client must come by TCP.</summary>
    public bool Truncate { get; set; }

    /// <summary>Gives the answer to a question in place of the records; null: none at all.</summary>
    public Func<byte[], byte[]?>? Answer { get; set; }

    /// <summary>TTL of all records, seconds.</summary>
    public uint Ttl { get; set; } = 300;

    public DnsServer Mx(string name, int preference, string exchange) =>
        Add(name, DnsType.Mx, name, [(byte)(preference >> 8), (byte)preference, .. Name(exchange)]);

    public DnsServer A(string name, string address) => Add(name, DnsType.A, name, IPAddress.Parse(address).GetAddressBytes());

    public DnsServer Aaaa(string name, string address) => Add(name, DnsType.Aaaa, name, IPAddress.Parse(address).GetAddressBytes());

    public DnsServer Txt(string name, params string[] strings) =>
        Add(name, DnsType.Txt, name, [.. strings.SelectMany(s => (byte[])[(byte)s.Length, .. Encoding.Latin1.GetBytes(s)])]);

    public DnsServer Ptr(string name, string target) => Add(name, DnsType.Ptr, name, Name(target));

    /// <summary>An alias; the answer to <paramref name="type"/> has the alias alone, or with the target's records when those are known.</summary>
    public DnsServer Cname(string name, string target) => Add(name, DnsType.Cname, name, Name(target));

    /// <summary>All questions about a name are answered with this code (2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED).</summary>
    public DnsServer Code(string name, int code)
    {
        _codes[name] = code;
        return this;
    }

    DnsServer Add(string name, DnsType type, string owner, byte[] data)
    {
        _records.GetOrAdd((name, type), _ => []).Add((type, owner, data));
        return this;
    }

    public byte[] AnswerTo(byte[] query)
    {
        int at = 12;
        DnsMessage.TryReadName(query, ref at, out string name);
        var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(query.AsSpan(at));
        byte[] question = query[12..(at + 4)];
        var found = new List<(DnsType Type, string Owner, byte[] Data)>();
        string owner = name;
        while (_records.TryGetValue((owner, DnsType.Cname), out var alias) && type != DnsType.Cname && found.Count < 10)
        {
            found.Add(alias[0]);
            int start = 0;
            DnsMessage.TryReadName(alias[0].Data, ref start, out owner);
        }
        if (_records.TryGetValue((owner, type), out var records))
            found.AddRange(records);
        bool exists = _records.Keys.Any(k => k.Name == owner);
        int code = _codes.TryGetValue(name, out int set) ? set : exists ? 0 : 3;
        var answer = new List<byte>();
        answer.AddRange(query[..2]);
        answer.AddRange([0x81, (byte)(0x80 | code), 0, 1, (byte)(found.Count >> 8), (byte)found.Count, 0, found.Count == 0 ? (byte)1 : (byte)0, 0, 0]);
        answer.AddRange(question);
        foreach ((DnsType Type, string Owner, byte[] Data) record in found)
            answer.AddRange(Record(record.Owner, record.Type, record.Data));
        if (found.Count == 0)
            answer.AddRange(Record("test", DnsType.Soa, [.. Name("ns.test"), .. Name("root.test"), .. new byte[16], 0, 0, 0, 60]));
        return [.. answer];
    }

    byte[] Record(string owner, DnsType type, byte[] data)
    {
        byte[] fixedPart = new byte[10];
        BinaryPrimitives.WriteUInt16BigEndian(fixedPart, (ushort)type);
        BinaryPrimitives.WriteUInt16BigEndian(fixedPart.AsSpan(2), 1);
        BinaryPrimitives.WriteUInt32BigEndian(fixedPart.AsSpan(4), Ttl);
        BinaryPrimitives.WriteUInt16BigEndian(fixedPart.AsSpan(8), (ushort)data.Length);
        return [.. Name(owner), .. fixedPart, .. data];
    }

    public static byte[] Name(string name)
    {
        var bytes = new List<byte>();
        foreach (string label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            bytes.Add((byte)label.Length);
            bytes.AddRange(Encoding.ASCII.GetBytes(label));
        }
        bytes.Add(0);
        return [.. bytes];
    }

    byte[]? Respond(byte[] query, bool udp)
    {
        Interlocked.Increment(ref _questions);
        if (Answer is { } own)
            return own(query);
        byte[] answer = AnswerTo(query);
        if (udp && Truncate)
        {
            answer[2] |= 0x02;
            answer[6] = answer[7] = 0;
            int at = 12;
            DnsMessage.TryReadName(answer, ref at, out _);
            return answer[..(at + 4)];
        }
        return answer;
    }

    async Task ServeUdpAsync()
    {
        byte[] buffer = new byte[65536];
        try
        {
            while (true)
            {
                SocketReceiveFromResult got = await _udp.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                if (Respond(buffer[..got.ReceivedBytes], udp: true) is { } answer)
                    await _udp.SendToAsync(answer, got.RemoteEndPoint, _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
        }
    }

    async Task ServeTcpAsync()
    {
        try
        {
            while (true)
            {
                using TcpClient client = await _tcp.AcceptTcpClientAsync(_stop.Token);
                NetworkStream stream = client.GetStream();
                byte[] size = new byte[2];
                await stream.ReadExactlyAsync(size, _stop.Token);
                byte[] query = new byte[BinaryPrimitives.ReadUInt16BigEndian(size)];
                await stream.ReadExactlyAsync(query, _stop.Token);
                if (Respond(query, udp: false) is { } answer)
                    await stream.WriteAsync((byte[])[(byte)(answer.Length >> 8), (byte)answer.Length, .. answer], _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or IOException or SocketException)
        {
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _udp.Dispose();
        _tcp.Dispose();
        _stop.Dispose();
    }
}
