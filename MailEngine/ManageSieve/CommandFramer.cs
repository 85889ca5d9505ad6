using System.Buffers;
using System.Buffers.Text;

namespace MailEngine.ManageSieve;

/// <summary>What <see cref="CommandFramer.Take"/> found.</summary>
internal enum CommandFraming
{
    NeedMore,
    Command,
    /// <summary>A whole command with a literal that is larger than any may be; its octets are gone.</summary>
    LiteralTooLarge,
    /// <summary>Nothing behind it can be told apart: the connection must end.</summary>
    Broken,
}

/// <summary>Takes whole commands off the input: lines, with the literals that their ends announce. RFC 5804 §4</summary>
/// <remarks>Keeps what came of a command in a buffer of its own, never more than one largest literal and its lines; what is larger is passed over, so
/// that a script which is too large gets its answer and the session goes on.</remarks>
internal sealed class CommandFramer(int mostLine, int mostLiteral)
{
    /// <summary>Larger literals are not even passed over.</summary>
    const long MostPassedOver = 64L << 20;

    readonly ArrayBufferWriter<byte> _command = new(256);
    long _literalLeft;
    int _lines;
    bool _tooLarge;

    /// <summary>The command found last, with its line ends; until the next call.</summary>
    public ReadOnlyMemory<byte> Command => _command.WrittenMemory;

    /// <param name="input">Moves past everything that was taken.</param>
    public CommandFraming Take(ref ReadOnlySequence<byte> input)
    {
        if (_lines == 0 && _literalLeft == 0)
            _command.ResetWrittenCount();
        while (true)
        {
            if (_literalLeft > 0)
            {
                ReadOnlySequence<byte> piece = input.Slice(0, Math.Min(_literalLeft, input.Length));
                Append(piece);
                _literalLeft -= piece.Length;
                input = input.Slice(piece.End);
                if (_literalLeft > 0)
                    return CommandFraming.NeedMore;
            }
            if (input.PositionOf((byte)'\n') is not { } lineFeed)
                return input.Length > mostLine ? CommandFraming.Broken : CommandFraming.NeedMore;
            ReadOnlySequence<byte> line = input.Slice(0, input.GetPosition(1, lineFeed));
            if (line.Length > mostLine || ++_lines > 8)
                return CommandFraming.Broken;
            byte[] octets = line.ToArray();
            if (!octets.AsSpan().EndsWith("\r\n"u8))
                return CommandFraming.Broken;
            Append(line);
            input = input.Slice(line.End);
            if (!TryLiteral(octets, out _literalLeft))
            {
                _lines = 0;
                bool tooLarge = _tooLarge;
                _tooLarge = false;
                return tooLarge ? CommandFraming.LiteralTooLarge : CommandFraming.Command;
            }
            if (_literalLeft > MostPassedOver)
                return CommandFraming.Broken;
            _tooLarge |= _literalLeft > mostLiteral;
        }
    }

    void Append(ReadOnlySequence<byte> octets)
    {
        if (_tooLarge)
            return;
        foreach (ReadOnlyMemory<byte> piece in octets)
            _command.Write(piece.Span);
    }

    // literal-c2s = "{" number "+}" CRLF *OCTET
    static bool TryLiteral(ReadOnlySpan<byte> line, out long size)
    {
        size = 0;
        ReadOnlySpan<byte> rest = line[..^2];
        if (!rest.EndsWith("+}"u8))
            return false;
        int open = rest.LastIndexOf((byte)'{');
        return open >= 0 && Utf8Parser.TryParse(rest[(open + 1)..^2], out size, out int used) && used == rest.Length - open - 3 && used > 0 && size >= 0;
    }
}
