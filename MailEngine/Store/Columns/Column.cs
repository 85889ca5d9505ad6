using MailEngine.Mime;

namespace MailEngine.Store.Columns;

/// <summary>Values that stand in memory side by side, one a message, to sort, thread and search by.</summary>
[Flags]
internal enum ColumnSet
{
    None = 0,
    /// <summary>Base subject. RFC 5256 §2.1</summary>
    Subject = 1,
    /// <summary>addr-mailbox of the first address. RFC 5256 §3</summary>
    From = 2,
    To = 4,
    Cc = 8,
    /// <summary>RFC 5957 §3</summary>
    DisplayFrom = 16,
    DisplayTo = 32,
    /// <summary>Message-IDs, references, and whether the subject is that of a reply. RFC 5256 §3</summary>
    Threads = 64,
    /// <summary>Folded text of the fields of an ENVELOPE, for SEARCH. RFC 9051 §6.4.4</summary>
    SubjectText = 128,
    FromText = 256,
    ToText = 512,
    CcText = 1024,
    BccText = 2048,
}

/// <summary>The stored values of one message, as a column takes them.</summary>
internal ref struct StoredValues
{
    public ReadOnlySpan<byte> Envelope { get; init; }
    public ReadOnlySpan<byte> MessageId { get; init; }
    public ReadOnlySpan<byte> BaseSubject { get; init; }
    public ReadOnlySpan<byte> SortFrom { get; init; }
    public ReadOnlySpan<byte> SortTo { get; init; }
    public ReadOnlySpan<byte> SortCc { get; init; }
    public ReadOnlySpan<byte> References { get; init; }
}

/// <summary>One column of one mailbox. Only ever added to; readers count rows with what they were given and see no change.</summary>
internal abstract class Column
{
    /// <param name="scratch">For what is worked out on the way.</param>
    /// <param name="text">For the value.</param>
    public abstract void Append(in StoredValues row, ByteBuffer scratch, ByteBuffer text);

    /// <summary>About what it takes, bytes.</summary>
    public abstract long Size { get; }
}

/// <summary>A text a message, compared as octets: a number into a pool of distinct ones.</summary>
internal sealed class TextColumn(ColumnSet kind) : Column
{
    readonly TextPool _pool = new();
    int[] _numbers = new int[64];
    int _count;

    public override long Size => _pool.Size + 4L * _numbers.Length;

    /// <summary>Numbers by row, and the rank of each number.</summary>
    public (int[] Numbers, int[] Ranks) View() => (_numbers, _pool.Ranks());

    public override void Append(in StoredValues row, ByteBuffer scratch, ByteBuffer text)
    {
        if (_count == _numbers.Length)
            Array.Resize(ref _numbers, 2 * _count);
        _numbers[_count++] = _pool.Add(kind switch
        {
            ColumnSet.Subject => row.BaseSubject,
            ColumnSet.From => row.SortFrom,
            ColumnSet.To => row.SortTo,
            ColumnSet.Cc => row.SortCc,
            ColumnSet.DisplayFrom => Display(row, EnvelopeMember.From, scratch, text),
            _ => Display(row, EnvelopeMember.To, scratch, text),
        });
    }

    static ReadOnlySpan<byte> Display(in StoredValues row, EnvelopeMember member, ByteBuffer scratch, ByteBuffer text)
    {
        text.Clear();
        StoredAddresses.WriteDisplay(new StoredEnvelope(row.Envelope)[member], scratch, text);
        return text.Written;
    }
}

/// <summary>What THREAD=REFERENCES needs: identifiers as numbers, the same one for the same text. RFC 5256 §3</summary>
internal sealed class ThreadColumn : Column
{
    readonly TextPool _ids = new();
    int[] _own = new int[64];          // number of the Message-ID; 0: none
    int[] _starts = new int[65];       // where a row's references begin in _references
    int[] _references = new int[64];
    bool[] _replies = new bool[64];
    int _count;

    public override long Size => _ids.Size + 4L * (_own.Length + _starts.Length + _references.Length) + _replies.Length;

    public ThreadView View() => new(_own, _starts, _references, _replies, _ids.Count);

    public override void Append(in StoredValues row, ByteBuffer scratch, ByteBuffer text)
    {
        if (_count == _own.Length)
        {
            Array.Resize(ref _own, 2 * _count);
            Array.Resize(ref _replies, 2 * _count);
            Array.Resize(ref _starts, 2 * _count + 1);
        }
        _own[_count] = MessageIds.TryNormalise(row.MessageId, scratch, out ReadOnlySpan<byte> own) ? _ids.Add(own) : 0;
        int at = _starts[_count];
        ReadOnlySpan<byte> rest = row.References;
        while (!rest.IsEmpty)
        {
            int space = rest.IndexOf((byte)' ');
            ReadOnlySpan<byte> id = space < 0 ? rest : rest[..space];
            rest = space < 0 ? default : rest[(space + 1)..];
            if (!MessageIds.TryNormalise(id, scratch, out ReadOnlySpan<byte> one))
                continue;
            if (at == _references.Length)
                Array.Resize(ref _references, 2 * at);
            _references[at++] = _ids.Add(one);
        }
        scratch.Clear();
        ReadOnlySpan<byte> subject = StoredEnvelope.String(new StoredEnvelope(row.Envelope)[EnvelopeMember.Subject], scratch);
        if (!subject.IsEmpty)
        {
            BaseSubject.Of(EncodedWord.Decode(subject), out bool isReply);
            _replies[_count] = isReply;
        }
        _starts[++_count] = at;
    }
}

/// <summary>Threading facts by row.</summary>
/// <param name="Own">Number of the message's identifier; 0: it has none.</param>
/// <param name="Starts">The references of row n stand from Starts[n] up to Starts[n + 1].</param>
/// <param name="Ids">Numbers given out: all are below.</param>
internal sealed record ThreadView(int[] Own, int[] Starts, int[] References, bool[] Replies, int Ids);

/// <summary>A folded text a message, all in one run of bytes, so that a search is one pass over memory.</summary>
internal sealed class SearchColumn(ColumnSet kind) : Column
{
    /// <summary>Longest text of one message, octets of UTF-8; more is looked for in the message. Keeps a mailbox of hostile mail in bounds.</summary>
    const int MaxText = 998;

    byte[] _heap = new byte[4096];
    int[] _ends = new int[64];
    bool[] _cut = new bool[64];
    int _count;
    bool _anyCut;

    public override long Size => _heap.Length + 4L * _ends.Length + _cut.Length;

    /// <summary>The member of an ENVELOPE whose addresses a column holds.</summary>
    public static EnvelopeMember MemberOf(ColumnSet kind) => kind switch
    {
        ColumnSet.FromText => EnvelopeMember.From,
        ColumnSet.ToText => EnvelopeMember.To,
        ColumnSet.CcText => EnvelopeMember.Cc,
        _ => EnvelopeMember.Bcc,
    };

    public SearchView View() => new(_heap, _ends, _anyCut ? _cut : null, _count);

    public override void Append(in StoredValues row, ByteBuffer scratch, ByteBuffer text)
    {
        var envelope = new StoredEnvelope(row.Envelope);
        text.Clear();
        if (kind == ColumnSet.SubjectText)
        {
            scratch.Clear();
            StoredAddresses.Decoded(StoredEnvelope.String(envelope[EnvelopeMember.Subject], scratch), text);
        }
        else
            StoredAddresses.WriteText(envelope[MemberOf(kind)], scratch, text);
        ReadOnlySpan<byte> value = text.Written;
        int start = _count == 0 ? 0 : _ends[_count - 1];
        int room = (int)Math.Min(MaxText, Array.MaxLength - start - 1L);
        bool cut = value.Length > room;
        if (cut)
            value = value[..room];
        if (value.Length + 1 > _heap.Length - start)
            Array.Resize(ref _heap, (int)Math.Max(Math.Min(2L * _heap.Length, Array.MaxLength), start + value.Length + 1));
        if (_count == _ends.Length)
        {
            Array.Resize(ref _ends, 2 * _count);
            Array.Resize(ref _cut, 2 * _count);
        }
        value.CopyTo(_heap.AsSpan(start));
        _heap[start + value.Length] = 0;   // no value holds NUL, so none is found across two messages
        _ends[_count] = start + value.Length + 1;
        _cut[_count++] = cut;
        _anyCut |= cut;
    }
}

/// <summary>Folded texts by row, each ended by NUL.</summary>
/// <param name="Cut">Rows whose text is longer than what stands here; null: none is.</param>
internal sealed record SearchView(byte[] Heap, int[] Ends, bool[]? Cut, int Rows)
{
    /// <summary>Says of each row whether it holds the text: one pass, as fast as memory.</summary>
    /// <param name="wanted">Folded, UTF-8, not empty, without NUL.</param>
    public void Find(ReadOnlySpan<byte> wanted, Action<int> found)
    {
        ReadOnlySpan<int> ends = Ends.AsSpan(0, Rows);
        int from = 0, row = 0, end = Rows == 0 ? 0 : ends[^1];
        while (from < end)
        {
            int at = Heap.AsSpan(from, end - from).IndexOf(wanted);
            if (at < 0)
                return;
            int next = ends[row..].BinarySearch(from + at);
            row += next < 0 ? ~next : next + 1;
            found(row);
            from = ends[row++];
        }
    }
}
