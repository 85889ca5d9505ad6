using System.Buffers;

namespace MailEngine.Net;

/// <summary>What a framer found at the front of the input.</summary>
internal enum Framing
{
    /// <summary>A whole line was taken.</summary>
    Line,
    /// <summary>No line end yet: read on.</summary>
    NeedMore,
    /// <summary>The line is longer than allowed, ended or not.</summary>
    TooLong,
    /// <summary>A CR without LF or a LF without CR.</summary>
    BareCrOrLf,
}

/// <summary>Cuts command lines out of a byte stream.</summary>
internal static class LineFramer
{
    /// <summary>Takes one CRLF-ended line off the front of <paramref name="input"/>.</summary>
    /// <param name="input">Unread bytes in any number of segments; moves past the CRLF only when a line is returned,
    /// so the caller always does <c>AdvanceTo(input.Start, input.End)</c>.</param>
    /// <param name="limit">Longest line in bytes, CRLF included; SMTP commands: 512 (RFC 5321 §4.5.3.1.4).</param>
    /// <param name="line">The line without CRLF; a view into <paramref name="input"/>, not a copy.</param>
    public static Framing TryTake(ref ReadOnlySequence<byte> input, int limit, out ReadOnlySequence<byte> line)
    {
        var reader = new SequenceReader<byte>(input);
        if (!reader.TryReadToAny(out line, "\r\n"u8, advancePastDelimiter: false))
            return input.Length >= limit ? Framing.TooLong : Framing.NeedMore;
        if (line.Length + 2 > limit)
            return Framing.TooLong;
        // A lone CR or LF is refused, never read as a line end: what we call one message another
        // server could call two ("SMTP smuggling"). RFC 5321 §2.3.8
        reader.TryRead(out byte end);
        if (end == (byte)'\n')
            return Framing.BareCrOrLf;
        if (!reader.TryRead(out byte next))
            return Framing.NeedMore;
        if (next != (byte)'\n')
            return Framing.BareCrOrLf;
        input = input.Slice(reader.Position);
        return Framing.Line;
    }
}
