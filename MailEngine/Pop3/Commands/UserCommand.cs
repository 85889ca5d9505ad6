namespace MailEngine.Pop3.Commands;

/// <summary>USER: the name to log in with. The answer is the same for every name.</summary>
/// <remarks>RFC 1939 §7</remarks>
internal sealed record UserCommand(string Name) : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new UserCommand(r.Rest().Trim(' '));

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct)
    {
        if (!session.MayLogIn)
            return new(Pop3Reply.Err(Pop3Texts.NeedsTls));
        session.User = Name;
        return new(Pop3Reply.Ok(Pop3Texts.Password));
    }
}
