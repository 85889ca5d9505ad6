using MailEngine.Io;
using MailEngine.Mime;

namespace MailEngine.Store.Columns;

/// <summary>Stored values of some messages, taken out of their rows so that another thread can go on with them.</summary>
internal sealed class RowBlock : IDisposable
{
    const int Values = 7;

    readonly ByteBuffer _bytes = new(256 << 10);
    readonly List<uint> _uids = [];
    readonly List<int> _ends = [];   // of each value of each row

    public int Count => _uids.Count;

    /// <param name="row">Id, and the values in the order of <see cref="StoredValues"/>.</param>
    public void Add(SqliteStatement row)
    {
        _uids.Add(IndexSchema.NumberOf(row.Int64(0)));
        for (int i = 1; i <= Values; i++)
        {
            _bytes.Write(row.Blob(i));
            _ends.Add(_bytes.Written.Length);
        }
    }

    public uint Uid(int row) => _uids[row];

    public StoredValues this[int row]
    {
        get
        {
            int at = row * Values;
            return new StoredValues
            {
                Envelope = Value(at), MessageId = Value(at + 1), BaseSubject = Value(at + 2), SortFrom = Value(at + 3),
                SortTo = Value(at + 4), SortCc = Value(at + 5), References = Value(at + 6),
            };
        }
    }

    public void Dispose() => _bytes.Dispose();

    ReadOnlySpan<byte> Value(int at) => _bytes.Written[(at == 0 ? 0 : _ends[at - 1]).._ends[at]];
}
