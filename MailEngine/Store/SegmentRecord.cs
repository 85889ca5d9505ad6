using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using MailEngine.Addresses;
using MailEngine.Io;

namespace MailEngine.Store;

/// <summary>What a segment record holds.</summary>
internal enum RecordKind : byte
{
    /// <summary>Bytes of a message, shared by all its deposits and queue rows.</summary>
    Body = 1,
    /// <summary>One message in one mailbox: all that is needed to make its row again; the payload is its prefix.</summary>
    Deposit = 2,
    /// <summary>One queue row; the payload is its envelope.</summary>
    Queue = 3,
    /// <summary>Flags that messages of a mailbox have from now on; the payload is which message has which.</summary>
    Flags = 4,
}

/// <summary>What a flags record says; keywords are not changed by one.</summary>
internal readonly record struct FlagsRecord(long AccountId, long MailboxId, uint UidValidity, ulong ModSeq);

/// <summary>What a deposit record says: the row, and where it belongs.</summary>
/// <param name="Entry">Keyword set and sent date are not in it.</param>
/// <param name="Keywords">By spaces.</param>
/// <param name="InLog">True: acknowledged as soon as the segment was synced, so a start makes its row when it is missing.</param>
/// <param name="DeliveryKey">See <see cref="RecentDeliveries"/>; 0: none.</param>
/// <param name="MovedFrom">Mailbox and UID it had before a MOVE brought it here, which ended with it.</param>
internal readonly record struct DepositRecord(
    long AccountId, long MailboxId, uint UidValidity, MessageEntry Entry, string MailboxName, string Keywords, bool InLog, UInt128 DeliveryKey,
    (long Mailbox, uint Uid)? MovedFrom = null);

/// <summary>Where the parts of a record stand, as its header says.</summary>
internal readonly record struct RecordHeader(RecordKind Kind, int MetaLength, uint PayloadLength, uint PayloadCrc)
{
    public long TotalLength => SegmentRecord.Padded(SegmentRecord.HeaderBytes + MetaLength + (long)PayloadLength);
}

/// <summary>The on-disk form of a segment record. Byte table: docs/formats/segment.md; change both together.</summary>
/// <remarks>Fixed header of 24 bytes, meta, payload, zeros up to a multiple of 8. The header's CRC covers the header and the
/// meta, so a record can be trusted before its payload is read.</remarks>
internal static class SegmentRecord
{
    public const int HeaderBytes = 24;
    const uint Magic = 0x3152_534D;   // "MSR1", little-endian
    const byte Version = 1;
    /// <summary>Meta of a deposit without its names.</summary>
    public const int DepositFixedBytes = 100;
    const int MovedFromBytes = 12;
    const int FlagsBytes = 32;
    const uint InLogFlag = 1;

    public static long Padded(long length) => (length + 7) & ~7L;

    public static void WriteHeader(Span<byte> to, RecordKind kind, ReadOnlySpan<byte> meta, uint payloadLength, uint payloadCrc)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to, Magic);
        to[4] = Version;
        to[5] = (byte)kind;
        BinaryPrimitives.WriteUInt16LittleEndian(to[6..], 0);
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], meta.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(to[12..], payloadLength);
        BinaryPrimitives.WriteUInt32LittleEndian(to[16..], payloadCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(to[20..], Crc32C.Of(meta, Crc32C.Of(to[..20])));
    }

    /// <summary>Reads the fixed header; false when these bytes are no record of ours. The CRC is checked by <see cref="IsWhole"/>.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> from, out RecordHeader header)
    {
        header = default;
        if (from.Length < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(from) != Magic || from[4] != Version)
            return false;
        int meta = BinaryPrimitives.ReadInt32LittleEndian(from[8..]);
        if (meta is < 0 or > 1 << 20)
            return false;
        header = new RecordHeader((RecordKind)from[5], meta, BinaryPrimitives.ReadUInt32LittleEndian(from[12..]), BinaryPrimitives.ReadUInt32LittleEndian(from[16..]));
        return true;
    }

    /// <summary>True when header and meta are as they were written.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> header, ReadOnlySpan<byte> meta) =>
        BinaryPrimitives.ReadUInt32LittleEndian(header[20..]) == Crc32C.Of(meta, Crc32C.Of(header[..20]));

    /// <summary>Meta of a deposit: the row, and the names that make it stand on its own.</summary>
    public static byte[] DepositMeta(in DepositRecord deposit)
    {
        MessageEntry entry = deposit.Entry;
        int nameBytes = Encoding.UTF8.GetByteCount(deposit.MailboxName), keywordBytes = Encoding.UTF8.GetByteCount(deposit.Keywords);
        byte[] meta = new byte[DepositFixedBytes + nameBytes + keywordBytes + (deposit.MovedFrom is null ? 0 : MovedFromBytes)];
        Span<byte> to = meta;
        BinaryPrimitives.WriteInt64LittleEndian(to, deposit.AccountId);
        BinaryPrimitives.WriteInt64LittleEndian(to[8..], deposit.MailboxId);
        BinaryPrimitives.WriteUInt32LittleEndian(to[16..], deposit.UidValidity);
        BinaryPrimitives.WriteUInt32LittleEndian(to[20..], entry.Uid);
        BinaryPrimitives.WriteUInt64LittleEndian(to[24..], entry.ModSeq);
        BinaryPrimitives.WriteInt64LittleEndian(to[32..], entry.InternalDate);
        BinaryPrimitives.WriteInt64LittleEndian(to[40..], entry.SaveDate);
        BinaryPrimitives.WriteUInt32LittleEndian(to[48..], (uint)entry.Flags);
        BinaryPrimitives.WriteUInt32LittleEndian(to[52..], entry.PrefixSegment);   // 0: the payload of this record
        BinaryPrimitives.WriteUInt32LittleEndian(to[56..], entry.PrefixOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(to[60..], entry.PrefixLength);
        BinaryPrimitives.WriteUInt32LittleEndian(to[64..], entry.BodySegment);
        BinaryPrimitives.WriteUInt32LittleEndian(to[68..], entry.BodyOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(to[72..], entry.BodyLength);
        BinaryPrimitives.WriteUInt32LittleEndian(to[76..], deposit.InLog ? InLogFlag : 0);
        BinaryPrimitives.WriteUInt128LittleEndian(to[80..], deposit.DeliveryKey);
        BinaryPrimitives.WriteUInt16LittleEndian(to[96..], (ushort)nameBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(to[98..], (ushort)keywordBytes);
        Encoding.UTF8.GetBytes(deposit.MailboxName, to[DepositFixedBytes..]);
        Encoding.UTF8.GetBytes(deposit.Keywords, to[(DepositFixedBytes + nameBytes)..]);
        if (deposit.MovedFrom is { } from)
        {
            BinaryPrimitives.WriteInt64LittleEndian(to[^MovedFromBytes..], from.Mailbox);
            BinaryPrimitives.WriteUInt32LittleEndian(to[^4..], from.Uid);
        }
        return meta;
    }

    /// <summary>Reads the meta of a deposit; false: the lengths in it do not fit.</summary>
    public static bool TryReadDeposit(ReadOnlySpan<byte> meta, out DepositRecord deposit)
    {
        deposit = default;
        if (meta.Length < DepositFixedBytes)
            return false;
        int nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(meta[96..]), keywordBytes = BinaryPrimitives.ReadUInt16LittleEndian(meta[98..]);
        int rest = meta.Length - DepositFixedBytes - nameBytes - keywordBytes;
        if (rest is not (0 or MovedFromBytes))
            return false;
        var entry = new MessageEntry
        {
            Uid = BinaryPrimitives.ReadUInt32LittleEndian(meta[20..]),
            ModSeq = BinaryPrimitives.ReadUInt64LittleEndian(meta[24..]),
            InternalDate = BinaryPrimitives.ReadInt64LittleEndian(meta[32..]),
            SaveDate = BinaryPrimitives.ReadInt64LittleEndian(meta[40..]),
            Flags = (MessageFlags)BinaryPrimitives.ReadUInt32LittleEndian(meta[48..]) & MessageFlags.All,
            PrefixSegment = BinaryPrimitives.ReadUInt32LittleEndian(meta[52..]),
            PrefixOffset = BinaryPrimitives.ReadUInt32LittleEndian(meta[56..]),
            PrefixLength = BinaryPrimitives.ReadUInt32LittleEndian(meta[60..]),
            BodySegment = BinaryPrimitives.ReadUInt32LittleEndian(meta[64..]),
            BodyOffset = BinaryPrimitives.ReadUInt32LittleEndian(meta[68..]),
            BodyLength = BinaryPrimitives.ReadUInt32LittleEndian(meta[72..]),
        };
        deposit = new DepositRecord(
            BinaryPrimitives.ReadInt64LittleEndian(meta), BinaryPrimitives.ReadInt64LittleEndian(meta[8..]), BinaryPrimitives.ReadUInt32LittleEndian(meta[16..]), entry,
            Encoding.UTF8.GetString(meta.Slice(DepositFixedBytes, nameBytes)), Encoding.UTF8.GetString(meta.Slice(DepositFixedBytes + nameBytes, keywordBytes)),
            (BinaryPrimitives.ReadUInt32LittleEndian(meta[76..]) & InLogFlag) != 0, BinaryPrimitives.ReadUInt128LittleEndian(meta[80..]),
            rest == 0 ? null : (BinaryPrimitives.ReadInt64LittleEndian(meta[^MovedFromBytes..]), BinaryPrimitives.ReadUInt32LittleEndian(meta[^4..])));
        return true;
    }

    /// <summary>Meta of a flags record.</summary>
    public static byte[] FlagsMeta(in FlagsRecord flags)
    {
        byte[] meta = new byte[FlagsBytes];
        BinaryPrimitives.WriteInt64LittleEndian(meta, flags.AccountId);
        BinaryPrimitives.WriteInt64LittleEndian(meta.AsSpan(8), flags.MailboxId);
        BinaryPrimitives.WriteUInt64LittleEndian(meta.AsSpan(16), flags.ModSeq);
        BinaryPrimitives.WriteUInt32LittleEndian(meta.AsSpan(24), flags.UidValidity);
        return meta;
    }

    /// <summary>Reads what <see cref="FlagsMeta"/> wrote.</summary>
    public static bool TryReadFlags(ReadOnlySpan<byte> meta, out FlagsRecord flags)
    {
        flags = default;
        if (meta.Length != FlagsBytes)
            return false;
        flags = new FlagsRecord(BinaryPrimitives.ReadInt64LittleEndian(meta), BinaryPrimitives.ReadInt64LittleEndian(meta[8..]),
            BinaryPrimitives.ReadUInt32LittleEndian(meta[24..]), BinaryPrimitives.ReadUInt64LittleEndian(meta[16..]));
        return true;
    }

    /// <summary>Payload of a flags record: UID and flags of each message.</summary>
    public static byte[] FlagsPayload(IReadOnlyList<(uint Uid, MessageFlags Flags)> messages)
    {
        byte[] payload = new byte[messages.Count * 8];
        for (int i = 0; i < messages.Count; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(payload.AsSpan(i * 8), messages[i].Uid);
            BinaryPrimitives.WriteUInt32LittleEndian(payload.AsSpan(i * 8 + 4), (uint)messages[i].Flags);
        }
        return payload;
    }

    /// <summary>Reads what <see cref="FlagsPayload"/> wrote.</summary>
    public static Dictionary<uint, MessageFlags> ReadFlagsPayload(ReadOnlySpan<byte> payload)
    {
        var messages = new Dictionary<uint, MessageFlags>(payload.Length / 8);
        for (; payload.Length >= 8; payload = payload[8..])
            messages[BinaryPrimitives.ReadUInt32LittleEndian(payload)] = (MessageFlags)BinaryPrimitives.ReadUInt32LittleEndian(payload[4..]) & MessageFlags.All;
        return messages;
    }

    /// <summary>Reads what <see cref="QueueMeta"/> wrote.</summary>
    public static bool TryReadQueue(ReadOnlySpan<byte> meta, out BodyRange body)
    {
        body = default;
        if (meta.Length != 12)
            return false;
        body = new BodyRange(BinaryPrimitives.ReadUInt32LittleEndian(meta), BinaryPrimitives.ReadUInt32LittleEndian(meta[4..]), BinaryPrimitives.ReadUInt32LittleEndian(meta[8..]));
        return true;
    }

    /// <summary>Payload of a queue record: the envelope as lines "name value".</summary>
    public static byte[] QueuePayload(QueueEntry entry) => Encoding.UTF8.GetBytes(
        $"key {entry.MessageKey}\naccount {entry.AccountId}\nfrom {entry.ReversePath}\nto {entry.Recipient}\nparameters {entry.Parameters}\nqueued {entry.QueuedAt.ToUnixTimeSeconds()}\n");

    /// <summary>Reads what <see cref="QueuePayload"/> wrote.</summary>
    public static bool TryReadQueuePayload(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out QueueEntry? entry)
    {
        entry = null;
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in Encoding.UTF8.GetString(payload).Split('\n'))
        {
            if (line.IndexOf(' ', StringComparison.Ordinal) is var space and > 0)
                fields[line[..space]] = line[(space + 1)..];
        }
        if (!EmailAddress.TryParse(fields.GetValueOrDefault("to") ?? "", out EmailAddress recipient)
            || !long.TryParse(fields.GetValueOrDefault("queued"), NumberStyles.None, CultureInfo.InvariantCulture, out long queued)
            || !long.TryParse(fields.GetValueOrDefault("account"), NumberStyles.None, CultureInfo.InvariantCulture, out long account))
            return false;
        DateTimeOffset at = DateTimeOffset.FromUnixTimeSeconds(queued);
        entry = new QueueEntry
        {
            MessageKey = fields.GetValueOrDefault("key") ?? "", AccountId = account, ReversePath = fields.GetValueOrDefault("from") ?? "", Recipient = recipient,
            Parameters = fields.GetValueOrDefault("parameters") ?? "", QueuedAt = at, NextAttempt = at,
        };
        return true;
    }

    /// <summary>Meta of a queue record: where its message stands.</summary>
    public static byte[] QueueMeta(BodyRange body)
    {
        byte[] meta = new byte[12];
        MemoryMarshal.Write(meta, body.Segment);
        MemoryMarshal.Write(meta.AsSpan(4), body.Offset);
        MemoryMarshal.Write(meta.AsSpan(8), body.Length);
        return meta;
    }
}
