using System.Buffers;
using System.Text;
using MailEngine.Flow;
using MailEngine.Net;

namespace MailEngine.Lmtp;

/// <summary>One LMTP conversation: reads command lines, checks them against the table, runs them.</summary>
/// <remarks>States: connected → greeted (LHLO) → transaction (MAIL) → recipients (RCPT) → data → greeted. RFC 2033 §4</remarks>
sealed class LmtpSession(Connection connection, LmtpServices services)
{
    static readonly Reply s_unknown = new(500, "5.5.2", "Command not recognized");
    static readonly Reply s_notText = new(500, "5.5.2", "The line is not UTF-8 text");
    static readonly Reply s_helloFirst = new(503, "5.5.1", "Send LHLO first");
    static readonly Reply s_mailFirst = new(503, "5.5.1", "Send MAIL first");
    static readonly Reply s_inTransaction = new(503, "5.5.1", "Not within a mail transaction");
    static readonly Reply s_tooManyErrors = new(421, "4.7.0", "Too many errors");
    static readonly Reply s_timeout = new(421, "4.4.2", "Timeout");
    static readonly Reply s_stopping = new(421, "4.3.2", "Closing; try again later");

    readonly CommandLines _lines = new(connection);
    bool _closing;
    int _errors;

    public Connection Connection { get; } = connection;
    public LmtpServices Services { get; } = services;

    /// <summary>The name of LHLO; null before it.</summary>
    public string? ClientName { get; set; }

    /// <summary>Null outside one.</summary>
    public Transaction? Transaction { get; set; }

    public async Task RunAsync()
    {
        Send(new Reply(220, "", $"{Services.Hostname} LMTP"));
        while (!_closing)
        {
            switch (await _lines.ReadAsync(Services.Options.Limits.SmtpLineBytes, Services.Options.Limits.SmtpIdle))
            {
                case LineResult.Line:
                    await RunLineAsync(_lines.Text);
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
                    Close(Connection.EndReason == EndReason.TimedOut ? s_timeout : s_stopping);
                    break;
                case LineResult.Closed:
                    return;
            }
        }
    }

    async ValueTask RunLineAsync(string line)
    {
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        LmtpCommandRow? row = LmtpCommandTable.Find(space < 0 ? line : line.AsSpan(0, space));
        Reply? refusal = row is null ? s_unknown : RefusalInState(row.State);
        if (row is null || refusal is not null)
        {
            SendError(refusal!);
            return;
        }
        try
        {
            await row.Parse(space < 0 ? "" : line[(space + 1)..].Trim(' ')).RunAsync(this);
        }
        catch (Exception e) when (!Connection.IsLostConnection(e))
        {
            LmtpLog.CommandFailed(Services.Log, e, Connection.Id, row.Name);
            Close(new Reply(421, "4.3.0", "Internal error; try again later"));
        }
    }

    Reply? RefusalInState(LmtpState state)
    {
        if (state.HasFlag(LmtpState.Greeted) && ClientName is null)
            return s_helloFirst;
        if (state.HasFlag(LmtpState.Transaction) && Transaction is null)
            return s_mailFirst;
        return state.HasFlag(LmtpState.Idle) && Transaction is not null ? s_inTransaction : null;
    }

    /// <summary>Puts a reply into the output; it leaves when the session waits for input.</summary>
    public void Send(Reply reply) => reply.WriteTo(Connection.Output);

    /// <summary>Sends a refusal that counts against the client.</summary>
    public void SendError(Reply reply)
    {
        if (++_errors > Services.Options.Limits.BadCommands)
            Close(s_tooManyErrors);
        else
            Send(reply);
    }

    /// <summary>Sends the lines of a multi-line reply. RFC 5321 §4.2.1</summary>
    public void Send(int code, IReadOnlyList<string> lines)
    {
        for (int i = 0; i < lines.Count; i++)
            Connection.Output.Write(Encoding.ASCII.GetBytes($"{code}{(i == lines.Count - 1 ? ' ' : '-')}{lines[i]}\r\n"));
    }

    /// <summary>Sends the last reply; the session ends behind it.</summary>
    public void Close(Reply reply)
    {
        Send(reply);
        _closing = true;
    }

    /// <summary>Ends the session without a word.</summary>
    public void Close() => _closing = true;
}
