using System.Collections.Concurrent;
using System.Text;
using MailEngine.Io;

namespace MailEngine.Store.TextSearch;

/// <summary>Messages of one mailbox that may hold a text.</summary>
/// <param name="Uids">Candidates among the messages that are indexed, ascending.</param>
/// <param name="IndexedUpTo">Messages with a larger UID are not indexed yet: each of them is a candidate.</param>
internal sealed record TextCandidates(List<uint> Uids, uint IndexedUpTo);

/// <summary>search.db: which messages hold which three characters in a row. Kept apart from index.db; losing it loses nothing.</summary>
/// <remarks>
/// One row a message, keyed like its other rows by (mailbox &lt;&lt; 32 | UID), so that a search reads the part of one mailbox. The
/// index gives candidates, never answers: every one is verified in the message. FTS5 without content and positions: it holds no text
/// that could be read back. Layout: docs/formats/search.md. Connections here only read; <see cref="TextIndexer"/> writes.
/// </remarks>
internal sealed class TextIndex : IDisposable
{
    /// <summary>Three characters in a row that are looked up of one text at most: more hardly narrow it down.</summary>
    const int MostTrigrams = 24;

    public const int Version = 1;

    readonly ConcurrentBag<Reader> _readers = [];
    volatile bool _usable;
    int _generation;

    public TextIndex(string path) => Path = path;

    /// <summary>A search met damage: tells the indexer.</summary>
    public Action? Damaged { get; set; }

    public bool IsDamaged { get; private set; }

    public string Path { get; }

    sealed class Reader(SqliteDatabase db, int generation) : IDisposable
    {
        public int Generation => generation;
        public SqliteDatabase Database => db;
        public SqliteStatement UpTo { get; } = db.Prepare("SELECT upto FROM mailbox WHERE id=?1 AND uidvalidity=?2");
        public SqliteStatement Find { get; } = db.Prepare("SELECT rowid FROM words WHERE words MATCH ?1 AND rowid>=?2 AND rowid<?3");
        public SqliteStatement Partial { get; } = db.Prepare("SELECT id FROM partial WHERE id>=?1 AND id<?2");
        public void Dispose() => db.Dispose();
    }

    /// <summary>The file is there and whole; or it is not, and all is scanned until it is.</summary>
    public void SetUsable(bool usable)
    {
        _usable = usable;
        IsDamaged = false;
        Interlocked.Increment(ref _generation);
        while (_readers.TryTake(out Reader? reader))
            reader.Dispose();
    }

    /// <summary>Finds candidates; null: the index cannot say, all are.</summary>
    /// <param name="wanted">Folded (RFC 5051).</param>
    public TextCandidates? Find(long mailboxId, uint uidValidity, string wanted)
    {
        if (!_usable || Query(wanted) is not { } query)
            return null;
        int generation = Volatile.Read(ref _generation);
        Reader? reader = null;
        try
        {
            while (_readers.TryTake(out reader) && reader.Generation != generation)
                reader.Dispose();
            reader ??= new Reader(new SqliteDatabase(Path, SqliteOpen.ReadOnly), generation);
            TextCandidates? found = Find(reader, mailboxId, uidValidity, query);
            _readers.Add(reader);
            return found;
        }
        catch (SqliteException fault)   // we look at the messages
        {
            reader?.Dispose();
            if (fault.IsDamaged)
            {
                IsDamaged = true;
                Damaged?.Invoke();
            }
            return null;
        }
    }

    public void Dispose() => SetUsable(false);

    static TextCandidates? Find(Reader reader, long mailboxId, uint uidValidity, string query)
    {
        long from = IndexSchema.Key(mailboxId, 0), to = IndexSchema.Key(mailboxId + 1, 0);
        reader.Database.Execute("BEGIN");   // what was indexed and up to where are of one moment
        bool known = reader.UpTo.Bind(1, mailboxId).Bind(2, uidValidity).Step();
        uint upTo = known ? (uint)reader.UpTo.Int64(0) : 0;
        reader.UpTo.Reset();
        var uids = new List<uint>();
        if (known)
        {
            Read(reader.Find.Bind(1, query).Bind(2, from).Bind(3, to), uids);
            int whole = uids.Count;
            Read(reader.Partial.Bind(1, from).Bind(2, to), uids);
            if (uids.Count > whole)
                uids = [.. uids.Distinct().Order()];
        }
        reader.Database.Execute("COMMIT");
        return known ? new TextCandidates(uids, upTo) : null;
    }

    static void Read(SqliteStatement query, List<uint> uids)
    {
        while (query.Step())
            uids.Add(IndexSchema.NumberOf(query.Int64(0)));
        query.Reset();
    }

    /// <summary>Every three characters in a row, each as a token; null: the text is too short to have any.</summary>
    static string? Query(string wanted)
    {
        Rune[] runes = [.. wanted.EnumerateRunes()];
        if (runes.Length < 3)
            return null;
        int count = runes.Length - 2, step = Math.Max(1, (count + MostTrigrams - 1) / MostTrigrams);
        var query = new StringBuilder();
        for (int i = 0; i < count; i += step)
        {
            query.Append('"');
            for (int k = i; k < i + 3; k++)
                query.Append(runes[k].Value == '"' ? "\"\"" : runes[k].ToString());
            query.Append("\" ");
        }
        return query.ToString();
    }
}
