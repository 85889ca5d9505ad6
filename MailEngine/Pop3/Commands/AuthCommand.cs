using System.Text;
using MailEngine.Sasl;

namespace MailEngine.Pop3.Commands;

/// <summary>AUTH: log-in by a SASL mechanism; without one, the list of them, as programs from before CAPA ask for it.</summary>
/// <remarks>RFC 5034 §4</remarks>
/// <param name="Mechanism">Null: the list is asked for.</param>
/// <param name="Initial">Decoded initial response; null: none was given.</param>
internal sealed record AuthCommand(string? Mechanism, byte[]? Initial) : Pop3Command
{
    // "AUTH" [SP mechanism [SP initial-response]]; initial-response = base64 / "=" (RFC 5034 §4)
    public static Pop3Command Parse(ref Pop3Reader r)
    {
        if (!r.HasMore)
            return new AuthCommand(null, null);
        string mechanism = Encoding.ASCII.GetString(r.Word());
        byte[]? initial = null;
        if (r.HasMore)
        {
            ReadOnlySpan<byte> text = r.Word();
            if (text.SequenceEqual("="u8))
                initial = [];
            else if (!SaslExchange.TryDecode(text, out initial))
                r.Fail(Pop3Texts.NotBase64);
        }
        return new AuthCommand(mechanism, initial);
    }

    public override async ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct)
    {
        if (!session.MayLogIn)
            return Pop3Reply.Err(Pop3Texts.NeedsTls);
        if (Mechanism is null)
        {
            session.Say(Pop3Reply.Ok(Pop3Texts.Mechanisms));
            foreach (string name in SaslExchange.Mechanisms)
                session.Writer.WriteAscii(name + "\r\n");
            session.Writer.Write(".\r\n"u8);
            return Pop3Reply.Nothing;
        }
        if (SaslExchange.Start(Mechanism) is not { } exchange)
            return Pop3Reply.Err(Pop3Texts.NoMechanism);
        session.User = null;
        byte[]? answer = Initial;
        ReadOnlyMemory<byte> challenge = exchange.FirstChallenge;
        while (true)
        {
            if (answer is null)
            {
                session.Writer.WriteAscii($"+ {Convert.ToBase64String(challenge.Span)}\r\n");
                if (await session.ReadLineAsync(ct) is not { } line)
                    return Pop3Reply.Nothing;
                if (line.AsSpan().SequenceEqual("*"u8))
                    return Pop3Reply.Err(Pop3Texts.GivenUp);
                if (!SaslExchange.TryDecode(line, out answer))
                    return Pop3Reply.Err(Pop3Texts.NotBase64);
            }
            SaslStep step = exchange.Next(answer);
            switch (step.Kind)
            {
                case SaslStep.Outcome.Challenge:
                    challenge = step.Challenge;
                    answer = null;
                    break;
                case SaslStep.Outcome.Finished:
                    return await PassCommand.LogInAsync(session, step.User, step.Password, ct);
                default:
                    return Pop3Reply.Err(Pop3Texts.Wrong, "AUTH");
            }
        }
    }

    /// <summary>Keeps the password out of logs that print commands.</summary>
    public override string ToString() => nameof(AuthCommand);
}
