using MailEngine.Flow;

namespace MailEngine.Smtp.Commands;

/// <summary>QUIT. RFC 5321 §4.1.1.10</summary>
sealed record QuitCommand : SmtpCommand
{
    static readonly Reply s_bye = new(221, "2.0.0", "Bye");

    public static SmtpCommand Parse(string argument) =>
        argument.Length == 0 ? new QuitCommand() : new RefusedCommand(Reply.SyntaxError);

    public override ValueTask RunAsync(SmtpSession session)
    {
        session.Close(s_bye);
        return ValueTask.CompletedTask;
    }
}
