using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MailEngine.Addresses;
using MailEngine.Io;

namespace MailEngine.Store;

/// <summary>A row of table mailbox.</summary>
internal sealed record MailboxRow(
    long Id, long AccountId, MailboxName Name, string SpecialUse, MailboxCounters Counters, string Keywords, long? DeletedAt, Acl Acl)
{
    public bool Deleted => DeletedAt is not null;

    public MailboxInfo ToInfo(bool subscribed) => new()
    {
        Id = Id,
        AccountId = AccountId,
        Acl = Acl,
        Name = Name,
        Subscribed = subscribed,
        SpecialUse = SpecialUse,
        UidValidity = Counters.UidValidity,
        UidNext = Counters.UidNext,
        HighestModSeq = Counters.HighestModSeq,
        Count = Counters.Count,
        Unseen = Counters.Unseen,
        Bytes = Counters.Bytes,
        RecentFrom = Counters.RecentFrom,
    };
}

/// <summary>A row of table expunged.</summary>
/// <param name="Id">Mailbox and UID, see <see cref="IndexSchema.Key"/>.</param>
/// <param name="At">When it was expunged, Unix seconds.</param>
internal readonly record struct ExpungedRow(long Id, long AccountId, ulong ModSeq, long At, MessageEntry Entry)
{
    public ExpungeReason Reason => (ExpungeReason)Entry.Reserved;
}

/// <summary>Reads rows of index.db on a connection of its own. Pooled by the partition; one thread at a time.</summary>
internal sealed class IndexReader(SqliteDatabase db) : IDisposable
{
    const string MailboxColumns = "id, account, name, special_use, uidvalidity, uidnext, modseq, messages, unseen, bytes, next_chunk, recent_from, keywords, deleted_at,"
        + " (SELECT group_concat(identifier || ' ' || rights, char(10)) FROM acl WHERE acl.mailbox=mailbox.id)";

    readonly SqliteStatement _byId = db.Prepare($"SELECT {MailboxColumns} FROM mailbox WHERE id=?1");
    readonly SqliteStatement _byName = db.Prepare($"SELECT {MailboxColumns} FROM mailbox WHERE account=?1 AND name=?2 AND deleted_at IS NULL");
    readonly SqliteStatement _ofAccount = db.Prepare($"SELECT {MailboxColumns} FROM mailbox WHERE account=?1 AND deleted_at IS NULL");
    readonly SqliteStatement _deletedOfAccount = db.Prepare($"SELECT {MailboxColumns} FROM mailbox WHERE deleted_at IS NOT NULL AND account=?1");
    readonly SqliteStatement _expungedById = db.Prepare("SELECT account, modseq, at, entry FROM expunged WHERE id=?1");
    readonly SqliteStatement _expungedOf = db.Prepare("""
        SELECT e.id, e.account, e.modseq, e.at, e.entry FROM expunged e WHERE e.id>=?1 AND e.id<?2
        AND (?3='' OR EXISTS (SELECT 1 FROM message m WHERE m.id=e.id AND (instr(m.base_subject,?3) OR instr(m.sort_from,?3)))) ORDER BY e.id
        """);
    readonly SqliteStatement _all = db.Prepare($"SELECT {MailboxColumns} FROM mailbox ORDER BY id");
    readonly SqliteStatement _chunks = db.Prepare("SELECT id, data FROM chunk WHERE id>=?1 AND id<?2 ORDER BY id");
    readonly SqliteStatement _account = db.Prepare("SELECT modseq, messages, bytes FROM account WHERE id=?1");
    readonly SqliteStatement _subscriptions = db.Prepare("SELECT name FROM subscription WHERE account=?1");
    readonly SqliteStatement _details = db.Prepare(
        "SELECT id, envelope, structure, layout, message_id, preview, refs, email_id FROM message WHERE id>=?1 AND id<?2 ORDER BY id LIMIT ?3");
    readonly SqliteStatement _emailIds = db.Prepare("SELECT id, email_id FROM message WHERE id>=?1 AND id<?2 AND email_id IS NOT NULL ORDER BY id");
    readonly SqliteStatement _naming = db.Prepare("SELECT mailbox FROM acl WHERE identifier=?1");
    readonly SqliteStatement _annotations = db.Prepare("SELECT entry, value FROM annotation WHERE mailbox=?1 AND reader=?2 ORDER BY entry");
    readonly SqliteStatement _limits = db.Prepare("SELECT bytes, messages, mailboxes FROM quota WHERE account=?1");
    readonly SqliteStatement _answered = db.Prepare("SELECT until FROM answered WHERE account=?1 AND sender=?2 AND handle=?3");
    readonly SqliteStatement _seen = db.Prepare("SELECT data FROM seen WHERE mailbox=?1 AND reader=?2");
    const string QueueColumns =
        "id, account, message_key, reverse_path, recipient, parameters, state, queued_at, next_attempt, attempts, last_reply, delay_noticed, segment, offset, length";
    readonly SqliteStatement _queue = db.Prepare($"SELECT {QueueColumns} FROM queue WHERE id>=?1 AND id<=?2 ORDER BY id");

    readonly SqliteStatement _expunged = db.Prepare("SELECT id FROM expunged WHERE id >> 32 = ?1 AND modseq > ?2");
    readonly SqliteStatement _meta = db.Prepare("SELECT value FROM meta WHERE key=?1");

    public SqliteDatabase Database => db;

    public MailboxRow? Mailbox(long id) => One(_byId.Bind(1, id));

    public MailboxRow? Mailbox(long accountId, MailboxName name) => One(_byName.Bind(1, accountId).Bind(2, name.Value));

    public List<MailboxRow> MailboxesOf(long accountId) => Many(_ofAccount.Bind(1, accountId));

    /// <summary>Mailboxes of an account that were deleted and whose retention time is not over.</summary>
    public List<MailboxRow> DeletedMailboxesOf(long accountId) => Many(_deletedOfAccount.Bind(1, accountId));

    /// <summary>Messages of a mailbox that carry the name of another place.</summary>
    public List<(uint Uid, string EmailId)> EmailIdsOf(long mailboxId)
    {
        var ids = new List<(uint, string)>();
        _emailIds.Bind(1, IndexSchema.Key(mailboxId, 0)).Bind(2, IndexSchema.Key(mailboxId + 1, 0));
        try
        {
            while (_emailIds.Step())
                ids.Add((IndexSchema.NumberOf(_emailIds.Int64(0)), _emailIds.Text(1)));
            return ids;
        }
        finally
        {
            _emailIds.Reset();
        }
    }

    /// <summary>A row of table expunged; null: there is none.</summary>
    public ExpungedRow? Expunged(long id)
    {
        try
        {
            return _expungedById.Bind(1, id).Step() && _expungedById.Blob(3).Length == Unsafe.SizeOf<MessageEntry>()
                ? new ExpungedRow(id, _expungedById.Int64(0), (ulong)_expungedById.Int64(1), _expungedById.Int64(2), MemoryMarshal.Read<MessageEntry>(_expungedById.Blob(3)))
                : null;
        }
        finally
        {
            _expungedById.Reset();
        }
    }

    /// <summary>Rows of table expunged of one mailbox.</summary>
    /// <param name="folded">Only those with this in a sort key, as <see cref="Mime.UnicodeCasemap.Fold"/> makes it; empty: all.</param>
    public List<ExpungedRow> ExpungedOf(long mailboxId, string folded = "")
    {
        var rows = new List<ExpungedRow>();
        _expungedOf.Bind(1, IndexSchema.Key(mailboxId, 0)).Bind(2, IndexSchema.Key(mailboxId + 1, 0)).Bind(3, folded);
        try
        {
            while (_expungedOf.Step())
            {
                if (_expungedOf.Blob(4).Length == Unsafe.SizeOf<MessageEntry>())
                    rows.Add(new ExpungedRow(_expungedOf.Int64(0), _expungedOf.Int64(1), (ulong)_expungedOf.Int64(2), _expungedOf.Int64(3), MemoryMarshal.Read<MessageEntry>(_expungedOf.Blob(4))));
            }
        }
        finally
        {
            _expungedOf.Reset();
        }
        return rows;
    }

    public List<MailboxRow> AllMailboxes() => Many(_all);

    public (ulong ModSeq, long Messages, long Bytes)? Account(long id)
    {
        try
        {
            return _account.Bind(1, id).Step() ? ((ulong)_account.Int64(0), _account.Int64(1), _account.Int64(2)) : null;
        }
        finally
        {
            _account.Reset();
        }
    }

    public AccountUse TotalUse()
    {
        using SqliteStatement sum = db.Prepare("SELECT coalesce(sum(messages), 0), coalesce(sum(bytes), 0) FROM account");
        return sum.Step() ? new AccountUse(sum.Int64(0), sum.Int64(1)) : default;
    }

    public long CountAccounts() => db.ReadNumber("SELECT count(*) FROM account WHERE id<>0") ?? 0;

    public HashSet<string> Subscriptions(long accountId)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        _subscriptions.Bind(1, accountId);
        while (_subscriptions.Step())
            names.Add(_subscriptions.Text(0));
        _subscriptions.Reset();
        return names;
    }

    /// <summary>Mailboxes whose list gives any of these identifiers something.</summary>
    public List<MailboxRow> MailboxesNaming(IReadOnlyCollection<string> identifiers)
    {
        var ids = new HashSet<long>();
        foreach (string identifier in identifiers)
        {
            _naming.Bind(1, identifier);
            while (_naming.Step())
                ids.Add(_naming.Int64(0));
            _naming.Reset();
        }
        var rows = new List<MailboxRow>(ids.Count);
        foreach (long id in ids)
        {
            if (Mailbox(id) is { Deleted: false } row)
                rows.Add(row);
        }
        return rows;
    }

    /// <summary>Annotations that everybody shares, and the reader's own, by name.</summary>
    public List<Annotation> Annotations(long mailboxId, long reader)
    {
        var found = new List<Annotation>();
        foreach (long whose in reader == 0 ? new long[] { 0 } : [0, reader])
        {
            _annotations.Bind(1, mailboxId).Bind(2, whose);
            while (_annotations.Step())
                found.Add(new Annotation(_annotations.Text(0), _annotations.Blob(1).ToArray()));
            _annotations.Reset();
        }
        return found;
    }

    public AccountLimits Limits(long accountId)
    {
        AccountLimits limits = default;
        if (_limits.Bind(1, accountId).Step())
        {
            limits = new AccountLimits(
                _limits.IsNull(0) ? null : _limits.Int64(0), _limits.IsNull(1) ? null : _limits.Int64(1), _limits.IsNull(2) ? null : _limits.Int64(2));
        }
        _limits.Reset();
        return limits;
    }

    /// <summary>What a reader who is not the owner has seen.</summary>
    public SeenState Seen(long mailboxId, long reader)
    {
        SeenState seen = _seen.Bind(1, mailboxId).Bind(2, reader).Step() ? SeenState.Read(_seen.Blob(0)) : SeenState.None;
        _seen.Reset();
        return seen;
    }

    /// <summary>Until when a sender is not answered again; null: he never was. Unix seconds.</summary>
    public long? AnsweredUntil(AnswerKey key)
    {
        long? until = _answered.Bind(1, key.AccountId).Bind(2, key.Sender).Bind(3, key.Handle).Step() ? _answered.Int64(0) : null;
        _answered.Reset();
        return until;
    }

    /// <summary>Mailboxes with a list that names a domain or an address in it.</summary>
    public List<long> MailboxesNamingDomain(string domain)
    {
        var ids = new List<long>();
        using SqliteStatement query = db.Prepare("SELECT DISTINCT mailbox FROM acl WHERE identifier GLOB '*$*' AND substr(identifier, -length(?1))=?1");
        query.Bind(1, "@" + domain);
        while (query.Step())
            ids.Add(query.Int64(0));
        return ids;
    }

    public string? UrlKey(long mailboxId)
    {
        using SqliteStatement key = db.Prepare("SELECT key FROM url_key WHERE mailbox=?1");
        return key.Bind(1, mailboxId).Step() ? key.Text(0) : null;
    }

    /// <summary>Keys of the newest remembered deliveries, oldest first, with the time each is forgotten (Unix seconds).</summary>
    public void Delivered(int most, Action<UInt128, long> take)
    {
        using SqliteStatement query = db.Prepare(
            "SELECT key, expires FROM delivered WHERE id > (SELECT coalesce(max(id), 0) FROM delivered) - ?1 ORDER BY id");
        query.Bind(1, most);
        while (query.Step())
            take(BinaryPrimitives.ReadUInt128LittleEndian(query.Blob(0)), query.Int64(1));
    }

    /// <summary>How far the rows of each segment have come, and whether it takes no more.</summary>
    public Dictionary<uint, (long Bytes, bool Closed)> Segments()
    {
        var segments = new Dictionary<uint, (long, bool)>();
        using SqliteStatement query = db.Prepare("SELECT number, bytes, closed FROM segment");
        while (query.Step())
            segments.Add((uint)query.Int64(0), (query.Int64(1), query.Int64(2) != 0));
        return segments;
    }

    /// <summary>All chunks of a mailbox, in order: the whole cost of opening it.</summary>
    public Chunk[] Chunks(long mailboxId)
    {
        var chunks = new List<Chunk>();
        _chunks.Bind(1, IndexSchema.Key(mailboxId, 0)).Bind(2, IndexSchema.Key(mailboxId + 1, 0));
        try
        {
            while (_chunks.Step())
            {
                MessageEntry[] entries = MemoryMarshal.Cast<byte, MessageEntry>(_chunks.Blob(1)).ToArray();
                if (entries.Length is 0 or > Chunk.Capacity)
                    throw new SqliteException(11, $"{db.Path}: chunk {_chunks.Int64(0)} is damaged");
                chunks.Add(new Chunk((int)IndexSchema.NumberOf(_chunks.Int64(0)), entries));
            }
        }
        finally
        {
            _chunks.Reset();
        }
        return [.. chunks];
    }

    /// <summary>Reads a mailbox whole; null: no such mailbox, or deleted.</summary>
    public Mailbox? Load(long mailboxId) => Load(mailboxId, evenDeleted: false);

    public Mailbox? Load(long mailboxId, bool evenDeleted)
    {
        db.Execute("BEGIN");
        try
        {
            return ReadMailbox(mailboxId, evenDeleted);
        }
        finally
        {
            db.Execute("COMMIT");
        }
    }

    /// <summary>UIDs of messages expunged after a mod-sequence.</summary>
    /// <remarks>Reads no more rows than it answers with. All are remembered unless newer ones were forgotten, of which table meta knows.</remarks>
    public ExpungedSince ExpungedSince(long mailboxId, ulong modSeq)
    {
        db.Execute("BEGIN");
        try
        {
            if (Meta(IndexSchema.Forgotten(mailboxId)) is { } forgotten && (ulong)forgotten > modSeq)
                return new ExpungedSince([], IsWhole: false);
            var uids = new List<uint>();
            _expunged.Bind(1, mailboxId).Bind(2, (long)modSeq);
            while (_expunged.Step())
                uids.Add(IndexSchema.NumberOf(_expunged.Int64(0)));
            uids.Sort();   // the index has them by mod-sequence
            return new ExpungedSince(uids, IsWhole: true);
        }
        finally
        {
            _expunged.Reset();
            db.Execute("COMMIT");
        }
    }

    long? Meta(string key)
    {
        try
        {
            return _meta.Bind(1, key).Step() ? _meta.Int64(0) : null;
        }
        finally
        {
            _meta.Reset();
        }
    }

    /// <summary>The same, inside a transaction of the caller.</summary>
    public Mailbox? ReadMailbox(long mailboxId, bool evenDeleted = false)
    {
        MailboxRow? row = Mailbox(mailboxId);
        return row is null || (row.Deleted && !evenDeleted)
            ? null
            : new Mailbox(row.Id, row.AccountId, row.Name, new MailboxSnapshot(row.Counters, Chunks(row.Id), KeywordText.Parse(row.Keywords))) { Acl = row.Acl };
    }

    /// <summary>Message rows from a UID on, at most <paramref name="rows"/> of them, given to <paramref name="take"/> one by one.</summary>
    public void Details(long mailboxId, uint fromUid, int rows, Action<SqliteStatement> take)
    {
        _details.Bind(1, IndexSchema.Key(mailboxId, fromUid)).Bind(2, IndexSchema.Key(mailboxId + 1, 0)).Bind(3, rows);
        try
        {
            while (_details.Step())
                take(_details);
        }
        finally
        {
            _details.Reset();
        }
    }

    /// <summary>Rows of the queue by id.</summary>
    public List<QueueEntry> Queue(long first = 0, long last = long.MaxValue)
    {
        var rows = new List<QueueEntry>();
        _queue.Bind(1, first).Bind(2, last);
        while (_queue.Step())
        {
            if (!EmailAddress.TryParse(_queue.Text(4), out EmailAddress recipient))
                continue;   // only a damaged row has one; the check reports it
            rows.Add(new QueueEntry
            {
                Id = _queue.Int64(0),
                AccountId = _queue.Int64(1),
                MessageKey = _queue.Text(2),
                ReversePath = _queue.Text(3),
                Recipient = recipient,
                Parameters = _queue.Text(5),
                State = (QueueState)_queue.Int64(6),
                QueuedAt = DateTimeOffset.FromUnixTimeMilliseconds(_queue.Int64(7)),
                NextAttempt = DateTimeOffset.FromUnixTimeMilliseconds(_queue.Int64(8)),
                Attempts = (int)_queue.Int64(9),
                LastReply = _queue.Text(10),
                DelayNoticed = _queue.Int64(11) != 0,
                Body = new BodyRange((uint)_queue.Int64(12), (uint)_queue.Int64(13), (uint)_queue.Int64(14)),
            });
        }
        _queue.Reset();
        return rows;
    }

    public void Dispose() => db.Dispose();

    static MailboxRow? One(SqliteStatement query)
    {
        try
        {
            return query.Step() ? Read(query) : null;
        }
        finally
        {
            query.Reset();
        }
    }

    static List<MailboxRow> Many(SqliteStatement query)
    {
        var rows = new List<MailboxRow>();
        try
        {
            while (query.Step())
                rows.Add(Read(query));
        }
        finally
        {
            query.Reset();
        }
        return rows;
    }

    static MailboxRow Read(SqliteStatement row) => new(
        row.Int64(0), row.Int64(1), MailboxName.Parse(row.Text(2)), row.Text(3),
        new MailboxCounters((uint)row.Int64(4), (uint)row.Int64(5), (ulong)row.Int64(6), (int)row.Int64(7), (int)row.Int64(8), row.Int64(9), (int)row.Int64(10), (uint)row.Int64(11)),
        row.Text(12), row.IsNull(13) ? null : row.Int64(13), row.IsNull(14) ? Acl.Empty : Acl.Parse(row.Text(14)));
}

/// <summary>Keyword sets as one text: sets apart by line feeds, keywords by spaces. Neither can be in a keyword (RFC 9051 §9, atom).</summary>
internal static class KeywordText
{
    static readonly string[][] s_none = [[]];

    public static IReadOnlyList<string[]> Parse(string text) =>
        text.Length == 0 ? s_none : [.. text.Split('\n').Select(set => set.Split(' ', StringSplitOptions.RemoveEmptyEntries))];

    public static string Format(IReadOnlyList<string[]> sets) =>
        sets.Count <= 1 ? "" : string.Join('\n', sets.Select(set => string.Join(' ', set)));
}
