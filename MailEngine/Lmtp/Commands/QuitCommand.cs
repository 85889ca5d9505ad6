using MailEngine.Flow;

namespace MailEngine.Lmtp.Commands;

/// <summary>QUIT. RFC 5321 §4.1.1.10</summary>
sealed record QuitCommand : LmtpCommand
{
    static readonly Reply s_bye = new(221, "2.0.0", "Bye");

    public override ValueTask RunAsync(LmtpSession session)
    {
        session.Close(s_bye);
        return ValueTask.CompletedTask;
    }
}
