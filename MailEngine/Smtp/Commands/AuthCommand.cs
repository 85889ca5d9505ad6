using System.Text;
using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Sasl;

namespace MailEngine.Smtp.Commands;

/// <summary>AUTH: log-in with a SASL mechanism.</summary>
/// <remarks>RFC 4954 §4. Only under TLS (§9), once a session, not within a transaction. "*" aborts; "=" is an empty initial response.</remarks>
sealed record AuthCommand(string Mechanism, string? InitialResponse) : SmtpCommand
{
    static readonly Reply s_ok = new(235, "2.7.0", "Authentication successful");
    static readonly Reply s_notHere = new(503, "5.5.1", "Log in on the submission port");
    static readonly Reply s_already = new(503, "5.5.1", "Already logged in");
    static readonly Reply s_needsTls = new(538, "5.7.11", "Encryption required: use STARTTLS first");
    static readonly Reply s_mechanism = new(504, "5.5.4", "Mechanism is not known here");
    static readonly Reply s_aborted = new(501, "5.7.0", "Authentication aborted");
    static readonly Reply s_badBase64 = new(501, "5.5.2", "Not BASE64");
    static readonly Reply s_invalid = new(535, "5.7.8", "Authentication credentials invalid");
    static readonly Reply s_throttled = new(454, "4.7.0", "Too many failed log-ins; try again later");
    static readonly Reply s_temporary = new(454, "4.7.0", "Temporary authentication failure");
    static readonly Reply s_notAllowed = new(535, "5.7.1", "This account may not send mail");
    static readonly Reply s_tooMany = new(421, "4.7.0", "Too many sessions of this account");

    // "AUTH" SP mechanism [SP initial-response]
    public static SmtpCommand Parse(string argument)
    {
        string[] words = argument.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words switch
        {
            [var mechanism] => new AuthCommand(mechanism.ToUpperInvariant(), null),
            [var mechanism, var response] => new AuthCommand(mechanism.ToUpperInvariant(), response),
            _ => new RefusedCommand(Reply.SyntaxError),
        };
    }

    public override async ValueTask RunAsync(SmtpSession session)
    {
        if (!session.IsSubmission)
        {
            session.SendError(s_notHere);
            return;
        }
        if (session.Account is not null)
        {
            session.SendError(s_already);
            return;
        }
        if (!session.MayLogIn)
        {
            session.SendError(s_needsTls);
            return;
        }
        if (SaslExchange.Start(Mechanism) is not { } exchange)
        {
            session.SendError(s_mechanism);
            return;
        }
        (Reply? refusal, string user, string password) = await ExchangeAsync(session, exchange);
        if (refusal is not null)
        {
            session.SendError(refusal);
            return;
        }
        await LogInAsync(session, user, password);
    }

    async ValueTask<(Reply? Refusal, string User, string Password)> ExchangeAsync(SmtpSession session, SaslExchange exchange)
    {
        string? text = InitialResponse == "=" ? "" : InitialResponse;
        ReadOnlyMemory<byte> challenge = exchange.FirstChallenge;
        while (true)
        {
            if (text is null)
            {
                session.Send(new Reply(334, "", Convert.ToBase64String(challenge.Span)));
                text = await session.ReadAnswerAsync();
                if (text is null)
                    return (s_aborted, "", "");
                if (text == "*")
                    return (s_aborted, "", "");
            }
            byte[] response = new byte[text.Length];
            if (!Convert.TryFromBase64String(text, response, out int length))
                return (s_badBase64, "", "");
            SaslStep step = exchange.Next(response.AsSpan(0, length));
            if (step.Kind == SaslStep.Outcome.Failed)
                return (s_invalid, "", "");
            if (step.Kind == SaslStep.Outcome.Finished)
                return (null, step.User, step.Password);
            challenge = step.Challenge;
            text = null;
        }
    }

    static async ValueTask LogInAsync(SmtpSession session, string user, string password)
    {
        AuthOutcome outcome = await session.Services.Authenticator.AuthenticateAsync(
            user, password, MailServices.Sending, session.Connection.Remote?.Address, session.Connection.Closed);
        Reply reply = outcome.Failure switch
        {
            AuthFailure.None when outcome.Account is { MaySend: true } => s_ok,
            AuthFailure.None or AuthFailure.ServiceOff => s_notAllowed,
            AuthFailure.Throttled => s_throttled,
            AuthFailure.Unavailable => s_temporary,
            _ => s_invalid,
        };
        if (!reply.IsPositive || outcome.Account is not { } account)
        {
            session.SendError(reply);
            return;
        }
        if (!session.Services.Sessions.TryBind(session.Connection, account.AccountId, account.Login))
        {
            session.Close(s_tooMany);
            return;
        }
        session.Account = account;
        SmtpLog.LoggedIn(session.Services.Log, session.Connection.Id, session.Connection.RemoteText, account.AccountId);
        session.Send(s_ok);
    }
}
