using System.Buffers;
using System.Buffers.Text;

namespace MailEngine.Imap;

/// <summary>What the framer found.</summary>
internal enum CommandFraming
{
    /// <summary>A whole command is there, <see cref="CommandFramer.Length"/> octets.</summary>
    Command,
    NeedMore,
    /// <summary>The line read last announces a literal; go on with <see cref="CommandFramer.AcceptLiteral"/>, or do not.</summary>
    Literal,
    /// <summary>Lines of the command are longer than allowed.</summary>
    TooLong,
    /// <summary>Literals of the command are larger than allowed; nothing was accepted.</summary>
    LiteralTooBig,
}

/// <summary>Finds the end of one command: a line, or lines with literals between them. RFC 9051 §2.2.1 and §4.3</summary>
/// <remarks>Keeps its place between reads, so every byte is looked at once however small the pieces come. The same input, longer,
/// must be given each time until the command is taken; then <see cref="Reset"/>.</remarks>
/// <param name="plusLimit">Largest literal that may come without waiting for "+": 4096 with LITERAL- (RFC 7888 §5).</param>
internal struct CommandFramer(int lineLimit, int literalLimit, long plusLimit = long.MaxValue)
{
    long _scanned;      // octets known to be inside the command, line ends looked for behind them
    long _lineStart;
    long _lineOctets;
    long _literalOctets;

    /// <summary>Octets of the command found, or up to and including the line that announces a literal.</summary>
    public long Length { get; private set; }

    /// <summary>Octets of the literal announced.</summary>
    public long LiteralLength { get; private set; }

    /// <summary>The client waits for "+" before it sends the literal. RFC 7888 §4: not with "{n+}".</summary>
    public bool LiteralWaits { get; private set; }

    /// <summary>The literal is on its way, and larger than one may be that was not waited for.</summary>
    public bool IsTooBigToCome => !LiteralWaits && LiteralLength > plusLimit;

    public void Reset() => this = new CommandFramer(lineLimit, literalLimit, plusLimit);

    public CommandFraming Scan(in ReadOnlySequence<byte> input)
    {
        if (input.Length <= _scanned)
            return CommandFraming.NeedMore;
        ReadOnlySequence<byte> rest = input.Slice(_scanned);
        SequencePosition? lineFeed = rest.PositionOf((byte)'\n');
        if (lineFeed is null)
        {
            _scanned = input.Length;
            return _lineOctets + (_scanned - _lineStart) > lineLimit ? CommandFraming.TooLong : CommandFraming.NeedMore;
        }
        _scanned = input.GetOffset(input.GetPosition(1, lineFeed.Value)) - input.GetOffset(input.Start);
        Length = _scanned;
        _lineOctets += _scanned - _lineStart;
        if (_lineOctets > lineLimit)
            return CommandFraming.TooLong;
        ReadOnlySequence<byte> line = input.Slice(_lineStart, _scanned - _lineStart);
        _lineStart = _scanned;
        if (!EndsWithLiteral(line))
            return CommandFraming.Command;
        return LiteralLength > literalLimit - _literalOctets || IsTooBigToCome ? CommandFraming.LiteralTooBig : CommandFraming.Literal;
    }

    /// <summary>Takes the literal announced as part of the command.</summary>
    public void AcceptLiteral()
    {
        _literalOctets += LiteralLength;
        _scanned += LiteralLength;
        _lineStart = _scanned;
    }

    bool EndsWithLiteral(in ReadOnlySequence<byte> line)
    {
        const int Longest = 24;   // "{" 19 digits "+}" CR LF
        Span<byte> copy = stackalloc byte[Longest];
        int length = (int)Math.Min(line.Length, Longest);
        Span<byte> tail = copy[..length];
        line.Slice(line.Length - length).CopyTo(tail);
        if (!TryLiteral(tail, out long octets, out bool waits))
            return false;
        (LiteralLength, LiteralWaits) = (octets, waits);
        return true;
    }

    /// <summary>True when a line ends with the announcement of a literal.</summary>
    /// <param name="line">The line, or its end, CRLF included.</param>
    public static bool TryLiteral(ReadOnlySpan<byte> line, out long octets, out bool waits)
    {
        octets = 0;
        waits = false;
        ReadOnlySpan<byte> tail = line.TrimEnd("\r\n"u8);
        if (tail.IsEmpty || tail[^1] != (byte)'}')
            return false;
        int open = tail.LastIndexOf((byte)'{');
        if (open < 0)
            return false;
        ReadOnlySpan<byte> number = tail[(open + 1)..^1];
        waits = !number.EndsWith("+"u8);
        if (!waits)
            number = number[..^1];
        return Utf8Parser.TryParse(number, out octets, out int used) && used == number.Length && octets >= 0;
    }
}
