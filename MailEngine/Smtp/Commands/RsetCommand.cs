using MailEngine.Flow;

namespace MailEngine.Smtp.Commands;

/// <summary>RSET: drops the transaction. RFC 5321 §4.1.1.5</summary>
sealed record RsetCommand : SmtpCommand
{
    static readonly Reply s_ok = new(250, "2.0.0", "Ok");

    public static SmtpCommand Parse(string argument) =>
        argument.Length == 0 ? new RsetCommand() : new RefusedCommand(Reply.SyntaxError);

    public override ValueTask RunAsync(SmtpSession session)
    {
        session.Transaction = null;
        session.Send(s_ok);
        return ValueTask.CompletedTask;
    }
}
