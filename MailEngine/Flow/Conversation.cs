using System.Buffers;
using System.Text;
using MailEngine.Net;

namespace MailEngine.Flow;

/// <summary>The talk that SMTP and LMTP have in common: command lines in, replies out, and when it ends.</summary>
/// <remarks>What a command is and when it may come is the business of the protocol's session. Replies go into the output and leave when the
/// conversation waits for input, so that pipelined commands are answered together: RFC 2920 §3.2.</remarks>
sealed class Conversation(Connection connection, LimitOptions limits)
{
    static readonly Reply s_notText = new(500, "5.5.2", "The line is not UTF-8 text");
    static readonly Reply s_tooManyErrors = new(421, "4.7.0", "Too many errors");
    static readonly Reply s_timeout = new(421, "4.4.2", "Timeout");
    static readonly Reply s_stopping = new(421, "4.3.2", "Closing; try again later");

    /// <summary>The connection stays usable, the state does not: 421 and away.</summary>
    public static Reply Broken { get; } = new(421, "4.3.0", "Internal error; try again later");
    public static Reply Unknown { get; } = new(500, "5.5.2", "Command not recognized");
    public static Reply MailFirst { get; } = new(503, "5.5.1", "Send MAIL first");
    public static Reply InTransaction { get; } = new(503, "5.5.1", "Not within a mail transaction");
    public static Reply GoAhead { get; } = new(354, "", "End data with <CR><LF>.<CR><LF>");

    readonly CommandLines _lines = new(connection);
    bool _closing;
    int _errors;

    /// <summary>Called once when a client is dropped for its errors; for the log.</summary>
    public Action? TooManyErrors { get; init; }

    /// <summary>Greets, then runs each line until either side ends it.</summary>
    /// <param name="time">Time for the next command; asked each time.</param>
    /// <param name="run">The verb's line, without CRLF.</param>
    public async Task RunAsync(Reply greeting, Func<TimeSpan> time, Func<string, ValueTask> run)
    {
        Send(greeting);
        while (!_closing)
        {
            switch (await _lines.ReadAsync(limits.SmtpLineBytes, time()))
            {
                case LineResult.Line:
                    await run(_lines.Text);
                    break;
                case LineResult.NotText:
                    SendError(s_notText);
                    break;
                case LineResult.TooLong:
                    Close(Reply.LineTooLong);
                    break;
                case LineResult.BareCrOrLf:
                    Close(Reply.BareLineEnd);
                    break;
                case LineResult.Ended:
                    Close(connection.EndReason == EndReason.TimedOut ? s_timeout : s_stopping);
                    break;
                case LineResult.Closed:
                    return;
            }
        }
    }

    /// <summary>The first word of a line.</summary>
    public static ReadOnlySpan<char> VerbOf(string line) =>
        line.IndexOf(' ', StringComparison.Ordinal) is var space and >= 0 ? line.AsSpan(0, space) : line;

    /// <summary>What stands behind it.</summary>
    public static string ArgumentOf(string line) =>
        line.IndexOf(' ', StringComparison.Ordinal) is var space and >= 0 ? line[(space + 1)..].Trim(' ') : "";

    /// <summary>Reads one more line within a command (AUTH); null: the conversation is over.</summary>
    public async ValueTask<string?> ReadAnswerAsync(TimeSpan time)
    {
        if (await _lines.ReadAsync(limits.SmtpLineBytes, time) == LineResult.Line)
            return _lines.Text;
        Close(Reply.LineTooLong);
        return null;
    }

    /// <summary>Puts a reply into the output; it leaves when the session waits for input.</summary>
    public void Send(Reply reply) => reply.WriteTo(connection.Output);

    /// <summary>Sends the lines of a multi-line reply. RFC 5321 §4.2.1</summary>
    public void Send(int code, IReadOnlyList<string> lines)
    {
        for (int i = 0; i < lines.Count; i++)
            connection.Output.Write(Encoding.ASCII.GetBytes($"{code}{(i == lines.Count - 1 ? ' ' : '-')}{lines[i]}\r\n"));
    }

    /// <summary>Sends a refusal that counts against the client.</summary>
    public void SendError(Reply reply)
    {
        if (++_errors > limits.BadCommands)
        {
            TooManyErrors?.Invoke();
            Close(s_tooManyErrors);
            return;
        }
        Send(reply);
    }

    /// <summary>Drops a client that has made too many errors of a kind that only the session counts.</summary>
    public void CloseForErrors() => Close(s_tooManyErrors);

    /// <summary>Sends the last reply; the session ends behind it.</summary>
    public void Close(Reply reply)
    {
        Send(reply);
        _closing = true;
    }

    /// <summary>Ends the session without a word.</summary>
    public void Close() => _closing = true;

    /// <summary>354, then the data. RFC 5321 §4.1.1.4</summary>
    /// <returns>Null: there is nothing to answer any more, and the session ends.</returns>
    public async ValueTask<Reply[]?> ReceiveAsync(Reception reception, Envelope envelope, Accounts.AccountEntry? sender, bool queueFaults)
    {
        Send(GoAhead);
        await connection.Output.FlushAsync(connection.Closed);
        ReceptionResult result = await reception.ReceiveAsync(connection, envelope, sender, queueFaults);
        if (result.GoOn)
            return result.Replies;
        if (result.Replies is [var last])
            Close(last);
        else
            Close();
        return null;
    }
}
