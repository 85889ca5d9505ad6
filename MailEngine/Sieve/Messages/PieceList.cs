using MailEngine.Mime;

namespace MailEngine.Sieve.Messages;

/// <summary>The octets of a message as scripts have changed it. What stays is not copied, so a message may be as large as it likes. Immutable.</summary>
internal sealed class PieceList
{
    readonly MessagePiece[] _pieces;

    PieceList(IEnumerable<MessagePiece> pieces)
    {
        _pieces = [.. pieces.Where(piece => piece.Length > 0)];
        foreach (MessagePiece piece in _pieces)
            Length += piece.Length;
    }

    public long Length { get; }

    public int Count => _pieces.Length;

    public IReadOnlyList<MessagePiece> Pieces => _pieces;

    /// <summary>A message as it came.</summary>
    public static PieceList Of(long length) => new([new MessagePiece(default, 0, length)]);

    public static PieceList Of(ReadOnlyMemory<byte> octets) => new([new MessagePiece(octets, 0, octets.Length)]);

    public static PieceList Join(params IEnumerable<PieceList> lists) => new(lists.SelectMany(list => list._pieces));

    public PieceList Slice(long from, long to)
    {
        var kept = new List<MessagePiece>();
        long at = 0;
        foreach (MessagePiece piece in _pieces)
        {
            long first = Math.Clamp(from - at, 0, piece.Length), last = Math.Clamp(to - at, 0, piece.Length);
            if (last > first)
                kept.Add(piece.New.IsEmpty ? piece with { From = piece.From + first, Length = last - first } : new MessagePiece(piece.New[(int)first..(int)last], 0, last - first));
            at += piece.Length;
        }
        return new PieceList(kept);
    }

    public int Read(OctetReader original, long offset, Span<byte> to)
    {
        int have = 0;
        long at = 0;
        foreach (MessagePiece piece in _pieces)
        {
            long skip = offset + have - at;
            at += piece.Length;
            if (skip >= piece.Length)
                continue;
            int count = (int)Math.Min(piece.Length - skip, to.Length - have);
            if (piece.New.IsEmpty)
                count = original(piece.From + skip, to.Slice(have, count));
            else
                piece.New.Span.Slice((int)skip, count).CopyTo(to[have..]);
            have += count;
            if (count == 0 || have == to.Length || skip + count < piece.Length)
                break;
        }
        return have;
    }
}
