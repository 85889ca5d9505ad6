using System.Buffers;

namespace MailEngine.Flow;

/// <summary>What was wrong with message data; the worst stands, the data is read to its end all the same.</summary>
[Flags]
enum DataFaults
{
    None = 0,
    TooBig = 1,
    BareCrOrLf = 2,
    Nul = 4,
    LineTooLong = 8,
    /// <summary>Our disk, not the client.</summary>
    NotStored = 16,
}

/// <summary>Finds the end of DATA and takes the dot-stuffing off, without copying: runs of bytes go straight to the intake.</summary>
/// <remarks>
/// RFC 5321 §4.5.2. Only CRLF "." CRLF ends the data. A CR or LF alone is never a line end; it spoils the message
/// (RFC 5321 §2.3.8), so that no other server can see two messages where we see one (attack case A1). States: at the start of
/// a line; in a line; behind a CR; behind a dot that starts a line; behind that dot and a CR.
/// </remarks>
sealed class DotReader(MessageIntake intake, long limit, int lineLimit)
{
    enum At { LineStart, InLine, Cr, Dot, DotCr }

    static readonly SearchValues<byte> s_stops = SearchValues.Create("\r\n\0"u8);
    At _at = At.LineStart;
    int _line;

    /// <summary>Bytes taken from the client so far.</summary>
    public long Consumed { get; private set; }

    public DataFaults Faults { get; private set; }

    /// <summary>Takes what belongs to the data.</summary>
    /// <param name="input">Moves past what was taken; when true is returned it stands at the first byte behind the data.</param>
    /// <returns>True when the end was seen.</returns>
    public bool Take(ref ReadOnlySequence<byte> input)
    {
        long taken = 0;
        bool done = false;
        foreach (ReadOnlyMemory<byte> segment in input)
        {
            taken += Take(segment.Span, out done);
            if (done)
                break;
        }
        Consumed += taken;
        input = input.Slice(taken);
        return done;
    }

    int Take(ReadOnlySpan<byte> bytes, out bool done)
    {
        int runStart = 0;   // first byte not yet given on
        int i = 0;
        done = false;
        while (i < bytes.Length)
        {
            byte b = bytes[i];
            switch (_at)
            {
                case At.LineStart when b == '.':
                    // Held back until the next byte tells whether it ends the data; if not, it was stuffed and goes.
                    Give(bytes[runStart..i]);
                    runStart = ++i;
                    _at = At.Dot;
                    continue;
                case At.Dot when b == '\r':
                    i++;
                    _at = At.DotCr;
                    continue;
                case At.DotCr when b == '\n':
                    done = true;
                    return i + 1;
                case At.DotCr:
                    Faults |= DataFaults.BareCrOrLf;
                    _at = At.InLine;
                    continue;
                case At.Cr when b == '\n':
                    i++;
                    _line = 0;
                    _at = At.LineStart;
                    continue;
                case At.Cr:
                    Faults |= DataFaults.BareCrOrLf;
                    _at = At.InLine;
                    continue;
            }
            int stop = bytes[i..].IndexOfAny(s_stops);
            int end = stop < 0 ? bytes.Length : i + stop;
            _line += end - i;
            if (_line > lineLimit)
                Faults |= DataFaults.LineTooLong;
            i = end;
            _at = At.InLine;
            if (stop < 0)
                break;
            switch (bytes[i++])
            {
                case (byte)'\r':
                    _at = At.Cr;
                    break;
                case (byte)'\n':
                    Faults |= DataFaults.BareCrOrLf;
                    break;
                default:
                    Faults |= DataFaults.Nul;
                    break;
            }
        }
        // The CR behind a dot is held back like the dot: it is no text, whatever comes next.
        int runEnd = _at == At.DotCr ? Math.Max(runStart, i - 1) : i;
        Give(bytes[runStart..runEnd]);
        return i;
    }

    void Give(ReadOnlySpan<byte> run)
    {
        if (run.IsEmpty || Faults != DataFaults.None)
            return;
        if (intake.ContentLength + run.Length > limit)
        {
            Faults |= DataFaults.TooBig;
            return;
        }
        try
        {
            intake.Write(run);
        }
        catch (IOException)   // of the store: the connection is not touched here
        {
            Faults |= DataFaults.NotStored;
        }
    }
}
