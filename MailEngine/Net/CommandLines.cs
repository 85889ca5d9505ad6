using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace MailEngine.Net;

/// <summary>What a wait for a command line ended with.</summary>
internal enum LineResult
{
    Line,
    /// <summary>Over the limit; what follows cannot be trusted to be a command.</summary>
    TooLong,
    /// <summary>A CR or LF alone.</summary>
    BareCrOrLf,
    /// <summary>Octets that are not UTF-8.</summary>
    NotText,
    /// <summary>See <see cref="Connection.EndReason"/>: say goodbye.</summary>
    Ended,
    /// <summary>The client closed its side.</summary>
    Closed,
}

/// <summary>Reads the command lines of SMTP and LMTP as text, one at a time, and flushes replies only when no more input waits.</summary>
/// <remarks>Replies to pipelined commands so go out in one packet: RFC 2920 §3.2.</remarks>
internal sealed class CommandLines(Connection connection)
{
    static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    const int FlushAt = 4096;

    /// <summary>The line without CRLF, after <see cref="LineResult.Line"/>.</summary>
    public string Text { get; private set; } = "";

    /// <param name="limit">Octets, CRLF included.</param>
    /// <param name="time">For the whole line: single octets now and then do not prolong it (attack case A21).</param>
    public async ValueTask<LineResult> ReadAsync(int limit, TimeSpan time)
    {
        connection.Expect(time);
        while (true)
        {
            if (connection.Output.UnflushedBytes > FlushAt || !connection.Input.TryRead(out ReadResult read))
            {
                if (connection.Output.UnflushedBytes > 0)
                    await connection.Output.FlushAsync(connection.Closed);
                read = await connection.Input.ReadAsync(connection.Closed);
            }
            if (connection.EndReason != EndReason.None)
                return LineResult.Ended;
            ReadOnlySequence<byte> input = read.Buffer;
            Framing framing = LineFramer.TryTake(ref input, limit, out ReadOnlySequence<byte> line);
            LineResult result = LineResult.Line;
            if (framing == Framing.Line)
            {
                try
                {
                    Text = s_strict.GetString(line);
                }
                catch (DecoderFallbackException)
                {
                    result = LineResult.NotText;
                }
            }
            connection.Input.AdvanceTo(input.Start, framing == Framing.NeedMore ? input.End : input.Start);
            switch (framing)
            {
                case Framing.Line:
                    return result;
                case Framing.TooLong:
                    return LineResult.TooLong;
                case Framing.BareCrOrLf:
                    return LineResult.BareCrOrLf;
                case Framing.NeedMore when read.IsCompleted:
                    return LineResult.Closed;
            }
        }
    }
}
