using System.Globalization;
using System.Text;
using MailEngine.Sasl;

namespace MailEngine.Pop3.Commands;

/// <summary>CAPA: what this server can, now.</summary>
/// <remarks>RFC 2449 §5; STLS and USER: RFC 2595 §4; AUTH-RESP-CODE: RFC 3206 §5; UTF8 and LANG: RFC 6856 §2</remarks>
internal sealed record CapaCommand : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new CapaCommand();

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct)
    {
        session.Say(Pop3Reply.Ok(Pop3Texts.Capabilities));
        var text = new StringBuilder("TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n");
        // RFC 2449 §5: what is announced before log-in is announced after it too.
        if (session.MayLogIn)
            text.Append("USER\r\nSASL ").AppendJoin(' ', SaslExchange.Mechanisms).Append("\r\n");
        if (!session.IsPrivate && !session.IsUtf8)
            text.Append("STLS\r\n");
        if (session.Options.LoginDelay > TimeSpan.Zero)
            text.Append(CultureInfo.InvariantCulture, $"LOGIN-DELAY {(long)session.Options.LoginDelay.TotalSeconds}\r\n");
        text.Append(session.Options.LeaveMail ? "EXPIRE NEVER\r\n" : "EXPIRE 0\r\n");
        text.Append("UTF8\r\nLANG\r\nIMPLEMENTATION MailAdmin\r\n.\r\n");
        session.Writer.WriteAscii(text.ToString());
        return new(Pop3Reply.Nothing);
    }
}
