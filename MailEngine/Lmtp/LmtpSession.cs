using MailEngine.Flow;
using MailEngine.Net;

namespace MailEngine.Lmtp;

/// <summary>One LMTP conversation: reads command lines, checks them against the table, runs them.</summary>
/// <remarks>States: connected → greeted (LHLO) → transaction (MAIL) → recipients (RCPT) → data → greeted. RFC 2033 §4</remarks>
sealed class LmtpSession(Connection connection, LmtpServices services)
{
    static readonly Reply s_helloFirst = new(503, "5.5.1", "Send LHLO first");

    public Conversation Conversation { get; } = new(connection, services.Options.Limits);

    public Connection Connection { get; } = connection;
    public LmtpServices Services { get; } = services;

    /// <summary>The name of LHLO; null before it.</summary>
    public string? ClientName { get; set; }

    /// <summary>Null outside one.</summary>
    public Transaction? Transaction { get; set; }

    public Task RunAsync() => Conversation.RunAsync(new Reply(220, "", $"{Services.Hostname} LMTP"), () => Services.Options.Limits.SmtpIdle, RunLineAsync);

    async ValueTask RunLineAsync(string line)
    {
        LmtpCommandRow? row = LmtpCommandTable.Find(Conversation.VerbOf(line));
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
            LmtpLog.CommandFailed(Services.Log, e, Connection.Id, row.Name);
            Close(Conversation.Broken);
        }
    }

    Reply? RefusalInState(LmtpState state)
    {
        if (state.HasFlag(LmtpState.Greeted) && ClientName is null)
            return s_helloFirst;
        if (state.HasFlag(LmtpState.Transaction) && Transaction is null)
            return Conversation.MailFirst;
        return state.HasFlag(LmtpState.Idle) && Transaction is not null ? Conversation.InTransaction : null;
    }

    public void Send(Reply reply) => Conversation.Send(reply);

    public void SendError(Reply reply) => Conversation.SendError(reply);

    public void Close(Reply reply) => Conversation.Close(reply);
}
