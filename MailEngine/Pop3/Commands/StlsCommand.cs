namespace MailEngine.Pop3.Commands;

/// <summary>STLS: goes on under TLS. Whatever was sent behind it in the clear ends the connection.</summary>
/// <remarks>RFC 2595 §4; attack case A3 (CVE-2011-0411). RFC 6856 §2.1: not after UTF8. A name that USER gave in the clear is forgotten.</remarks>
internal sealed record StlsCommand : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new StlsCommand();

    public override async ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct)
    {
        if (session.IsPrivate)
            return Pop3Reply.Err(Pop3Texts.TlsIsOn);
        if (session.IsUtf8)
            return Pop3Reply.Err(Pop3Texts.TlsBeforeUtf8);
        session.User = null;
        await session.Writer.FlushAsync(session.Limits, ct);
        if (!await session.Connection.UpgradeToTlsAsync(Pop3Reply.Ok(Pop3Texts.BeginTls).LineIn(session.Language), ct))
            session.End();
        return Pop3Reply.Nothing;
    }
}
