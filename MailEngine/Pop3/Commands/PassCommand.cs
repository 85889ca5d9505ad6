using MailEngine.Accounts;
using MailEngine.Sasl;

namespace MailEngine.Pop3.Commands;

/// <summary>PASS: the password to the name that USER gave.</summary>
/// <remarks>RFC 1939 §7</remarks>
internal sealed record PassCommand(string Password) : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new PassCommand(r.Rest());

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct)
    {
        if (session.User is not { } user)
            return new(Pop3Reply.Err(session.MayLogIn ? Pop3Texts.UserFirst : Pop3Texts.NeedsTls));
        session.User = null;
        return LogInAsync(session, user, Password, ct);
    }

    /// <summary>The log-in behind PASS and AUTH. Codes: RFC 3206 §4</summary>
    internal static async ValueTask<Pop3Reply> LogInAsync(Pop3Session session, string user, string password, CancellationToken ct)
    {
        session.Connection.Expect(TimeSpan.FromSeconds(60));
        AuthOutcome outcome = await session.Services.Authenticator.AuthenticateAsync(user, password, MailServices.Pop3, session.Connection.Remote?.Address, ct);
        if (outcome.Account is { } account)
            return await session.LogInAsync(account);
        return outcome.Failure switch
        {
            AuthFailure.Invalid => Pop3Reply.Err(Pop3Texts.Wrong, "AUTH"),
            AuthFailure.ServiceOff => Pop3Reply.Err(Pop3Texts.ServiceOff, "AUTH"),
            AuthFailure.Suspended => Pop3Reply.Err(Pop3Texts.Suspended, "AUTH"),
            AuthFailure.Throttled => Pop3Reply.Err(Pop3Texts.Throttled, "SYS/TEMP"),
            _ => Pop3Reply.Unavailable,
        };
    }

    /// <summary>Keeps the password out of logs that print commands.</summary>
    public override string ToString() => nameof(PassCommand);
}
