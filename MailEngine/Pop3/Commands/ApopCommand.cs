namespace MailEngine.Pop3.Commands;

/// <summary>APOP: a digest of the password; it needs one that is stored readable, which none is here.</summary>
/// <remarks>RFC 1939 §7. The greeting has no time stamp, so nobody is led to try it.</remarks>
internal sealed record ApopCommand : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r)
    {
        while (r.HasMore)
            r.Word();
        return new ApopCommand();
    }

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct) => new(Pop3Reply.Err(Pop3Texts.NoApop));
}
