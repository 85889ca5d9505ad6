using MailEngine.Flow;

namespace MailEngine.Lmtp.Commands;

/// <summary>LHLO: the client names itself and hears what we can do.</summary>
/// <remarks>RFC 2033 §4.1. PIPELINING and ENHANCEDSTATUSCODES must be there: §5.</remarks>
sealed record LhloCommand(string Name) : LmtpCommand
{
    static readonly Reply s_noName = new(501, "5.5.4", "Send the name of your host");

    public static LmtpCommand Parse(string argument)
    {
        string name = argument.Split(' ')[0];
        return name.Length == 0 ? new RefusedCommand(s_noName) : new LhloCommand(ClientNames.Clean(name));
    }

    public override ValueTask RunAsync(LmtpSession session)
    {
        session.ClientName = Name;
        session.Transaction = null;
        session.Conversation.Send(250,
        [
            session.Services.Hostname.Name,
            "PIPELINING",
            FormattableString.Invariant($"SIZE {session.Services.Options.Limits.MessageBytes}"),
            "8BITMIME",
            "SMTPUTF8",
            "DSN",
            FormattableString.Invariant($"LIMITS RCPTMAX={session.Services.Options.Limits.Recipients}"),
            "ENHANCEDSTATUSCODES",
        ]);
        return ValueTask.CompletedTask;
    }
}
