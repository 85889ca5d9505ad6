using MailEngine.Io;
using MailEngine.Store.Partitions;

namespace MailEngine.Store.Changes;

/// <summary>When it is done, no change of the account is made in this partition any more, and all that were made are rows: the others wait.</summary>
internal sealed class FreezeChange(long accountId) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        batch.WhenPublished(() => batch.Freeze(accountId));
    }
}

/// <summary>What waited goes on: here, or where the account lives now.</summary>
internal sealed class ReleaseChange(long accountId, Partition? to) : SimpleChange
{
    public override bool Durable => false;

    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        batch.WhenPublished(() => batch.Release(accountId, to));
    }
}


/// <summary>A chunk of a moving mailbox.</summary>
/// <param name="Entries">All of them, in UID order; those that <paramref name="Fresh"/> names are here for the first time.</param>
internal sealed record ArrivingChunk(int Number, MessageEntry[] Entries, IReadOnlyDictionary<uint, ReadOnlyMemory<byte>> Fresh);

/// <summary>A row of table expunged of a moving mailbox.</summary>
/// <param name="Fresh">True: its bytes are here for the first time.</param>
internal sealed record ArrivingExpunged(ExpungedRow Row, bool Fresh, ReadOnlyMemory<byte> Prefix);

/// <summary>Some of a mailbox of an account that is being moved here. Nobody can see it: its row is that of a mailbox deleted in a far future, which
/// nothing purges, until <see cref="SettleInChange"/>.</summary>
internal sealed class ArriveChange(Partition source, MailboxRow box, IReadOnlyList<ArrivingChunk> chunks, IReadOnlyList<int> dropped,
    IReadOnlyList<ArrivingExpunged> expunged, IReadOnlyList<long> forgotten, TransferSegments transfer) : SimpleChange
{
    /// <summary>"Deleted" at this time: on its way here. Unix seconds.</summary>
    public const long OnItsWay = 1L << 60;

    public override bool BringsMail => true;

    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        IReadOnlyList<string[]> sets = KeywordText.Parse(box.Keywords);
        var draft = new MailboxDraft(new Mailbox(box.Id, box.AccountId, box.Name, new MailboxSnapshot(box.Counters, [], sets)));
        var fresh = new List<uint>();
        var written = new List<(int Number, MessageEntry[] Entries)>(chunks.Count);
        foreach (ArrivingChunk chunk in chunks)
        {
            MessageEntry[] entries = [.. chunk.Entries];
            for (int i = 0; i < entries.Length; i++)
            {
                if (!chunk.Fresh.TryGetValue(entries[i].Uid, out ReadOnlyMemory<byte> prefix))
                    continue;
                batch.WriteDeposit(draft, ref entries[i], prefix);
                fresh.Add(entries[i].Uid);
            }
            written.Add((chunk.Number, entries));
        }
        var gone = new List<ExpungedRow>(expunged.Count);
        foreach (ArrivingExpunged arriving in expunged)
        {
            MessageEntry entry = arriving.Row.Entry;
            if (arriving.Fresh && entry.BodySegment != 0)
                batch.WriteDeposit(draft, ref entry, arriving.Prefix);
            if (arriving.Fresh)
                fresh.Add(entry.Uid);
            gone.Add(arriving.Row with { Entry = entry });
        }
        batch.TakeFiles(transfer.Sealed, transfer.MarkCommitted);
        batch.Row(index =>
        {
            index.Run("INSERT OR IGNORE INTO mailbox(id, account, name, special_use, uidvalidity, uidnext, modseq, messages, unseen, bytes, next_chunk, recent_from, keywords, deleted_at) VALUES(?1,?2,?3,'',?4,1,0,0,0,0,0,1,'',?5)",
                box.Id, box.AccountId, box.Name.Value, (long)box.Counters.UidValidity, OnItsWay);
            foreach (int number in dropped)
                index.DropChunk(box.Id, number);
            foreach ((int number, MessageEntry[] entries) in written)
                index.PutChunk(box.Id, box.AccountId, number, entries);
            foreach (ExpungedRow row in gone)
                index.PutExpunged(box.Id, box.AccountId, row.ModSeq, row.At, row.Entry);
            foreach (long id in forgotten)
                index.Run("DELETE FROM expunged WHERE id=?1", id);
            source.ReadBehind(reader =>
            {
                using SqliteStatement query = MessageRows.Query(reader.Database);
                foreach (uint uid in fresh)   // one without a row has none here either: it is worked out from its bytes
                    MessageRows.TryCopy(query, IndexSchema.Key(box.Id, uid), index, IndexSchema.Key(box.Id, uid), box.AccountId, emailId: null);
                return 0;
            });
        });
    }
}

/// <summary>The rest of a moving account, all that is small: its mailboxes as they are now, subscriptions, rights, what readers have seen, annotations,
/// limits, keys, counters, remembered deliveries. The account is frozen where it comes from. With this the copy is whole, and durable.</summary>
internal sealed class SettleInChange(Partition source, long accountId) : SimpleChange
{
    readonly List<(UInt128 Key, long Expires)> _delivered = [];

    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        uint uidValidity = source.LastUidValidity;
        batch.Row(index =>
        {
            batch.ReachUidValidity(uidValidity);
            index.PutMeta("uidvalidity", batch.LastUidValidity);
            source.ReadBehind(reader =>
            {
                foreach (string table in AccountTables.All(index.Database))
                    AccountTables.Copy(reader.Database, index.Database, table, "account", accountId);
                AccountTables.Copy(reader.Database, index.Database, "account", "id", accountId);
                CopyForgotten(reader, index);
                CopyDelivered(reader, index, batch.Now.ToUnixTimeSeconds());
                return 0;
            });
        });
        batch.WhenPublished(() => batch.Remember(_delivered));
    }

    void CopyForgotten(IndexReader reader, IndexWriter index)
    {
        using SqliteStatement query = reader.Database.Prepare("SELECT m.key, m.value FROM mailbox b JOIN meta m ON m.key='forgotten ' || b.id WHERE b.account=?1");
        query.Bind(1, accountId);
        while (query.Step())
            index.PutMeta(query.Text(0), query.Int64(1));
    }

    /// <summary>A sender who did not hear the 250 before the move tries again after it.</summary>
    void CopyDelivered(IndexReader reader, IndexWriter index, long now)
    {
        _delivered.Clear();
        using SqliteStatement query = reader.Database.Prepare("SELECT key, expires FROM delivered WHERE account=?1 AND expires>=?2 ORDER BY id");
        query.Bind(1, accountId).Bind(2, now);
        while (query.Step())
        {
            UInt128 key = System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(query.Blob(0));
            index.PutDelivered(key, query.Int64(1), accountId);
            _delivered.Add((key, query.Int64(1)));
        }
    }
}

/// <summary>The account lives here now: its opened mailboxes go on with the rows that are here, and so do all who look at them.</summary>
/// <param name="begin">Called before opened mailboxes are handed over.</param>
/// <param name="end">And after: from then on the account is looked for here.</param>
internal sealed class TakeOverChange(Partition source, long accountId, Action begin, Action end) : SimpleChange
{
    public override bool Durable => false;

    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        batch.WhenPublished(() =>
        {
            begin();
            try
            {
                batch.TakeOver(source, accountId);
            }
            finally
            {
                end();
            }
        });
    }
}

/// <summary>First step of removing what a move left behind, or brought and did not need: small rows go, mailboxes are purged from now on like those whose
/// retention time is over.</summary>
/// <param name="isHome">True: the account lives here, and nothing is touched.</param>
internal sealed class ClearAccountChange(long accountId, Func<bool> isHome) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = isHome() ? StoreError.NotAllowed : StoreError.None;
        if (Result != StoreError.None)
            return;
        batch.Row(index =>
        {
            index.Run("UPDATE mailbox SET deleted_at=0 WHERE account=?1", accountId);
            foreach (string table in AccountTables.All(index.Database).Where(table => table != "mailbox"))
                index.Run($"DELETE FROM {table} WHERE account=?1", accountId);
            index.Run("DELETE FROM delivered WHERE account=?1", accountId);
            index.Run("DELETE FROM account WHERE id=?1", accountId);
        });
        batch.WhenPublished(() => batch.ForgetAccount(accountId));
    }
}

/// <summary>Nothing of the account is left here.</summary>
internal sealed class ClearedChange(long accountId) : SimpleChange
{
    public override bool Durable => false;

    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        batch.WhenPublished(() => batch.Cleared(accountId));
    }
}
