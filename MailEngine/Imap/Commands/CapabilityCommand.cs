namespace MailEngine.Imap.Commands;

/// <summary>CAPABILITY: what this server can do, right now.</summary>
/// <remarks>RFC 9051 §6.1.1</remarks>
internal sealed record CapabilityCommand : ImapCommand
{
    public static CapabilityCommand Parse(ref ImapReader r) => new();

    public override ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        session.Writer.WriteAscii($"* CAPABILITY {session.CapabilityText}\r\n");
        return new(ImapReply.Ok("CAPABILITY completed"));
    }
}
