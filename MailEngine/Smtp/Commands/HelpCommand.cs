namespace MailEngine.Smtp.Commands;

/// <summary>HELP. RFC 5321 §4.1.1.8</summary>
sealed record HelpCommand : SmtpCommand
{
    static readonly string[] s_lines =
    [
        "2.0.0 Commands: HELO EHLO STARTTLS AUTH MAIL RCPT DATA RSET NOOP VRFY HELP QUIT",
        "2.0.0 RFC 5321 has the details",
    ];

    public override ValueTask RunAsync(SmtpSession session)
    {
        session.Conversation.Send(214, s_lines);
        return ValueTask.CompletedTask;
    }
}
