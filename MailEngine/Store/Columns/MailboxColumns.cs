using System.Text;
using MailEngine.Io;
using MailEngine.Mime;

namespace MailEngine.Store.Columns;

/// <summary>The columns of one mailbox: made when first asked for, extended by messages that came since.</summary>
/// <remarks>
/// One lock covers making and extending; what is handed out is read without it, because rows are only ever added behind those that a
/// view counts. Rows stand in UID order; those of expunged messages stay until they are the most, then all is made anew.
/// </remarks>
internal sealed class MailboxColumns(Partition partition, long mailboxId)
{
    /// <summary>Messages whose rows are read at once, and blocks of them that are read ahead at most: some six megabytes.</summary>
    const int BlockRows = 4096, MostAhead = 4;

    readonly Lock _lock = new();
    readonly Dictionary<ColumnSet, Column> _columns = [];
    uint[] _uids = new uint[64];
    int _count;

    /// <summary>About what it takes, bytes.</summary>
    public long Size { get; private set; }

    /// <summary>The columns asked for, for the messages of a snapshot.</summary>
    /// <exception cref="IOException">The rows cannot be read.</exception>
    public ColumnView View(MailboxSnapshot snapshot, ColumnSet wanted)
    {
        lock (_lock)
        {
            if (_count > 2 * snapshot.Count + 1000)
                Forget_NeedsLock();
            Extend_NeedsLock(snapshot);
            if (!TryRows_NeedsLock(snapshot, out int[]? rows))
                return Apart(snapshot, wanted);
            Dictionary<ColumnSet, Column> missing = New(wanted, except: _columns);
            if (missing.Count > 0 && rows is null && _count == snapshot.Count)
            {
                Fill(missing, snapshot, 0, snapshot.Count);
                foreach ((ColumnSet kind, Column column) in missing)
                    _columns.Add(kind, column);
            }
            else if (missing.Count > 0)
            {
                // Rows of expunged messages have nothing to fill a new column with: all is made anew without them.
                foreach (ColumnSet kind in _columns.Keys)
                    wanted |= kind;
                Forget_NeedsLock();
                foreach ((ColumnSet kind, Column column) in New(wanted, except: []))
                    _columns.Add(kind, column);
                Extend_NeedsLock(snapshot);
                rows = null;
            }
            Size = 4L * _uids.Length + _columns.Values.Sum(column => column.Size);
            return new ColumnView(rows, _columns.Where(pair => (pair.Key & wanted) != 0).ToDictionary(pair => pair.Key, pair => ViewOf(pair.Value)));
        }
    }

    static object ViewOf(Column column) => column switch
    {
        TextColumn text => text.View(),
        ThreadColumn threads => threads.View(),
        _ => ((SearchColumn)column).View(),
    };

    void Forget_NeedsLock()
    {
        _columns.Clear();
        _count = 0;
    }

    /// <summary>Rows for messages behind the last one there is.</summary>
    void Extend_NeedsLock(MailboxSnapshot snapshot)
    {
        int from = _count == 0 ? 0 : snapshot.LowerBound(_uids[_count - 1] + 1);
        if (from == snapshot.Count)
            return;
        try
        {
            Fill(_columns, snapshot, from, snapshot.Count);
        }
        catch
        {
            Forget_NeedsLock();   // some columns may be longer than others
            throw;
        }
        if (_count + snapshot.Count - from > _uids.Length)
            Array.Resize(ref _uids, Math.Max(2 * _uids.Length, _count + snapshot.Count - from));
        for (int i = from; i < snapshot.Count; i++)
            _uids[_count++] = snapshot[i].Uid;
    }

    /// <summary>Row of each message; null where they are the same. False: a message has no row.</summary>
    bool TryRows_NeedsLock(MailboxSnapshot snapshot, out int[]? rows)
    {
        rows = null;
        int row = 0, index = 0;
        foreach (Chunk chunk in snapshot.Chunks)
        {
            foreach (ref readonly MessageEntry entry in chunk.Messages)
            {
                while (row < _count && _uids[row] < entry.Uid)
                    row++;
                if (row == _count || _uids[row] != entry.Uid)
                    return false;
                if (rows is null && row != index)
                {
                    rows = new int[snapshot.Count];
                    for (int i = 0; i < index; i++)
                        rows[i] = i;
                }
                if (rows is not null)
                    rows[index] = row;
                index++;
                row++;
            }
        }
        return true;
    }

    /// <summary>A session still shows messages that were expunged before the columns were made: it gets columns of its own.</summary>
    ColumnView Apart(MailboxSnapshot snapshot, ColumnSet wanted)
    {
        Dictionary<ColumnSet, Column> columns = New(wanted, except: []);
        Fill(columns, snapshot, 0, snapshot.Count);
        return new ColumnView(null, columns.ToDictionary(pair => pair.Key, pair => ViewOf(pair.Value)));
    }

    static Dictionary<ColumnSet, Column> New(ColumnSet wanted, Dictionary<ColumnSet, Column> except)
    {
        var columns = new Dictionary<ColumnSet, Column>();
        foreach (ColumnSet kind in Enum.GetValues<ColumnSet>())
        {
            if (kind == ColumnSet.None || (wanted & kind) == 0 || except.ContainsKey(kind))
                continue;
            columns.Add(kind, kind == ColumnSet.Threads ? new ThreadColumn() : kind < ColumnSet.Threads ? new TextColumn(kind) : new SearchColumn(kind));
        }
        return columns;
    }

    /// <summary>Appends messages of the snapshot to columns, in the order of their rows, which are read by several threads.</summary>
    void Fill(Dictionary<ColumnSet, Column> columns, MailboxSnapshot snapshot, int from, int to)
    {
        if (columns.Count == 0 || from == to)
            return;
        ColumnSet kinds = ColumnSet.None;
        foreach (ColumnSet kind in columns.Keys)
            kinds |= kind;
        partition.Settle();
        using ByteBuffer scratch = new(1024), text = new(1024);
        var ahead = new Queue<Task<RowBlock>>();
        int asked = from, index = from;
        try
        {
            while (index < to)
            {
                for (; asked < to && ahead.Count <= Math.Min(Environment.ProcessorCount, MostAhead); asked = Math.Min(asked + BlockRows, to))
                    ahead.Enqueue(ReadAsync(Query(kinds), snapshot[asked].Uid, snapshot[Math.Min(asked + BlockRows, to) - 1].Uid));
                using RowBlock block = ahead.Dequeue().GetAwaiter().GetResult();
                int end = Math.Min(index + BlockRows, to);
                for (int i = 0; i < block.Count; i++)
                {
                    for (; index < end && snapshot[index].Uid < block.Uid(i); index++)
                        Append(columns, Compute(snapshot, index), scratch, text);
                    if (index == end || snapshot[index].Uid != block.Uid(i))
                        continue;   // expunged, and its row is still kept
                    StoredValues row = block[i];
                    foreach (Column column in columns.Values)
                        column.Append(row, scratch, text);
                    index++;
                }
                for (; index < end; index++)
                    Append(columns, Compute(snapshot, index), scratch, text);
            }
        }
        finally
        {
            foreach (Task<RowBlock> left in ahead)   // after a fault: nobody wants them
                _ = left.ContinueWith(done => done.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        }
    }

    /// <summary>Rows of the messages from one UID to another. The first block of a small mailbox is read where it is asked for.</summary>
    Task<RowBlock> ReadAsync(string query, uint first, uint last)
    {
        RowBlock Read() => partition.ReadBehind(reader =>
        {
            var block = new RowBlock();
            using SqliteStatement rows = reader.Database.Prepare(query);
            rows.Bind(1, IndexSchema.Key(mailboxId, first)).Bind(2, IndexSchema.Key(mailboxId, last));
            while (rows.Step())
                block.Add(rows);
            return block;
        });
        return last - first < BlockRows / 4 ? Task.FromResult(Read()) : Task.Run(Read);
    }

    static string Query(ColumnSet kinds)
    {
        string Need(ColumnSet any, string name) => (kinds & any) != 0 ? name : "''";
        const ColumnSet envelope = ColumnSet.DisplayFrom | ColumnSet.DisplayTo | ColumnSet.Threads | ColumnSet.SubjectText | ColumnSet.FromText
            | ColumnSet.ToText | ColumnSet.CcText | ColumnSet.BccText;
        return $"SELECT id, {Need(envelope, "envelope")}, {Need(ColumnSet.Threads, "message_id")}, {Need(ColumnSet.Subject, "base_subject")}, "
            + $"{Need(ColumnSet.From, "sort_from")}, {Need(ColumnSet.To, "sort_to")}, {Need(ColumnSet.Cc, "sort_cc")}, {Need(ColumnSet.Threads, "refs")} "
            + "FROM message WHERE id>=?1 AND id<=?2 ORDER BY id";
    }

    /// <summary>The row is lost; the message is not (S5).</summary>
    static MessageSummary? Compute(MailboxSnapshot snapshot, int index)
    {
        ref readonly MessageEntry entry = ref snapshot[index];
        var body = new byte[entry.BodyLength];
        try
        {
            using var reader = new MessageReader(snapshot.Segments, default, new BodyRange(entry.BodySegment, entry.BodyOffset, entry.BodyLength));
            reader.Read(0, body);
            return MessageSummary.Of(body);
        }
        catch (IOException)
        {
            return null;   // both are: it sorts as one without fields
        }
    }

    static void Append(Dictionary<ColumnSet, Column> columns, MessageSummary? summary, ByteBuffer scratch, ByteBuffer text)
    {
        var row = summary is null ? default : new StoredValues
        {
            Envelope = summary.Envelope,
            MessageId = Encoding.UTF8.GetBytes(summary.MessageId ?? ""),
            BaseSubject = Encoding.UTF8.GetBytes(summary.BaseSubject),
            SortFrom = Encoding.UTF8.GetBytes(summary.SortFrom),
            SortTo = Encoding.UTF8.GetBytes(summary.SortTo),
            SortCc = Encoding.UTF8.GetBytes(summary.SortCc),
            References = Encoding.UTF8.GetBytes(summary.References),
        };
        foreach (Column column in columns.Values)
            column.Append(row, scratch, text);
    }
}

/// <summary>Columns for the messages of one snapshot. Stays as it is whatever comes.</summary>
internal sealed class ColumnView(int[]? rows, Dictionary<ColumnSet, object> columns)
{
    /// <summary>Row of the message with this index.</summary>
    public int RowOf(int index) => rows is null ? index : rows[index];

    /// <summary>Row of each index; null: they are the same.</summary>
    public int[]? Rows => rows;

    /// <summary>Numbers of texts by row, and the rank of each number.</summary>
    public (int[] Numbers, int[] Ranks) Texts(ColumnSet kind) => ((int[], int[]))columns[kind];

    public ThreadView Threads => (ThreadView)columns[ColumnSet.Threads];

    public SearchView Search(ColumnSet kind) => (SearchView)columns[kind];
}
