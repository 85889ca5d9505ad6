namespace MailEngine.Imap.Commands;

/// <summary>ENABLE: switches extensions on. None that we have needs it, so the list of those enabled is empty.</summary>
/// <remarks>RFC 9051 §6.3.1, RFC 5161 §3.1: unknown names are passed over.</remarks>
internal sealed record EnableCommand : ImapCommand
{
    public static EnableCommand Parse(ref ImapReader r)
    {
        do
        {
            r.Sp();
            r.Atom();
        }
        while (!r.Failed && !r.AtEnd);
        return new();
    }

    public override ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        session.Writer.Write("* ENABLED\r\n"u8);
        return new(ImapReply.Ok("ENABLE completed"));
    }
}
