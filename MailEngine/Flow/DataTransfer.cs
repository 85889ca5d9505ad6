using System.Buffers;
using System.IO.Pipelines;
using MailEngine.Net;

namespace MailEngine.Flow;

/// <summary>How the reading of message data ended.</summary>
enum DataEnd
{
    /// <summary>With CRLF "." CRLF.</summary>
    Complete,
    /// <summary>The client left: nothing to answer, nothing to keep. RFC 5321 §6.1</summary>
    Lost,
    /// <summary>A deadline, the server stops, or an administrator ended it: say 421.</summary>
    Ended,
    /// <summary>Under the slowest rate: say 421.</summary>
    TooSlow,
    /// <summary>The client goes on and on past the size limit: say 552 and leave.</summary>
    Flooded,
}

/// <summary>Reads the data of one message from a connection. SMTP and LMTP share it.</summary>
static class DataTransfer
{
    // RFC 5321 §4.5.3.2.5
    static readonly TimeSpan s_block = TimeSpan.FromMinutes(3);

    public static async Task<DataEnd> ReceiveAsync(Connection connection, DotReader reader, LimitOptions limits, TimeProvider clock)
    {
        long start = clock.GetTimestamp();
        while (true)
        {
            connection.Expect(s_block);
            ReadResult read = await connection.Input.ReadAsync(connection.Closed);
            if (connection.EndReason != EndReason.None)
                return DataEnd.Ended;
            ReadOnlySequence<byte> input = read.Buffer;
            bool done = reader.Take(ref input);
            connection.Input.AdvanceTo(input.Start);
            if (done)
                return DataEnd.Complete;
            if (read.IsCompleted)
                return DataEnd.Lost;
            // Attack case A21: one byte now and then would hold a connection for ever.
            TimeSpan elapsed = clock.GetElapsedTime(start);
            if (elapsed > TimeSpan.FromMinutes(1) && reader.Consumed < elapsed.TotalSeconds * limits.SlowestBytesPerSecond)
                return DataEnd.TooSlow;
            if (reader.Consumed > 2 * limits.MessageBytes + (1 << 20))
                return DataEnd.Flooded;
        }
    }
}
