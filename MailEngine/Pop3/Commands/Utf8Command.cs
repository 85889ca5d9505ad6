namespace MailEngine.Pop3.Commands;

/// <summary>UTF8: the client takes messages whose header fields have UTF-8 in them.</summary>
/// <remarks>RFC 6856 §2.1. Who has not said so gets a surrogate of a header that is not ASCII, and is not refused with [UTF8]: hardly a program that fetches
/// mail knows the command, and one message that is refused would keep it from all that came after.</remarks>
internal sealed record Utf8Command : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new Utf8Command();

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct)
    {
        session.IsUtf8 = true;
        return new(Pop3Reply.Ok(Pop3Texts.Utf8IsOn));
    }
}
