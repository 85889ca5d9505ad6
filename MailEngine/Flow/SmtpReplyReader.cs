using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace MailEngine.Flow;

/// <summary>A reply of another server: its lines without code, and the enhanced status when it has one.</summary>
sealed record ServerReply(int Code, string Status, IReadOnlyList<string> Lines)
{
    /// <summary>As one line, for the queue row, the report and the log.</summary>
    public Reply ToReply() => new(Code, Status, Reply.Clean(string.Join(' ', Lines)));
}

/// <summary>Another server said something that is no SMTP reply.</summary>
sealed class BadReplyException(string message) : IOException(message);

/// <summary>Reads the replies of a next hop. RFC 5321 §4.2</summary>
/// <remarks>A bare LF is taken as a line end here: what the server says is only looked at, never passed on as mail.</remarks>
static class SmtpReplyReader
{
    const int MostBytes = 16 << 10;
    const int MostLines = 200;

    /// <exception cref="IOException">The server closed the connection, or talks nonsense.</exception>
    public static async ValueTask<ServerReply> ReadAsync(PipeReader input, CancellationToken ct)
    {
        var lines = new List<string>(1);
        int code = 0, bytes = 0;
        string status = "";
        while (true)
        {
            ReadResult read = await input.ReadAsync(ct);
            ReadOnlySequence<byte> buffer = read.Buffer;
            bool done = false;
            while (!done && TryTakeLine(ref buffer, out string line))
            {
                bytes += line.Length;
                done = TakeReplyLine(line, ref code, ref status, lines);
                if (lines.Count > MostLines || bytes > MostBytes)
                    throw new BadReplyException("the reply is too long");
            }
            input.AdvanceTo(buffer.Start, done ? buffer.Start : buffer.End);
            if (done)
                return new ServerReply(code, status, lines);
            if (read.IsCompleted)
                throw new IOException("the server closed the connection");
            if (buffer.Length > MostBytes)
                throw new BadReplyException("the reply is too long");
        }
    }

    static bool TryTakeLine(ref ReadOnlySequence<byte> buffer, out string line)
    {
        line = "";
        if (buffer.PositionOf((byte)'\n') is not { } end)
            return false;
        line = Encoding.UTF8.GetString(buffer.Slice(0, end)).TrimEnd('\r');
        buffer = buffer.Slice(buffer.GetPosition(1, end));
        return true;
    }

    // Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF. RFC 5321 §4.2
    static bool TakeReplyLine(string line, ref int code, ref string status, List<string> lines)
    {
        if (line.Length < 3 || line[0] is < '2' or > '5' || !char.IsAsciiDigit(line[1]) || !char.IsAsciiDigit(line[2])
            || (line.Length > 3 && line[3] is not (' ' or '-')))
            throw new BadReplyException($"not an SMTP reply: {Reply.Clean(line)}");
        int value = ((line[0] - '0') * 100) + ((line[1] - '0') * 10) + line[2] - '0';
        if (code != 0 && value != code)
            throw new BadReplyException("the lines of a reply have different codes");
        code = value;
        string text = line.Length > 4 ? line[4..] : "";
        int end = EndOfStatus(text, line[0]);
        if (end > 0)
        {
            status = text[..end];
            text = text[end..].TrimStart(' ');
        }
        lines.Add(text);
        return line.Length == 3 || line[3] == ' ';
    }

    // status-code = class "." subject "." detail; the class must be that of the reply. RFC 2034 §4, RFC 3463 §2
    static int EndOfStatus(string text, char codeClass)
    {
        if (text.Length < 5 || text[0] != codeClass || codeClass is not ('2' or '4' or '5') || text[1] != '.')
            return 0;
        int at = 2;
        for (int part = 0; part < 2; part++)
        {
            int start = at;
            while (at < text.Length && char.IsAsciiDigit(text[at]))
                at++;
            if (at - start is 0 or > 3)
                return 0;
            if (part == 0 && (at >= text.Length || text[at++] != '.'))
                return 0;
        }
        return at == text.Length || text[at] == ' ' ? at : 0;
    }
}
