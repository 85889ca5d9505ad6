using System.Globalization;
using MailEngine.Io;
using MailEngine.Store.Partitions;

namespace MailEngine.Store.Repair;

/// <summary>Copies what can be read of a damaged index.db into a new one.</summary>
/// <remarks>A page that cannot be read costs the rows on it: ranges of keys are halved until what is left is the damaged part.</remarks>
internal sealed class IndexSalvage
{
    const uint MostKeysAMailbox = 1 << 22;

    readonly SqliteDatabase _to;

    IndexSalvage(SqliteDatabase to) => _to = to;

    /// <summary>Mailboxes of which rows were lost.</summary>
    public HashSet<long> Incomplete { get; } = [];

    /// <summary>True: rows of mailboxes themselves were lost, or counters that all ids are given by.</summary>
    public bool LostMailboxes { get; private set; }

    /// <summary>True: rows of the queue were lost.</summary>
    public bool LostQueue { get; private set; }

    /// <param name="from">A copy of the damaged file: reading it may write to it.</param>
    /// <param name="to">The new file; it must not exist.</param>
    /// <param name="deposits">Tells what mailboxes there may be.</param>
    /// <param name="files">Segments that are there, with their lengths.</param>
    public static IndexSalvage Copy(string from, string to, DepositIndex deposits, IReadOnlyList<(uint Number, long Length)> files, DateTimeOffset now)
    {
        using var db = new SqliteDatabase(to, SqliteOpen.Create);
        IndexSchema.Prepare(db);
        var salvage = new IndexSalvage(db);
        bool attached = salvage.TryAttach(from);
        // What is gone altogether is as lost as what cannot be read.
        bool Copied(string table) => attached && salvage.HasTable(table) && salvage.CopyTable(table);
        salvage.LostMailboxes = !Copied("mailbox") | !Copied("meta");
        salvage.LostQueue = !Copied("queue");
        Dictionary<long, long> boxes = deposits.Mailboxes();
        var forgotten = new List<long>();
        foreach (long id in salvage.Numbers("SELECT id FROM main.mailbox"))
            boxes.TryAdd(id, 0);
        if (attached)
        {
            foreach (string table in salvage.OtherTables())
                salvage.CopyTable(table);
            foreach (long id in boxes.Keys)
            {
                if (!salvage.CopyMailbox("chunk", id, MostKeysAMailbox))
                    salvage.Incomplete.Add(id);
                if (!salvage.CopyMailbox("expunged", id, MostKeysAMailbox))
                    forgotten.Add(id);
                salvage.CopyMailbox("message", id, MostKeysAMailbox);   // those that are lost are worked out from the messages themselves
            }
        }
        salvage.MendNames();
        // All that is in them is looked at here: closed, so that no start does it again.
        foreach ((uint number, long length) in files.Where(file => file.Length > 0))
            db.Execute(string.Create(CultureInfo.InvariantCulture, $"INSERT OR REPLACE INTO segment(number, bytes, closed) VALUES({number}, {length}, 1)"));
        salvage.RaiseCounters(boxes.Keys, new MailboxIdRange(PartitionIdentity.Read(Path.GetDirectoryName(to)!)?.Number ?? 0), now);
        foreach (long id in forgotten)   // RFC 7162 §5.3
            db.Execute(string.Create(CultureInfo.InvariantCulture, $"INSERT OR REPLACE INTO meta(key, value) SELECT 'forgotten {id}', modseq FROM main.mailbox WHERE id={id}"));
        if (attached)
            db.Execute("DETACH old");
        return salvage;
    }

    bool TryAttach(string from)
    {
        try
        {
            using (SqliteStatement attach = _to.Prepare("ATTACH ?1 AS old"))
                attach.Bind(1, from).Run();
            _to.ReadNumber("SELECT count(*) FROM old.sqlite_schema");
            return true;
        }
        catch (SqliteException)
        {
            return false;
        }
    }

    /// <summary>Tables that are copied as a whole, whatever a later version of the index adds.</summary>
    List<string> OtherTables()
    {
        var names = new List<string>();
        using SqliteStatement query = _to.Prepare("""
            SELECT name FROM main.sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%'
            AND name NOT IN ('mailbox', 'meta', 'queue', 'chunk', 'expunged', 'message', 'segment')
            """);
        while (query.Step())
            names.Add(query.Text(0));
        return names;
    }

    /// <returns>False: rows were lost.</returns>
    bool CopyTable(string table)
    {
        if (!HasTable(table))
            return true;
        string columns = Columns(table);
        bool hasRowId = true;
        try
        {
            _to.ReadNumber($"SELECT rowid FROM main.{table} LIMIT 1");
        }
        catch (SqliteException)
        {
            hasRowId = false;
        }
        if (Try($"INSERT OR IGNORE INTO main.{table}({columns}) SELECT {columns} FROM old.{table}"))
            return true;
        if (hasRowId)
        {
            CopyRange(table, columns, 0, 1L << 32);
            return false;
        }
        // No numbers to halve by: from both ends up to the damage.
        foreach (string order in new[] { "ASC", "DESC" })
            CopyUntilDamage(table, columns, order);
        return false;
    }

    bool CopyMailbox(string table, long mailboxId, uint keys) =>
        !HasTable(table) || CopyRange(table, Columns(table), IndexSchema.Key(mailboxId, 0), IndexSchema.Key(mailboxId, keys));

    /// <returns>False: rows were lost.</returns>
    bool CopyRange(string table, string columns, long first, long next)
    {
        const int mostTries = 20_000;   // a damaged inner page hides many rows: end some time
        var ranges = new Stack<(long First, long Next)>([(first, next)]);
        bool whole = true;
        for (int tries = 0; ranges.TryPop(out (long First, long Next) range) && tries < mostTries; tries++)
        {
            if (Try($"INSERT OR IGNORE INTO main.{table}({columns}) SELECT {columns} FROM old.{table} WHERE rowid>={range.First} AND rowid<{range.Next}"))
                continue;
            whole = false;
            long middle = range.First + ((range.Next - range.First) / 2);
            if (middle == range.First)
                continue;   // the row itself
            ranges.Push((middle, range.Next));
            ranges.Push((range.First, middle));
        }
        return whole;
    }

    void CopyUntilDamage(string table, string columns, string order)
    {
        string key = PrimaryKey(table);
        for (int rows = 1 << 20; rows >= 1; rows /= 4)
        {
            // A limit that reaches the damage undoes the whole statement; a smaller one does not reach it.
            if (Try($"INSERT OR IGNORE INTO main.{table}({columns}) SELECT {columns} FROM old.{table} ORDER BY {string.Join(", ", key.Split(',').Select(k => $"{k} {order}"))} LIMIT {rows}"))
                return;
        }
    }

    /// <summary>A flipped bit that SQLite does not see can make a name that is none.</summary>
    void MendNames()
    {
        using SqliteStatement query = _to.Prepare("SELECT id, name FROM main.mailbox");
        var wrong = new List<long>();
        while (query.Step())
        {
            if (!MailboxName.TryParse(query.Text(1), out _))
                wrong.Add(query.Int64(0));
        }
        query.Reset();
        foreach (long id in wrong)
            _to.Execute(string.Create(CultureInfo.InvariantCulture, $"UPDATE OR IGNORE main.mailbox SET name='Recovered {id}' WHERE id={id}"));
    }

    /// <summary>No id is ever used twice (S3): where it is not known how far they went, a gap is left.</summary>
    void RaiseCounters(IEnumerable<long> mailboxes, MailboxIdRange ids, DateTimeOffset now)
    {
        const long gap = 1 << 16;
        // Mailboxes of accounts that moved in have ids of other partitions: they say nothing about what was given here.
        long next = mailboxes.Where(ids.Contains).Select(id => id + 1).DefaultIfEmpty(ids.First).Max();
        long seconds = now.ToUnixTimeSeconds();
        _to.Execute(string.Create(CultureInfo.InvariantCulture, $"""
            INSERT INTO meta(key, value) VALUES('next_mailbox', {(LostMailboxes ? next + gap : next)}) ON CONFLICT(key) DO UPDATE SET value=max(value, excluded.value);
            INSERT INTO meta(key, value) VALUES('uidvalidity', {(LostMailboxes ? seconds : 0)}) ON CONFLICT(key) DO UPDATE SET value=max(value, excluded.value);
            """));
        if (LostQueue)
            _to.Execute(string.Create(CultureInfo.InvariantCulture, $"DELETE FROM sqlite_sequence WHERE name='queue'; INSERT INTO sqlite_sequence(name, seq) VALUES('queue', {seconds})"));
    }

    bool HasTable(string table)
    {
        try
        {
            return _to.ReadNumber($"SELECT count(*) FROM old.sqlite_schema WHERE type='table' AND name='{table}'") > 0;
        }
        catch (SqliteException)
        {
            return false;
        }
    }

    string Columns(string table) => string.Join(',', Texts($"""
        SELECT n.name FROM pragma_table_info('{table}', 'main') n WHERE n.name IN (SELECT o.name FROM pragma_table_info('{table}', 'old') o)
        """));

    string PrimaryKey(string table) => string.Join(',', Texts($"SELECT name FROM pragma_table_info('{table}', 'main') WHERE pk>0 ORDER BY pk"));

    List<string> Texts(string sql)
    {
        var texts = new List<string>();
        using SqliteStatement query = _to.Prepare(sql);
        while (query.Step())
            texts.Add(query.Text(0));
        return texts;
    }

    List<long> Numbers(string sql)
    {
        var numbers = new List<long>();
        using SqliteStatement query = _to.Prepare(sql);
        while (query.Step())
            numbers.Add(query.Int64(0));
        return numbers;
    }

    bool Try(string sql)
    {
        try
        {
            _to.Execute(sql);
            return true;
        }
        catch (SqliteException fault) when (!fault.IsFull)
        {
            return false;
        }
    }
}
