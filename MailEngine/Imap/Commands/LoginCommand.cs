using MailEngine.Accounts;
using MailEngine.Sasl;

namespace MailEngine.Imap.Commands;

/// <summary>LOGIN: log-in by name and password.</summary>
/// <remarks>RFC 9051 §6.2.3</remarks>
internal sealed record LoginCommand(string User, string Password) : ImapCommand
{
    // login = "LOGIN" SP userid SP password (RFC 9051 §9)
    public static LoginCommand Parse(ref ImapReader r)
    {
        r.Sp();
        string user = r.AstringText();
        r.Sp();
        return new(user, r.AstringText());
    }

    public override ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct) => LogInAsync(session, User, Password, ct);

    /// <summary>The log-in behind LOGIN and AUTHENTICATE. Codes: RFC 5530 §3</summary>
    internal static async ValueTask<ImapReply> LogInAsync(ImapSession session, string user, string password, CancellationToken ct)
    {
        if (!session.MayLogIn)
            return ImapReply.No("[PRIVACYREQUIRED] Passwords are only taken under TLS");
        session.Connection.Expect(TimeSpan.FromSeconds(60));
        AuthOutcome outcome = await session.Services.Authenticator.AuthenticateAsync(
            user, password, MailServices.Imap, session.Connection.Remote?.Address, ct);
        if (outcome.Account is not { } account)
        {
            return outcome.Failure switch
            {
                AuthFailure.Invalid => ImapReply.No("[AUTHENTICATIONFAILED] Wrong user name or password"),
                AuthFailure.ServiceOff => ImapReply.No("[AUTHORIZATIONFAILED] IMAP is not switched on for this account"),
                AuthFailure.Suspended => ImapReply.No("[AUTHORIZATIONFAILED] This account is suspended"),
                AuthFailure.Throttled => ImapReply.No("[UNAVAILABLE] Too many failed log-ins, try again later"),
                _ => ImapReply.Unavailable,
            };
        }
        if (!session.TryLogIn(account))
            return ImapReply.No("[LIMIT] Too many sessions of this account");   // RFC 5530 §3
        return ImapReply.Ok($"[CAPABILITY {session.CapabilityText}] Logged in");
    }

    /// <summary>Keeps the password out of logs that print commands.</summary>
    public override string ToString() => nameof(LoginCommand);
}
