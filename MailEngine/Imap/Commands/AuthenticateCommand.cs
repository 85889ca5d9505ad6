using System.Text;
using MailEngine.Sasl;

namespace MailEngine.Imap.Commands;

/// <summary>AUTHENTICATE: log-in by a SASL mechanism.</summary>
/// <remarks>RFC 9051 §6.2.2; initial response: RFC 4959 §3</remarks>
/// <param name="Initial">Decoded initial response; null: none was given.</param>
internal sealed record AuthenticateCommand(string Mechanism, byte[]? Initial) : ImapCommand
{
    const int MaxLine = 8192;

    // authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]; initial-resp = base64 / "=" (RFC 9051 §9)
    public static AuthenticateCommand Parse(ref ImapReader r)
    {
        r.Sp();
        string mechanism = Encoding.ASCII.GetString(r.Atom());
        byte[]? initial = null;
        if (r.TryTake((byte)' '))
        {
            ReadOnlySpan<byte> text = r.Atom();
            if (text.SequenceEqual("="u8))
                initial = [];
            else if (!SaslExchange.TryDecode(text, out initial))
                r.Fail("Not base64");
        }
        return new(mechanism, initial);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (!session.MayLogIn)
            return ImapReply.No("[PRIVACYREQUIRED] Passwords are only taken under TLS");
        if (SaslExchange.Start(Mechanism) is not { } exchange)
            return ImapReply.No("[CANNOT] No such mechanism");
        byte[]? answer = Initial;
        ReadOnlyMemory<byte> challenge = exchange.FirstChallenge;
        while (true)
        {
            if (answer is null)
            {
                await session.ContinueAsync(Convert.ToBase64String(challenge.Span), ct);
                if (await session.ReadLineAsync(MaxLine, ct) is not { } line)
                    return ImapReply.Nothing;
                if (line.AsSpan().SequenceEqual("*"u8))
                    return ImapReply.Bad("Log-in given up");
                if (!SaslExchange.TryDecode(line, out answer))
                    return ImapReply.Bad("Not base64");
            }
            SaslStep step = exchange.Next(answer);
            switch (step.Kind)
            {
                case SaslStep.Outcome.Challenge:
                    challenge = step.Challenge;
                    answer = null;
                    break;
                case SaslStep.Outcome.Finished:
                    return await LoginCommand.LogInAsync(session, step.User, step.Password, ct);
                default:
                    return ImapReply.No("[AUTHENTICATIONFAILED] Wrong user name or password");
            }
        }
    }

    public override string ToString() => nameof(AuthenticateCommand);
}
