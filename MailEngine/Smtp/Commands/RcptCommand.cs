using MailEngine.Flow;

namespace MailEngine.Smtp.Commands;

/// <summary>RCPT TO: adds a recipient, or says at once why not.</summary>
/// <remarks>RFC 5321 §4.1.1.3. Nobody who did not log in can send through us to others: §7.9.</remarks>
sealed record RcptCommand(string Path, RecipientParameters Parameters) : SmtpCommand
{
    static readonly Reply s_syntax = new(501, "5.5.4", "Syntax: RCPT TO:<address>");

    // "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters]
    public static SmtpCommand Parse(string argument)
    {
        if (!MailPath.TrySplit(argument, "TO", out string path, out string rest) || path.Length == 0)
            return new RefusedCommand(s_syntax);
        return RecipientParameters.TryParse(rest, out RecipientParameters parameters) is { } refusal
            ? new RefusedCommand(refusal)
            : new RcptCommand(path, parameters);
    }

    public override async ValueTask RunAsync(SmtpSession session)
    {
        Reply reply = await session.Services.Reception.AddRecipientAsync(
            session.Transaction!, Path, Parameters, mayRelay: session.Account is not null, session.Connection.RemoteText, session.Connection.Closed);
        if (reply.IsPositive)
            session.Send(reply);
        else
            session.SendRefusedRecipient(reply);
    }
}
