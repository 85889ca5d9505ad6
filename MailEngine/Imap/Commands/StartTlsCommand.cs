using System.Text;

namespace MailEngine.Imap.Commands;

/// <summary>STARTTLS: goes on under TLS. Whatever was sent behind it in the clear ends the connection.</summary>
/// <remarks>RFC 9051 §6.2.1; attack case A3 (CVE-2011-0411). No state from before survives: there is none before log-in.</remarks>
internal sealed record StartTlsCommand : ImapCommand
{
    public static StartTlsCommand Parse(ref ImapReader r) => new();

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (session.Connection.IsTls || session.Connection.IsUnixSocket)
            return ImapReply.Bad("TLS is on already");
        await session.Writer.FlushAsync(session.Limits, ct);
        if (!await session.Connection.UpgradeToTlsAsync(Encoding.ASCII.GetBytes($"{session.CurrentTag} OK Begin TLS\r\n"), ct))
            session.End();
        return ImapReply.Nothing;
    }
}
