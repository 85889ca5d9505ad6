using System.Runtime.InteropServices;

namespace MailEngine.Store;

/// <summary>System flags of a message. RFC 9051 §2.3.2</summary>
[Flags]
public enum MessageFlags : uint
{
    None = 0,
    Seen = 1,
    Answered = 2,
    Flagged = 4,
    Deleted = 8,
    Draft = 16,
    All = Seen | Answered | Flagged | Deleted | Draft,
}

/// <summary>Why a message stands in table expunged, and so whether it can be brought back.</summary>
internal enum ExpungeReason : uint
{
    /// <summary>EXPUNGE, CLOSE: it can be restored.</summary>
    Expunged = 0,
    /// <summary>MOVE: it lives on in another mailbox.</summary>
    Moved = 1,
    /// <summary>It was restored under a new UID.</summary>
    Restored = 2,
}

/// <summary>One message of a mailbox as it stands in a chunk, in memory and, little-endian, on disk.</summary>
/// <remarks>Byte table: docs/formats/index.md; change both together. The bytes of the message are two ranges, one after the
/// other: a prefix of this delivery alone (Return-Path, Delivered-To) and a body that other deliveries may share.</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct MessageEntry
{
    /// <summary>Unix seconds, UTC.</summary>
    public long InternalDate;
    /// <summary>Date field, Unix seconds; <see cref="long.MinValue"/>: absent or unreadable.</summary>
    public long SentDate;
    /// <summary>When it was put into this mailbox, Unix seconds. RFC 8514</summary>
    public long SaveDate;
    /// <summary>RFC 7162 §3.1; grows per account, never reused.</summary>
    public ulong ModSeq;
    public uint Uid;
    public MessageFlags Flags;
    /// <summary>Index into <see cref="MailboxSnapshot.KeywordSets"/>; 0: none.</summary>
    public int KeywordSet;
    public uint PrefixSegment;
    public uint PrefixOffset;
    public uint PrefixLength;
    public uint BodySegment;
    public uint BodyOffset;
    public uint BodyLength;
    /// <summary>0 in a chunk; in a row of table expunged: an <see cref="ExpungeReason"/>.</summary>
    public uint Reserved;

    /// <summary>RFC822.SIZE: all octets of the message. RFC 9051 §6.4.5</summary>
    public readonly long Size => (long)PrefixLength + BodyLength;

    internal readonly BodyRange Prefix => new(PrefixSegment, PrefixOffset, PrefixLength);

    internal readonly BodyRange Body => new(BodySegment, BodyOffset, BodyLength);

    /// <summary>True when both have their bytes in the same place.</summary>
    internal readonly bool StandsWhere(in MessageEntry other) => Body == other.Body && Prefix == other.Prefix;
}
