using MailEngine.Flow;

namespace MailEngine.Lmtp.Commands;

/// <summary>RSET: drops the transaction. RFC 5321 §4.1.1.5</summary>
sealed record RsetCommand : LmtpCommand
{
    static readonly Reply s_ok = new(250, "2.0.0", "Ok");

    public static LmtpCommand Parse(string argument) =>
        argument.Length == 0 ? new RsetCommand() : new RefusedCommand(Reply.SyntaxError);

    public override ValueTask RunAsync(LmtpSession session)
    {
        session.Transaction = null;
        session.Send(s_ok);
        return ValueTask.CompletedTask;
    }
}
