using MailEngine.Addresses;

namespace MailEngine.Store;

/// <summary>Who pays for a message: the account it is stored in and what that account may hold.</summary>
/// <param name="QuotaBytes">Most octets in all mailboxes; 0: no limit.</param>
public readonly record struct Owner(long AccountId, long QuotaBytes);

/// <summary>Where message bytes stand: a range of a segment. What a queue row points at.</summary>
public readonly record struct BodyRange(uint Segment, uint Offset, uint Length);

/// <summary>One local copy of an accepted message.</summary>
public sealed record Deposit
{
    public required Owner Owner { get; init; }
    /// <summary>Must exist; INBOX and missing standard folders are made by the store.</summary>
    public required MailboxName Mailbox { get; init; }
    /// <summary>Header fields of this copy alone (Return-Path, Delivered-To), CRLF-ended; may be empty.</summary>
    public required ReadOnlyMemory<byte> Prefix { get; init; }
    public MessageFlags Flags { get; init; }
    public IReadOnlyList<string> Keywords { get; init; } = [];
    /// <summary>When it arrived.</summary>
    public required DateTimeOffset InternalDate { get; init; }
    /// <summary>Names this very delivery; a second one with the same key inside the window is dropped. Null: never dropped.
    /// A hash of 16 bytes at least; the first 16 count.</summary>
    public byte[]? DuplicateKey { get; init; }
    /// <summary>Other bytes than the message came with, for a copy that a script changed; null: the same.</summary>
    public Body? Body { get; init; }
    /// <summary>Null: the mailbox must be there. Else it is made where it is missing, with this special use (empty: none), and subscribed; where it cannot
    /// be made the message goes to INBOX.</summary>
    public string? Create { get; init; }
}

/// <summary>State of a queue row.</summary>
public enum QueueState { Waiting = 0, Held = 1 }

/// <summary>One remote recipient of an accepted message.</summary>
public sealed record QueueEntry
{
    /// <summary>Given by the store; 0 on the way in.</summary>
    public long Id { get; init; }
    /// <summary>The id of the 250 answer, shared by all recipients of the message; key of the trace.</summary>
    public required string MessageKey { get; init; }
    /// <summary>The account that sent it; 0: none (a forward of mail from outside, a report).</summary>
    public long AccountId { get; init; }
    /// <summary>MAIL FROM; empty for the null reverse path. RFC 5321 §4.5.5</summary>
    public required string ReversePath { get; init; }
    public required EmailAddress Recipient { get; init; }
    /// <summary>ESMTP parameters that go on with it: ENVID, RET, NOTIFY, ORCPT, BODY, SMTPUTF8, as "NAME=VALUE" by spaces. RFC 3461</summary>
    public string Parameters { get; init; } = "";
    public QueueState State { get; init; }
    public required DateTimeOffset QueuedAt { get; init; }
    public required DateTimeOffset NextAttempt { get; init; }
    public int Attempts { get; init; }
    /// <summary>Last answer of the next hop, or our own words why not; one line.</summary>
    public string LastReply { get; init; } = "";
    /// <summary>The sender was told that it waits.</summary>
    public bool DelayNoticed { get; init; }
    /// <summary>Filled by the store.</summary>
    public BodyRange Body { get; init; }
    /// <summary>Keeps the segment of <see cref="Body"/> readable as long as the row is held.</summary>
    internal SegmentPin? Pin { get; init; }
}

/// <summary>All that one accepted message leads to. One commit.</summary>
public sealed record Acceptance
{
    public required Body Body { get; init; }
    /// <summary>Most mailboxes of an account; filled in by the store.</summary>
    internal int MostMailboxes { get; init; }
    public IReadOnlyList<Deposit> Deposits { get; init; } = [];
    public IReadOnlyList<QueueEntry> Queue { get; init; } = [];
    /// <summary>Answers of people who are away, and what their scripts send on.</summary>
    public IReadOnlyList<AutomaticAnswer> Answers { get; init; } = [];
    /// <summary>What the scripts of recipients ask about when it comes again.</summary>
    public IReadOnlyList<Sighting> Sightings { get; init; } = [];
}

/// <summary>Who was answered for whom, and with what: the sender is told once in a while. RFC 5230 §4.2</summary>
/// <param name="Sender">Canonical form of the reverse path.</param>
/// <param name="Handle">Names the answer.</param>
public readonly record struct AnswerKey(long AccountId, string Sender, string Handle);

/// <summary>A message of its own that an accepted one leads to, an answer or a copy sent on: it is sent when a deposit was made, with it or not at all,
/// unless the same was sent already.</summary>
/// <param name="Deposit">Place in <see cref="Acceptance.Deposits"/>; <see cref="Made"/>: none is asked for.</param>
/// <param name="Until">Before this nothing is sent for the key again.</param>
public sealed record AutomaticAnswer(int Deposit, AnswerKey Key, DateTimeOffset Until, Body Body, QueueEntry Row)
{
    /// <summary>A copy that is kept when it is sent; null: none. Its bytes are those of the answer.</summary>
    public Deposit? Filed { get; init; }

    /// <summary>It hangs on no deposit, or on one that was made in another partition.</summary>
    public const int Made = -1;
    /// <summary>It was not made there.</summary>
    internal const int Never = -2;
}

/// <summary>Something about a message that is remembered when its deposits are made: with them, or not at all.</summary>
/// <param name="Until">Before this it is known.</param>
/// <param name="Deposits">Places in <see cref="Acceptance.Deposits"/>; one that is refused will come again, and then must not be known.</param>
public sealed record Sighting(AnswerKey Key, DateTimeOffset Until, IReadOnlyList<int> Deposits);

/// <summary>What became of each deposit, in the order asked. Queue rows are all there when <see cref="Fault"/> is None.</summary>
/// <param name="Fault"><see cref="StoreError.Unavailable"/>: nothing was kept, answer 451.</param>
public sealed record AcceptOutcome(StoreError Fault, IReadOnlyList<DepositOutcome> Deposits, IReadOnlyList<long> QueueIds)
{
    /// <summary>Queue row of each answer; 0: not sent.</summary>
    public IReadOnlyList<long> AnswerIds { get; init; } = [];
}

/// <summary>One deposit: where it went, or why it did not.</summary>
public readonly record struct DepositOutcome(StoreError Error, long MailboxId, uint UidValidity, uint Uid)
{
    /// <summary>The mailbox could not be made: it is in INBOX.</summary>
    public bool InInbox { get; init; }
}

/// <summary>A mailbox, or a name that only is subscribed, as LIST and STATUS show it.</summary>
public sealed record MailboxInfo
{
    /// <summary>0: no mailbox, only a subscribed name or a parent of one.</summary>
    public required long Id { get; init; }
    /// <summary>Whose it is; negative: a domain's (<see cref="MailStore.SharedTree"/>).</summary>
    public long AccountId { get; init; }
    public Acl Acl { get; init; } = Acl.Empty;
    public required MailboxName Name { get; init; }
    public required bool Subscribed { get; init; }
    /// <summary>RFC 6154 attribute with its backslash, e.g. \Sent; empty: none.</summary>
    public required string SpecialUse { get; init; }
    public required uint UidValidity { get; init; }
    public required uint UidNext { get; init; }
    public required ulong HighestModSeq { get; init; }
    public required int Count { get; init; }
    public required int Unseen { get; init; }
    public required long Bytes { get; init; }
    /// <summary>First UID that no session has been told of as \Recent.</summary>
    public required uint RecentFrom { get; init; }
}

/// <summary>Use of one account. Counted in the same transactions as the rows (S4).</summary>
public readonly record struct AccountUse(long Messages, long Bytes);

/// <summary>A message to APPEND. RFC 9051 §6.3.12</summary>
public sealed record AppendItem
{
    public required Body Body { get; init; }
    public MessageFlags Flags { get; init; }
    public IReadOnlyList<string> Keywords { get; init; } = [];
    /// <summary>Null: now.</summary>
    public DateTimeOffset? InternalDate { get; init; }
    /// <summary>UID it had where it comes from, kept when it is not below the next one of the mailbox; 0: the next one.</summary>
    public uint Uid { get; init; }
}

/// <summary>How STORE changes flags. RFC 9051 §6.4.6</summary>
public enum FlagChangeMode { Replace, Add, Remove }

/// <summary>A change of flags and keywords.</summary>
public sealed record FlagChange(FlagChangeMode Mode, MessageFlags Flags, IReadOnlyList<string> Keywords)
{
    /// <summary>None of the flags named may be changed. RFC 4314 §4</summary>
    internal bool IsBeyond(FlagMask may) => may.IsEmpty
        || (Mode != FlagChangeMode.Replace && (Flags & may.Flags) == 0 && (Keywords.Count > 0 ? !may.Keywords : Flags != MessageFlags.None));
}

/// <summary>Flags that somebody may change.</summary>
/// <param name="Keywords">Keywords too.</param>
public readonly record struct FlagMask(MessageFlags Flags, bool Keywords)
{
    public static FlagMask All { get; } = new(MessageFlags.All, true);

    public bool IsEmpty => Flags == MessageFlags.None && !Keywords;

    /// <summary>RFC 4314 §4: s for \Seen, t for \Deleted, w for all others.</summary>
    public static FlagMask Of(AclRights rights) => new(
        (rights.HasFlag(AclRights.Seen) ? MessageFlags.Seen : 0)
        | (rights.HasFlag(AclRights.DeleteMessages) ? MessageFlags.Deleted : 0)
        | (rights.HasFlag(AclRights.Write) ? MessageFlags.Answered | MessageFlags.Flagged | MessageFlags.Draft : 0),
        rights.HasFlag(AclRights.Write));
}

/// <summary>STORE only what nobody else has changed. RFC 7162 §3.1.3</summary>
/// <param name="UnchangedSince">Messages with a larger mod-sequence are left as they are.</param>
/// <param name="Known">What the client knows: where just these flags are still as they were, the message is changed all the same. RFC 7162 §3.1.12</param>
public sealed record FlagsCondition(ulong UnchangedSince, MailboxSnapshot Known);

/// <summary>Messages expunged after a mod-sequence. RFC 7162 §3.2.6</summary>
/// <param name="Uids">Those that are remembered, ascending.</param>
/// <param name="IsWhole">False: there may be others, whose rows are past their retention time.</param>
public readonly record struct ExpungedSince(IReadOnlyList<uint> Uids, bool IsWhole);

/// <summary>Outcome of STORE.</summary>
/// <param name="Modified">UIDs that did not meet the condition, ascending.</param>
public readonly record struct FlagsOutcome(StoreError Error, IReadOnlyList<uint> Modified);

/// <summary>Outcome of APPEND: UIDs in order. RFC 4315 §3</summary>
public readonly record struct AppendOutcome(StoreError Error, uint UidValidity, IReadOnlyList<uint> Uids);

/// <summary>Outcome of COPY and MOVE: pairs in source order. RFC 4315 §3</summary>
public readonly record struct CopyOutcome(StoreError Error, uint UidValidity, IReadOnlyList<uint> SourceUids, IReadOnlyList<uint> TargetUids);
