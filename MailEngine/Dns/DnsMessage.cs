using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace MailEngine.Dns;

/// <summary>A message that was read whole and is an answer to our question.</summary>
/// <param name="ResponseCode">RCODE. RFC 1035 §4.1.1</param>
/// <param name="IsTruncated">TC: ask again over TCP. RFC 7766 §5</param>
/// <param name="NegativeTtl">From the SOA of the authority section; null: none. RFC 2308 §5</param>
sealed record DnsResponse(int ResponseCode, bool IsTruncated, IReadOnlyList<DnsRecord> Answers, TimeSpan? NegativeTtl);

/// <summary>Writes questions and reads answers. RFC 1035 §4</summary>
/// <remarks>Every length is checked before it is used. A compression pointer may only lead backwards, so a name is read in as many
/// steps as the message has octets at most, without recursion and without loops (attack case A20).</remarks>
static class DnsMessage
{
    /// <summary>Octets that a UDP answer may have: fits into one packet everywhere. RFC 6891 §6.2.5; the figure is DNS Flag Day 2020's.</summary>
    public const int UdpBytes = 1232;
    const int HeaderBytes = 12;
    const int MostRecords = 500;
    static readonly TimeSpan s_longestTtl = TimeSpan.FromDays(1);

    /// <summary>Labels of 1 to 63 printable ASCII characters, 253 in all with the dots; no dot at the end. RFC 1035 §2.3.4</summary>
    public static bool CanBeAsked(string name)
    {
        if (name.Length is 0 or > 253)
            return false;
        int label = 0;
        foreach (char c in name)
        {
            if (c == '.' && label > 0)
                label = 0;
            else if (c is '.' or < ' ' or >= (char)0x7F || ++label > 63)
                return false;
        }
        return label > 0;
    }

    /// <returns>The octets written.</returns>
    public static int WriteQuery(Span<byte> to, ushort id, string name, DnsType type)
    {
        BinaryPrimitives.WriteUInt16BigEndian(to, id);
        BinaryPrimitives.WriteUInt16BigEndian(to[2..], 0x0100);   // RD
        BinaryPrimitives.WriteUInt16BigEndian(to[4..], 1);        // one question
        to[6..10].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(to[10..], 1);       // one additional record: OPT
        int at = HeaderBytes;
        foreach (Range label in name.AsSpan().Split('.'))
        {
            ReadOnlySpan<char> text = name.AsSpan(label);
            if (text.IsEmpty)
                continue;
            to[at] = (byte)text.Length;
            at += 1 + Encoding.ASCII.GetBytes(text, to[(at + 1)..]);
        }
        to[at++] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(to[at..], (ushort)type);
        BinaryPrimitives.WriteUInt16BigEndian(to[(at + 2)..], 1);     // IN
        at += 4;
        // OPT: root name, type 41, UDP size as class, no flags, no options. RFC 6891 §6.1.2
        to[at] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(to[(at + 1)..], (ushort)DnsType.Opt);
        BinaryPrimitives.WriteUInt16BigEndian(to[(at + 3)..], UdpBytes);
        to.Slice(at + 5, 6).Clear();
        return at + 11;
    }

    /// <summary>Reads an answer to the question that was asked.</summary>
    /// <returns>False: not an answer to it, or damaged; as if it had not come.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, ushort id, string name, DnsType type, out DnsResponse? response)
    {
        response = null;
        if (message.Length < HeaderBytes || BinaryPrimitives.ReadUInt16BigEndian(message) != id)
            return false;
        ushort flags = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        if ((flags & 0x8000) == 0 || (flags & 0x7800) != 0)   // QR set, OPCODE query
            return false;
        int questions = BinaryPrimitives.ReadUInt16BigEndian(message[4..]);
        int answers = BinaryPrimitives.ReadUInt16BigEndian(message[6..]);
        int authorities = BinaryPrimitives.ReadUInt16BigEndian(message[8..]);
        int at = HeaderBytes;
        // The question must be ours, word for word: a forged answer to another one is none. RFC 5452 §4
        if (questions != 1 || !TryReadName(message, ref at, out string asked) || at + 4 > message.Length
            || !asked.Equals(name, StringComparison.OrdinalIgnoreCase)
            || BinaryPrimitives.ReadUInt16BigEndian(message[at..]) != (ushort)type
            || BinaryPrimitives.ReadUInt16BigEndian(message[(at + 2)..]) != 1)
            return false;
        at += 4;
        bool truncated = (flags & 0x0200) != 0;
        var records = new List<DnsRecord>();
        TimeSpan? negative = null;
        if (!truncated)
        {
            for (int i = 0; i < answers + authorities; i++)
            {
                if (i >= MostRecords || !TryReadRecord(message, ref at, out DnsRecord? record, out TimeSpan? soa))
                    return false;
                if (i < answers && record is not null)
                    records.Add(record);
                if (i >= answers)
                    negative ??= soa;
            }
        }
        response = new DnsResponse(flags & 0x000F, truncated, records, negative);
        return true;
    }

    /// <param name="record">Null for types that mail does not need.</param>
    static bool TryReadRecord(ReadOnlySpan<byte> message, ref int at, out DnsRecord? record, out TimeSpan? soaTtl)
    {
        record = null;
        soaTtl = null;
        if (!TryReadName(message, ref at, out string name) || at + 10 > message.Length)
            return false;
        var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
        bool isInternet = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 2)..]) == 1;
        uint seconds = BinaryPrimitives.ReadUInt32BigEndian(message[(at + 4)..]);
        int length = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]);
        at += 10;
        if (at + length > message.Length)
            return false;
        // A TTL with its top bit set counts as 0. RFC 2181 §8
        TimeSpan ttl = seconds > int.MaxValue ? TimeSpan.Zero : TimeSpan.FromSeconds(seconds);
        if (ttl > s_longestTtl)
            ttl = s_longestTtl;
        int start = at, end = at + length;
        at = end;
        if (!isInternet)
            return true;
        switch (type)
        {
            case DnsType.A when length == 4:
            case DnsType.Aaaa when length == 16:
                record = new DnsRecord.Address(name, ttl, new IPAddress(message.Slice(start, length)));
                return true;
            case DnsType.Mx when length >= 3:
                int mx = start + 2;
                if (!TryReadName(message, ref mx, out string exchange) || mx != end)
                    return false;
                record = new DnsRecord.Mx(name, ttl, BinaryPrimitives.ReadUInt16BigEndian(message[start..]), exchange);
                return true;
            case DnsType.Cname or DnsType.Ptr:
                int target = start;
                if (!TryReadName(message, ref target, out string pointee) || target != end)
                    return false;
                record = new DnsRecord.Pointer(name, ttl, type, pointee);
                return true;
            case DnsType.Txt:
                if (!TryReadText(message[start..end], out string text))
                    return false;
                record = new DnsRecord.Text(name, ttl, text);
                return true;
            case DnsType.Soa:
                // The negative TTL is the smaller of the SOA's own and its MINIMUM, the last field. RFC 2308 §5
                if (length < 22)
                    return false;
                uint minimum = BinaryPrimitives.ReadUInt32BigEndian(message[(end - 4)..]);
                soaTtl = TimeSpan.FromSeconds(Math.Min(Math.Min(minimum, seconds), 3600));
                return true;
            case DnsType.A or DnsType.Aaaa or DnsType.Mx:
                return false;
            default:
                return true;
        }
    }

    static bool TryReadText(ReadOnlySpan<byte> data, out string text)
    {
        var joined = new StringBuilder(data.Length);
        text = "";
        while (!data.IsEmpty)
        {
            int length = data[0];
            if (1 + length > data.Length)
                return false;
            joined.Append(Encoding.Latin1.GetString(data.Slice(1, length)));
            data = data[(1 + length)..];
        }
        text = joined.ToString();
        return true;
    }

    /// <summary>Reads a name; lower case, no trailing dot, the root is empty. Dots in labels and what is not printable ASCII become "?".</summary>
    /// <param name="at">Moves behind the name as it stands here, not where pointers lead.</param>
    public static bool TryReadName(ReadOnlySpan<byte> message, ref int at, out string name)
    {
        name = "";
        Span<char> text = stackalloc char[255];
        int used = 0;
        int here = at;
        int barrier = at;      // a pointer must lead before this, so the walk ends
        bool jumped = false;
        while (true)
        {
            if (here >= message.Length)
                return false;
            int length = message[here];
            if (length == 0)
            {
                if (!jumped)
                    at = here + 1;
                name = new string(text[..used]);
                return true;
            }
            if ((length & 0xC0) == 0xC0)
            {
                if (here + 2 > message.Length)
                    return false;
                int target = BinaryPrimitives.ReadUInt16BigEndian(message[here..]) & 0x3FFF;
                if (target >= barrier)
                    return false;
                if (!jumped)
                    at = here + 2;
                jumped = true;
                barrier = here = target;
                continue;
            }
            if ((length & 0xC0) != 0 || here + 1 + length > message.Length || used + length + 1 > 254)
                return false;
            if (used > 0)
                text[used++] = '.';
            foreach (byte b in message.Slice(here + 1, length))
                text[used++] = b is >= 0x20 and < 0x7F and not (byte)'.' ? char.ToLowerInvariant((char)b) : '?';
            here += 1 + length;
        }
    }
}
