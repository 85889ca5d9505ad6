using System.Buffers;

namespace MailEngine.Flow;

/// <summary>Puts message bytes into SMTP data form: lines that start with a dot get another one, the end mark follows.</summary>
/// <remarks>RFC 5321 §4.5.2. A CR or LF alone becomes CRLF here, so that no server behind us can see an end that we do not see
/// (attack case A2); mail that came by SMTP has none.</remarks>
sealed class DotWriter(IBufferWriter<byte> output)
{
    static readonly SearchValues<byte> s_lineEnds = SearchValues.Create("\r\n"u8);
    bool _atLineStart = true;
    bool _afterCr;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_afterCr)
            {
                _afterCr = false;
                output.Write("\r\n"u8);
                _atLineStart = true;
                if (bytes[0] == (byte)'\n')
                    bytes = bytes[1..];
                continue;
            }
            if (_atLineStart && bytes[0] == (byte)'.')
                output.Write("."u8);
            int end = bytes.IndexOfAny(s_lineEnds);
            if (end < 0)
            {
                output.Write(bytes);
                _atLineStart = false;
                return;
            }
            // The usual case, a whole line, in one go.
            if (bytes[end] == (byte)'\r' && end + 1 < bytes.Length && bytes[end + 1] == (byte)'\n')
            {
                output.Write(bytes[..(end + 2)]);
                bytes = bytes[(end + 2)..];
                _atLineStart = true;
                continue;
            }
            output.Write(bytes[..end]);
            if (bytes[end] == (byte)'\r')
            {
                _afterCr = true;
                _atLineStart = false;
            }
            else
            {
                output.Write("\r\n"u8);
                _atLineStart = true;
            }
            bytes = bytes[(end + 1)..];
        }
    }

    /// <summary>Ends the last line if need be and writes the end mark.</summary>
    public void Complete()
    {
        if (_afterCr || !_atLineStart)
            output.Write("\r\n"u8);
        output.Write(".\r\n"u8);
    }
}
