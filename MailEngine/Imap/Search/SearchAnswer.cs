using System.Buffers.Binary;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MailEngine.Store;

namespace MailEngine.Imap.Search;

/// <summary>Writes what a search found: SEARCH, SORT and ESEARCH responses.</summary>
/// <param name="isUid">UIDs instead of sequence numbers.</param>
internal sealed class SearchAnswer(ImapSession session, MailboxSnapshot snapshot, bool isUid)
{
    readonly ImapWriter _writer = session.Writer;

    /// <summary>MODSEQ was among the criteria: the answer ends with the highest one of the messages in it. RFC 7162 §3.1.6</summary>
    public bool WithModSeq { get; init; }

    /// <summary>For <see cref="ReturnItems.Relevancy"/>. RFC 6203 §4</summary>
    public IReadOnlyDictionary<int, int>? Scores { get; init; }

    /// <summary>Numbers by spaces. RFC 3501 §7.2.5; SORT: RFC 5256 §4</summary>
    /// <param name="name">"SEARCH" or "SORT".</param>
    public async ValueTask WriteListAsync(string name, List<int> indexes, CancellationToken ct)
    {
        _writer.WriteAscii("* " + name);
        for (int i = 0; i < indexes.Count;)
        {
            i = WriteSome(indexes, i);
            if (_writer.IsFull)
                await _writer.FlushAsync(session.Limits, ct);
        }
        if (WithModSeq && indexes.Count > 0)
            _writer.WriteAscii($" (MODSEQ {HighestModSeq(indexes)})");
        _writer.Write("\r\n"u8);
    }

    /// <summary>RFC 9051 §7.3.4, RFC 4731 §3.1</summary>
    /// <param name="indexes">In the order asked for: mailbox order, or that of SORT. RFC 5267 §3.1: MIN is the first then.</param>
    /// <param name="correlator">Writes what stands in the parentheses: TAG, and for several mailboxes MAILBOX and UIDVALIDITY.</param>
    public async ValueTask WriteExtendedAsync(SearchReturn options, List<int> indexes, Action correlator, CancellationToken ct)
    {
        _writer.Write("* ESEARCH ("u8);
        correlator();
        _writer.WriteAscii(isUid ? ") UID" : ")");
        if (indexes.Count > 0)
        {
            if (options.Has(ReturnItems.Min))
                Item(" MIN ", NumberOf(indexes[0]));
            if (options.Has(ReturnItems.Max))
                Item(" MAX ", NumberOf(indexes[^1]));
            if (options.Has(ReturnItems.All))
            {
                _writer.Write(" ALL "u8);
                await WriteSetAsync(indexes, 0, indexes.Count, ct);
            }
        }
        if (options.Has(ReturnItems.Partial))
        {
            (int start, int length) = options.Partial.Of(indexes.Count);
            _writer.WriteAscii($" PARTIAL ({options.Partial} ");
            if (length == 0)
                _writer.Write("NIL"u8);   // RFC 9394 §3.1
            else
                await WriteSetAsync(indexes, start, length, ct);
            _writer.Write((byte)')');
        }
        if (options.Has(ReturnItems.Relevancy) && Scores is not null)
        {
            (int start, int length) = options.Has(ReturnItems.Partial) ? options.Partial.Of(indexes.Count) : (0, indexes.Count);
            await WriteScoresAsync(indexes, start, length, ct);
        }
        if (options.Has(ReturnItems.Count))
            Item(" COUNT ", (uint)indexes.Count);
        if (WithModSeq && Saved(options, indexes) is { Count: > 0 } told)
            _writer.WriteAscii($" MODSEQ {HighestModSeq(told)}");   // RFC 4731 §3.2
        _writer.Write("\r\n"u8);
    }

    /// <summary>What "$" stands for after this search. RFC 5182 §2.4, RFC 9394 §3.2</summary>
    public static List<int> Saved(SearchReturn options, List<int> indexes)
    {
        if (options.Has(ReturnItems.All | ReturnItems.Count) || !options.Has(ReturnItems.Min | ReturnItems.Max | ReturnItems.Partial) || indexes.Count == 0)
            return indexes;
        var saved = new List<int>();
        if (options.Has(ReturnItems.Partial))
        {
            (int start, int length) = options.Partial.Of(indexes.Count);
            saved.AddRange(indexes.Skip(start).Take(length));
        }
        if (options.Has(ReturnItems.Min))
            saved.Add(indexes[0]);
        if (options.Has(ReturnItems.Max))
            saved.Add(indexes[^1]);
        return saved;
    }

    /// <summary>Numbers with a space before each, as many as fit into a piece of the output; most are one more than the one before.</summary>
    /// <remarks>The digits stay in a register, and a number is written as sixteen octets of which the next one overwrites what is too much. One call
    /// writes thousands of numbers, so it is compiled well for its first one.</remarks>
    /// <returns>Where to go on.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    int WriteSome(List<int> indexes, int from)
    {
        const int width = 16;
        Span<byte> to = _writer.Reserve(width);
        Span<byte> number = stackalloc byte[width];
        number[0] = (byte)' ';
        ReadOnlySpan<int> all = CollectionsMarshal.AsSpan(indexes);
        UInt128 digits = 0, one = 0;
        int used = 0, length = 0;
        uint last = 0, lastDigit = 9;
        for (; from < all.Length && to.Length - used >= width; from++)
        {
            uint next = NumberOf(all[from]);
            if (lastDigit < 9 && next == last + 1)
            {
                digits += one;
                lastDigit++;
            }
            else
            {
                Utf8Formatter.TryFormat(next, number[1..], out length);
                digits = BinaryPrimitives.ReadUInt128LittleEndian(number);
                one = UInt128.One << (8 * length);
                length++;
                lastDigit = next % 10;
            }
            last = next;
            BinaryPrimitives.WriteUInt128LittleEndian(to[used..], digits);
            used += length;
        }
        _writer.Advance(used);
        return from;
    }

    ulong HighestModSeq(List<int> indexes)
    {
        ulong highest = 0;
        foreach (int index in indexes)
            highest = Math.Max(highest, snapshot[index].ModSeq);
        return highest;
    }

    uint NumberOf(int index) => isUid ? snapshot[index].Uid : (uint)index + 1;

    void Item(string name, uint value)
    {
        _writer.WriteAscii(name);
        _writer.WriteNumber(value);
    }

    /// <summary>In the order of the messages. RFC 6203 §7 (score-list)</summary>
    async ValueTask WriteScoresAsync(List<int> indexes, int start, int length, CancellationToken ct)
    {
        _writer.Write(" RELEVANCY ("u8);
        for (int i = start; i < start + length; i++)
        {
            if (i > start)
                _writer.Write((byte)' ');
            _writer.WriteNumber(Scores!.GetValueOrDefault(indexes[i], 100));
            if (_writer.IsFull)
                await _writer.FlushAsync(session.Limits, ct);
        }
        _writer.Write((byte)')');
    }

    /// <summary>A sequence set that keeps the order: runs that go up by one are joined. RFC 5267 §3.2</summary>
    async ValueTask WriteSetAsync(List<int> indexes, int start, int length, CancellationToken ct)
    {
        for (int i = start, to = start + length; i < to;)
        {
            uint first = NumberOf(indexes[i]), last = first;
            for (i++; i < to && NumberOf(indexes[i]) == last + 1; i++)
                last++;
            _writer.WriteNumber(first);
            if (last > first)
            {
                _writer.Write((byte)':');
                _writer.WriteNumber(last);
            }
            if (i < to)
                _writer.Write((byte)',');
            if (_writer.IsFull)
                await _writer.FlushAsync(session.Limits, ct);
        }
    }
}
