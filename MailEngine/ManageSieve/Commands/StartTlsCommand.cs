using System.Text;

namespace MailEngine.ManageSieve.Commands;

/// <summary>STARTTLS: goes on under TLS, and tells the capabilities anew. What was sent behind it in the clear ends the connection.</summary>
/// <remarks>RFC 5804 §2.2; attack case A3</remarks>
internal sealed record StartTlsCommand : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new StartTlsCommand();

    public override async ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct)
    {
        if (session.Connection.IsTls || session.Connection.IsUnixSocket)
            return ManageSieveReply.No("TLS is on already");
        await session.FlushAsync(ct);
        if (!await session.Connection.UpgradeToTlsAsync(Encoding.ASCII.GetBytes(ManageSieveReply.Done.ToString()), ct))
        {
            session.End();
            return ManageSieveReply.Nothing;
        }
        session.Write(CapabilityCommand.TextOf(session));
        return ManageSieveReply.Done;
    }
}
