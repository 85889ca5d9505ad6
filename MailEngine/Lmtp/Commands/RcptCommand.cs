using MailEngine.Flow;

namespace MailEngine.Lmtp.Commands;

/// <summary>RCPT TO: adds a recipient of ours, or says why not. RFC 2033 §4.2</summary>
/// <remarks>No relaying: the client is a mail server itself and delivers elsewhere without us.</remarks>
sealed record RcptCommand(string Path, RecipientParameters Parameters) : LmtpCommand
{
    static readonly Reply s_syntax = new(501, "5.5.4", "Syntax: RCPT TO:<address>");

    public static LmtpCommand Parse(string argument)
    {
        if (!MailPath.TrySplit(argument, "TO", out string path, out string rest) || path.Length == 0)
            return new RefusedCommand(s_syntax);
        return RecipientParameters.TryParse(rest, out RecipientParameters parameters) is { } refusal
            ? new RefusedCommand(refusal)
            : new RcptCommand(path, parameters);
    }

    public override async ValueTask RunAsync(LmtpSession session) =>
        session.Send(await session.Services.Reception.AddRecipientAsync(
            session.Transaction!, Path, Parameters, mayRelay: false, session.Connection.RemoteText, session.Connection.Closed));
}
