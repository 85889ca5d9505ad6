using MailEngine.Io;
using MailEngine.Mime;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace MailEngine.Store;

/// <summary>At start: makes the rows of deposits that were acknowledged when their segment was synced but are not in index.db yet.</summary>
/// <remarks>
/// Table `segment` says how far the rows of each segment have come; what stands behind that place was written later than the last
/// transaction that survived. Records are taken in order until the first that is not whole: nothing behind it was acknowledged,
/// because the sync that came before the acknowledgement covers all that stands before. Doing it twice does nothing: a UID below UIDNEXT is there.
/// </remarks>
internal sealed class SegmentReplay(SegmentFiles segments, IndexReader reader, IndexWriter writer, RecentDeliveries delivered, StoreOptions options, MimeLimits limits, ILogger log)
{
    readonly Dictionary<long, MailboxDraft?> _mailboxes = [];
    readonly Dictionary<long, AccountDraft> _accounts = [];
    readonly HashSet<long> _unreadable = [];
    (BodyRange Range, MessageSummary Summary) _body;

    /// <returns>Messages whose rows were made.</returns>
    /// <exception cref="IOException">The disk cannot be read or written.</exception>
    public int Run()
    {
        Dictionary<uint, (long Bytes, bool Closed)> known = reader.Segments();
        int made = 0;
        writer.Begin(durable: true);
        try
        {
            foreach ((uint number, long length) in segments.Files())
            {
                (long bytes, bool closed) = known.GetValueOrDefault(number);
                if (closed || length <= bytes || !known.ContainsKey(number) && IsOwnBody(number))
                    continue;
                long end = Replay(number, bytes, length, ref made);
                // A mailbox that cannot be read gets its messages when it can: the next start tries again (S5).
                if (end > bytes && _unreadable.Count == 0)
                    writer.PutSegment(number, end);
            }
            foreach (MailboxDraft? box in _mailboxes.Values)
            {
                if (box is { IsChanged: true })
                    box.Write(writer);
            }
            foreach (AccountDraft account in _accounts.Values)
                writer.PutAccount(account.Id, account.ModSeq, account.Messages, account.Bytes);
            writer.Commit();
        }
        catch
        {
            writer.Rollback();
            throw;
        }
        return made;
    }

    /// <returns>Where the first record stands that is not whole.</returns>
    long Replay(uint number, long from, long length, ref int made)
    {
        SafeFileHandle file = segments.Open(number);
        byte[] head = new byte[SegmentRecord.HeaderBytes];
        long at = from;
        while (at + SegmentRecord.HeaderBytes <= length)
        {
            if (!TryRead(file, at, head) || !SegmentRecord.TryReadHeader(head, out RecordHeader record) || at + record.TotalLength > length)
                return at;
            byte[] meta = new byte[record.MetaLength];
            if (!TryRead(file, at + head.Length, meta) || !SegmentRecord.IsWhole(head, meta))
                return at;
            // A message is a few kilobytes; larger ones stand in files of their own.
            byte[] payload = new byte[record.PayloadLength];
            if (!TryRead(file, at + head.Length + meta.Length, payload) || Crc32C.Of(payload) != record.PayloadCrc)
                return at;
            if (record.Kind == RecordKind.Deposit && SegmentRecord.TryReadDeposit(meta, out DepositRecord deposit) && deposit.InLog)
                made += Apply(deposit, number, (uint)(at + head.Length + meta.Length), record.PayloadLength) ? 1 : 0;
            else if (record.Kind == RecordKind.Flags && SegmentRecord.TryReadFlags(meta, out FlagsRecord flags))
                Apply(flags, SegmentRecord.ReadFlagsPayload(payload));
            at += record.TotalLength;
        }
        return at;
    }

    bool Apply(in DepositRecord deposit, uint segment, uint payloadOffset, uint payloadLength)
    {
        MessageEntry entry = deposit.Entry;
        MailboxDraft? box = Find(deposit.MailboxId);
        if (box is null || box.Counters.UidValidity != deposit.UidValidity || entry.Uid < box.Counters.UidNext)
            return false;
        // Its sender tried again after a failed sync, and that one was acknowledged.
        if (deposit.DeliveryKey != 0 && delivered.Contains(deposit.DeliveryKey))
            return false;
        if (SummaryOf(new BodyRange(entry.BodySegment, entry.BodyOffset, entry.BodyLength)) is not { } summary)
            return false;
        if (payloadLength > 0)
            (entry.PrefixSegment, entry.PrefixOffset, entry.PrefixLength) = (segment, payloadOffset, payloadLength);
        entry.SentDate = summary.SentDate ?? long.MinValue;
        entry.KeywordSet = Math.Max(0, box.KeywordSet(deposit.Keywords.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        AccountDraft account = AccountOf(deposit.AccountId);
        account.Reach(entry.ModSeq);
        account.Add(1, entry.Size);
        if (box.SkipTo(entry.Uid))
            writer.PutMeta(IndexSchema.Forgotten(deposit.MailboxId), (long)box.Counters.HighestModSeq);
        box.Append(ref entry);
        writer.PutMessage(deposit.MailboxId, entry.Uid, deposit.AccountId, summary);
        if (deposit.DeliveryKey != 0)
        {
            long expires = entry.SaveDate + (long)options.DuplicateWindow.TotalSeconds;
            delivered.Add(deposit.DeliveryKey, expires);
            writer.PutDelivered(deposit.DeliveryKey, expires, deposit.AccountId);
        }
        return true;
    }

    /// <summary>Changes flags that were changed behind the rows; what has a newer mod-sequence was changed again since.</summary>
    void Apply(in FlagsRecord flags, Dictionary<uint, MessageFlags> messages)
    {
        if (Find(flags.MailboxId) is not { } box || box.Counters.UidValidity != flags.UidValidity)
            return;
        ulong modSeq = flags.ModSeq;
        AccountOf(flags.AccountId).Reach(modSeq);
        box.Update([.. messages.Keys.Order()], modSeq, (ref MessageEntry entry) =>
        {
            if (entry.ModSeq >= modSeq)
                return false;
            entry.Flags = messages[entry.Uid];
            return true;
        });
    }

    AccountDraft AccountOf(long id)
    {
        if (!_accounts.TryGetValue(id, out AccountDraft? account))
        {
            (ulong modSeq, long messages, long bytes) = reader.Account(id) ?? default;
            _accounts.Add(id, account = new AccountDraft(id, modSeq, messages, bytes));
        }
        return account;
    }

    MailboxDraft? Find(long id)
    {
        if (_mailboxes.TryGetValue(id, out MailboxDraft? box))
            return box;
        try
        {
            box = reader.ReadMailbox(id) is { } found ? new MailboxDraft(found) : null;
        }
        catch (SqliteException fault) when (fault.IsDamaged)
        {
            StoreLog.MailboxDamaged(log, id, fault.Message);
            _unreadable.Add(id);
        }
        _mailboxes.Add(id, box);
        return box;
    }

    /// <summary>Reads the message and holds it against its CRC; null: not whole, so it was never acknowledged.</summary>
    MessageSummary? SummaryOf(BodyRange range)
    {
        if (_body.Summary is not null && _body.Range == range)
            return _body.Summary;
        MessageSummary summary;
        try
        {
            SafeFileHandle file = segments.Open(range.Segment);
            byte[] head = new byte[SegmentRecord.HeaderBytes];
            if (range.Offset < head.Length || !TryRead(file, range.Offset - head.Length, head) || !SegmentRecord.TryReadHeader(head, out RecordHeader record)
                || record.Kind != RecordKind.Body || record.PayloadLength != range.Length || !SegmentRecord.IsWhole(head, []))
                return null;
            if (SegmentFiles.IsOwn(range, RandomAccess.GetLength(file)))
            {
                // Synced before its deposit was written; its rows name the file from now on.
                using var own = new Body(segments, limits, range.Segment, range.Length);
                summary = own.Summary;
                own.MarkCommitted(segments);
                writer.PutSegment(range.Segment, range.Offset + (long)range.Length);
            }
            else
            {
                byte[] bytes = new byte[range.Length];
                if (!TryRead(file, range.Offset, bytes) || Crc32C.Of(bytes) != record.PayloadCrc)
                    return null;
                summary = MessageSummary.Of(bytes, limits);
            }
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        _body = (range, summary);
        return summary;
    }

    /// <summary>True: the file holds one message and no records to make rows of.</summary>
    bool IsOwnBody(uint number)
    {
        SafeFileHandle file = segments.Open(number);
        byte[] head = new byte[SegmentRecord.HeaderBytes];
        return !TryRead(file, 0, head) || !SegmentRecord.TryReadHeader(head, out RecordHeader record)
            || record.Kind == RecordKind.Body && SegmentFiles.IsOwn(new BodyRange(number, SegmentRecord.HeaderBytes, record.PayloadLength), RandomAccess.GetLength(file));
    }

    static bool TryRead(SafeFileHandle file, long at, Span<byte> to)
    {
        while (!to.IsEmpty)
        {
            int now = RandomAccess.Read(file, to, at);
            if (now == 0)
                return false;
            to = to[now..];
            at += now;
        }
        return true;
    }
}
