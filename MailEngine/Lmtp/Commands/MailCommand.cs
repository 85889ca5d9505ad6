using MailEngine.Addresses;
using MailEngine.Flow;

namespace MailEngine.Lmtp.Commands;

/// <summary>MAIL FROM: opens a transaction. RFC 2033 §4.2, RFC 5321 §4.1.1.2</summary>
/// <remarks>The mail server before us has checked the sender. One that we cannot read (a host address, a name without domain) must not
/// keep the mail from its recipient: it becomes the null reverse path, which nobody answers to.</remarks>
sealed record MailCommand(string Path, SenderParameters Parameters) : LmtpCommand
{
    static readonly Reply s_ok = new(250, "2.1.0", "Ok");
    static readonly Reply s_syntax = new(501, "5.5.4", "Syntax: MAIL FROM:<address>");

    public static LmtpCommand Parse(string argument)
    {
        if (!MailPath.TrySplit(argument, "FROM", out string path, out string rest))
            return new RefusedCommand(s_syntax);
        return SenderParameters.TryParse(rest, out SenderParameters parameters) is { } refusal
            ? new RefusedCommand(refusal)
            : new MailCommand(path, parameters);
    }

    public override ValueTask RunAsync(LmtpSession session)
    {
        if (Parameters.Size > session.Services.Options.Limits.MessageBytes)
        {
            session.Send(Reply.TooBig);
            return ValueTask.CompletedTask;
        }
        EmailAddress? reversePath = EmailAddress.TryParse(Path, out EmailAddress address) ? address : null;
        session.Transaction = new Transaction(reversePath, Parameters);
        session.Send(s_ok);
        return ValueTask.CompletedTask;
    }
}
