using MailEngine.Flow;

namespace MailEngine.Smtp.Commands;

/// <summary>STARTTLS: the same connection goes on under TLS, from the beginning.</summary>
/// <remarks>RFC 3207 §4. Commands sent behind it in the clear are never run: the session ends (CVE-2011-0411).</remarks>
sealed record StartTlsCommand : SmtpCommand
{
    static readonly Reply s_already = new(503, "5.5.1", "TLS is already on");
    static readonly byte[] s_ready = "220 2.0.0 Ready to start TLS\r\n"u8.ToArray();

    public static SmtpCommand Parse(string argument) =>
        argument.Length == 0 ? new StartTlsCommand() : new RefusedCommand(Reply.SyntaxError);

    public override async ValueTask RunAsync(SmtpSession session)
    {
        if (session.Connection.IsTls)
        {
            session.SendError(s_already);
            return;
        }
        if (!await session.Connection.UpgradeToTlsAsync(s_ready, session.Connection.Closed))
        {
            session.Conversation.Close();
            return;
        }
        session.ForgetAll();
    }
}
