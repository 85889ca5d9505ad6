using System.Buffers;
using System.Text;
using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Net;

namespace MailEngine.Smtp;

/// <summary>One SMTP conversation: reads command lines, checks them against the table, runs them.</summary>
/// <remarks>
/// States: connected → greeted (HELO, EHLO) → [logged in] → transaction (MAIL) → recipients (RCPT) → data → greeted. STARTTLS goes back to
/// connected: nothing said in the clear counts afterwards (RFC 3207 §4.2).
/// </remarks>
sealed class SmtpSession(Connection connection, SmtpServices services, bool isSubmission)
{
    static readonly Reply s_unknown = new(500, "5.5.2", "Command not recognized");
    static readonly Reply s_notText = new(500, "5.5.2", "The line is not UTF-8 text");
    static readonly Reply s_helloFirst = new(503, "5.5.1", "Send EHLO first");
    static readonly Reply s_logInFirst = new(530, "5.7.0", "Authentication required");
    static readonly Reply s_mailFirst = new(503, "5.5.1", "Send MAIL first");
    static readonly Reply s_inTransaction = new(503, "5.5.1", "Not within a mail transaction");
    static readonly Reply s_tooManyErrors = new(421, "4.7.0", "Too many errors");
    static readonly Reply s_timeout = new(421, "4.4.2", "Timeout");
    static readonly Reply s_stopping = new(421, "4.3.2", "Closing; try again later");
    static readonly Reply s_notHttp = new(221, "2.7.0", "This is a mail server. Goodbye");
    static readonly Reply s_tooEarly = new(554, "5.5.1", "Wait for the greeting");

    readonly CommandLines _lines = new(connection);
    bool _closing;
    int _errors;
    int _refusedRecipients;

    public Connection Connection { get; } = connection;
    public SmtpServices Services { get; } = services;

    /// <summary>True on 587 and 465.</summary>
    public bool IsSubmission { get; } = isSubmission;

    /// <summary>The name of HELO or EHLO; null before it.</summary>
    public string? ClientName { get; set; }

    /// <summary>EHLO, not HELO.</summary>
    public bool IsExtended { get; set; }

    /// <summary>Who logged in; null: nobody.</summary>
    public AccountEntry? Account { get; set; }

    /// <summary>Null outside one.</summary>
    public Transaction? Transaction { get; set; }

    /// <summary>Passwords are taken under TLS, over a unix socket, or where the settings allow it.</summary>
    public bool MayLogIn => IsSubmission && (Connection.IsTls || Connection.IsUnixSocket || Services.Options.AllowPlaintextAuth);

    public async Task RunAsync()
    {
        if (!IsSubmission && Connection.HasReadAhead())
        {
            SmtpLog.Dropped(Services.Log, Connection.Id, Connection.RemoteText, "talks before the greeting");
            Send(s_tooEarly);
            return;
        }
        Send(new Reply(220, "", $"{Services.Hostname} ESMTP"));
        while (!_closing)
        {
            switch (await _lines.ReadAsync(Services.Options.Limits.SmtpLineBytes, TimeForCommand()))
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
        ReadOnlySpan<char> verb = space < 0 ? line : line.AsSpan(0, space);
        SmtpCommandRow? row = SmtpCommandTable.Find(verb);
        if (row is null)
        {
            if (SmtpCommandTable.IsForbidden(verb))
            {
                SmtpLog.Dropped(Services.Log, Connection.Id, Connection.RemoteText, "speaks HTTP");
                Close(s_notHttp);
            }
            else
            {
                SendError(s_unknown);
            }
            return;
        }
        if (RefusalInState(row.State) is { } refusal)
        {
            SendError(refusal);
            return;
        }
        try
        {
            await row.Parse(space < 0 ? "" : line[(space + 1)..].Trim(' ')).RunAsync(this);
        }
        catch (Exception e) when (!Connection.IsLostConnection(e))
        {
            SmtpLog.CommandFailed(Services.Log, e, Connection.Id, row.Name);
            Close(new Reply(421, "4.3.0", "Internal error; try again later"));
        }
    }

    Reply? RefusalInState(SmtpState state)
    {
        if (state.HasFlag(SmtpState.Greeted) && ClientName is null)
            return s_helloFirst;
        if (state.HasFlag(SmtpState.LoggedIn) && IsSubmission && Account is null)
            return s_logInFirst;
        if (state.HasFlag(SmtpState.Transaction) && Transaction is null)
            return s_mailFirst;
        return state.HasFlag(SmtpState.Idle) && Transaction is not null ? s_inTransaction : null;
    }

    TimeSpan TimeForCommand()
    {
        LimitOptions limits = Services.Options.Limits;
        if (!IsSubmission || Account is not null)
            return limits.SmtpIdle;
        TimeSpan left = limits.TimeToAuthenticate - (Services.Clock.GetUtcNow() - Connection.Since);
        return left < limits.SmtpIdle ? left : limits.SmtpIdle;
    }

    /// <summary>Reads one more line within a command (AUTH).</summary>
    public async ValueTask<string?> ReadAnswerAsync()
    {
        if (await _lines.ReadAsync(Services.Options.Limits.SmtpLineBytes, TimeForCommand()) == LineResult.Line)
            return _lines.Text;
        Close(Reply.LineTooLong);
        return null;
    }

    /// <summary>Puts a reply into the output; it leaves when the session waits for input.</summary>
    public void Send(Reply reply) => reply.WriteTo(Connection.Output);

    /// <summary>Sends a refusal that counts against the client.</summary>
    public void SendError(Reply reply)
    {
        if (++_errors > Services.Options.Limits.BadCommands)
        {
            SmtpLog.Dropped(Services.Log, Connection.Id, Connection.RemoteText, "too many errors");
            Close(s_tooManyErrors);
            return;
        }
        Send(reply);
    }

    /// <summary>Sends the refusal of a recipient. Somebody who tries out addresses is dropped; a list with some dead ones is not.</summary>
    public void SendRefusedRecipient(Reply reply)
    {
        if (reply.IsPermanent && ++_refusedRecipients > 10 * Services.Options.Limits.BadCommands)
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

    /// <summary>After STARTTLS: as if just connected.</summary>
    public void ForgetAll()
    {
        ClientName = null;
        IsExtended = false;
        Account = null;
        Transaction = null;
    }

    public TransmissionType With => !IsExtended ? TransmissionType.Smtp : (Connection.IsTls, Account is not null) switch
    {
        (false, false) => TransmissionType.Esmtp,
        (true, false) => TransmissionType.Esmtps,
        (false, true) => TransmissionType.Esmtpa,
        (true, true) => TransmissionType.Esmtpsa,
    };
}
