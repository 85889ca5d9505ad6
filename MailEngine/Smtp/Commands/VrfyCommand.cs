using MailEngine.Flow;

namespace MailEngine.Smtp.Commands;

/// <summary>VRFY: tells nothing, so that nobody can try out addresses. RFC 5321 §3.5.3, §7.3</summary>
sealed record VrfyCommand : SmtpCommand
{
    static readonly Reply s_maybe = new(252, "2.5.2", "Cannot verify; send mail and see");

    public static SmtpCommand Parse(string argument) =>
        argument.Length > 0 ? new VrfyCommand() : new RefusedCommand(Reply.SyntaxError);

    public override ValueTask RunAsync(SmtpSession session)
    {
        session.Send(s_maybe);
        return ValueTask.CompletedTask;
    }
}
