using MailEngine.Flow;

namespace MailEngine.Lmtp.Commands;

/// <summary>NOOP; an argument is ignored. RFC 5321 §4.1.1.9</summary>
sealed record NoopCommand : LmtpCommand
{
    static readonly Reply s_ok = new(250, "2.0.0", "Ok");

    public override ValueTask RunAsync(LmtpSession session)
    {
        session.Send(s_ok);
        return ValueTask.CompletedTask;
    }
}
