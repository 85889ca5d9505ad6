using MailEngine.Flow;

namespace MailEngine.Smtp;

/// <summary>A command line that was understood. One subclass, one file, one command.</summary>
abstract record SmtpCommand
{
    /// <summary>Does it and sends the replies.</summary>
    public abstract ValueTask RunAsync(SmtpSession session);
}

/// <summary>A command whose arguments are wrong.</summary>
sealed record RefusedCommand(Reply Reply) : SmtpCommand
{
    public override ValueTask RunAsync(SmtpSession session)
    {
        session.SendError(Reply);
        return ValueTask.CompletedTask;
    }
}
