using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MailEngine.Io;
using MailEngine.Mime;

namespace MailEngine.Store;

/// <summary>Writes rows of index.db. One connection; <see cref="RowSettler"/> sees to it that one thread at a time has it.</summary>
internal sealed class IndexWriter : IDisposable
{
    readonly SqliteDatabase _db;
    readonly bool _sync;
    readonly SqliteStatement _begin, _commit, _rollback, _putChunk, _dropChunk, _putMailbox, _updateMailbox, _putAccount, _putMessage, _copyMessage,
        _putExpunged, _putDelivered, _putQueue, _updateQueue, _dropQueue, _putSegment, _putMeta, _putSeen;
    SqliteStatement? _putMessageRow;   // for what comes from another partition
    bool? _full;

    public IndexWriter(SqliteDatabase db, bool sync)
    {
        _db = db;
        _sync = sync;
        _begin = db.Prepare("BEGIN IMMEDIATE");
        _commit = db.Prepare("COMMIT");
        _rollback = db.Prepare("ROLLBACK");
        _putChunk = db.Prepare("INSERT OR REPLACE INTO chunk(id, account, data) VALUES(?1,?2,?3)");
        _dropChunk = db.Prepare("DELETE FROM chunk WHERE id=?1");
        _putMailbox = db.Prepare("""
            INSERT INTO mailbox(id, account, name, special_use, uidvalidity, uidnext, modseq, messages, unseen, bytes, next_chunk, recent_from, keywords)
            VALUES(?1,?2,?3,?4,?5,1,?6,0,0,0,0,1,'')
            """);
        _updateMailbox = db.Prepare("""
            UPDATE mailbox SET uidnext=?2, modseq=?3, messages=?4, unseen=?5, bytes=?6, next_chunk=?7, recent_from=?8, keywords=?9 WHERE id=?1
            """);
        _putAccount = db.Prepare("INSERT OR REPLACE INTO account(id, modseq, messages, bytes) VALUES(?1,?2,?3,?4)");
        _putMessage = db.Prepare("""
            INSERT OR REPLACE INTO message(id, account, envelope, structure, layout, message_id, base_subject, sort_from, sort_to, sort_cc, refs, preview)
            VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)
            """);
        _copyMessage = db.Prepare("""
            INSERT OR REPLACE INTO message(id, account, envelope, structure, layout, message_id, base_subject, sort_from, sort_to, sort_cc, refs, preview, email_id)
            SELECT ?2, ?3, envelope, structure, layout, message_id, base_subject, sort_from, sort_to, sort_cc, refs, preview, coalesce(email_id, ?4) FROM message WHERE id=?1
            """);
        _putExpunged = db.Prepare("INSERT OR REPLACE INTO expunged(id, account, modseq, at, entry) VALUES(?1,?2,?3,?4,?5)");
        _putDelivered = db.Prepare("INSERT INTO delivered(key, expires, account) VALUES(?1,?2,?3)");
        _putQueue = db.Prepare("""
            INSERT INTO queue(account, message_key, reverse_path, recipient, parameters, state, queued_at, next_attempt, attempts, last_reply, delay_noticed, segment, offset, length)
            VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)
            """);
        _updateQueue = db.Prepare("UPDATE queue SET state=?2, next_attempt=?3, attempts=?4, last_reply=?5, delay_noticed=?6, recipient=?7 WHERE id=?1");
        _dropQueue = db.Prepare("DELETE FROM queue WHERE id=?1");
        _putSegment = db.Prepare("INSERT INTO segment(number, bytes) VALUES(?1,?2) ON CONFLICT(number) DO UPDATE SET bytes=excluded.bytes");
        _putMeta = db.Prepare("INSERT OR REPLACE INTO meta(key, value) VALUES(?1,?2)");
        _putSeen = db.Prepare("INSERT OR REPLACE INTO seen(mailbox, reader, account, data) VALUES(?1,?2,?3,?4)");
        _db.WatchLog();
        _db.Execute("PRAGMA cache_size=-32768");   // 32 MiB: the inner pages of a large index are not read again for each transaction
    }

    public SqliteDatabase Database => _db;

    /// <param name="durable">True: COMMIT waits for the disk (D2). False: it survives the process, not the power (D1).</param>
    public void Begin(bool durable)
    {
        bool full = durable && _sync;
        if (_full != full)
        {
            _db.Execute(full ? "PRAGMA synchronous=FULL" : _sync ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=OFF");
            _full = full;
        }
        _begin.Run();
    }

    public void Commit() => _commit.Run();

    public void Rollback()
    {
        if (_db.InTransaction)
            _rollback.Run();
    }

    public void PutChunk(long mailboxId, long accountId, int number, ReadOnlySpan<MessageEntry> entries) =>
        _putChunk.Bind(1, IndexSchema.Key(mailboxId, (uint)number)).Bind(2, accountId).Bind(3, MemoryMarshal.AsBytes(entries)).Run();

    public void DropChunk(long mailboxId, int number) => _dropChunk.Bind(1, IndexSchema.Key(mailboxId, (uint)number)).Run();

    public void PutMailbox(long id, long accountId, MailboxName name, string specialUse, uint uidValidity, ulong modSeq) =>
        _putMailbox.Bind(1, id).Bind(2, accountId).Bind(3, name.Value).Bind(4, specialUse).Bind(5, uidValidity).Bind(6, (long)modSeq).Run();

    public void UpdateMailbox(long id, MailboxCounters counters, string keywords) => _updateMailbox
        .Bind(1, id).Bind(2, counters.UidNext).Bind(3, (long)counters.HighestModSeq).Bind(4, counters.Count).Bind(5, counters.Unseen)
        .Bind(6, counters.Bytes).Bind(7, counters.NextChunk).Bind(8, counters.RecentFrom).Bind(9, keywords).Run();

    public void PutAccount(long id, ulong modSeq, long messages, long bytes) =>
        _putAccount.Bind(1, id).Bind(2, (long)modSeq).Bind(3, messages).Bind(4, bytes).Run();

    public void PutMessage(long mailboxId, uint uid, long accountId, MessageSummary summary)
    {
        _putMessage.Bind(1, IndexSchema.Key(mailboxId, uid)).Bind(2, accountId).Bind(3, summary.Envelope).Bind(4, summary.BodyStructure)
            .Bind(5, summary.Layout).Bind(7, summary.BaseSubject).Bind(8, summary.SortFrom).Bind(9, summary.SortTo).Bind(10, summary.SortCc)
            .Bind(11, summary.References).Bind(12, summary.Preview);
        if (summary.MessageId is { } id)
            _putMessage.Bind(6, id);
        else
            _putMessage.BindNull(6);
        _putMessage.Run();
    }

    /// <param name="emailId">What the source is called when it is where it was first put.</param>
    public void CopyMessage(long fromMailbox, uint fromUid, long toMailbox, uint toUid, long toAccount, string emailId) =>
        _copyMessage.Bind(1, IndexSchema.Key(fromMailbox, fromUid)).Bind(2, IndexSchema.Key(toMailbox, toUid)).Bind(3, toAccount).Bind(4, emailId).Run();

    /// <param name="row">Columns of the same table of another index: envelope, structure, layout, message_id, base_subject, sort_from, sort_to, sort_cc,
    /// refs, preview, email_id.</param>
    /// <param name="emailId">Where it has none; null: then it shall have none.</param>
    public void PutMessageRow(long key, long accountId, SqliteStatement row, string? emailId)
    {
        _putMessageRow ??= _db.Prepare("""
            INSERT OR REPLACE INTO message(id, account, envelope, structure, layout, message_id, base_subject, sort_from, sort_to, sort_cc, refs, preview, email_id)
            VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)
            """);
        const int blobs = 3, all = 11;
        _putMessageRow.Bind(1, key).Bind(2, accountId);
        for (int i = 0; i < all; i++)
        {
            if (i < blobs)
                _putMessageRow.Bind(3 + i, row.Blob(i));
            else if (!row.IsNull(i))
                _putMessageRow.BindText(3 + i, row.Blob(i));
            else if (i == all - 1 && emailId is not null)
                _putMessageRow.Bind(3 + i, emailId);
            else
                _putMessageRow.BindNull(3 + i);
        }
        _putMessageRow.Run();
    }

    public void PutExpunged(long mailboxId, long accountId, ulong modSeq, long at, in MessageEntry entry) => _putExpunged
        .Bind(1, IndexSchema.Key(mailboxId, entry.Uid)).Bind(2, accountId).Bind(3, (long)modSeq).Bind(4, at)
        .Bind(5, MemoryMarshal.AsBytes(new ReadOnlySpan<MessageEntry>(in entry))).Run();

    /// <summary>The whole list of a mailbox, in place of the one before.</summary>
    public void PutAcl(long mailboxId, long accountId, Acl acl)
    {
        Run("DELETE FROM acl WHERE mailbox=?1", mailboxId);
        foreach (AclEntry entry in acl.Entries)
            Run("INSERT INTO acl(mailbox, account, identifier, rights) VALUES(?1,?2,?3,?4)", mailboxId, accountId, entry.Identifier, AclText.Format(entry.Rights));
    }

    public void PutAnnotation(long mailboxId, long reader, long accountId, Annotation annotation)
    {
        using SqliteStatement statement = _db.Prepare(annotation.Value is null
            ? "DELETE FROM annotation WHERE mailbox=?1 AND reader=?2 AND entry=?3"
            : "INSERT OR REPLACE INTO annotation(mailbox, reader, entry, account, value) VALUES(?1,?2,?3,?4,?5)");
        statement.Bind(1, mailboxId).Bind(2, reader).Bind(3, annotation.Entry);
        if (annotation.Value is { } value)
            statement.Bind(4, accountId).Bind(5, value);
        statement.Run();
    }

    public void PutLimits(long accountId, AccountLimits limits)
    {
        using SqliteStatement statement = _db.Prepare("INSERT OR REPLACE INTO quota(account, bytes, messages, mailboxes) VALUES(?1,?2,?3,?4)");
        statement.Bind(1, accountId).Bind(2, limits.Bytes).Bind(3, limits.Messages).Bind(4, limits.Mailboxes).Run();
    }

    public void PutSeen(long mailboxId, long reader, long accountId, SeenState seen) =>
        _putSeen.Bind(1, mailboxId).Bind(2, reader).Bind(3, accountId).Bind(4, seen.Write()).Run();

    public void PutDelivered(UInt128 key, long expires, long accountId)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, key);
        _putDelivered.Bind(1, bytes).Bind(2, expires).Bind(3, accountId).Run();
    }

    /// <returns>The row's id; ids are never used again (AUTOINCREMENT, S3).</returns>
    public long PutQueue(QueueEntry entry, BodyRange body)
    {
        _putQueue.Bind(1, entry.AccountId).Bind(2, entry.MessageKey).Bind(3, entry.ReversePath).Bind(4, entry.Recipient.ToString())
            .Bind(5, entry.Parameters).Bind(6, (int)entry.State).Bind(7, entry.QueuedAt.ToUnixTimeMilliseconds())
            .Bind(8, entry.NextAttempt.ToUnixTimeMilliseconds()).Bind(9, entry.Attempts).Bind(10, entry.LastReply).Bind(11, entry.DelayNoticed ? 1 : 0)
            .Bind(12, body.Segment).Bind(13, body.Offset).Bind(14, body.Length).Run();
        return _db.LastInsertId;
    }

    public void UpdateQueue(QueueEntry entry) => _updateQueue
        .Bind(1, entry.Id).Bind(2, (int)entry.State).Bind(3, entry.NextAttempt.ToUnixTimeMilliseconds()).Bind(4, entry.Attempts)
        .Bind(5, entry.LastReply).Bind(6, entry.DelayNoticed ? 1 : 0).Bind(7, entry.Recipient.ToString()).Run();

    public void DropQueue(long id) => _dropQueue.Bind(1, id).Run();

    public void PutSegment(uint number, long bytes) => _putSegment.Bind(1, number).Bind(2, bytes).Run();

    /// <summary>No record behind this length was ever acknowledged or will be: the segment failed.</summary>
    public void CloseSegment(uint number, long bytes)
    {
        PutSegment(number, bytes);
        Run("UPDATE segment SET closed=1 WHERE number=?1", (long)number);
    }

    public void PutMeta(string key, long value) => _putMeta.Bind(1, key).Bind(2, value).Run();

    /// <summary>A statement that is too rare to be kept.</summary>
    public void Run(string sql, params ReadOnlySpan<object> values)
    {
        using SqliteStatement statement = _db.Prepare(sql);
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] is string text)
                statement.Bind(i + 1, text);
            else
                statement.Bind(i + 1, Convert.ToInt64(values[i], System.Globalization.CultureInfo.InvariantCulture));
        }
        statement.Run();
    }

    public void Dispose() => _db.Dispose();
}
