using System.Text;
using MailEngine.Accounts;
using MailEngine.Sasl;

namespace MailEngine.ManageSieve.Commands;

/// <summary>AUTHENTICATE: log-in by a SASL mechanism.</summary>
/// <remarks>RFC 5804 §2.1</remarks>
/// <param name="Initial">Base64; null: none was given.</param>
internal sealed record AuthenticateCommand(string Mechanism, byte[]? Initial) : ManageSieveCommand
{
    static readonly ManageSieveReply s_wrong = ManageSieveReply.No("Wrong user name or password");

    // command-authenticate = "AUTHENTICATE" SP auth-type [SP string] *(CRLF string)
    public static ManageSieveCommand Parse(ref CommandReader r)
    {
        string mechanism = r.SpText();
        return new AuthenticateCommand(mechanism, r.HasMore ? r.SpString() : null);
    }

    public override async ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct)
    {
        if (!session.MayLogIn)
            return ManageSieveReply.No("Passwords are only taken under TLS: send STARTTLS first", "ENCRYPT-NEEDED");
        if (SaslExchange.Start(Mechanism) is not { } exchange)
            return ManageSieveReply.No("No such mechanism");
        byte[]? answer = Initial;
        ReadOnlyMemory<byte> challenge = exchange.FirstChallenge;
        while (true)
        {
            if (answer is null)
            {
                session.Write($"\"{Convert.ToBase64String(challenge.Span)}\"\r\n");
                if (await session.ReadCommandAsync(ct) is not { } line)
                    return ManageSieveReply.Nothing;
                if (Answer(line.Span) is not { } text)
                    return ManageSieveReply.No("The answer must be a string");
                if (text.AsSpan().SequenceEqual("*"u8))
                    return ManageSieveReply.No("Log-in given up");
                answer = text;
            }
            if (!SaslExchange.TryDecode(answer, out byte[]? decoded))
                return ManageSieveReply.No("Not base64");
            SaslStep step = exchange.Next(decoded);
            switch (step.Kind)
            {
                case SaslStep.Outcome.Challenge:
                    challenge = step.Challenge;
                    answer = null;
                    break;
                case SaslStep.Outcome.Finished:
                    return await LogInAsync(session, step.User, step.Password, ct);
                default:
                    return s_wrong;
            }
        }
    }

    static byte[]? Answer(ReadOnlySpan<byte> line)
    {
        var reader = new CommandReader(line);
        byte[] text = reader.String();
        reader.End();
        return reader.Fault is null ? text : null;
    }

    static async ValueTask<ManageSieveReply> LogInAsync(ManageSieveSession session, string user, string password, CancellationToken ct)
    {
        session.Connection.Expect(TimeSpan.FromSeconds(60));
        AuthOutcome outcome = await session.Services.Authenticator.AuthenticateAsync(user, password, MailServices.ManageSieve, session.Connection.Remote?.Address, ct);
        if (outcome.Account is { } account)
            return session.TryLogIn(account) ? ManageSieveReply.Done : ManageSieveReply.No("Too many sessions of this account", "TRYLATER");
        return outcome.Failure switch
        {
            AuthFailure.Invalid => s_wrong,
            AuthFailure.ServiceOff => ManageSieveReply.No("ManageSieve is not switched on for this account"),
            AuthFailure.Suspended => ManageSieveReply.No("This account is suspended"),
            AuthFailure.Throttled => ManageSieveReply.No("Too many failed log-ins, try again later", "TRYLATER"),
            _ => ManageSieveReply.Unavailable,
        };
    }

    /// <summary>Keeps the password out of logs that print commands.</summary>
    public override string ToString() => nameof(AuthenticateCommand);
}
