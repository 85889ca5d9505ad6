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
    static readonly Reply s_helloFirst = new(503, "5.5.1", "Send EHLO first");
    static readonly Reply s_logInFirst = new(530, "5.7.0", "Authentication required");
    static readonly Reply s_notHttp = new(221, "2.7.0", "This is a mail server. Goodbye");
    static readonly Reply s_tooEarly = new(554, "5.5.1", "Wait for the greeting");

    int _refusedRecipients;

    public Conversation Conversation { get; } = new(connection, services.Options.Limits)
    {
        TooManyErrors = () => SmtpLog.Dropped(services.Log, connection.Id, connection.RemoteText, "too many errors"),
    };

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
            Conversation.Send(s_tooEarly);
            return;
        }
        await Conversation.RunAsync(new Reply(220, "", $"{Services.Hostname} ESMTP"), TimeForCommand, RunLineAsync);
    }

    async ValueTask RunLineAsync(string line)
    {
        SmtpCommandRow? row = SmtpCommandTable.Find(Conversation.VerbOf(line));
        if (row is null && SmtpCommandTable.IsForbidden(Conversation.VerbOf(line)))
        {
            SmtpLog.Dropped(Services.Log, Connection.Id, Connection.RemoteText, "speaks HTTP");
            Close(s_notHttp);
            return;
        }
        Reply? refusal = row is null ? Conversation.Unknown : RefusalInState(row.State);
        if (row is null || refusal is not null)
        {
            SendError(refusal!);
            return;
        }
        try
        {
            await row.Parse(Conversation.ArgumentOf(line)).RunAsync(this);
        }
        catch (Exception e) when (!Connection.IsLostConnection(e))
        {
            SmtpLog.CommandFailed(Services.Log, e, Connection.Id, row.Name);
            Close(Conversation.Broken);
        }
    }

    Reply? RefusalInState(SmtpState state)
    {
        if (state.HasFlag(SmtpState.Greeted) && ClientName is null)
            return s_helloFirst;
        if (state.HasFlag(SmtpState.LoggedIn) && IsSubmission && Account is null)
            return s_logInFirst;
        if (state.HasFlag(SmtpState.Transaction) && Transaction is null)
            return Conversation.MailFirst;
        return state.HasFlag(SmtpState.Idle) && Transaction is not null ? Conversation.InTransaction : null;
    }

    TimeSpan TimeForCommand()
    {
        LimitOptions limits = Services.Options.Limits;
        if (!IsSubmission || Account is not null)
            return limits.SmtpIdle;
        TimeSpan left = limits.TimeToAuthenticate - Connection.Age;
        return left < limits.SmtpIdle ? left : limits.SmtpIdle;
    }

    /// <inheritdoc cref="Conversation.ReadAnswerAsync"/>
    public ValueTask<string?> ReadAnswerAsync() => Conversation.ReadAnswerAsync(TimeForCommand());

    public void Send(Reply reply) => Conversation.Send(reply);

    public void SendError(Reply reply) => Conversation.SendError(reply);

    /// <summary>Sends the refusal of a recipient. Somebody who tries out addresses is dropped; a list with some dead ones is not.</summary>
    public void SendRefusedRecipient(Reply reply)
    {
        if (reply.IsPermanent && ++_refusedRecipients > 10 * Services.Options.Limits.BadCommands)
            Conversation.CloseForErrors();
        else
            Send(reply);
    }

    public void Close(Reply reply) => Conversation.Close(reply);

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
