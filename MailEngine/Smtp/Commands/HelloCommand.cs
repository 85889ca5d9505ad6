using MailEngine.Flow;

namespace MailEngine.Smtp.Commands;

/// <summary>HELO and EHLO: the client names itself; EHLO is answered with what we can do.</summary>
/// <remarks>RFC 5321 §4.1.1.1. The name is not checked against DNS: §4.1.4 forbids to refuse mail for that.</remarks>
sealed record HelloCommand(string Name, bool Extended) : SmtpCommand
{
    static readonly Reply s_noName = new(501, "5.5.4", "Send the name of your host");

    // ehlo = "EHLO" SP ( Domain / address-literal ) CRLF. What else people send is taken, if it can stand in a trace field.
    public static SmtpCommand Parse(string argument, bool extended)
    {
        string name = argument.Split(' ')[0];
        if (name.Length == 0)
            return new RefusedCommand(s_noName);
        return new HelloCommand(ClientNames.Clean(name), extended);
    }

    public override ValueTask RunAsync(SmtpSession session)
    {
        session.ClientName = Name;
        session.IsExtended = Extended;
        session.Transaction = null;   // RFC 5321 §4.1.4: as RSET
        if (Extended)
            session.Conversation.Send(250, Extensions(session));
        else
            session.Send(new Reply(250, "", session.Services.Hostname.Name));
        return ValueTask.CompletedTask;
    }

    static List<string> Extensions(SmtpSession session)
    {
        LimitOptions limits = session.Services.Options.Limits;
        var lines = new List<string>
        {
            session.Services.Hostname.Name,
            "PIPELINING",                                  // RFC 2920 §3
            FormattableString.Invariant($"SIZE {limits.MessageBytes}"),       // RFC 1870 §3
            "8BITMIME",                                    // RFC 6152 §2
            "SMTPUTF8",                                    // RFC 6531 §3.1
            "DSN",                                         // RFC 3461 §3
        };
        if (!session.Connection.IsTls)
            lines.Add("STARTTLS");                         // RFC 3207 §4
        if (session.MayLogIn)
            lines.Add("AUTH PLAIN LOGIN");                 // RFC 4954 §3
        lines.Add(FormattableString.Invariant($"LIMITS RCPTMAX={limits.Recipients}"));   // RFC 9422 §4.1
        lines.Add("ENHANCEDSTATUSCODES");                  // RFC 2034 §3
        lines.Add("HELP");
        return lines;
    }
}
